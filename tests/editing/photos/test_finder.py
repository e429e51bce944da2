from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.photos.crop import Crop
from eclipsed.editing.photos.faces import placed
from eclipsed.editing.photos.finder import Aligner, Scout, Square, load_finder
from eclipsed.errors import BadFile
from eclipsed.types import Detector
from eclipsed.worlds import load_world
from eclipsed.worlds.starter.world import FRAME, load_detector

WORLD = load_world("starter")
# Seeds that no training uses.
AVATARS = (
    WORLD.generator.synthesize(WORLD.generator.sample([910_001, 910_002])).image.clamp(-1, 1) + 1
) / 2


def scene(height: int, width: int) -> Tensor:
    """A soft, coloured photo without an avatar."""
    y, x = torch.meshgrid(torch.arange(height) / 90, torch.arange(width) / 70, indexing="ij")
    return torch.stack([torch.sin(x), torch.cos(y), torch.sin(x + y)], -1) / 5 + 0.5


def pasted(photo: Tensor, avatar: Tensor, square: Square) -> Tensor:
    """The photo with an avatar there."""
    crop = Crop.around(square.corners())
    (left, top, right, bottom), values, _ = crop.back(avatar, *photo.shape[:2])
    inside = crop.back(torch.ones_like(avatar), *photo.shape[:2])[2] > 0
    photo = photo.clone()
    window = photo[top:bottom, left:right]
    window[inside] = values.permute(1, 2, 0)[inside]
    return photo


def off(crop: Crop, square: Square) -> float:
    """How far the corners are from where they should be on average, in sides."""
    apart = np.array(crop.corners) - square.corners()
    return float(np.hypot(*apart.T).mean() / square.side)


def test_a_correction_is_made_in_the_squares_own_directions() -> None:
    square = Square(100, 50, 40, math.pi / 2).corrected(0.25, 0.0, math.log(2), -math.pi / 2)
    assert square.corners() == pytest.approx(Square(100, 60, 80, 0).corners())
    assert square.box == pytest.approx((60, 20, 140, 100))
    assert Square(10, 10, 8).corners(1.5)[0] == pytest.approx((4, 4))


@pytest.mark.parametrize(
    ("size", "square"),
    [
        ((300, 400), Square(150, 140, 110)),
        ((600, 500), Square(260, 330, 300, math.radians(-20))),
        ((1500, 2000), Square(1300, 700, 420, math.radians(12))),
    ],
)
def test_an_avatar_in_a_photo_is_found_and_aligned(size: tuple[int, int], square: Square) -> None:
    photo = pasted(scene(*size), AVATARS[0], square)
    placement = placed(photo, WORLD.detector, WORLD.frame)
    assert off(placement.crop, square) < 0.03
    assert placement.face is not None
    assert placement.face.number == 1
    assert placement.notes == ()


def test_two_avatars_are_numbered_from_the_left() -> None:
    left, right = Square(130, 250, 120), Square(420, 120, 90)
    photo = pasted(pasted(scene(400, 560), AVATARS[0], right), AVATARS[1], left)
    with pytest.raises(BadFile, match="There are 2 faces"):
        placed(photo, WORLD.detector, WORLD.frame)
    for number, square in enumerate((left, right), 1):
        crop = placed(photo, WORLD.detector, WORLD.frame, face=number).crop
        assert off(crop, square) < 0.03


def test_a_photo_that_is_an_avatar_is_taken_whole() -> None:
    large = F.interpolate(AVATARS[:1], (500, 500), mode="bicubic")[0].clamp(0, 1)
    crop = placed(large.permute(1, 2, 0), WORLD.detector, WORLD.frame).crop
    assert off(crop, Square(250, 250, 500)) < 1e-6


def test_a_square_inside_a_surer_one_is_none() -> None:
    squares = [Square(50, 50, 80), Square(60, 40, 8), Square(200, 50, 60, 0.2)]
    faces = load_detector()._faces(squares, [0.9, 0.8, 0.7])  # type: ignore[attr-defined]
    assert [face.score for face in faces] == [0.9, 0.7]


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (300, 300)])
def test_where_no_avatar_is_none_is_found(size: tuple[int, int]) -> None:
    detector = load_detector()
    assert isinstance(detector, Detector)
    assert detector.find(scene(*size)) == ()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "detector.safetensors"
    tensors = {f"scout.{key}": value for key, value in Scout().state_dict().items()}
    save_file(tensors, path)
    with pytest.raises(BadFile, match=r"aligner|layers"):
        load_finder(path, FRAME)
    tensors |= {f"aligner.{key}": value for key, value in Aligner().state_dict().items()}
    save_file(tensors, path)
    assert load_finder(path, FRAME).frame == FRAME
    path.write_bytes(b"no weights")
    with pytest.raises(BadFile, match="cannot be used"):
        load_finder(path, FRAME)
