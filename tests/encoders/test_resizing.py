from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from eclipsed.encoders.resizing import Kernel, resize, resize_bytes, resize_matrix, to_bytes

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
SIDES = st.integers(1, 70)


def by_pillow(pixels: Tensor, size: tuple[int, int], kernel: Kernel) -> Tensor:
    """Bytes [3, H, W] at another size, as Pillow has it; columns first, as before its version 13.

    Newer versions begin with the rows of some pictures, which changes a few bytes.
    """
    picture = Image.fromarray(pixels.permute(1, 2, 0).to(torch.uint8).numpy())
    picture = picture.resize((size[1], picture.height), RESAMPLING[kernel])
    made = np.array(picture.resize((size[1], size[0]), RESAMPLING[kernel]))
    return torch.from_numpy(made).permute(2, 0, 1).float()


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(["bilinear", "bicubic"]), st.integers(0, 9))
def test_bytes_equal_pillows_and_the_smooth_form_is_near(
    high: int, wide: int, higher: int, wider: int, kernel: Kernel, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (1, 3, high, wide), generator=random).float()
    expected = by_pillow(pixels[0], (higher, wider), kernel)
    assert torch.equal(resize_bytes(pixels, (higher, wider), kernel)[0], expected)
    smooth = resize(pixels / 127.5 - 1.0, (higher, wider), kernel)[0]
    assert float(((smooth + 1.0) * 127.5 - expected).abs().max()) <= 1.5


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("source", "target"), [(128, 224), (512, 224), (100, 512)])
def test_squares_equal_pillows_in_one_call(kernel: Kernel, source: int, target: int) -> None:
    pixels = torch.randint(0, 256, (1, 3, source, source)).float()
    picture = Image.fromarray(pixels[0].permute(1, 2, 0).to(torch.uint8).numpy())
    made = np.array(picture.resize((target, target), RESAMPLING[kernel]))
    expected = torch.from_numpy(made).permute(2, 0, 1).float()
    assert torch.equal(resize_bytes(pixels, (target, target), kernel)[0], expected)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("source", "target"), [(1024, 224), (128, 224), (33, 512), (7, 7)])
def test_rows_of_a_matrix_keep_brightness(kernel: Kernel, source: int, target: int) -> None:
    matrix = resize_matrix(source, target, kernel)
    assert matrix.shape == (target, source)
    torch.testing.assert_close(matrix.sum(dim=1), torch.ones(target, dtype=torch.float64))
    if source == target:
        torch.testing.assert_close(matrix, torch.eye(source, dtype=torch.float64))


def test_gradients_are_those_of_the_matrices() -> None:
    images = torch.zeros(1, 3, 12, 10, requires_grad=True)
    out = resize(images, (5, 20), "bicubic")
    (gradient,) = torch.autograd.grad(out[0, 1, 2, 7], images)
    rows, columns = (resize_matrix(*sides, "bicubic") for sides in ((12, 5), (10, 20)))
    torch.testing.assert_close(gradient[0, 1].double(), torch.outer(rows[2], columns[7]))
    assert bool((gradient[0, [0, 2]] == 0).all())


def test_half_precision_changes_nothing() -> None:
    images = torch.rand(1, 3, 40, 40) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        half = resize(images, (24, 24), "bicubic")
        exact = resize_bytes(to_bytes(images), (24, 24), "bicubic")
    assert torch.equal(half, resize(images, (24, 24), "bicubic"))
    assert torch.equal(exact, resize_bytes(to_bytes(images), (24, 24), "bicubic"))


def test_what_lies_beyond_is_clipped() -> None:
    images = torch.tensor([-3.0, -1.0, 0.0, 1.0, 5.0])[None, None, None]
    assert to_bytes(images).flatten().tolist() == [0.0, 0.0, 128.0, 255.0, 255.0]
    assert resize(images, (1, 5), "bicubic").flatten().tolist() == [-1.0, -1.0, 0.0, 1.0, 1.0]
