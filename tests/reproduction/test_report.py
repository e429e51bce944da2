from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.types import World
from reproduction.judging import Row, measure
from reproduction.report import (
    LEAST,
    Difference,
    difference,
    level,
    over_trainings,
    report,
    sentence,
    threshold,
    verdict_of,
)
from reproduction.sweeps import Claim, Pair
from tests.reproduction.conftest import STUDY

PAIR = Pair(what="A against B", first="a", second="b", paper=(0.2, 0.1))
CLAIM = Claim(what="It", variant="a", measure="similarity")


def scored(*scores: tuple[str, int, int, float | None]) -> list[Row]:
    """Rows of (variant, training, seed, similarity)."""
    return [
        {
            "variant": variant,
            "training": training,
            "seed": seed,
            "strength": 1.0,
            "scores": {"similarity": value},
        }
        for variant, training, seed, value in scores
    ]


def paired(trainings: int, shift: float, between: float, within: float) -> list[Row]:
    """Two variants whose difference is a shift, plus what a training and an image add to it."""
    random = np.random.default_rng(0)
    scores: list[tuple[str, int, int, float | None]] = []
    for training in range(trainings):
        own = shift + between * random.standard_normal()
        for image in range(20):
            base = 10.0 * random.standard_normal()  # shared, so it must cancel
            scores.append(("b", training, image, base))
            scores.append(("a", training, image, base + own + within * random.standard_normal()))
    return scored(*scores)


def test_what_both_share_cancels() -> None:
    found = difference(paired(6, shift=0.5, between=0.0, within=0.0), PAIR)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (found.agree, found.trainings) == (1.0, 6)


def test_the_interval_is_over_trainings_and_not_over_images() -> None:
    """Many images of each of few trainings must not make a wide spread of trainings narrow."""
    rows = paired(10, shift=0.0, between=1.0, within=0.01)
    found = difference(rows, PAIR)
    assert found is not None
    means = []
    for training in range(10):
        alone = difference([row for row in rows if row["training"] == training], PAIR)
        assert alone is not None
        means.append(alone.mean)
    # 2.262 is Student's quantile for ten.
    expected = 2 * 2.262 * np.std(means, ddof=1) / len(means) ** 0.5
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for count in (5, 8, 20):
        samples = (over_trainings(random.normal(0.3, 1.0, count)) for _ in range(400))
        found = [one for one in samples if one is not None]
        held = sum(one["low"] <= 0.3 <= one["high"] for one in found)
        assert 0.92 <= held / len(found) <= 0.98


def test_one_pair_of_pictures_agrees_as_often_as_its_sign_is_the_whole_s() -> None:
    rows = scored(
        *(("b", 0, image, 0.0) for image in range(4)),
        *(("a", 0, image, value) for image, value in enumerate((3.0, 1.0, -1.0, 0.0))),
    )
    found = difference(rows, PAIR)
    assert found is not None
    assert found.mean == pytest.approx(0.75)
    assert found.agree == 0.5


def test_what_one_of_them_cannot_tell_is_left_out() -> None:
    rows = scored(("a", 0, 1, 1.0), ("b", 0, 1, None), ("a", 0, 2, 2.0), ("b", 0, 2, 1.0))
    found = difference(rows, PAIR)
    assert found is not None
    assert (found.mean, found.agree) == (1.0, 1.0)
    assert difference(scored(("a", 0, 1, 1.0)), PAIR) is None
    assert level(rows, "b", "similarity") == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert level(rows, "nobody", "similarity") is None


def of(low: float, mean: float, high: float, count: int = LEAST) -> Difference:
    return Difference(mean, low, high, count, 0.75)


@pytest.mark.parametrize(
    ("found", "sign", "verdict"),
    [
        (of(0.1, 0.2, 0.3), 1, "survives"),
        (of(0.1, 0.2, 0.3), -1, "reverses"),
        (of(-0.3, -0.2, -0.1), -1, "survives"),
        (of(-0.3, -0.2, -0.1), 1, "reverses"),
        (of(-0.1, 0.2, 0.3), 1, "cannot be told"),
        (of(0.0, 0.2, 0.3), 1, "cannot be told"),
        (of(0.1, 0.2, 0.3, LEAST - 1), 1, "cannot be told"),
        (None, 1, "cannot be told"),
    ],
)
def test_sentences_say_what_numbers_say(found: Difference | None, sign: int, verdict: str) -> None:
    assert verdict_of(found, sign) == verdict
    said = sentence(replace(PAIR, sign=sign), found)
    assert said.startswith(f"A against B: {verdict}")
    if found is not None:
        assert f"{found.mean:+.3f} \\[{found.low:+.3f}, {found.high:+.3f}\\]" in said
        assert "75%" in said
        assert ("at least" in said) == (found.trainings < LEAST)
        assert ("contains 0" in said) == (found.low <= 0.0 <= found.high)


def test_what_the_paper_never_claimed_holds_or_does_not() -> None:
    ours = replace(PAIR, ours=True, paper=None)
    assert sentence(ours, of(0.1, 0.2, 0.3)).startswith("A against B: holds")
    assert sentence(ours, of(-0.3, -0.2, -0.1)).startswith("A against B: the reverse holds")
    assert sentence(ours, of(-0.1, 0.2, 0.3)).startswith("A against B: cannot be told")


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([-1, 1]))
def test_a_claim_and_its_contrary_never_both_survive(
    mean: float, down: float, up: float, sign: int
) -> None:
    found = of(mean - down, mean, mean + up)
    verdicts = {verdict_of(found, sign), verdict_of(found, -sign)}
    assert verdicts in ({"cannot be told"}, {"survives", "reverses"})


def test_thresholds_are_told_apart() -> None:
    def said(*means: float) -> str:
        return threshold(CLAIM, scored(*(("a", t, 0, mean) for t, mean in enumerate(means))))

    assert said(*[0.7] * LEAST) == "It: survives, 0.70 \\[0.70, 0.70\\]."
    assert said(*[0.3] * LEAST).startswith("It: does not survive")
    assert said(0.1, 0.9, 0.2, 0.8, 0.5).startswith("It: cannot be told, 0.50")
    assert "from 1 of at least" in said(0.7)
    assert "no judge" in said()


def test_a_page_has_intervals_and_is_of_what_is_asked_for(small: World, tmp_path: Path) -> None:
    """More trainings and images that are there already do not slip into a smaller report."""

    def page(trainings: int, seeds: int) -> str:
        size = {"trainings": trainings, "seeds": seeds}
        rows = measure(small, STUDY, tmp_path / "x", **size, note=lambda _: None)
        return report(STUDY, rows, **size)

    few = page(1, 2)
    many = page(2, 3)
    assert many.startswith("# Small\n")
    assert "2 trainings" in many
    assert "3 images" in many
    assert "| 0.200 − 0.100 |" in many
    row = next(line for line in many.splitlines() if line.startswith("| bright | +1 |"))
    assert row.count("[") >= 4
    assert "| own | +1 |" in many
    assert "With against without: cannot be told from 2 of at least 5 trainings" in many
    assert page(1, 2) == few
