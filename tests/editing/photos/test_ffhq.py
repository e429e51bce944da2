from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.editing.photos import ffhq
from eclipsed.editing.photos.crop import Crop, ffhq_crop
from eclipsed.editing.photos.ffhq import face_quad
from tests.golden import assert_golden, golden_arrays, golden_case

NAMES = ("upright", "rotated", "shrunk", "padded")


def arrays_of(name: str) -> Mapping[str, Tensor]:
    arrays = golden_arrays(golden_case("alignment")["files"]["expected"])
    return {
        key.removeprefix(f"{name}."): value
        for key, value in arrays.items()
        if key.startswith(f"{name}.")
    }


def picture_of(width: int, height: int) -> Tensor:
    """The golden data's picture, by their rule, as pixels in [0, 1]."""
    y, x = np.mgrid[:height, :width]
    planes = [3 * x + y, x + 5 * y, x * y // 16]
    picture = np.stack([np.abs(plane % 510 - 255) for plane in planes], -1)
    return torch.from_numpy(picture.astype(np.float32) / 255)


def five_of(landmarks: Tensor) -> list[tuple[float, float]]:
    """Five points of 68: the eyes' centres, the nose, the corners of the mouth."""
    points = landmarks.double()
    rows = [points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]]
    return [(float(x), float(y)) for x, y in rows]


@pytest.mark.parametrize("name", NAMES)
def test_the_square_equals_the_originals(name: str) -> None:
    arrays = arrays_of(name)
    quad = face_quad(np.array(five_of(arrays["landmarks"])))
    torch.testing.assert_close(torch.from_numpy(quad), arrays["quad"], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_aligned_face_equals_the_originals(name: str) -> None:
    arrays = arrays_of(name)
    width, height = arrays["picture_size_wh"].tolist()
    cut = ffhq_crop(five_of(arrays["landmarks"])).cut(picture_of(width, height), 256)
    # Exact with the Pillow that made it, "else at most a few grey levels".
    aligned = (cut.permute(1, 2, 0) * 255).round()
    assert_golden(aligned / 255, arrays["crop"].double() / 255, rtol=0, scale=3 / 255)


def test_only_the_face_and_its_surroundings_are_read() -> None:
    arrays = arrays_of("shrunk")
    width, height = arrays["picture_size_wh"].tolist()
    picture, crop = picture_of(width, height), ffhq_crop(five_of(arrays["landmarks"]))
    wide = torch.rand(height, width + 600, 3)
    wide[:, :width] = picture
    # The face stays at the same place; of what is far to the right nothing is seen.
    other = wide.clone()
    other[:, width + 200 :] = 0.5
    assert torch.equal(crop.cut(wide, 256), crop.cut(other, 256))


def test_large_faces_are_cut_without_aliasing() -> None:
    stripes = (torch.arange(2400) % 2).float()[None, :, None].expand(2400, 2400, 3).contiguous()
    face = [
        (1000.0, 1000.0),
        (1400.0, 1010.0),
        (1200.0, 1200.0),
        (1030.0, 1450.0),
        (1370.0, 1455.0),
    ]
    cut = ffhq_crop(face).cut(stripes, 512)
    assert float(cut[:, 8:-8, 8:-8].std()) < 0.1


def test_a_face_far_beyond_the_border_fades_to_grey() -> None:
    photo = torch.zeros(300, 300, 3)
    photo[:, :150] = 1
    face = [(10.0, 100.0), (70.0, 100.0), (40.0, 130.0), (15.0, 160.0), (65.0, 160.0)]
    crop: Crop = ffhq_crop(face)
    cut = crop.cut(photo, 256)
    assert crop.bounds[0] < -70
    assert torch.isfinite(cut).all()
    assert float(cut.min()) >= 0


def test_a_wide_blur_on_a_smaller_picture_is_the_same_blur() -> None:
    generator = np.random.default_rng(0)
    plane = np.repeat(np.repeat(generator.uniform(0, 255, (15, 18)), 20, 0), 20, 1)
    plane = plane.astype(np.float32)
    assert float(np.abs(ffhq._blurred(plane, 20.0) - ffhq._filtered(plane, 20.0)).max()) < 1
