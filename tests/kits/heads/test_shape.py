from __future__ import annotations

import numpy as np
import pytest

from kits.heads.ground import grounds, hairline, skull_directions
from kits.heads.mesh import load_mesh
from kits.heads.shape import USUAL, morph, pose, rest, smooth, target_weights, wrinkling


def lips(vertices: np.ndarray) -> np.ndarray:
    return vertices[load_mesh().masks["lips"] > 0.5]


def test_all_targets_that_are_asked_for_exist() -> None:
    for end in (0.0, 1.0):
        assert set(target_weights(dict.fromkeys(USUAL, end))) <= set(load_mesh().targets)


@pytest.mark.parametrize("p", [USUAL, dict.fromkeys(USUAL, 0.0), dict.fromkeys(USUAL, 1.0)])
def test_weights_are_never_negative(p) -> None:
    assert min(target_weights(p).values()) >= 0


def test_a_target_moves_its_vertices_by_its_weight() -> None:
    where, deltas = load_mesh().targets["jawOpen"]
    moved = morph({"jawOpen": 0.5}) - load_mesh().vertices
    np.testing.assert_allclose(moved[where], 0.5 * deltas, atol=1e-5)
    others = np.delete(moved, where, axis=0)
    assert not others.any()


def test_heads_of_all_ages_are_of_nearly_one_size() -> None:
    tops = [pose(USUAL | {"age": age}).vertices[:, 1].max() for age in np.linspace(0, 1, 6)]
    assert max(tops) - min(tops) < 0.35  # of 2.2 dm


@pytest.mark.parametrize(("name", "axis", "sign"), [("yaw", 0, 1), ("pitch", 1, -1)])
def test_the_nose_turns_the_way_the_table_says(name, axis, sign) -> None:
    nose = load_mesh().masks["nose"] > 0.8
    low, high = (pose(USUAL | {name: end}).vertices[nose].mean(0) for end in (0.0, 1.0))
    assert sign * (high - low)[axis] > 0.1


def test_the_head_tilts_to_the_left_of_the_picture() -> None:
    top = int(rest()[:, 1].argmax())
    low, high = (pose(USUAL | {"roll": end}).vertices[top, 0] for end in (0.0, 1.0))
    assert high < low - 0.1


def test_a_smile_widens_the_mouth_and_lifts_its_corners() -> None:
    sad, glad = (lips(pose(USUAL | {"smile": end}).vertices) for end in (0.0, 1.0))
    corner = int(sad[:, 0].argmax())
    assert np.ptp(glad[:, 0]) > np.ptp(sad[:, 0]) + 0.02
    assert glad[corner, 1] - glad[:, 1].mean() > sad[corner, 1] - sad[:, 1].mean() + 0.05


def test_age_brings_some_wrinkles_and_never_takes_any() -> None:
    assert wrinkling(USUAL | {"age": 0.3, "wrinkles": 0}) == 0
    assert 0.4 < wrinkling(USUAL | {"age": 1, "wrinkles": 0}) < 0.7
    assert wrinkling(USUAL | {"age": 0, "wrinkles": 1}) == 1


def test_smooth_is_a_step() -> None:
    np.testing.assert_allclose(smooth(1, 3, np.array([0, 1, 2, 3, 4])), [0, 0, 0.5, 1, 1])


def test_hair_grows_on_the_scalp_and_brows_above_the_eyes() -> None:
    ground = grounds()
    assert (hairline(ground.hair.places) > 0).all()
    assert (ground.hair.fields[:, 0] > 0).all()
    eyes = np.mean([rest()[eye, 1].mean() for eye in load_mesh().eyes])
    assert (ground.brows.places[:, 1] > eyes + 0.05).all()
    assert (ground.beard.places[:, 1] < eyes).all()


def test_anchors_lie_where_their_rays_went() -> None:
    """Every cell of the skull's map was hit or filled; its point lies on the head."""
    anchors = grounds().skull
    np.testing.assert_allclose(anchors.shares.sum(1), 1, atol=1e-3)
    lengths = np.linalg.norm(skull_directions(), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)
    ring = grounds().neck.on(rest())
    assert (np.hypot(ring[:, 0], ring[:, 2] - 0.2) < 0.9).all()
