from __future__ import annotations

from typing import Any

import pytest

from eclipsed.bench.matching import (
    LOOKS,
    Curve,
    Level,
    crossing,
    curve_of,
    half_strength,
    level_of,
    strength_at,
)

AT = (0.0, 1.0, 2.0, 4.0)


def curve(*projection: float, success: tuple[float, ...] | None = None) -> Curve:
    return Curve(AT, projection, success)


def row(
    projection: list[float], shows: list[bool] | None, has: bool | None = False
) -> dict[str, Any]:
    curves = {"projection": projection} | ({} if shows is None else {"shows": shows})
    return {"has": has, "strengths": [-1.0, 0.0, 1.0, 2.0], "curves": curves}


def test_a_curve_is_of_medians_and_of_seeds_that_lack_it() -> None:
    rows = [
        row([9.0, 0.0, 1.0, 4.0], [False, False, True, True]),
        row([9.0, 0.0, 2.0, 5.0], [False, False, False, True]),
        row([9.0, 0.0, 9.0, 9.0], [True, True, False, False], has=True),
        row([9.0, 0.0, 9.0, 9.0], [False, False, False, False], has=None),
    ]
    assert curve_of(rows) == Curve((0.0, 1.0, 2.0), (0.0, 5.5, 7.0), (0.0, 0.5, 1.0))


def test_without_judge_or_ladder_there_is_less() -> None:
    bare = curve_of([row([9.0, 0.0, 1.0, 4.0], None)])
    assert bare is not None
    assert bare.success is None
    assert curve_of([]) is None
    ends = {"has": False, "strengths": [-1.0, 0.0, 1.0], "curves": {"projection": [0.0, 0.0, 1.0]}}
    assert curve_of([ends]) is None


def test_crossing_is_interpolated_and_the_first() -> None:
    def crossed(*values: float, level: float) -> float | None:
        return crossing(list(zip(AT, values, strict=True)), level)

    assert crossed(0.0, 1.0, 0.0, 2.0, level=0.5) == 0.5
    assert crossed(0.0, 0.0, 0.0, 2.0, level=1.0) == 3.0
    assert crossed(0.6, 1.0, 1.0, 1.0, level=0.5) == 0.0
    assert crossed(0.0, 0.1, 0.2, 0.3, level=0.5) is None


def test_the_level_is_the_weakest_that_does_the_job() -> None:
    strong = curve(0.0, 1.0, 2.0, 2.0, success=(0.0, 0.5, 1.0, 1.0))
    weak = curve(0.0, 0.1, 0.3, 0.5, success=(0.0, 0.0, 0.5, 0.5))
    idle = curve(0.0, 0.01, 0.02, 0.04, success=(0.0, 0.0, 0.1, 0.4))
    assert [half_strength(each) for each in (strong, weak, idle)] == [1.0, 2.0, None]
    assert level_of([strong, weak, idle]) == Level(0.3, "success")
    assert level_of([idle]) is None
    assert level_of([]) is None


def test_without_successes_the_median_at_strength_1_counts() -> None:
    curves = [curve(0.0, projection, 2.0, 2.0) for projection in (0.1, 0.2, 0.9)]
    assert level_of(curves) == Level(0.2, "strength 1")
    assert level_of([curve(0.0, -0.1, -0.2, -0.3)]) is None


def test_the_strength_is_corrected_by_looking() -> None:
    """The curve jumps at 1.9, which its rungs cannot tell."""
    jumps = list(zip(AT, (0.0, 0.0, 1.0, 1.0), strict=True))
    looked: list[float] = []

    def reach_at(strength: float) -> float:
        looked.append(strength)
        return float(strength >= 1.9)

    strength = strength_at(jumps, 0.5, reach_at)
    assert strength == pytest.approx(1.9, abs=4.0 / 2**LOOKS)
    assert len(looked) == LOOKS
    assert strength_at(jumps, 1.5, reach_at) is None
