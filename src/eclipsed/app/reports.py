"""How good a card is, measured now: scores with intervals, and what rises and falls with strength.

Measured on seeds that no training uses, by networks that no training uses where the world has any.
A report is bounded in time: what was measured by then is what it says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from eclipsed.directions import Direction, Scores
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation.evaluate import (
    HELD_OUT_SEEDS,
    STRENGTHS,
    Column,
    LatentScores,
    close_columns,
    evaluate,
    judged_by,
    quick_columns,
    summary,
    verdict_on,
)
from eclipsed.evaluation.metrics import interval
from eclipsed.evaluation.observe import Observation, evaluator_of, target_of
from eclipsed.evaluation.verdict import DirectionVerdict
from eclipsed.prompts.goals import goal_of
from eclipsed.types import World

COUNTS = (8, 16, 32, 48)
# No further images are begun after so many seconds.
LONGEST = 60.0
# The evaluator's column → what its curve shows, and the ends of the numbers that are possible.
_CURVES: dict[str, tuple[str, tuple[float, float] | None]] = {
    "projection": ("Text gain: how far images move along the prompt", None),
    "probability": ("Judged probability of what the prompt asks for", (0.0, 1.0)),
    "locality": ("Share of the change that lies inside the region", (0.0, 1.0)),
    "leakage": ("Mean change of a pixel outside the region", None),
}


@dataclass(frozen=True)
class Curve:
    """about: what it shows. points: each with its strength, the median over seeds, and `low` and
    `high` of its 95% interval. ends: of the numbers that are possible, None where they have none.
    """

    about: str
    points: tuple[dict[str, float], ...]
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Report:
    """seeds: those that were measured, of `wanted`. ranked: of them the best, the median and the
    worst, by their text gain; fewer where there are fewer."""

    direction: Direction
    seeds: tuple[int, ...]
    wanted: int
    scores: Scores
    curves: tuple[Curve, ...]
    ranked: tuple[tuple[str, int], ...]
    judged_by: str
    verdict: DirectionVerdict
    seconds: float

    @property
    def scored(self) -> Direction:
        """The direction with these scores."""
        verdict = self.verdict.to_json()
        return replace(
            self.direction, scores=self.scores, judged_by=self.judged_by, verdict=verdict
        )


def measure(
    world: World,
    direction: Direction,
    count: int,
    on_progress: Callable[[int, int], None],
    longest: float = LONGEST,
) -> Report:
    """A report on the first `count` held-out seeds, or on fewer once `longest` seconds are over.

    on_progress: told after every few seeds how many are done, and of how many. Raises
    WrongGenerator for a direction of another generator.
    """
    began = time.monotonic()
    seeds = HELD_OUT_SEEDS[:count]
    rows: list[LatentScores] = []
    columns: dict[tuple[str, float], Column] = {
        (name, strength): [] for name in _CURVES for strength in STRENGTHS
    }
    evaluator = evaluator_of(world)
    target = target_of(evaluator, goal_of(direction, world))

    def watch(observed: Mapping[float, Observation]) -> None:
        for strength, after in observed.items():
            pair = evaluator, target, observed[0.0], after
            measured = quick_columns(*pair) | close_columns(*pair, fidelity=False)
            for name in _CURVES:
                columns[name, strength] += measured.get(name, [])

    for start in range(0, len(seeds), BATCH):
        if rows and time.monotonic() - began > longest:
            break
        latents = world.generator.sample(seeds[start : start + BATCH], space="z")
        rows += evaluate(world, direction, latents, watch=watch)
        on_progress(len(rows), len(seeds))
    return Report(
        direction=direction,
        seeds=seeds[: len(rows)],
        wanted=len(seeds),
        scores=summary(rows),
        curves=_curves(columns),
        ranked=_ranked([row.text_gain for row in rows], seeds),
        judged_by=judged_by(world),
        verdict=verdict_on(world, direction, rows),
        seconds=time.monotonic() - began,
    )


def _curves(columns: Mapping[tuple[str, float], Column]) -> tuple[Curve, ...]:
    curves = []
    for name, (about, ends) in _CURVES.items():
        points = tuple(
            {"strength": strength, **level}
            for strength in STRENGTHS
            if (level := interval(columns[name, strength])) is not None
        )
        if points:
            curves.append(Curve(about, points, ends))
    return tuple(curves)


def _ranked(gains: Sequence[float | None], seeds: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """The best, the median and the worst seed of those that have a gain, or of all without any."""
    known = [(-gain, seed) for gain, seed in zip(gains, seeds, strict=False) if gain is not None]
    order = [seed for _, seed in sorted(known)] or list(seeds[: len(gains)])
    words = {len(order) - 1: "worst", len(order) // 2: "median", 0: "best"}
    return tuple((words[rank], order[rank]) for rank in sorted(words))
