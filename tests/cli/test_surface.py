"""What programs may rely on: the words of the command line, and the keys of `--json`.

python -m tests.cli.test_surface        # writes tests/data/command_line.txt anew
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from eclipsed.cli import program
from eclipsed.editing.images import save_png
from eclipsed.evaluation import evaluate
from eclipsed.types import World
from tests.cli.conftest import Run, save_card

COMMAND_LINE = Path(__file__).parents[1] / "data" / "command_line.txt"
SCORES = "identity leakage locality monotonicity preservation reversal success text_gain"
PICTURE = "generator made_by out verb world"
OF_SEEDS = f"{PICTURE} seeds truncation"
PHOTO = "blend edits inversion notes photo scores written"
# Command → the keys of the one object that it prints.
OBJECTS = {
    "train 'bright hair' --method paper --steps 1 -o new.safetensors": f"{SCORES} card judged_by "
    "name predicted range regions seconds verdict",
    "check 'bright hair'": "best changes clarity contrast coverage instead keep neutral present "
    "probability prompt rank reason regions score seeds spread text trial understood verdict worst",
    "score hair.safetensors --seeds 1,2": f"{SCORES} judged_by verdict",
    "edit --seed 1 -d hair.safetensors -o new.png": f"{OF_SEEDS} edits",
    "edit --seeds 1,2 -d hair.safetensors -o folder": f"{OF_SEEDS} edits files",
    "edit --photo photos/a.png -d hair.safetensors -o new.png": f"{PICTURE} {PHOTO}",
    "edit --photos photos -d hair.safetensors -o folder": "failures out photos task",
    "invert photos/a.png -o new.safetensors": f"{PICTURE} losses method notes photo scores seconds "
    "space",
    "strip -d hair.safetensors --seeds 1 --strengths 0,1 -o new.png": f"{OF_SEEDS} edits strengths",
    "sample --seeds 1 -o new.png": f"{OF_SEEDS} files",
    "animate -d hair.safetensors --strengths 0,1 -o new.gif": f"{OF_SEEDS} edits milliseconds "
    "pictures strengths",
    "show hair.safetensors": "config generator judged_by kind layers method name neutral prompt "
    "range regions scores space unit verdict",
    "show photos/a.png": "format height kind recipe width",
    "batch jobs.toml -o folder": "done failed failures jobs left out results seconds skipped",
    "batch jobs.toml -o folder --dry-run": "expected_bytes expected_seconds jobs not_estimated out "
    "skipped workers",
    "discover sefa --count 2 -o folder": "cards folder method seconds sheet world",
    "clusters make -o new.safetensors": "clusters generator layers out seeds",
    "worlds": "worlds",
    "world starter": "encoder generator judged judged_by name neutral regions segmenter spaces "
    "truncation",
}


def lines(command: Any, name: str = "eclipsed") -> list[str]:
    """A line for each verb: its arguments, then its options by name; "!" stands after what must be
    there."""
    words = [
        "|".join([*one.opts, *one.secondary_opts]) + "!" * one.required for one in command.params
    ]
    result = [" ".join([name, *sorted(words, key=lambda word: (word.startswith("-"), word))])]
    for verb, each in sorted(getattr(command, "commands", {}).items()):
        result += lines(each, f"{name} {verb}")
    return result


def told() -> str:
    return "\n".join(lines(typer.main.get_command(program))) + "\n"


def test_the_command_line_is_pinned() -> None:
    # What is new is added to the file; what goes missing breaks somebody's script.
    assert told() == COMMAND_LINE.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", OBJECTS)
def test_the_keys_of_an_object_are_pinned(
    line: str, eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "QUICK_SEEDS", evaluate.HELD_OUT_SEEDS[:2])
    save_card(world, "hair.safetensors")
    Path("photos").mkdir()
    image = world.generator.synthesize(world.generator.sample([1])).image[0]
    save_png(image.repeat_interleave(2, 1).repeat_interleave(2, 2), "photos/a.png")
    Path("jobs.toml").write_text('stacks = ["hair.safetensors=1"]\nseeds = [1]\n')
    ran = eclipsed(*shlex.split(line), "--json")
    assert ran.code == 0, ran.out + ran.err
    assert sorted(ran.json) == sorted(OBJECTS[line].split())


if __name__ == "__main__":
    COMMAND_LINE.write_text(told(), encoding="utf-8")
