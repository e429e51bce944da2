from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from eclipsed import worlds
from eclipsed.directions import Direction
from eclipsed.evaluation import evaluate
from eclipsed.evaluation.scores import KEYS
from eclipsed.methods import registry, training
from eclipsed.methods.method import Method, calibrated
from eclipsed.search import loop
from eclipsed.testing import FakeGenerator, patch_vector
from eclipsed.types import Goal, World
from tests.cli.conftest import Run, check_refusal

QUICK = ("--steps", "3", "--method", "paper")


@pytest.fixture(autouse=True)
def _few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of eight seeds say as much about the command line as those of many."""
    real = evaluate.scored

    def score(world: World, direction: Direction, **options: Any) -> Direction:
        return real(world, direction, **(options | {"seeds": range(8)}))

    monkeypatch.setattr(evaluate, "scored", score)


def test_train_writes_a_card_with_scores_and_a_log(eclipsed: Run) -> None:
    ran = eclipsed("train", "bright hair", "--steps", "3")
    assert ran.code == 0, ran.err
    card = Direction.load("bright-hair.safetensors")
    assert (card.prompt, card.regions, card.method) == ("bright hair", ("hair",), "default")
    assert set(card.scores) == set(KEYS)
    lines = Path("bright-hair.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    assert "wrote bright-hair.safetensors" in ran.out
    assert "text_gain" in ran.out
    assert "step 3 of 3" in ran.err


def test_a_draft_is_there_while_it_trains(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    train, drafts = training.train_direction, []

    def train_later(*arguments: Any, **options: Any) -> Direction:
        drafts.append(Direction.load("bright-hair.safetensors"))
        return train(*arguments, **options)

    monkeypatch.setattr(training, "train_direction", train_later)
    ran = eclipsed("train", "bright hair", "--steps", "1", "--draft")
    assert ran.code == 0, ran.err
    assert "bright-hair.safetensors: a draft" in ran.err
    assert drafts[0].config["draft"]
    assert Direction.load("bright-hair.safetensors").method == "default"
    # What is trained already does not become a draft again, but a draft that was left is taken.
    assert eclipsed("train", "bright hair", "--steps", "1", "--draft").code == 0
    assert not drafts[1].config.get("draft")
    drafts[0].save("bright-hair.safetensors")
    assert eclipsed("train", "bright hair", "--steps", "1").code == 0
    assert Direction.load("bright-hair.safetensors").method == "default"
    assert eclipsed("train", "bright hair", *QUICK, "--draft").code == 2


def test_train_as_json_is_one_object(eclipsed: Run) -> None:
    ran = eclipsed("train", "bright hair", *QUICK, "--json", "-o", "x.safetensors")
    assert ran.code == 0, ran.err
    assert set(ran.json) == {
        *KEYS,
        "judged_by",
        "verdict",
        "card",
        "name",
        "regions",
        "range",
        "predicted",
        "seconds",
    }
    assert ran.json["card"] == "x.safetensors"
    assert set(ran.json["success"]) == {
        *("median", "low", "high", "worst", "of", "count", "backward")
    }
    assert set(ran.json["verdict"]) == {"kind", "sentence", "also"}


def test_options_reach_the_training(eclipsed: Run) -> None:
    words = ["train", "bright hair", "--method", "paper", "--region", "eyes,mouth", "--space", "w+"]
    ran = eclipsed(*words, "--layers", "1,2", "--steps", "4", "--seed", "9", "-o", "c.safetensors")
    assert ran.code == 0, ran.err
    card = Direction.load("c.safetensors")
    assert card.method == "paper"
    assert card.regions == ("eyes", "mouth")
    assert (card.config["steps"], card.config["seed"]) == (4, 9)
    assert card.config["layers"] == [1, 2]
    assert bool((card.vector.view(4, 8)[[0, 3]] == 0).all())
    assert bool((card.vector.view(4, 8)[[1, 2]] != 0).any())


def test_a_generator_without_w_is_trained_in_z_unless_told_otherwise(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_z = replace(world, generator=FakeGenerator(spaces=("z",)))
    monkeypatch.setattr(worlds, "load_world", lambda name, device="cpu": only_z)
    for method in ("default", "paper"):
        words = ("train", "bright hair", "--steps", "2", "--method", method)
        ran = eclipsed(*words, "-o", f"{method}.safetensors")
        assert ran.code == 0, ran.err
        assert Direction.load(f"{method}.safetensors").space == "z"
    strip = ("strip", "-d", "paper.safetensors", "--seeds", "1", "-o", "strip.png")
    assert eclipsed(*strip).code == 0
    ran = eclipsed("train", "bright hair", *QUICK, "--space", "w+")
    assert ran.code == 1
    assert "no latent space 'w+'" in ran.err


@dataclass(frozen=True)
class _Numbers:
    """Of the two methods below."""

    steps: int = 1
    image: int = 0


def _method(**changes: Any) -> Method:
    """A method that brightens the mouth, the eyes or the hair, without reading the prompt."""

    def find(world: World, goal: Goal, config: _Numbers) -> list[Direction]:
        parts = ("mouth", "eyes", "hair")
        return [
            calibrated(
                world,
                config.steps * patch_vector(part),
                Goal("", ""),
                config,
                method="patches",
                space="w+",
                name=part,
            )
            for part in parts
        ]

    words = ("stylemc", "somebody", "Brightens.", "Nothing.")
    return replace(Method(*words, "nothing", _Numbers, find), **changes)


def test_of_a_method_without_prompts_comes_what_answers_the_prompt(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._REGISTERED, "stylemc", _method())
    ran = eclipsed("train", "dark eyes", "--method", "stylemc", "--steps", "7")
    assert ran.code == 0, ran.err
    assert "looking for 'dark eyes' by stylemc" in ran.err
    card = Direction.load("dark-eyes.safetensors")
    assert (card.config["chosen"], card.config["sign"], card.config["steps"]) == ("eyes", -1.0, 7)
    assert (card.prompt, card.regions) == ("dark eyes", ("eyes",))
    assert set(card.scores) == set(KEYS)
    assert "text_gain" in ran.out


def test_a_method_that_reads_the_prompt_says_itself_what_it_found(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._REGISTERED, "stylemc", _method(takes="prompt"))
    assert eclipsed("train", "dark eyes", "--method", "stylemc").code == 0
    assert Direction.load("dark-eyes.safetensors").name == "mouth"


def test_a_method_for_one_image_is_scored_on_that_image(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    real = evaluate.scored

    def score(world: World, direction: Direction, *, seeds: Any) -> Direction:
        asked.append(seeds)
        return real(world, direction, seeds=seeds)

    monkeypatch.setattr(evaluate, "scored", score)
    words = ("train", "bright hair", "--method", "styleclip-optimization", "--steps", "3")
    ran = eclipsed(*words, "--image", "7")
    assert ran.code == 0, ran.err
    assert asked == [(7,)]
    assert "on the image of seed 7 alone" in ran.out
    assert "--seeds 7 " in ran.out
    card = Direction.load("bright-hair.safetensors")
    assert (card.name, card.method) == ("bright hair, image 7", "styleclip-optimization")
    assert (card.config["image"], card.config["steps"]) == (7, 3)
    result = eclipsed(*words, "--image", "8", "--json").json
    assert result["image"] == 8
    assert set(KEYS) <= set(result)


def test_ctrl_c_in_a_method_leaves_nothing(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setitem(registry._REGISTERED, "stylemc", _method(find=find))
    ran = eclipsed("train", "dark eyes", "--method", "stylemc")
    assert ran.code == 130
    assert "before there was a direction" in ran.err
    assert list(Path().iterdir()) == []


def test_the_same_command_gives_the_same_bytes(eclipsed: Run) -> None:
    for name in ("a", "b"):
        assert eclipsed("train", "dark eyes", *QUICK, "-o", f"{name}.safetensors").code == 0
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


def test_prompts_of_any_script_get_cards_of_their_own(eclipsed: Run) -> None:
    for prompt in ("卷发", "кудрявые волосы", "déjà vu"):
        assert eclipsed("train", prompt, "--region", "hair", *QUICK).code == 0
    cards = {path.name: Direction.load(path).prompt for path in Path().glob("*.safetensors")}
    assert cards == {
        "卷发.safetensors": "卷发",
        "кудрявые-волосы.safetensors": "кудрявые волосы",
        "déjà-vu.safetensors": "déjà vu",
    }


def test_a_card_of_another_search_stays_unless_it_is_named(eclipsed: Run) -> None:
    words = ("train", "bright hair", *QUICK)
    assert eclipsed(*words).code == 0
    first = Path("bright-hair.safetensors").read_bytes()
    again = eclipsed(*words)
    assert "holds something else" not in again.err
    assert Path("bright-hair.safetensors").read_bytes() == first
    others = (
        ("train", "bright hair!", *QUICK),
        (*words, "--region", "eyes"),
        (*words, "--seed", "9"),
        (*words, "--space", "w"),
    )
    for number, other in enumerate(others, start=2):
        ran = eclipsed(*other)
        assert ran.code == 0, ran.err
        card = f"bright-hair-{number}.safetensors"
        assert f"something else and stays; this is written to {card}" in ran.err
        assert f"wrote {card}: " in ran.out
        assert eclipsed(*other, "--json").json["card"] == card
    assert Path("bright-hair.safetensors").read_bytes() == first
    assert len(list(Path().glob("*.safetensors"))) == 5
    named = eclipsed("train", "bright eyes", *QUICK, "-o", "bright-hair.safetensors")
    assert named.code == 0
    assert Direction.load("bright-hair.safetensors").prompt == "bright eyes"


def test_the_command_to_look_at_it_can_be_pasted(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "load_world", lambda *_: world)
    ran = eclipsed("train", "bright hair", *QUICK, "-w", "my world.toml", "-o", "a b.safetensors")
    assert ran.code == 0, ran.err
    line = ran.out.splitlines()[-1].removeprefix("look at it: ")
    assert "-w 'my world.toml'" in line
    program, *words = shlex.split(line)
    assert program == "eclipsed"
    assert eclipsed(*words).code == 0
    assert Path("strip.png").exists()


def test_what_is_no_card_stays(eclipsed: Run) -> None:
    Path("bright-hair.safetensors").write_bytes(b"notes")
    Path("bright-hair-2.safetensors").mkdir()
    assert "wrote bright-hair-3.safetensors" in eclipsed("train", "bright hair", *QUICK).out
    assert Path("bright-hair.safetensors").read_bytes() == b"notes"


def test_ctrl_c_keeps_what_was_learned_and_the_same_command_goes_on(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    words = ("train", "bright hair", "--steps", "6", "--method", "paper", "--json", "-o")
    assert eclipsed(*words, "whole.safetensors").code == 0
    real = loop.advance
    calls = 0

    def advance(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(loop, "advance", advance)
    ran = eclipsed(*words, "cut.safetensors")
    assert ran.code == 130
    assert "3 of 6 steps" in ran.json["error"]
    assert "goes on" in ran.json["hint"]
    assert Direction.load("cut.safetensors").config["interrupted"] is True
    assert list((cache / "directions").rglob("*.safetensors"))
    assert eclipsed(*words, "cut.safetensors").code == 0
    assert calls == 4 + 3
    assert Path("cut.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()
    assert not list((cache / "directions").rglob("*.safetensors"))
    steps = [json.loads(line)["step"] for line in Path("cut.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_whose_scores_they_are_is_said_wherever_they_are_shown(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = eclipsed("train", "bright hair", *QUICK, "-o", "a.safetensors")
    assert "judged by independent networks, which no training used" in ran.out
    alone = replace(world, judge=None)
    monkeypatch.setattr(worlds, "load_world", lambda name, device="cpu": alone)
    said = "judged by the world's own networks, which the training used"
    assert said in eclipsed("train", "bright hair", *QUICK, "-o", "b.safetensors").out
    assert said in eclipsed("show", "b.safetensors").out
    assert eclipsed("show", "b.safetensors", "--json").json["judged_by"] == evaluate.OWN
    ran = eclipsed("score", "b.safetensors", "--seeds", "0-7")
    assert said in ran.out
    assert (
        ran.out.count("cannot be told") == 3
    )  # success, reversal and preservation need a classifier
    assert eclipsed("world", "starter", "--json").json["judged_by"] == evaluate.OWN


def test_ctrl_c_while_scoring_keeps_the_card(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def score(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "scored", score)
    ran = eclipsed("train", "bright hair", *QUICK)
    assert ran.code == 130
    assert "without scores" in ran.err
    assert Direction.load("bright-hair.safetensors").scores == {}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["train", "  "], 2),
        (["train"], 2),
        (["train", "x", "--method", "best"], 2),
        (["train", "x", "--space", "q"], 2),
        (["train", "x", "--layers", "-3"], 2),
        (["train", "x", "--steps", "0"], 2),
        (["train", "x", "--steps", "many"], 2),
        (["train", "x", "--region", "hair,none"], 2),
        (["train", "x", "--device", "tpu"], 2),
        (["train", "x", "--colour"], 2),
        (["train", "bright hair", "--seed", "99999"], 2),
        (["train", "x", "--method", "magic"], 2),
        (["train", "x", "--method", "paint-by-word", "--image", "7", "--method", "default"], 2),
        (["train", "x", "--method", "paint-by-word"], 2),
        (["train", "x", "--method", "paint-by-word", "--image", "-1"], 2),
        (["train", "x", "--method", "paint-by-word", "--image", "7", "--layers", "1"], 2),
        (["train", "x", "--method", "styleclip-optimization", "--image", "7", "--seed", "1"], 2),
        (["train", "x", "--image", "7"], 2),
        (["train", "bright hair", "--region", "nose"], 1),
        (["train", "bright hair", "--layers", "77"], 1),
        (["train", "bright hair", "-w", "mars"], 1),
        (["train", "bright hair", "-o", "missing/x.safetensors"], 1),
        (["train", "bright hair", "-o", "x.jsonl"], 2),
        (["train", "bright hair", "-o", ".."], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)


def test_what_is_near_is_named_where_it_is_not_likely(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclipsed.search.preflight._instead", lambda *_: ("bright hair", "a hat"))
    near = "Near to it, and likely: 'bright hair' or 'a hat'."
    assert eclipsed("check", "a truck").out.rstrip().endswith(near)
    ran = eclipsed("train", "a truck", "--steps", "1")
    assert ran.code == 0
    assert "Unlikely to work (" in ran.err
    assert near in " ".join(ran.err.split())
    assert "Unlikely" not in eclipsed("train", "bright hair", "--steps", "1").err


def test_words_without_quotes_are_told_to_be_quoted(eclipsed: Run) -> None:
    for verb in ("train", "check"):
        ran = eclipsed(verb, "curly", "hair")
        assert ran.code == 2
        assert f'Put the words of a prompt in quotes: eclipsed {verb} "curly hair".' in ran.err


def test_a_prompt_of_several_changes_is_taken_change_by_change(eclipsed: Run) -> None:
    words = "bright hair and a dark mouth"
    ran = eclipsed("check", words)
    assert "changes       'bright hair', 'a dark mouth'" in ran.out
    assert eclipsed("check", words, "--json").json["changes"] == ["bright hair", "a dark mouth"]
    ran = eclipsed("train", words, "--steps", "2", "-o", "two.safetensors")
    assert ran.code == 0, ran.err
    assert "trained change by change: 'bright hair', 'a dark mouth'" in ran.out
    assert set(Direction.load("two.safetensors").regions) == {"hair", "mouth"}


def test_a_direction_that_failed_says_so_on_stderr(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(world: World, goal: Goal, config: _Numbers) -> list[Direction]:
        part, sign = ("mouth", 1.0) if "hair" in goal.prompt else ("eyes", -1.0)
        card = {"method": "stylemc", "space": "w+"}
        return [calibrated(world, sign * patch_vector(part), goal, config, **card)]

    monkeypatch.setitem(registry._REGISTERED, "stylemc", _method(find=find, takes="prompt"))
    ran = eclipsed("train", "bright hair", "--method", "stylemc", "-o", "a.safetensors")
    assert ran.code == 0
    assert "Fails: none of" in ran.err
    assert "Fails: none of" in ran.out
    assert "reached" not in ran.out
    assert "Fails: none of" in eclipsed("show", "a.safetensors").out
    scored = eclipsed("score", "a.safetensors", "--seeds", "0-7", "--json").json
    assert scored["verdict"]["kind"] == "fails"
    ran = eclipsed("train", "bright eyes", "--method", "stylemc", "-o", "b.safetensors", "--json")
    assert "turned round" in ran.err
    assert ran.json["verdict"]["kind"] == "works"
    assert Direction.load("b.safetensors").config["turned"] is True
