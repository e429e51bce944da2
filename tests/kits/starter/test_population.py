from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.worlds.starter.attributes import GROUP, GROUPS
from kits.starter.population import (
    BACKGROUND_LIMIT,
    COLUMNS,
    COUPLINGS,
    RARITY,
    WIDTH,
    Z_DIM,
    codes_from_z,
    factors,
    prior,
    sample_codes,
    scores,
    uniform_codes,
)
from kits.starter.renderer import Floats


@pytest.fixture(scope="module")
def people() -> Floats:
    """Codes [20000, WIDTH] of the population, not of the seed that `prior` was made with."""
    rng = np.random.default_rng(7)
    parts = [codes_from_z(rng.standard_normal((2500, Z_DIM))) for _ in range(8)]
    return np.concatenate(parts)


def shows(codes: Floats, group: str, value: str) -> np.ndarray:
    own = codes[:, COLUMNS[group]]
    return own.argmax(axis=1) == GROUP[group].names.index(value)


def test_columns_tile_the_codes() -> None:
    covered = [column for own in COLUMNS.values() for column in range(own.start, own.stop)]
    assert covered == list(range(WIDTH))
    assert WIDTH <= Z_DIM
    assert [own.stop - own.start for own in COLUMNS.values()] == [
        *(len(group.values) for group in GROUPS),
        1,
        2,
    ]


def test_factors_are_independent_unit_readings_of_z() -> None:
    np.testing.assert_allclose(factors() @ factors().T, np.eye(WIDTH), atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), length=st.floats(0.01, 100))
def test_codes_are_shares_and_know_only_the_direction_of_z(seed: int, length: float) -> None:
    z = np.random.default_rng(seed).standard_normal((4, Z_DIM))
    codes = codes_from_z(z)
    for group in GROUPS:
        own = codes[:, COLUMNS[group.name]]
        assert own.min() >= 0
        assert own.max() <= 1
    assert np.abs(codes[:, COLUMNS["background"]]).max() <= BACKGROUND_LIMIT
    np.testing.assert_allclose(codes_from_z(length * z), codes, atol=2e-3)


def test_a_clear_winner_has_code_one_and_the_others_none(people: Floats) -> None:
    matrix, bias = scores()
    z = np.random.default_rng(1).standard_normal((500, Z_DIM))
    z /= np.sqrt((z**2).mean(axis=1, keepdims=True))
    score, codes = z @ matrix.T + bias, codes_from_z(z)
    for group in GROUPS:
        own, code = score[:, COLUMNS[group.name]], codes[:, COLUMNS[group.name]]
        order = np.sort(own, axis=1)
        clear = order[:, -1] - order[:, -2] > 0.08 + 1e-3  # half of RAMP
        assert clear.mean() > 0.7
        np.testing.assert_allclose(code[clear].max(axis=1), 1, atol=1e-4)
        np.testing.assert_allclose(code[clear].sum(axis=1), 1, atol=1e-4)
        assert (code.argmax(axis=1) == own.argmax(axis=1))[clear].all()


def test_most_z_show_clean_values(people: Floats) -> None:
    clean = [(people[:, COLUMNS[g.name]].max(axis=1) > 0.99).mean() for g in GROUPS]
    assert min(clean) > 0.85


def test_prior_is_the_mean_code(people: Floats) -> None:
    mean = people.mean(axis=0)
    mean[COLUMNS["background"]] = 0
    np.testing.assert_allclose(prior(), mean, atol=0.015)
    assert abs(float(people[:, COLUMNS["background"]].mean())) < 0.03


@pytest.mark.parametrize(("source", "target", "strength"), COUPLINGS)
def test_couplings_raise_what_they_say(
    source: tuple[str, str], target: tuple[str, str], strength: float, people: Floats
) -> None:
    given_source = shows(people, *source)
    if target[0] == "skin":
        tone = people[:, COLUMNS["skin"].start]
        assert tone[given_source].mean() < tone.mean() - 0.15
        assert strength < 0
        return
    everybody = shows(people, *target).mean()
    assert shows(people, *target)[given_source].mean() > 1.15 * everybody


def test_what_is_not_coupled_is_independent(people: Floats) -> None:
    for source, target in (
        (("top", "curly"), ("mouth", "laugh")),
        (("beard", "none"), ("eyes", "wink")),
    ):
        everybody = shows(people, *target).mean()
        some = shows(people, *target)[shows(people, *source)].mean()
        assert abs(some - everybody) < 0.04


@pytest.mark.parametrize(("key", "lift"), RARITY.items())
def test_rarities_are_rare_and_favourites_common(
    key: tuple[str, str], lift: float, people: Floats
) -> None:
    share, equal = shows(people, *key).mean(), 1 / len(GROUP[key[0]].values)
    assert (share > equal) == (lift > 0)


def test_uniform_codes_are_uniform() -> None:
    codes = uniform_codes(np.random.default_rng(3), 8000)
    for group in GROUPS:
        own = codes[:, COLUMNS[group.name]]
        assert (own.sum(axis=1) == 1).all()
        np.testing.assert_allclose(own.mean(axis=0), 1 / len(group.values), atol=0.02)


def test_samples_are_mixed_in_the_share_asked_for() -> None:
    one = sample_codes(np.random.default_rng(5), 6000, uniform=1.0)
    none = sample_codes(np.random.default_rng(5), 6000, uniform=0.0)
    half = sample_codes(np.random.default_rng(5), 6000)
    rare = [shows(codes, "top", "mohawk").mean() for codes in (none, half, one)]
    assert rare[0] < rare[1] < rare[2]
    assert (sample_codes(np.random.default_rng(5), 6000) == half).all()
