"""Whether a direction does what a sentence says: ways to remove, keep, instruct and deny.

    python -m benchmarks.instructions [LIST.tsv] [--method NAME] [--only TEXT]

Each line of the list (tests/data/instruction_prompts.tsv) holds what a judge should see (predicates
of the starter world, alternatives parted by |, several by commas, "not X" for any other value), the
regions, those that are kept, and the prompt. Every prompt is trained and judged on 32 unseen seeds
by the list's predicates, never by what the package understood. It does what was said where at least
half of the seeds that lacked it show it at strength 1 and no kept pixel changes: a pixel that shows
a kept region before and after. Prints a Markdown table and that fraction.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median

import torch

import eclipsed
from eclipsed import Direction, Edit, EditStack, World
from eclipsed.evaluation.evaluate import QUICK_SEEDS, measure
from eclipsed.evaluation.metrics import worst_tenth
from eclipsed.evaluation.observe import Evaluator, evaluator_of, sample_seeds, target_of
from eclipsed.methods.registry import config_for
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.types import Claim
from eclipsed.worlds.starter.attributes import JUDGED
from eclipsed.worlds.starter.predicates import PREDICATE

LIST = Path("tests/data/instruction_prompts.tsv")
SUCCESS = 0.5


@dataclass(frozen=True)
class Asked:
    """A line of the list."""

    claims: tuple[Claim, ...]
    regions: tuple[str, ...]
    kept: tuple[str, ...]
    prompt: str


@dataclass(frozen=True)
class Outcome:
    """What became of a prompt: success, locality (its median and worst tenth) of the seeds that
    lacked what was asked for, and the greatest change of a kept pixel (white is 1)."""

    asked: Asked
    success: float | None
    locality: float | None
    worst: float | None
    changed: float | None

    @property
    def ok(self) -> bool:
        """Whether the direction does what the sentence says."""
        return (self.success or 0.0) >= SUCCESS and not self.changed


def claim_of(alternatives: str) -> Claim:
    """ "no beard|short beard" as one claim; "not X" claims every other value of its group."""
    values: list[str] = []
    for name in alternatives.split("|"):
        predicate = PREDICATE[name if name in PREDICATE else name.removeprefix("not ")]
        others = tuple(v for v in JUDGED[predicate.group] if v not in predicate.values)
        values += predicate.values if name in PREDICATE else others
    return Claim(predicate.group, tuple(dict.fromkeys(values)))


def read_list(path: Path, world: World) -> list[Asked]:
    """The lines of a list."""
    asked = []
    for line in path.read_text("utf-8").splitlines():
        expected, regions, kept, prompt = line.split("\t")
        own = tuple(regions.split(","))
        others = tuple(region for region in world.segmenter.regions if region not in own)
        stays = {"-": (), "others": others}.get(kept, tuple(kept.split(",")))
        asked.append(Asked(tuple(map(claim_of, expected.split(","))), own, stays, prompt))
    return asked


@torch.no_grad()
def kept_change(
    world: World, direction: Direction, kept: Sequence[str], seeds: Sequence[int]
) -> float | None:
    """How far the pixel that changes most moves, of those that show what is kept twice."""
    if not kept:
        return None
    latents = world.generator.sample(seeds, truncation=world.truncation)
    names = world.segmenter.feature_names
    before, after = (
        eclipsed.render(world.generator, latents, EditStack(edits), segmenter=world.segmenter)
        for edits in ((), (Edit(direction),))
    )
    masks = [
        world.segmenter.masks(world.generator.synthesize(rows, features=names), kept)
        for rows in (latents, EditStack((Edit(direction),)).apply(world.generator, latents, "w+"))
    ]
    change = (after - before).abs().amax(dim=1) / 2.0
    return float((change * torch.minimum(*masks)).max())


def outcome(evaluator: Evaluator, asked: Asked, method: str, seeds: Sequence[int]) -> Outcome:
    """Train one prompt and judge it."""
    world = evaluator.world
    goal = goal_from_prompt(asked.prompt, world)
    direction = eclipsed.train_direction(world, goal, config_for(method))
    target = replace(target_of(evaluator, goal), claims=asked.claims)
    sample = sample_seeds(evaluator, seeds, maps=False)
    rows = measure(evaluator, target, direction, sample, (0.0, 1.0), fidelity=False)
    lacking = [row["scores"] for row in rows if row["has"] is False]
    successes = [row["success"] for row in lacking if row["success"] is not None]
    localities = [row["locality"] for row in lacking if row.get("locality") is not None]
    return Outcome(
        asked,
        fmean(successes) if successes else None,
        median(localities) if localities else None,
        worst_tenth(localities, "higher") if localities else None,
        kept_change(world, direction, asked.kept, seeds),
    )


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def line_of(one: Outcome) -> str:
    """A line of the table."""
    numbers = (one.success, one.locality, one.worst, one.changed)
    verdict = "ok" if one.ok else "failed"
    return f"| {one.asked.prompt} | {' | '.join(map(_cell, numbers))} | {verdict} |"


def main() -> None:
    """Train the list and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("list", nargs="?", type=Path, default=LIST)
    parser.add_argument("--method", default="default")
    parser.add_argument("--only", default="", help="prompts that contain this text")
    options = parser.parse_args()
    world = eclipsed.load_world("starter")
    evaluator = evaluator_of(world)
    print("| prompt | success | locality | its worst tenth | kept change | verdict |")
    print(f"|{'---|' * 6}")
    outcomes = []
    for asked in read_list(options.list, world):
        if options.only in asked.prompt:
            outcomes.append(outcome(evaluator, asked, options.method, QUICK_SEEDS))
            print(line_of(outcomes[-1]), flush=True)
    done = sum(one.ok for one in outcomes)
    print(f"\n{done} of {len(outcomes)} do what they say ({done / max(1, len(outcomes)):.0%}).")


if __name__ == "__main__":
    main()
