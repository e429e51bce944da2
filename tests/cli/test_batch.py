from __future__ import annotations

import json
from pathlib import Path

import pytest

from eclipsed.directions import Direction
from eclipsed.editing.images import load_png
from eclipsed.evaluation import evaluate
from eclipsed.evaluation.scores import KEYS
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal, save_card

SMALL = 'prompts = ["bright hair", "dark eyes"]\nmethod = "paper"\nsteps = 1\n'


@pytest.fixture(autouse=True)
def _few_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "QUICK_SEEDS", evaluate.QUICK_SEEDS[:2])


def write(text: str, name: str = "jobs.toml") -> str:
    Path(name).write_text(text)
    return name


def bytes_of(folder: Path | str, ending: str) -> dict[str, bytes]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob(f"*{ending}")}


def test_the_smallest_file_gives_a_scored_card_for_each_prompt(eclipsed: Run) -> None:
    ran = eclipsed("batch", write('world = "starter"\n' + SMALL), "-o", "out", "--json")
    assert ran.code == 0, ran.err
    assert {key: ran.json[key] for key in ("jobs", "done", "skipped", "failed", "left")} == {
        "jobs": 2,
        "done": 2,
        "skipped": 0,
        "failed": 0,
        "left": 0,
    }
    card = Direction.load("out/dark-eyes--paper.safetensors")
    assert card.prompt == "dark eyes"
    assert set(card.scores) == set(KEYS)
    assert card.config["job"] == ran.json["results"]["dark-eyes--paper.safetensors"]["id"]
    assert json.loads(Path("out/report.json").read_text())["done"] == 2
    rows = [json.loads(line) for line in Path("out/jobs.jsonl").read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["start", "end"] * 2
    assert not Path("out/.work").exists()


def test_the_same_command_skips_what_is_done_and_mends_what_is_not(eclipsed: Run) -> None:
    words = ("batch", write(SMALL), "-o", "out", "--json")
    assert eclipsed(*words).code == 0
    before = bytes_of("out", ".safetensors")
    assert eclipsed(*words).json["skipped"] == 2
    Path("out/dark-eyes--paper.safetensors").unlink()
    Path("out/bright-hair--paper.safetensors").write_bytes(b"half")
    ran = eclipsed(*words)
    assert (ran.json["done"], ran.json["skipped"]) == (2, 0)
    assert bytes_of("out", ".safetensors") == before


def test_another_setting_is_another_job(eclipsed: Run) -> None:
    assert eclipsed("batch", write(SMALL), "-o", "out").code == 0
    ran = eclipsed("batch", write(SMALL.replace("steps = 1", "steps = 2")), "-o", "out", "--json")
    assert (ran.json["done"], ran.json["skipped"]) == (2, 0)


def test_dry_run_says_the_plan_and_writes_nothing(eclipsed: Run) -> None:
    write(SMALL)
    ran = eclipsed("batch", "jobs.toml", "-o", "out", "--dry-run", "--json")
    assert ran.code == 0
    assert (ran.json["jobs"], ran.json["skipped"]) == (2, 0)
    assert ran.json["expected_seconds"] is None
    assert not Path("out").exists()
    eclipsed("batch", "jobs.toml", "-o", "out")
    other = write(SMALL.replace("dark", "bright"))
    ran = eclipsed("batch", other, "-o", "out", "--dry-run", "--json")
    assert (ran.json["jobs"], ran.json["skipped"]) == (2, 1)
    assert ran.json["expected_seconds"] is not None


def test_a_stack_is_laid_on_many_seeds_as_edit_does(eclipsed: Run, world: World) -> None:
    save_card(world, "hair.safetensors")
    save_card(world, "eyes.safetensors", "bright eyes")
    stacks = 'stacks = ["hair.safetensors=1.5", ["hair.safetensors=1", "eyes.safetensors=-0.5"]]\n'
    ran = eclipsed("batch", write(stacks + 'seeds = "0-39"\n'), "-o", "out", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["jobs"] == 4
    assert len(bytes_of("out", ".png")) == 80
    cards = ("-d", "hair.safetensors=1", "-d", "eyes.safetensors=-0.5")
    eclipsed("edit", *cards, "--seeds", "0-39", "-o", "single")
    for seed in (0, 39):
        ours = load_png(f"out/hair_1+eyes_-0.5/seed-{seed}.png")
        theirs = load_png(f"single/seed-{seed}.png")
        assert ours[0].tobytes() == theirs[0].tobytes()
        assert ours[1] is not None
        assert {key: value for key, value in ours[1].items() if key != "job"} == theirs[1]


def test_one_failure_is_listed_and_the_others_are_done(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        save_card(world, f"{name}.safetensors")
    write('stacks = ["a.safetensors=1", "b.safetensors=1"]\nseeds = [1]\n')
    words = ("batch", "jobs.toml", "-o", "out")
    Path("out/a_1").mkdir(parents=True)
    Path("out/a_1/seed-1.png").mkdir()
    ran = eclipsed(*words, "--json")
    assert ran.code == 1
    assert (ran.json["done"], ran.json["failed"], ran.json["left"]) == (1, 1, 0)
    (failure,) = ran.json["failures"].values()
    assert "it is a folder" in failure["error"]
    ran = eclipsed(*words, "--fail-fast")
    assert ran.code == 1
    assert "a_1/seed-1.png: Cannot write" in ran.out
    Path("out/a_1/seed-1.png").rmdir()
    assert eclipsed(*words).code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "says nothing to do"),
        ('prompts = ["afro"]\nstacks = ["a=1"]\n', "has both prompts and stacks"),
        ('prompts = ["afro"]\nprompt = "x"\n', "line 2: 'prompt' is unknown"),
        ("prompts = 3\n", "line 1: 'prompts' must be a text"),
        ('prompts = ["afro", 3]\n', "'prompts' must be a text"),
        ('prompts = ["..."]\n', "has no words"),
        ('prompts = ["afro"]\nmethod = "magic"\n', "line 2: 'method' has no 'magic'"),
        ('prompts = ["afro"]\nworld = "mars"\n', "There is no world 'mars'"),
        ('prompts = ["afro"]\nseeds = "3-1"\n', "line 2: 'seeds' makes no sense"),
        ('prompts = ["afro"]\nseeds = [true]\n', "line 2: 'seeds' has none"),
        ('prompts = ["afro"]\nsteps = 0\n', "line 2: 'steps' must be"),
        ('prompts = ["afro"]\nphotos = "x"\n', "line 2: 'photos' is about images"),
        ('prompts = ["afro"\n', "is not valid TOML"),
        ('stacks = ["hair.safetensors=x"]\nseeds = [1]\n', "line 1: 'stacks' makes no sense"),
        ('stacks = ["none.safetensors=1"]\nseeds = [1]\n', "there is no such file"),
        ('stacks = ["hair.safetensors=1"]\n', "does not say which images"),
        ('stacks = ["hair.safetensors=1"]\nphotos = "x"\n', "line 2: 'photos' is no folder"),
        ('stacks = ["hair.safetensors=1"]\nseeds = [1]\nmethod = "paper"\n', "about cards"),
        ('stacks = ["hair.safetensors=1"]\nseeds = [1]\ntruncation = 9\n', "line 3: 'trunc"),
        ("stacks = []\nseeds = [1]\n", "line 1: 'stacks' must be"),
    ],
)
def test_a_bad_file_is_one_sentence_before_anything_runs(
    eclipsed: Run, world: World, text: str, says: str
) -> None:
    save_card(world, "hair.safetensors")
    words = ("batch", write(text), "-o", "out")
    check_refusal(eclipsed, words, 1)
    assert says in eclipsed(*words).err


def test_wrong_usage(eclipsed: Run) -> None:
    write(SMALL)
    check_refusal(eclipsed, ("batch", "jobs.toml", "-o", "out", "--on", "slurm"), 2)
    check_refusal(eclipsed, ("batch", "jobs.toml", "-o", "out", "--workers", "0"), 2)
    check_refusal(eclipsed, ("batch", "jobs.toml", "-o", "out.png.jpg"), 2)
    check_refusal(eclipsed, ("batch", "nothing.toml", "-o", "out"), 1)
