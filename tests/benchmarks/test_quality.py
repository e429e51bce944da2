"""The quality gate: method default on ten prompts of the starter world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.trials import PROMPTS

RECORD = quality.record()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, quality.Quality]:
    return quality.measure(cache=Path(tmp_path_factory.mktemp("quality")))


@pytest.mark.parametrize("score", quality.SCORES)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_no_score_is_below_its_recorded_bound(
    measured: dict[str, quality.Quality], prompt: str, score: str
) -> None:
    assert measured[prompt][score]["value"] >= RECORD[prompt][score]["least"]


def test_wilsons_interval_of_all_of_ten() -> None:
    """Wilson 1927: n / (n + z²) where all succeed."""
    assert quality.wilson([True] * 10) == pytest.approx(10 / (10 + 1.96**2))
    assert quality.wilson([False] * 10) == pytest.approx(0.0, abs=1e-12)


def test_a_bound_lies_below_the_value_and_above_the_least_of_the_sample() -> None:
    sample = list(np.linspace(0.0, 1.0, 32))
    pair = quality.bounded(sample, lambda values: np.median(values, axis=-1))
    assert 0.0 < pair["least"] < pair["value"] == pytest.approx(0.5)
