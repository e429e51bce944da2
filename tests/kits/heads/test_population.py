from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN, NAMES
from kits.heads import population
from kits.heads.population import (
    COUPLINGS,
    MARGINALS,
    WIDTH,
    Z_DIM,
    Floats,
    centre,
    mixing,
    points_of,
    score_rows,
    values_from_scores,
    values_from_z,
)


def people(n: int = 6000) -> Floats:
    return values_from_z(np.random.default_rng(3).standard_normal((n, Z_DIM)))


def test_scores_have_unit_variance_and_the_written_correlations() -> None:
    np.testing.assert_allclose(np.square(mixing()).sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(np.square(score_rows()).sum(axis=1), 1, atol=1e-5)
    correlations = mixing() @ mixing().T
    # A value with one source only has the written weight as its correlation.
    assert correlations[COLUMN["gender"], COLUMN["earrings"]] == pytest.approx(-0.55)
    assert correlations[COLUMN["beard"], COLUMN["moustache"]] == pytest.approx(0.9)
    # And those whose sources are related have more than that.
    assert correlations[COLUMN["age"], COLUMN["collar"]] > 0.3


@pytest.mark.parametrize(("source", "target", "weight"), COUPLINGS)
def test_what_is_coupled_goes_together(source: str, target: str, weight: float) -> None:
    both = (mixing() @ mixing().T)[COLUMN[source], COLUMN[target]]
    assert np.sign(both) == np.sign(weight)
    assert abs(both) > 0.12


def test_pose_light_and_background_go_with_nothing() -> None:
    shapes = {"base_shape_a", "base_shape_b"}
    for attribute in ATTRIBUTES:
        if attribute.kind == "nuisance" and attribute.name not in shapes:
            row = mixing()[COLUMN[attribute.name]]
            assert np.flatnonzero(row).tolist() == [COLUMN[attribute.name]]


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        (("yaw", "smile", 0.3), "nuisance"),
        (("wrinkles", "age", 0.3), "circle"),
        (("smile", "beard", 0.9), "nothing of its own"),
    ],
)
def test_impossible_couplings_are_refused(
    extra: tuple[str, str, float], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(population, "COUPLINGS", (*COUPLINGS, extra))
    with pytest.raises(ValueError, match=complaint):
        mixing.__wrapped__()


@pytest.mark.parametrize("name", NAMES)
def test_marginals_rise_and_span_the_range(name: str) -> None:
    points = points_of(name)
    assert list(points) == sorted(points)
    values = [value for _, value in points]
    assert values == sorted(values)
    assert values[0] <= 0.05
    assert values[-1] == 1
    # Few people stand beyond the last point, or nobody could have more of it.
    assert points[-1][0] >= 1
    # A film through z has no jumps.
    assert all(b - a <= 3 * (v - u) for (u, a), (v, b) in itertools.pairwise(points))


def test_every_marginal_belongs_to_a_value() -> None:
    assert set(MARGINALS) <= set(NAMES)


@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.1, 10))
def test_values_lie_between_0_and_1_whatever_the_length_of_z(seed: int, factor: float) -> None:
    z = np.random.default_rng(seed).standard_normal((2, Z_DIM))
    values = values_from_z(z)
    assert values.shape == (2, WIDTH)
    assert values.dtype == np.float32
    assert 0 <= values.min() <= values.max() <= 1
    np.testing.assert_allclose(values_from_z(factor * z), values, atol=1e-5)


def test_rare_things_are_as_rare_as_written() -> None:
    values = people()
    for name, share in {"hat": 0.07, "glasses": 0.25, "dye": 0.06, "freckles": 0.15}.items():
        column = values[:, COLUMN[name]]
        assert (column > 0).mean() == pytest.approx(share, abs=0.02)
        assert (column == 0).mean() == pytest.approx(1 - share, abs=0.02)


def test_who_has_what() -> None:
    values = people()

    def share(of: str, least: float, among: str, low: float, high: float) -> float:
        group = values[:, COLUMN[among]]
        chosen = values[(group >= low) & (group <= high), COLUMN[of]]
        return float((chosen > least).mean())

    assert share("beard", 0.05, "gender", 0.7, 1) > 0.4
    assert share("beard", 0.05, "gender", 0, 0.3) < 0.08
    assert share("beard", 0.05, "age", 0, 0.25) < 0.12
    assert share("hair_length", 0.5, "gender", 0, 0.3) > 0.6
    assert share("hair_length", 0.5, "gender", 0.7, 1) < 0.2
    assert share("hair_grey", 0.3, "age", 0.7, 1) > 0.6
    assert share("wrinkles", 0.3, "age", 0.7, 1) > 0.6
    assert share("hair_grey", 0.3, "age", 0, 0.4) < 0.06
    assert share("freckles", 0, "hair_red", 0.5, 1) > 2 * share("freckles", 0, "hair_red", 0, 0.2)


def test_the_centre_is_an_unremarkable_adult() -> None:
    assert not centre()[[COLUMN[name] for name in ("hat", "glasses", "beard", "dye")]].any()
    assert 0.4 < centre()[COLUMN["age"]] < 0.5
    np.testing.assert_array_equal(values_from_scores(np.zeros((2, WIDTH)))[1], centre())
