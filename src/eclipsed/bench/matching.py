"""Comparing at matched text gain: at which strength each contender moves images equally far.

Weak edits win every measure of what stays the same, so contenders are compared where they do the
same amount of the job. The amount is the *reach*, the way along the text in the judge's encoder,
because it grows with the strength; the cosine is as large for the first hint of an edit as for all
of it. Everything here is arithmetic on a bench's rows.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eclipsed.bench.records import rounded
from eclipsed.evaluation.evaluate import succeeds

# The share of seeds that must have changed for a contender to count as doing the job.
HALF = 0.5
# How often the strength of a contender is corrected by looking: its curve may jump between rungs.
LOOKS = 3

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """What a contender does to a prompt's seeds at rising strengths from 0: the median reach, and
    of the seeds without the attribute the share that shows it, None where no judge can tell."""

    strengths: tuple[float, ...]
    reach: tuple[float, ...]
    success: tuple[float, ...] | None


@dataclass(frozen=True)
class Level:
    """The reach that contenders are compared at, and what it is taken from."""

    reach: float
    basis: Literal["success", "strength 1"]


def curve_of(rows: Iterable[Row]) -> Curve | None:
    """The curve of one contender's and prompt's rows; None where nobody can tell the reach."""
    whole = [row for row in rows if len(row["strengths"]) > 3 and "reach" in row["curves"]]
    if not whole:
        return None
    strengths = whole[0]["strengths"]
    places = [i for i, strength in enumerate(strengths) if strength >= 0.0]
    reach = [statistics.median(row["curves"]["reach"][i] for row in whole) for i in places]
    shares: list[float] = []
    for i in places:
        shown = [
            succeeds(row, row["curves"]["shows"][i]) for row in whole if "shows" in row["curves"]
        ]
        known = [value for value in shown if value is not None]
        if known:
            shares.append(sum(known) / len(known))
    return Curve(
        tuple(strengths[i] for i in places),
        tuple(reach),
        tuple(shares) if len(shares) == len(places) else None,
    )


def crossing(strengths: Sequence[float], values: Sequence[float], level: float) -> float | None:
    """The least strength at which a curve gets up to a level, interpolated; None if it never does.

    The curve begins below the level, or the answer is its first strength.
    """
    for i, value in enumerate(values):
        if value < level:
            continue
        if i == 0:
            return strengths[0]
        part = (level - values[i - 1]) / (value - values[i - 1])
        return strengths[i - 1] + part * (strengths[i] - strengths[i - 1])
    return None


def half_strength(curve: Curve) -> float | None:
    """Where half of the seeds that lack the attribute show it."""
    return None if curve.success is None else crossing(curve.strengths, curve.success, HALF)


def level_of(curves: Iterable[Curve]) -> Level | None:
    """The reach at which the weakest contender that does the job has done half of it.

    That is the least reach, over contenders, at the strength where half of the seeds have changed.
    Where no judge can count that, the median contender's reach at strength 1. None where nobody
    moves towards the text at all.
    """
    curves = tuple(curves)
    halves = [(curve, half_strength(curve)) for curve in curves]
    done = [_at(curve, strength) for curve, strength in halves if strength is not None]
    if any(reach > 0.0 for reach in done):
        # As it is in a row, so that rows can be compared with it.
        return Level(rounded(min(reach for reach in done if reach > 0.0)), "success")
    if any(curve.success is not None for curve in curves):
        return None
    usual = [_at(curve, 1.0) for curve in curves]
    if not usual or statistics.median(usual) <= 0.0:
        return None
    return Level(rounded(statistics.median(usual)), "strength 1")


def matched_strength(
    curve: Curve, level: Level, reach_at: Callable[[float], float]
) -> float | None:
    """The strength that gives a contender this reach; None where none of the ladder's does.

    reach_at: looks, and says the median reach of all seeds at a strength.
    """
    return _looked_for(curve.strengths, curve.reach, level.reach, reach_at)


def halving_strength(curve: Curve, success_at: Callable[[float], float]) -> float | None:
    """Where half of all seeds that lack the attribute show it; None where no rung gets there.

    success_at: looks, and says the share of them at a strength.
    """
    if curve.success is None:
        return None
    return _looked_for(curve.strengths, curve.success, HALF, success_at)


def _looked_for(
    strengths: Sequence[float],
    values: Sequence[float],
    level: float,
    look: Callable[[float], float],
) -> float | None:
    """Where a curve gets up to a level. Around the rung where it first does the interval is halved
    LOOKS times, because curves jump and the ladder's seeds are few."""
    if crossing(strengths, values, level) is None:
        return None
    rung = next(i for i, value in enumerate(values) if value >= level)
    first, last = max(0, rung - 2), min(rung + 1, len(values) - 1)
    low, high = strengths[first], strengths[last]
    under, over = values[first], max(values[last], level)
    for _ in range(LOOKS):
        middle = (low + high) / 2.0
        value = look(middle)
        if value >= level:
            high, over = middle, value
        else:
            low, under = middle, value
    return crossing((low, high), (under, over), level)


def _at(curve: Curve, strength: float) -> float:
    return float(np.interp(strength, curve.strengths, curve.reach))
