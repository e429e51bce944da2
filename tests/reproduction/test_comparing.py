from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.bench.records import Records
from reproduction.comparing import (
    LEAST,
    Difference,
    Pair,
    compared,
    difference,
    level,
    over_trainings,
    sentence,
    threshold,
    verdict_of,
)

PAIR = Pair("A against B", "a", "b", 1, paper=(0.2, 0.1))


def records(*scores: tuple[str, int, int, float | None]) -> Records:
    """Rows of (variant, training, seed, similarity) that are on no disk."""
    rows = [
        {
            "kind": "judged",
            "variant": variant,
            "training": training,
            "seed": seed,
            "strength": 1.0,
            "scores": {"similarity": value},
        }
        for variant, training, seed, value in scores
    ]
    return Records(Path("nowhere"), rows)


def paired(trainings: int, shift: float, between: float, within: float, seed: int = 0) -> Records:
    """Two variants whose difference is a shift, plus what a training and an image add to it."""
    random = np.random.default_rng(seed)
    scores: list[tuple[str, int, int, float | None]] = []
    for training in range(trainings):
        own = shift + between * random.standard_normal()
        for image in range(20):
            base = 10.0 * random.standard_normal()  # shared, so it must cancel
            scores.append(("b", training, image, base))
            scores.append(("a", training, image, base + own + within * random.standard_normal()))
    return records(*scores)


def test_what_both_share_cancels() -> None:
    found = difference(paired(6, shift=0.5, between=0.0, within=0.0), PAIR)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (found.agree, found.pairs, len(found.trainings)) == (1.0, 120, 6)


def test_the_interval_is_over_trainings_and_not_over_images() -> None:
    """Many images of each of few trainings must not make a wide spread of trainings narrow."""
    found = difference(paired(10, shift=0.0, between=1.0, within=0.01), PAIR)
    assert found is not None
    # 2.262 is Student's quantile for ten.
    expected = 2 * 2.262 * np.std(found.trainings, ddof=1) / len(found.trainings) ** 0.5
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for count in (5, 8, 20):
        samples = (over_trainings(random.normal(0.3, 1.0, count)) for _ in range(400))
        found = [one for one in samples if one is not None]
        held = sum(one["low"] <= 0.3 <= one["high"] for one in found)
        assert 0.92 <= held / len(found) <= 0.98


def test_one_pair_of_pictures_agrees_as_often_as_its_sign_is_the_whole_s() -> None:
    rows = records(
        *(("b", 0, image, 0.0) for image in range(4)),
        *(("a", 0, image, value) for image, value in enumerate((3.0, 1.0, -1.0, 0.0))),
    )
    found = difference(rows, PAIR)
    assert found is not None
    assert found.mean == pytest.approx(0.75)
    assert found.agree == 0.5


def test_what_one_of_them_cannot_tell_is_left_out() -> None:
    rows = records(("a", 0, 1, 1.0), ("b", 0, 1, None), ("a", 0, 2, 2.0), ("b", 0, 2, 1.0))
    found = difference(rows, PAIR)
    assert found is not None
    assert (found.mean, found.pairs) == (1.0, 1)
    assert difference(records(("a", 0, 1, 1.0)), PAIR) is None
    assert compared({}, {}) is None
    assert level(rows, "b", "similarity") == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert level(rows, "nobody", "similarity") is None


def made(low: float, mean: float, high: float, count: int = LEAST) -> Difference:
    return Difference(mean, low, high, (mean,) * count, count, 0.75)


@pytest.mark.parametrize(
    ("found", "sign", "verdict"),
    [
        (made(0.1, 0.2, 0.3), 1, "survives"),
        (made(0.1, 0.2, 0.3), -1, "reverses"),
        (made(-0.3, -0.2, -0.1), -1, "survives"),
        (made(-0.3, -0.2, -0.1), 1, "reverses"),
        (made(-0.1, 0.2, 0.3), 1, "cannot be told"),
        (made(0.0, 0.2, 0.3), 1, "cannot be told"),
        (made(0.1, 0.2, 0.3, LEAST - 1), 1, "cannot be told"),
        (None, 1, "cannot be told"),
    ],
)
def test_sentences_say_what_numbers_say(found: Difference | None, sign: int, verdict: str) -> None:
    assert verdict_of(found, sign) == verdict
    said = sentence(replace(PAIR, sign=sign), found)
    assert said.startswith(f"A against B: {verdict}")
    assert "+0.100" in said  # the paper's
    if found is not None:
        assert f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" in said
        assert "75%" in said
        assert ("at least" in said) == (len(found.trainings) < LEAST)
        assert ("holds 0" in said) == (found.low <= 0.0 <= found.high)


def test_what_the_paper_never_claimed_holds_or_does_not() -> None:
    ours = replace(PAIR, ours=True, paper=None)
    assert sentence(ours, made(0.1, 0.2, 0.3)).startswith("A against B: holds")
    assert sentence(ours, made(-0.3, -0.2, -0.1)).startswith("A against B: the reverse holds")
    assert sentence(ours, made(-0.1, 0.2, 0.3)).startswith("A against B: cannot be told")
    assert "paper" not in sentence(ours, made(0.1, 0.2, 0.3))


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([-1, 1]))
def test_a_claim_and_its_opposite_never_both_survive(
    mean: float, down: float, up: float, sign: int
) -> None:
    found = made(mean - down, mean, mean + up)
    verdicts = {verdict_of(found, sign), verdict_of(found, -sign)}
    assert verdicts in ({"cannot be told"}, {"survives", "reverses"})


def test_thresholds_are_told_apart() -> None:
    def said(low: float, high: float, count: int = LEAST) -> str:
        return threshold("It", {"median": (low + high) / 2, "low": low, "high": high}, count)

    assert said(0.6, 0.8).startswith("It: survives, 0.70 [0.60, 0.80]")
    assert said(0.2, 0.4).startswith("It: does not survive")
    assert said(0.4, 0.6).startswith("It: cannot be told, 0.50 [0.40, 0.60] holds 0.5")
    assert "from 1 of at least" in said(0.6, 0.8, 1)
    assert "no judge" in threshold("It", None, 9)
