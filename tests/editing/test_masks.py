from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from torch import Tensor

from eclipsed.editing.masks import LONGEST, WIDEST, Mask, dilate, pixels_at
from eclipsed.errors import BadFile, BadSetting


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_mask_comes_back_from_text_and_numbers(height: int, width: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    mask = Mask.of(torch.rand(height, width, generator=random))
    assert Mask.from_text(mask.text()) == mask
    assert Mask.of(mask.sized(height, width)) == mask
    assert hash(Mask.read(mask.png())) == hash(mask)


def test_bools_are_black_and_white() -> None:
    mask = Mask.of(torch.tensor([[True, False, True]]))
    assert (mask.height, mask.width, mask.greys) == (1, 3, b"\xff\0\xff")
    assert mask.sized(1, 3).tolist() == [[1.0, 0.0, 1.0]]


def test_equal_masks_have_equal_digests() -> None:
    one, other = (Mask.of(torch.zeros(shape)) for shape in ((2, 8), (8, 2)))
    assert one.digest == Mask.of(torch.zeros(2, 8)).digest
    assert one.digest != other.digest


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (5, 90)])
def test_a_mask_of_another_size_covers_the_same_part(size: tuple[int, int]) -> None:
    half = torch.zeros(*size)
    half[:, : size[1] // 2] = 1.0
    found = Mask.of(half).sized(32, 32)
    assert found.shape == (32, 32)
    assert found[:, :12].min() > 0.99
    assert found[:, 20:].max() < 0.01


@pytest.mark.parametrize(
    "numbers",
    [
        torch.zeros(3),
        torch.zeros(1, 4, 4),
        torch.full((4, 4), 1.5),
        torch.full((4, 4), -0.1),
        torch.full((4, 4), float("nan")),
        torch.zeros(0, 4),
        torch.zeros(1, WIDEST + 1),
    ],
)
def test_numbers_that_are_no_mask_are_refused(numbers: torch.Tensor) -> None:
    with pytest.raises(BadSetting):
        Mask.of(numbers)


@pytest.mark.parametrize(
    ("picture", "greys"),
    [
        (Image.new("1", (2, 1), 1), b"\xff\xff"),
        (Image.new("L", (1, 2), 77), b"MM"),
        (Image.new("RGB", (1, 1), "white"), b"\xff"),
        (Image.new("RGBA", (1, 1), (255, 255, 255, 0)), b"\0"),
        (Image.new("RGBA", (1, 1), (255, 255, 255, 255)), b"\xff"),
        (Image.new("I;16", (1, 1), 65_535), b"\xff"),
        (Image.new("I;16", (1, 1), 257), b"\x01"),
    ],
    ids=["bits", "greys", "colours", "transparent", "opaque", "white of 16 bits", "16 bits"],
)
def test_pictures_of_every_kind_are_read(picture: Image.Image, greys: bytes) -> None:
    assert Mask.read(png(picture)).greys == greys


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 60,
        png(Image.new("1", (WIDEST + 1, 1))),
        png(Image.effect_noise((64, 64), 99))[:700],
    ],
    ids=["empty", "text", "damaged", "wide", "cut"],
)
def test_bytes_that_are_no_mask_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        Mask.read(data)
    (tmp_path / "m.png").write_bytes(data)
    with pytest.raises(BadFile, match=r"m\.png"):
        Mask.load(tmp_path / "m.png")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"Cannot read .*none\.png': there is no such file"):
        Mask.load(tmp_path / "none.png")


@pytest.mark.parametrize("text", ["", "?", "AAAA", "A" * (LONGEST + 1)])
def test_text_that_is_no_mask_is_refused(text: str) -> None:
    with pytest.raises(BadFile):
        Mask.from_text(text)


def test_a_mask_of_too_much_detail_is_not_put_in_a_recipe() -> None:
    noise = Mask.of(torch.rand(600, 600, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(BadSetting, match="too much detail"):
        noise.text()


masks = hnp.arrays(np.float32, (2, 6, 6), elements=st.sampled_from([0.0, 1.0])).map(
    torch.from_numpy
)


def box(top: int, bottom: int) -> Tensor:
    mask = torch.zeros(1, 8, 8)
    mask[:, top:bottom, top:bottom] = 1.0
    return mask


def test_widths_grow_with_the_image() -> None:
    assert [pixels_at(size, 2) for size in (32, 64, 128, 1024)] == [1, 1, 2, 16]


def test_dilate_grows_by_so_many_pixels() -> None:
    assert torch.equal(dilate(box(3, 5), 2), box(1, 7))
    assert torch.equal(dilate(box(0, 8), 3), box(0, 8))


@given(masks, masks, st.integers(1, 3))
def test_dilate_is_monotonic_and_adds_up(one: Tensor, other: Tensor, pixels: int) -> None:
    union = torch.maximum(one, other)
    grown = dilate(one, pixels)
    assert (grown >= one).all()
    assert (dilate(union, pixels) >= grown).all()
    assert torch.equal(dilate(grown, 1), dilate(one, pixels + 1))
