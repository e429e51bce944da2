from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN, NAMES, REGIONS
from eclipsed.worlds.heads.world import FRAME
from kits.heads.films import SHOWN_WITH
from kits.heads.population import centre
from kits.heads.renderer import Renderer, landmarks, usual_values

RENDERER = Renderer(32, samples=2)


def row(**values: float) -> NDArray[np.float32]:
    out = usual_values()
    for name, value in values.items():
        out[COLUMN[name]] = value
    return out


def region(masks: NDArray[np.uint8], name: str) -> NDArray[np.float64]:
    return masks[..., REGIONS.index(name), :, :] / 255


@pytest.fixture(scope="module")
def people() -> NDArray[np.float64]:
    """Anybody: every attribute anywhere in its range."""
    return np.random.default_rng(0).random((6, len(NAMES)))


def test_shares_of_a_pixel_sum_to_one_exactly(people) -> None:
    drawing = RENDERER.render(people)
    assert drawing.images.shape == (6, 32, 32, 3)
    assert drawing.masks.shape == (6, len(REGIONS), 32, 32)
    assert (drawing.masks.sum(axis=1, dtype=int) == 255).all()


def test_nine_samples_sum_to_one_as_well(people) -> None:
    assert (Renderer(24, samples=3).render(people[:2]).masks.sum(axis=1, dtype=int) == 255).all()


def test_a_picture_depends_on_its_own_row_only(people) -> None:
    together = RENDERER.render(people)
    for i in (5, 2, 5):
        alone = RENDERER.render(people[i : i + 1])
        np.testing.assert_array_equal(alone.images[0], together.images[i])
        np.testing.assert_array_equal(alone.masks[0], together.masks[i])


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=NAMES)
def test_both_ends_of_a_range_are_drawn_and_differ(attribute) -> None:
    shown = SHOWN_WITH.get(attribute.name, {})
    ends = [row(**{**shown, attribute.name: end}) for end in (0.0, 1.0)]
    images = Renderer(48, samples=2).render(np.stack(ends)).images.astype(int)
    changed = np.abs(images[0] - images[1]).max(axis=-1)
    assert (changed > 7).sum() >= 4


@pytest.mark.parametrize(
    ("name", "without", "worn"),
    [
        ("hair", row(hair_length=0), row(hair_length=0.4)),
        ("beard", row(), row(beard=0.9, beard_length=0.4)),
        ("glasses", row(), row(glasses=1, glasses_thick=0.8)),
        ("glasses", row(glasses=1, glasses_thick=0), row(glasses=1, lens_dark=0.9)),
        ("hat", row(), row(hat=0.7)),
        ("earrings", row(), row(earrings=1, hair_length=0.2)),
        ("mouth", row(), row(mouth_open=1)),
        ("eyes", row(eye_open=0), row(eye_open=1)),
    ],
)
def test_what_is_there_has_its_mask(name, without, worn) -> None:
    masks = RENDERER.render(np.stack([without, worn])).masks
    before, after = (float(region(masks, name)[i].sum()) for i in range(2))
    assert after > before + 1.5


def test_everybody_has_a_face_in_the_middle_of_the_picture(people) -> None:
    bare = people.copy()
    bare[:, [COLUMN[n] for n in ("hat", "glasses", "hair_length", "beard", "moustache")]] = 0
    masks = RENDERER.render(bare).masks
    for name in ("skin", "nose", "lips", "brows", "ears", "neck", "clothes", "background"):
        assert (region(masks, name).sum(axis=(1, 2)) > 1).all(), name
    assert (region(masks, "nose")[:, :, 12:20].sum(axis=(1, 2)) > 1).all()


@pytest.mark.parametrize(
    ("attribute", "names", "person"),
    [
        ("lipstick", ["lips"], {}),
        ("eye_color", ["eyes"], {"eye_size": 1.0}),
        ("shirt_red", ["clothes"], {}),
        ("shirt_light", ["clothes"], {"collar": 1.0}),
        ("hat_light", ["hat"], {"hat": 0.8}),
        ("frame_tone", ["glasses"], {"glasses": 1.0, "glasses_thick": 1.0}),
        ("dye", ["hair", "brows"], {"hair_length": 0.6}),
    ],
)
def test_a_colour_changes_its_region_and_nothing_else(attribute, names, person) -> None:
    pair = np.stack([row(**person, **{attribute: end}) for end in (0.0, 1.0)])
    drawing = RENDERER.render(pair)
    np.testing.assert_array_equal(drawing.masks[0], drawing.masks[1])
    change = np.abs(drawing.images[0].astype(int) - drawing.images[1]).mean(axis=-1)
    cover = np.sum([region(drawing.masks[0], name) for name in names], axis=0)
    assert change[cover > 0.9].size == 0 or change[cover > 0.9].mean() > 5
    assert change[cover > 0].sum() > 30
    assert change[cover == 0].mean() < 0.1


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (usual_values(), "must be"),
        (usual_values()[None, :-1], "must be"),
        (row(age=1.01)[None], "between 0 and 1"),
        (row(age=-0.01)[None], "between 0 and 1"),
        (row(age=np.nan)[None], "between 0 and 1"),
        (row(age=np.inf)[None], "between 0 and 1"),
    ],
)
def test_bad_values_are_refused(values, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        RENDERER.render(values)


def test_no_heads_are_no_pictures() -> None:
    drawing = RENDERER.render(np.zeros((0, len(NAMES))))
    assert drawing.images.shape == (0, 32, 32, 3)


def test_the_worlds_frame_is_that_of_the_median_head() -> None:
    points = landmarks(centre())
    np.testing.assert_allclose(points, FRAME, atol=0.003)
    left, right = landmarks(row(yaw=0.0)), landmarks(row(yaw=1.0))
    assert left[2, 0] < points[2, 0] < right[2, 0]
