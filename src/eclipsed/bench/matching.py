"""Comparing at matched text gain: at which strength each method moves images equally far.

Weak edits win every measure of what stays the same, so methods are compared where they do the same
amount of the job. The amount is the text projection, the way along the text in the judge's encoder,
because it grows with the strength; the cosine is as large for the first hint
of an edit as for all of it. Everything here is arithmetic on a bench's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Literal

import numpy as np

from eclipsed.bench.records import Records, rounded

# The fraction of seeds that must have changed for a method to count as doing the job.
HALF = 0.5
# How often a strength is corrected by looking: a curve may jump between rungs.
LOOKS = 3

Row = Mapping[str, Any]
# A strength and a value there.
Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """What a method does to a prompt's seeds at rising strengths."""

    # From 0.
    strengths: tuple[float, ...]
    # The median text projection.
    projection: tuple[float, ...]
    # Of the seeds without the attribute, the fraction that shows it; None where no judge can tell.
    success: tuple[float, ...] | None

    def points(self, values: Sequence[float]) -> list[Point]:
        """Strengths with values of one of the above."""
        return list(zip(self.strengths, values, strict=True))


@dataclass(frozen=True)
class Level:
    """The text projection that methods are compared at, and what it is taken from."""

    projection: float
    basis: Literal["success", "strength 1"]


def curve_of(rows: Iterable[Row]) -> Curve | None:
    """The curve of one method's rows of a prompt; None where nobody can tell the projection."""
    whole = [row for row in rows if len(row["strengths"]) > 3 and "projection" in row["curves"]]
    if not whole:
        return None
    strengths = whole[0]["strengths"]
    ahead = [i for i, strength in enumerate(strengths) if strength >= 0.0]
    projections = [row["curves"]["projection"] for row in whole]
    shows = [
        row["curves"]["shows"] for row in whole if row["has"] is False and "shows" in row["curves"]
    ]
    return Curve(
        tuple(strengths[i] for i in ahead),
        tuple(median(each[i] for each in projections) for i in ahead),
        tuple(fmean(each[i] for each in shows) for i in ahead) if shows else None,
    )


def curves_of(records: Records, prompt: str, methods: Iterable[str]) -> dict[str, Curve]:
    """The curve of each method that has one on a prompt."""
    curves = {name: curve_of(records.of("seed", prompt=prompt, method=name)) for name in methods}
    return {name: curve for name, curve in curves.items() if curve is not None}


def crossing(curve: Sequence[Point], level: float) -> float | None:
    """The least strength at which a curve gets up to a level, interpolated; None if it never does.

    The curve begins below the level, or the answer is its first strength.
    """
    before, under = curve[0]
    for strength, value in curve:
        if value >= level:
            part = (level - under) / (value - under) if value > under else 0.0
            return before + part * (strength - before)
        before, under = strength, value
    return None


def half_strength(curve: Curve) -> float | None:
    """Where half of the seeds that lack the attribute show it."""
    return None if curve.success is None else crossing(curve.points(curve.success), HALF)


def level_of(curves: Iterable[Curve]) -> Level | None:
    """The text projection at which the weakest method that does the job has done half of it.

    That is the least projection, over methods, at the strength where half of the seeds have
    changed. Where no judge can count that, the median method's at strength 1. None where nobody
    moves towards the text at all.
    """
    curves = tuple(curves)
    halves = [_reach_at(curve, half) for curve in curves if (half := half_strength(curve))]
    done = [projection for projection in halves if projection > 0.0]
    # Rounded as it is in a row, so that rows can be compared with it.
    if done:
        return Level(rounded(min(done)), "success")
    if not curves or any(curve.success is not None for curve in curves):
        return None
    middle = median(_reach_at(curve, 1.0) for curve in curves)
    return Level(rounded(middle), "strength 1") if middle > 0.0 else None


def strength_at(
    curve: Sequence[Point], level: float, look: Callable[[float], float]
) -> float | None:
    """The strength at which a curve gets up to a level; None where no rung of it does.

    The interval around the first rung that does is halved LOOKS times, because curves jump and the
    ladder's seeds are few. look: the value of all seeds at a strength.
    """
    rung = next((i for i, (_, value) in enumerate(curve) if value >= level), None)
    if rung is None:
        return None
    (low, under), (high, over) = curve[max(0, rung - 2)], curve[min(rung + 1, len(curve) - 1)]
    over = max(over, level)
    for _ in range(LOOKS):
        middle = (low + high) / 2.0
        value = look(middle)
        if value >= level:
            high, over = middle, value
        else:
            low, under = middle, value
    return crossing([(low, under), (high, over)], level)


def _reach_at(curve: Curve, strength: float) -> float:
    return float(np.interp(strength, curve.strengths, curve.projection))
