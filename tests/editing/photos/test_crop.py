from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.photos.crop import (
    FEATHER,
    SMALLEST,
    Crop,
    box_crop,
    centred_crop,
    ffhq_crop,
)
from eclipsed.errors import BadSetting
from eclipsed.types import Point

FACE: list[Point] = [(120, 100), (180, 104), (150, 135), (125, 165), (172, 168)]


def waves(height: int, width: int) -> Tensor:
    """A smooth photo [H, W, 3] in which every place looks different."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    planes = [torch.sin(x / 17 + y / 29), torch.cos(x / 23 - y / 19), torch.sin((x + y) / 37)]
    return torch.stack(planes, -1) / 2 + 0.5


def turned(x: float, y: float, side: float, degrees: float) -> Crop:
    """A plain crop around (x, y), turned clockwise."""
    turn = complex(math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
    corners = [
        complex(x, y) + turn * side / 2 * each for each in (-1 - 1j, -1 + 1j, 1 + 1j, 1 - 1j)
    ]
    first, second, third, fourth = ((c.real, c.imag) for c in corners)
    return Crop((first, second, third, fourth))


def test_a_box_of_the_size_itself_is_a_copy() -> None:
    photo = torch.rand(90, 110, 3)
    crop = box_crop(20, 10, 84, 74)
    cut = crop.cut(photo, 64)
    assert torch.equal(cut, photo[10:74, 20:84].permute(2, 0, 1))
    box, values, coverage = crop.back(cut, 90, 110)
    assert box == (20, 10, 84, 74)
    assert torch.equal(values, cut)
    assert coverage[32, 32] == 1


def test_a_box_of_a_multiple_of_the_size_is_averaged() -> None:
    photo = torch.rand(90, 110, 3)
    expected = F.avg_pool2d(photo[10:74, 20:84].permute(2, 0, 1), 4)
    torch.testing.assert_close(box_crop(20, 10, 84, 74).cut(photo, 16), expected)


def test_fine_stripes_become_grey_and_not_coarse_stripes() -> None:
    photo = (torch.arange(400) % 2).float()[None, :, None].expand(400, 400, 3)
    cut = box_crop(3.5, 3.5, 370.1, 370.1).cut(photo, 64)
    assert float((cut - 0.5).abs().max()) < 0.1


@pytest.mark.parametrize("degrees", [0, 17, 90, 135, -60])
@pytest.mark.parametrize("size", [64, 128, 160])
def test_what_is_laid_back_falls_where_it_was_cut(degrees: float, size: int) -> None:
    photo = waves(240, 300)
    crop = turned(150, 120, 128, degrees)
    (left, top, right, bottom), values, coverage = crop.back(crop.cut(photo, size), 240, 300)
    change = (values - photo[top:bottom, left:right].permute(2, 0, 1)).abs() * coverage
    assert float(change.max()) < 0.01
    assert float(coverage.max()) == 1


@pytest.mark.parametrize("size", [48, 256])
def test_a_face_is_laid_back_where_it_was_cut(size: int) -> None:
    photo = waves(400, 380)
    crop = ffhq_crop([(x + 40, y + 60) for x, y in FACE])
    (left, top, right, bottom), values, coverage = crop.back(crop.cut(photo, size), 400, 380)
    change = (values - photo[top:bottom, left:right].permute(2, 0, 1)).abs() * coverage
    assert float(change.max()) < 0.03
    assert float(coverage.max()) == 1


def test_a_spot_comes_back_with_its_centre_of_mass() -> None:
    crop = turned(100.3, 80.6, 97, 23)
    spot = torch.zeros(1, 64, 64)
    spot[0, 40, 20] = 1
    (left, top, _, _), values, _ = crop.back(spot, 200, 220)
    weights = values[0].clamp(min=0) / values[0].clamp(min=0).sum()
    y, x = torch.meshgrid(*(torch.arange(n) + 0.5 for n in weights.shape), indexing="ij")
    angle, u, v = math.radians(23), (20.5 / 64 - 0.5) * 97, (40.5 / 64 - 0.5) * 97
    expected_x = 100.3 + u * math.cos(angle) - v * math.sin(angle)
    expected_y = 80.6 + u * math.sin(angle) + v * math.cos(angle)
    assert float((weights * x).sum()) + left == pytest.approx(expected_x, abs=0.05)
    assert float((weights * y).sum()) + top == pytest.approx(expected_y, abs=0.05)


def test_what_is_laid_back_keeps_its_range() -> None:
    values = (torch.rand(2, 32, 32) > 0.5).float()
    for crop in (box_crop(10, 10, 100, 100), turned(60, 60, 20, 30)):
        _, laid, _ = crop.back(values, 120, 120)
        assert float(laid.min()) >= 0
        assert float(laid.max()) <= 1


def test_the_coverage_fades_to_nothing_at_the_edges() -> None:
    (left, top, right, bottom), _, coverage = turned(100, 100, 100, 30).back(
        torch.zeros(1, 8, 8), 200, 200
    )
    assert (right - left, bottom - top) == (138, 138)
    assert float(coverage[0].max()) < 0.01
    assert torch.equal(coverage[0, :20], torch.zeros(20))
    assert float(coverage[69, 69]) == 1
    _, _, straight = box_crop(0, 0, 200, 200).back(torch.zeros(1, 8, 8), 200, 200)
    width = round(FEATHER * 200)
    assert torch.all(straight[100, :width].diff() > 0)
    assert torch.equal(straight[100, width:-width], torch.ones(200 - 2 * width))


def test_beyond_the_photo_a_crop_shows_its_reflection() -> None:
    photo = torch.rand(40, 50, 3)
    cut = box_crop(-10, -12, 22, 20).cut(photo, 32)
    padded = np.pad(photo.numpy(), ((12, 0), (10, 0), (0, 0)), "reflect")[:32, :32]
    assert np.array_equal(cut.permute(1, 2, 0).numpy(), padded)
    box, values, _ = box_crop(-10, -12, 22, 20).back(cut, 40, 50)
    assert box == (0, 0, 22, 20)
    assert torch.equal(values, cut[:, 12:, 10:])


@pytest.mark.parametrize(("height", "width"), [(40, 64), (64, 40), (33, 33)])
def test_the_centred_crop_is_the_largest_square(height: int, width: int) -> None:
    left, top, right, bottom = centred_crop(width, height).bounds
    assert (right - left, bottom - top) == (min(height, width),) * 2
    assert (left, top) == ((width - right + left) // 2, (height - bottom + top) // 2)


def test_a_box_becomes_a_square_around_the_same_centre() -> None:
    assert box_crop(10, 20, 50, 40).bounds == (10, 10, 50, 50)


@pytest.mark.parametrize("crop", [ffhq_crop(FACE), box_crop(1.25, 2, 33, 40), turned(9, 9, 20, 9)])
def test_json_gives_the_same_crop(crop: Crop) -> None:
    assert Crop.from_json(crop.as_json()) == crop


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"recipe": "plain"},
        {"recipe": "plain", "corners": [[0, 0], [0, 50], [50, 50]]},
        {"recipe": "plain", "corners": [[0, 0], [0, 50], [50, 50], [50]]},
        {"recipe": "plain", "corners": [[0, 0], [0, 50], [50, 50], [60, 0]]},
        {"recipe": "plain", "corners": [[0, 0], [50, 0], [50, 50], [0, 50]]},
        {"recipe": "plain", "corners": [[0, 0], [0, 50], [50, 50], [50, math.nan]]},
        {"recipe": "other", "corners": [[0, 0], [0, 50], [50, 50], [50, 0]]},
        {"recipe": [], "corners": [[0, 0], [0, 50], [50, 50], [50, 0]]},
        {"recipe": "plain", "corners": 3},
    ],
)
def test_other_json_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        Crop.from_json(data)


def test_a_crop_that_is_no_use_is_refused() -> None:
    with pytest.raises(BadSetting, match="too small"):
        box_crop(0, 0, SMALLEST - 1, 3)
    with pytest.raises(BadSetting, match="too small"):
        centred_crop(1, 1)
    with pytest.raises(BadSetting, match="no area"):
        box_crop(30, 0, 10, 30)
    with pytest.raises(BadSetting, match="outside the photo of 50×40"):
        box_crop(100, 0, 140, 40).cut(torch.zeros(40, 50, 3), 16)
    with pytest.raises(BadSetting, match="nothing of a photo"):
        box_crop(100, 0, 140, 40).back(torch.zeros(1, 16, 16), 40, 50)


@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4), (3, 4, 2, 0, 1), (0, 0, 0, 0, 0)])
def test_five_points_that_are_no_face_are_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(BadSetting, match="no face"):
        ffhq_crop([FACE[index] for index in order])
    with pytest.raises(BadSetting, match="five points, not by 4"):
        ffhq_crop(FACE[:4])


def test_a_face_upside_down_is_a_face() -> None:
    crop = ffhq_crop([(300 - x, 300 - y) for x, y in FACE])
    assert crop.corners[0][1] > crop.corners[1][1]


@pytest.mark.parametrize("recipe", ["plain", "ffhq"])
def test_bytes_are_seen_as_the_numbers_they_stand_for(recipe: Literal["plain", "ffhq"]) -> None:
    octets = torch.randint(0, 256, (90, 120, 3), dtype=torch.uint8)
    crop = Crop(((40, 10), (15, 55), (60, 80), (85, 35)), recipe)
    for size in (16, 48):
        expected = crop.cut(octets.float() / 255, size)
        torch.testing.assert_close(crop.cut(octets, size), expected, atol=1e-5, rtol=0)
