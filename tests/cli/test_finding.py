from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eclipsed import scoring, training
from eclipsed.cli.finding import file_name
from eclipsed.directions import Direction
from eclipsed.types import World
from tests.cli.conftest import Run, save_card

QUICK = ("--steps", "3", "--preset", "paper")


@pytest.fixture(autouse=True)
def _few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of eight seeds say as much about the command line as those of many."""
    real = scoring.score_direction

    def score(world: World, direction: Direction, **options: Any) -> Any:
        return real(world, direction, **(options | {"seeds": range(8)}))

    monkeypatch.setattr(scoring, "score_direction", score)


def test_train_writes_a_card_with_scores_and_a_log(eclipsed: Run) -> None:
    ran = eclipsed("train", "bright hair", "--steps", "3")
    assert ran.code == 0, ran.err
    card = Direction.load("bright-hair.safetensors")
    assert (card.prompt, card.regions, card.preset) == ("bright hair", ("hair",), "default")
    assert set(card.scores) == set(scoring.KEYS)
    lines = Path("bright-hair.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    assert "wrote bright-hair.safetensors" in ran.out
    assert "text_gain" in ran.out
    assert "step 3 of 3" in ran.err


def test_train_as_json_is_one_object(eclipsed: Run) -> None:
    ran = eclipsed("train", "bright hair", *QUICK, "--json", "-o", "x.safetensors")
    assert ran.code == 0, ran.err
    assert set(ran.json) == {*scoring.KEYS, "card", "name", "regions", "seconds"}
    assert ran.json["card"] == "x.safetensors"
    assert set(ran.json["flip"]) == {"median", "low", "high"}


def test_options_reach_the_training(eclipsed: Run) -> None:
    words = ["train", "bright hair", "--preset", "paper", "--region", "eyes,mouth", "--space", "w+"]
    ran = eclipsed(*words, "--layers", "1,2", "--steps", "4", "--seed", "9", "-o", "c.safetensors")
    assert ran.code == 0, ran.err
    card = Direction.load("c.safetensors")
    assert card.preset == "paper"
    assert card.regions == ("eyes", "mouth")
    assert (card.config["steps"], card.config["seed"]) == (4, 9)
    assert card.config["layers"] == [1, 2]
    assert bool((card.vector.view(4, 8)[[0, 3]] == 0).all())
    assert bool((card.vector.view(4, 8)[[1, 2]] != 0).any())


def test_the_same_command_gives_the_same_bytes(eclipsed: Run) -> None:
    for name in ("a", "b"):
        assert eclipsed("train", "dark eyes", *QUICK, "-o", f"{name}.safetensors").code == 0
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


def test_ctrl_c_keeps_what_was_learned_and_the_same_command_goes_on(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("train", "bright hair", "--steps", "6", "--preset", "paper", "--json", "-o")
    assert eclipsed(*words, "whole.safetensors").code == 0
    real = training.advance
    calls = 0

    def advance(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(training, "advance", advance)
    ran = eclipsed(*words, "cut.safetensors")
    assert ran.code == 130
    assert "3 of 6 steps" in ran.json["error"]
    assert "goes on" in ran.json["hint"]
    assert Direction.load("cut.safetensors").config["interrupted"] is True
    assert list((tmp_path / "cache").rglob("*.safetensors"))
    assert eclipsed(*words, "cut.safetensors").code == 0
    assert calls == 4 + 3
    assert Path("cut.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    steps = [json.loads(line)["step"] for line in Path("cut.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_ctrl_c_while_scoring_keeps_the_card(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring, "score_direction", score)
    ran = eclipsed("train", "bright hair", *QUICK)
    assert ran.code == 130
    assert "without scores" in ran.err
    assert Direction.load("bright-hair.safetensors").scores == {}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["train", "  "], 2),
        (["train"], 2),
        (["train", "x", "--preset", "best"], 2),
        (["train", "x", "--space", "q"], 2),
        (["train", "x", "--layers", "-3"], 2),
        (["train", "x", "--steps", "0"], 2),
        (["train", "x", "--steps", "many"], 2),
        (["train", "x", "--region", "hair,none"], 2),
        (["train", "x", "--device", "tpu"], 2),
        (["train", "x", "--colour"], 2),
        (["train", "bright hair", "--seed", "99999"], 2),
        (["train", "bright hair", "--region", "nose"], 1),
        (["train", "bright hair", "--layers", "77"], 1),
        (["train", "bright hair", "-w", "mars"], 1),
        (["train", "bright hair", "-o", "missing/x.safetensors"], 1),
        (["train", "bright hair", "-o", "x.jsonl"], 2),
        (["train", "bright hair", "-o", ".."], 2),
        (["check", ""], 2),
        (["check", "bright hair", "--region", "nose"], 1),
        (["score", "missing.safetensors"], 1),
        (["score", "missing.safetensors", "--seeds", "b"], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    ran = eclipsed(*words)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("eclipsed: ")
    assert list(Path().iterdir()) == []
    as_json = eclipsed(*words, "--json")
    assert as_json.code == code
    assert set(as_json.json) == {"error", "hint"}
    assert as_json.json["error"]


def test_cuda_where_there_is_none_is_a_sentence(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ran = eclipsed("check", "bright hair", "--device", "cuda")
    assert ran.code == 1
    assert "--device cpu" in ran.err


def test_check_says_what_was_understood(eclipsed: Run) -> None:
    ran = eclipsed("check", "bright hair")
    assert ran.code == 0, ran.err
    assert ran.out.startswith(("likely: ", "unsure: "))
    assert "because" in ran.out
    found = eclipsed("check", "bright hair", "--json", "--region", "none").json
    assert found["regions"] == []
    assert found["coverage"] == 1.0
    assert found["verdict"] in ("likely", "unsure", "unlikely")
    assert {"best", "worst", "contrast", "present", "reason", "understood"} <= set(found)


def test_score_reads_a_card(eclipsed: Run, world: World) -> None:
    save_card(world, "c.safetensors")
    found = eclipsed("score", "c.safetensors", "--json", "--seeds", "0-7").json
    assert set(found) == set(scoring.KEYS)
    assert found["flip"]["median"] > 0.9
    ran = eclipsed("score", "c.safetensors")
    assert ran.code == 0
    assert "flip" in ran.out
    save_card(world, "d.safetensors", generator_fingerprint="0" * 64)
    ran = eclipsed("score", "d.safetensors")
    assert ran.code == 1
    assert "made for the generator" in ran.err


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Curly hair!", "curly-hair"),
        ("../../etc/passwd", "etc-passwd"),
        ("déjà vu", "deja-vu"),
        ("笑顔", "direction"),
        ("a" * 200, "a" * 60),
    ],
)
def test_a_prompt_becomes_a_plain_file_name(prompt: str, name: str) -> None:
    assert file_name(prompt) == name
