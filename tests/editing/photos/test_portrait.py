"""A real portrait, found, aligned and laid back: Grace Hopper, as matplotlib carries her."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.photos.crop import ffhq_crop
from eclipsed.editing.photos.faces import placed
from eclipsed.editing.photos.mtcnn import load_mtcnn
from eclipsed.types import Point

# What the public weights find in it.
POINTS: list[Point] = [
    (221.17, 191.71),
    (309.33, 185.63),
    (268.86, 238.67),
    (232.15, 279.15),
    (306.14, 275.43),
]


@pytest.fixture(scope="module")
def portrait() -> Tensor:
    matplotlib = pytest.importorskip("matplotlib")
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).float() / 255


@pytest.mark.parametrize("size", [128, 256])
def test_what_was_cut_out_fits_exactly_where_it_is_laid_back(portrait: Tensor, size: int) -> None:
    crop = ffhq_crop(POINTS)
    height, width = portrait.shape[:2]
    (left, top, right, bottom), values, coverage = crop.back(
        crop.cut(portrait, size), height, width
    )

    def wrong(x: int, y: int) -> float:
        """How much differs if it is laid back so far off."""
        moved = portrait.roll((-y, -x), (0, 1))[top:bottom, left:right].permute(2, 0, 1)
        smooth = F.avg_pool2d(moved, 3, 1, padding=1, count_include_pad=False)
        return float(((values - smooth).abs() * coverage).mean())

    others = [wrong(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)]
    assert wrong(0, 0) < 0.7 * min(others)


def test_the_public_weights_find_her(portrait: Tensor) -> None:
    folder = os.environ.get("ECLIPSED_MTCNN")
    if folder is None:
        pytest.skip("ECLIPSED_MTCNN names the folder of pnet.pt, rnet.pt and onet.pt")
    placement = placed(portrait, lambda: load_mtcnn(folder))
    assert placement.face is not None
    assert np.array(placement.face.points) == pytest.approx(np.array(POINTS), abs=0.1)
    assert placement.notes == ()
