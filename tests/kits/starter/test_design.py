from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.worlds.starter.attributes import GROUP, GROUPS
from kits.starter.design import (
    COLOUR,
    EXPRESSION,
    NUM_WS,
    ROWS,
    SHAPE,
    W_DIM,
    avatars_from_codes,
    basis,
    codes_from_w,
    draw,
    mapping_tensors,
    training_rows,
    w_from_codes,
)
from kits.starter.population import COLUMNS, WIDTH, Z_DIM, codes_from_z, prior, uniform_codes
from kits.starter.renderer import Avatars, Floats, Renderer


def random_z(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, Z_DIM)).astype(np.float32)


def truncated(codes: Floats, psi: float) -> Avatars:
    return avatars_from_codes((prior() + psi * (codes - prior())).astype(np.float32))


def test_the_directions_of_w_are_orthogonal() -> None:
    gram = basis() @ basis().T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-4)
    assert np.diag(gram).min() > 1


@given(seed=st.integers(0, 2**32 - 1))
def test_codes_can_be_read_back_from_w(seed: int) -> None:
    codes = np.random.default_rng(seed).normal(0, 2, (3, WIDTH)).astype(np.float32)
    w = w_from_codes(codes)
    assert w.dtype == np.float32
    np.testing.assert_allclose(codes_from_w(w), codes, atol=1e-4)


def test_numbers_of_w_are_about_as_wide_as_a_normal_distribution() -> None:
    w = w_from_codes(codes_from_z(random_z(2000)))
    assert 0.6 < w.std() < 1.4
    assert abs(float(w.mean())) < 0.05


def test_the_written_mapping_network_is_the_rule(small_generator: StyleGAN2) -> None:
    z = random_z(1000, seed=11)
    w = small_generator.from_z(torch.from_numpy(z), space="w")
    expected = w_from_codes(codes_from_z(z))
    error = (w - small_generator.mapping.w_avg).numpy() - expected
    assert np.abs(error).max() < 1e-3


def test_mapping_tensors_fit_nvidias_layout() -> None:
    tensors = mapping_tensors()
    width = len(tensors["mapping.fc0.bias"])
    assert {key: value.shape for key, value in tensors.items()} == {
        "mapping.w_avg": (W_DIM,),
        "mapping.fc0.weight": (width, Z_DIM),
        "mapping.fc0.bias": (width,),
        "mapping.fc1.weight": (width, width),
        "mapping.fc1.bias": (width,),
        "mapping.fc2.weight": (W_DIM, width),
        "mapping.fc2.bias": (W_DIM,),
    }
    assert {value.dtype for value in tensors.values()} == {np.dtype(np.float32)}


def test_psi_zero_shows_the_mode_avatar_unblended() -> None:
    avatars = truncated(codes_from_z(random_z(4)), 0.0)
    for group in GROUPS:
        mode = int(prior()[COLUMNS[group.name]].argmax())
        assert (avatars.weights[group.name].max(axis=1) == 1).all()
        assert (avatars.index(group.name) == mode).all()


def test_truncation_keeps_the_strongest_values_down_to_a_half() -> None:
    codes = codes_from_z(random_z(3000, seed=5))
    before = truncated(codes, 1.0)
    for psi, most in ((0.7, 0.99), (0.5, 0.97), (1.3, 0.99)):
        after = truncated(codes, psi)
        kept = [(before.index(g.name) == after.index(g.name)).mean() for g in GROUPS]
        assert np.mean(kept) > most
        clean = [(after.weights[g.name].max(axis=1) > 0.93).mean() for g in GROUPS]
        assert np.mean(clean) > 0.85


@pytest.mark.parametrize("strength", [1.0, 1.5, 2.0, 2.5])
def test_overshooting_towards_a_value_keeps_it(strength: float) -> None:
    rng = np.random.default_rng(2)
    codes, other = uniform_codes(rng, 300), uniform_codes(rng, 300)
    for group in GROUPS:
        moved = codes.copy()
        own = COLUMNS[group.name]
        moved[:, own] += np.float32(strength) * (other - codes)[:, own]
        avatars, target = avatars_from_codes(moved), avatars_from_codes(other)
        np.testing.assert_allclose(
            avatars.weights[group.name], target.weights[group.name], atol=1e-5
        )


def test_half_way_between_two_values_is_a_blend_of_these_two() -> None:
    codes = np.tile(prior(), (1, 1))
    own = COLUMNS["mouth"]
    codes[:, own] = 0
    codes[:, [own.start + 4, own.start + 5]] = 0.5
    weights = avatars_from_codes(codes).weights["mouth"][0]
    assert set(np.flatnonzero(weights)) == {4, 5}
    assert 0.3 < weights[4] < 0.7
    assert weights.sum() == pytest.approx(1)


@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0, 5))
def test_every_code_has_a_target(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    codes = (prior() + rng.normal(0, spread, (5, WIDTH))).astype(np.float32)
    avatars = avatars_from_codes(codes)
    for group in GROUPS:
        weights = avatars.weights[group.name]
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
        assert (np.count_nonzero(weights, axis=1) <= 2).all()
    assert (avatars.skin >= 0).all()
    assert (avatars.skin <= 1).all()
    assert np.hypot(*avatars.background.T).max() < 1 + 1e-5


def test_each_kind_of_rows_shows_its_own_attributes() -> None:
    rng = np.random.default_rng(8)
    draws = {kind: uniform_codes(rng, 50) for kind in (SHAPE, EXPRESSION, COLOUR)}
    mixed = avatars_from_codes(draws)
    for group in GROUPS:
        own = avatars_from_codes(draws[group.kind])
        assert (mixed.weights[group.name] == own.weights[group.name]).all()
    assert (mixed.skin == avatars_from_codes(draws[COLOUR]).skin).all()


def test_rows_cover_wplus_once() -> None:
    rows = [row for own in ROWS.values() for row in own]
    assert rows == list(range(NUM_WS))
    assert {group.kind for group in GROUP.values()} == set(ROWS)


def test_training_rows_mean_their_avatars() -> None:
    rows, avatars = training_rows(np.random.default_rng(4), 2000)
    assert rows.shape == (2000, NUM_WS, W_DIM)
    by_kind = {kind: codes_from_w(rows[:, list(own)].mean(axis=1)) for kind, own in ROWS.items()}
    read = avatars_from_codes(by_kind)
    # The rows carry noise, so that near a tie they may read otherwise.
    same = [(read.index(g.name) == avatars.index(g.name)).mean() for g in GROUPS]
    assert min(same) > 0.93


def test_pushed_rows_reach_as_far_as_strong_edits_and_mean_their_avatars() -> None:
    plain, _ = training_rows(np.random.default_rng(4), 2000)
    rows, avatars = training_rows(np.random.default_rng(4), 2000, pushed=0.2)
    by_kind = {kind: codes_from_w(rows[:, list(own)].mean(axis=1)) for kind, own in ROWS.items()}
    read = avatars_from_codes(by_kind)
    same = [(read.index(g.name) == avatars.index(g.name)).mean() for g in GROUPS]
    assert min(same) > 0.93
    values = np.s_[: COLUMNS["skin"].start]

    def beyond(rows: Floats) -> float:
        codes = codes_from_w(rows.mean(axis=1))[:, values]
        return float(((codes < -2.5) | (codes > 3.0)).any(axis=1).mean())

    assert beyond(rows) > 10 * beyond(plain)


def test_half_of_the_training_rows_are_style_mixed() -> None:
    rows, _ = training_rows(np.random.default_rng(4), 1000)
    codes = [codes_from_w(rows[:, list(own)].mean(axis=1)) for own in ROWS.values()]
    top = np.stack([own[:, COLUMNS["top"]].argmax(axis=1) for own in codes])
    alike = ((top[0] == top[1]) & (top[0] == top[2])).mean()
    assert 0.45 < alike < 0.65


def test_training_is_deterministic() -> None:
    one, two = (training_rows(np.random.default_rng(9), 8)[0] for _ in range(2))
    assert (one == two).all()


def test_every_draw_has_its_own_people(renderer: Renderer) -> None:
    avatars, drawing = draw(renderer, 1, 2, 3)
    again, _ = draw(renderer, 1, 2, 3)
    other, _ = draw(renderer, 1, 3, 3)
    assert drawing.images.shape == (3, 128, 128, 3)
    assert (avatars.skin == again.skin).all()
    assert (avatars.skin != other.skin).any()
