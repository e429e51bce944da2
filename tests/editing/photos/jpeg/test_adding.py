from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from eclipsed.editing.photos.jpeg import adding, huffman, markers
from eclipsed.editing.photos.jpeg.adding import Added, add
from eclipsed.errors import BadFile
from tests.editing.photos.pictures import decoded, file, noise

HEIGHT, WIDTH = 83, 105
BOX = (23, 37, 62, 71)  # left, top, right, bottom; on no block's edge
OPTIONS: dict[str, dict[str, Any]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "own codes": {"optimize": True},
    "restart after 3 units": {"restart_marker_blocks": 3},
    "restart after a row": {"subsampling": 0, "restart_marker_rows": 1},
    "progressive": {"progressive": True},
    "progressive 4:4:4, restart": {
        "progressive": True,
        "subsampling": 0,
        "restart_marker_rows": 1,
    },
}


def difference(before: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """A bump of colour that keeps within what pixels can hold."""
    left, top, right, bottom = box
    y, x = np.mgrid[-1 : 1 : (bottom - top) * 1j, -1 : 1 : (right - left) * 1j]
    bump = np.clip(1.2 - x**2 - y**2, 0, 1)[..., None] * [60, -40, 30][: before.shape[2]]
    window = before[top:bottom, left:right].astype(int)
    return ((window + bump).round().clip(0, 255) - window).astype(np.int16)


def reach(added: Added, rim: int) -> np.ndarray:
    """The pixels of touched units, and so many around them."""
    pixels = np.kron(added.touched, np.ones(added.unit, bool))
    grown = np.pad(pixels, rim)
    for axis in (0, 1):
        grown = np.any([np.roll(grown, shift, axis) for shift in range(-rim, rim + 1)], 0)
    return grown[rim:-rim, rim:-rim] if rim else grown


@pytest.mark.parametrize("spacing", [96, 8192])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [70, 95])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_only_touched_blocks_change(
    options: dict[str, Any],
    quality: int,
    channels: int,
    spacing: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(huffman, "SPACING", spacing)
    data = file(noise(HEIGHT, WIDTH, channels), "JPEG", quality=quality, **options)
    before = decoded(data)
    left, top, right, bottom = BOX
    change = difference(before, BOX)
    added = add(data, change, left, top)
    after = decoded(added.data)
    differs = (after != before).any(-1)
    is_subsampled = channels == 3 and options.get("subsampling") != 0
    assert not differs[~reach(added, 1 if is_subsampled else 0)[:HEIGHT, :WIDTH]].any()
    # The units are those that the box lies in, and no others.
    high, wide = added.unit
    rows, columns = np.nonzero(added.touched)
    assert rows.min() >= top // high
    assert rows.max() <= (bottom - 1) // high
    assert columns.min() >= left // wide
    assert columns.max() <= (right - 1) // wide
    got = after[top:bottom, left:right].astype(int) - before[top:bottom, left:right]
    assert np.abs(got.mean((0, 1)) - change.mean((0, 1))).max() < 2.0


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_no_difference_is_the_same_bytes(options: dict[str, Any]) -> None:
    data = file(noise(HEIGHT, WIDTH), "JPEG", **options)
    added = add(data, np.zeros((20, 20, 3), np.int16), 5, 9)
    assert added.data == data
    assert not added.touched.any()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_difference_and_its_opposite_give_back_the_pixels(options: dict[str, Any]) -> None:
    data = file(noise(HEIGHT, WIDTH), "JPEG", quality=80, **options)
    change = np.full((30, 40, 3), 12, np.int16)
    there = add(data, change, 20, 10)
    back = add(there.data, -change, 20, 10)
    assert (decoded(back.data) == decoded(data)).all()


@pytest.mark.parametrize("box", [(0, 0, 7, 9), (90, 70, 105, 83), (0, 0, 105, 83), (3, 80, 4, 81)])
@pytest.mark.parametrize("name", ["4:2:0", "4:2:2", "restart after 3 units", "progressive"])
def test_edges_of_the_picture(name: str, box: tuple[int, int, int, int]) -> None:
    data = file(noise(HEIGHT, WIDTH), "JPEG", quality=90, **OPTIONS[name])
    left, top, right, bottom = box
    change = np.full((bottom - top, right - left, 3), 25, np.int16)
    added = add(data, change, left, top)
    before, after = decoded(data), decoded(added.data)
    assert after.shape == before.shape
    assert not (after != before).any(-1)[~reach(added, 1)[:HEIGHT, :WIDTH]].any()
    assert added.touched.any()


@settings(max_examples=60)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    subsampling=st.integers(0, 2),
    quality=st.integers(30, 98),
    progressive=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_size(
    height: int, width: int, subsampling: int, quality: int, progressive: bool, seed: int
) -> None:
    pixels = noise(height, width, seed=seed)
    data = file(pixels, "JPEG", subsampling=subsampling, quality=quality, progressive=progressive)
    added = add(data, np.full((1, 1, 3), 40, np.int16), width // 2, height // 2)
    before, after = decoded(data), decoded(added.data)
    assert not (after != before).any(-1)[~reach(added, 1)[:height, :width]].any()


def test_a_file_whose_codes_lack_a_word_is_coded_anew() -> None:
    flat = np.full((64, 64, 3), 120, np.uint8)
    data = file(flat, "JPEG", optimize=True, subsampling=0)
    change = difference(decoded(data), (9, 9, 40, 40))
    added = add(data, change, 9, 9)
    after = decoded(added.data)
    assert (after[~reach(added, 0)] == 120).all()
    assert np.abs(after[9:40, 9:40].astype(int) - 120 - change).mean() < 2.0


def test_what_stands_around_the_pixels_stays() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = file(
        noise(HEIGHT, WIDTH), "JPEG", exif=exif, icc_profile=b"p" * 70_000, comment=b"a word"
    )
    data += b"a film of two seconds"
    added = add(data, np.full((9, 9, 3), 40, np.int16), 9, 9)
    part = markers.parse(data).passes[0]
    assert added.data[: part.begin] == data[: part.begin]
    assert added.data.endswith(data[part.end :])


@pytest.mark.parametrize("progressive", [False, True])
def test_pictures_behind_the_picture_are_found_where_they_went(progressive: bool) -> None:
    buffer = io.BytesIO()
    first, second = (Image.fromarray(noise(40, 50, seed=seed)) for seed in (0, 1))
    first.save(
        buffer, "MPO", save_all=True, append_images=[second], quality=90, progressive=progressive
    )
    data = buffer.getvalue()
    added = add(data, np.full((20, 20, 3), 60, np.int16), 9, 9)
    moved = markers.with_moved_pictures(added.data, len(added.data) - len(data))
    assert len(moved) != len(data)
    pictures = []
    for each in (data, moved):
        with Image.open(io.BytesIO(each)) as image:
            image.seek(1)
            pictures.append(np.asarray(image))
    assert (pictures[0] == pictures[1]).all()


def test_stored_rgb_is_no_luma() -> None:
    data = file(noise(40, 48), "JPEG", keep_rgb=True, quality=95)
    added = add(data, np.full((16, 16, 3), [0, 20, 0], np.int16), 16, 16)
    got = decoded(added.data).astype(int) - decoded(data)
    assert np.abs(got[16:32, 16:32].mean((0, 1)) - [0, 20, 0]).max() < 1.5
    assert not got[:16].any()


class TestDamage:
    DATA = file(noise(HEIGHT, WIDTH), "JPEG", quality=90)
    CHANGE = np.full((9, 9, 3), 40, np.int16)

    @pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
    def test_a_file_cut_short(self, share: float) -> None:
        with pytest.raises(BadFile):
            add(self.DATA[: int(len(self.DATA) * share)], self.CHANGE, 9, 9)

    def test_bits_that_end_too_early(self) -> None:
        part = markers.parse(self.DATA).passes[0]
        short = self.DATA[: (part.begin + part.end) // 2] + b"\xff\xd9"
        with pytest.raises(BadFile, match="damaged"):
            add(short, self.CHANGE, 9, 9)

    def test_restart_markers_that_are_missing(self) -> None:
        data = file(noise(HEIGHT, WIDTH), "JPEG", restart_marker_rows=1)
        with pytest.raises(BadFile, match="damaged"):
            add(data.replace(b"\xff\xd1", b""), self.CHANGE, 9, 9)

    def test_arithmetic_coding_is_said(self) -> None:
        with pytest.raises(BadFile, match="rare kind"):
            add(self.DATA.replace(b"\xff\xc0", b"\xff\xc9", 1), self.CHANGE, 9, 9)

    @settings(max_examples=60)
    @given(st.integers(0, 1 << 30), st.integers(0, 255))
    def test_any_other_byte_is_a_picture_or_a_sentence(self, place: int, value: int) -> None:
        data = bytearray(self.DATA)
        data[place % len(data)] = value
        with suppress(BadFile):
            add(bytes(data), self.CHANGE, 9, 9)


@pytest.mark.parametrize("quality", [70, 85])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_change_spills_little_over_its_own_end(
    subsampling: int, quality: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest numbers spread their error evenly, which shows where nothing should change."""
    data = file(noise(HEIGHT, WIDTH), "JPEG", quality=quality, subsampling=subsampling)
    stripes = np.where(np.arange(35)[:, None] // 5 % 2, [60, -50, 40], [-50, 60, -40])
    stripes = np.tile(stripes.astype(np.int16), (31, 1, 1))
    still, spilt = np.ones((HEIGHT, WIDTH), bool), []
    still[30 : 30 + 31, 40 : 40 + 35] = False
    for quiet in (1.0, adding._QUIET):
        monkeypatch.setattr(adding, "_QUIET", quiet)
        change = decoded(add(data, stripes, 40, 30).data).astype(int) - decoded(data)
        spilt.append(np.abs(change)[still].sum())
    assert spilt[1] < 0.95 * spilt[0]
