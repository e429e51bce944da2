from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed.editing.photos import png, writing
from eclipsed.editing.photos.crop import box_crop
from eclipsed.editing.photos.pasting import Pasted, paste
from eclipsed.editing.photos.reading import Photo, photo_of, read_photo
from eclipsed.editing.photos.writing import Written, write_photo
from eclipsed.errors import BadFile, EclipsedError
from tests.editing.photos.pictures import decoded, deep, deep_png, deep_tiff, file, noise, picture

ENDINGS = {"JPEG": "jpg", "PNG": "png", "TIFF": "tif", "WEBP": "webp"}
PROFILE = bytes(range(256)) * 3
BOX = (15, 10, 55, 50)


def edited(photo: Photo, strength: float = 0.3, box: tuple[int, ...] = BOX) -> Pasted:
    mask = torch.zeros(32, 32)
    mask[6:26, 8:24] = 1.0
    colour = torch.tensor([1.0, -1.0, 0.5])[:, None, None].expand(3, 32, 32)
    return paste(photo, box_crop(*box), strength * colour, mask)


def through(data: bytes, folder: Path, ending: str, **options: Any) -> tuple[Photo, Photo, Written]:
    """A file's photo, what was written of it, and what is said of that."""
    original = folder / f"photo.{ending}"
    original.write_bytes(data)
    photo = read_photo(original)
    written = write_photo(edited(photo, **options), folder / f"out.{ending}")
    assert original.read_bytes() == data
    return photo, read_photo(folder / f"out.{ending}"), written


FILES: dict[str, Callable[[], bytes]] = {
    **{
        f"{kind} {channels}": lambda kind=kind, channels=channels: file(
            noise(70, 60, channels), kind
        )
        for kind, channels in [("PNG", n) for n in (1, 2, 3, 4)]
        + [("TIFF", n) for n in (1, 2, 3, 4)]
        + [("WEBP", 3), ("WEBP", 4)]
    },
    "PNG interlaced palette": lambda: file(picture(noise(70, 60)).quantize(9), "PNG"),
    "PNG bits": lambda: file(picture(noise(70, 60)).convert("1"), "PNG"),
    "WEBP lossy": lambda: file(noise(70, 60), "WEBP", lossless=False),
    **{f"PNG 16 bits {n}": lambda n=n: deep_png(deep(70, 60, n)) for n in (1, 3, 4)},
    **{
        f"TIFF {compression}": lambda compression=compression: file(
            noise(70, 60), "TIFF", compression=compression
        )
        for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits")
    },
    **{
        f"TIFF 16 bits {order}{code}{predictor}": lambda o=order, c=code, p=predictor: deep_tiff(
            deep(70, 60), o, c, predictor=p, rows=7
        )
        for order in "<>"
        for code, predictor in ((1, 1), (8, 1), (8, 2))
    },
    "TIFF 16 bits grey": lambda: deep_tiff(deep(70, 60, 1)),
    "TIFF big": lambda: file(noise(70, 60), "TIFF", big_tiff=True, compression="tiff_lzw"),
}


@pytest.mark.parametrize("name", FILES)
def test_pixels_outside_the_mask_are_the_same(name: str, tmp_path: Path) -> None:
    before, after, written = through(FILES[name](), tmp_path, ENDINGS[name.split()[0]])
    pasted = edited(before)
    assert (written.outside, written.touched) == (0, None)
    assert written.changed == pasted.changed > 200
    assert after.stored.dtype == before.stored.dtype
    assert (after.stored == pasted.stored()).all()
    assert after.kind == before.kind


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_are_kept(kind: str, orientation: int, tmp_path: Path) -> None:
    data = file(noise(70, 60), kind, orientation, icc_profile=PROFILE)
    before, after, written = through(data, tmp_path, ENDINGS[kind])
    assert after.orientation == orientation
    assert after.facts["icc_profile"] == PROFILE
    assert after.facts.get("exif") == before.facts.get("exif")
    assert written.outside == 0
    left, top, right, bottom = edited(before).box
    change = after.pixels.astype(int) - before.pixels
    assert change[top:bottom, left:right, 0].mean() > 15
    if kind != "JPEG":
        assert (after.pixels == edited(before).photo.turned(edited(before).stored())).all()


@pytest.mark.parametrize("quality", [70, 80, 95])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"subsampling": 0},
        {"subsampling": 1},
        {"subsampling": 2},
        {"progressive": True},
        {"restart_marker_blocks": 2},
        {"optimize": True},
    ],
    ids=str,
)
def test_jpegs(options: dict[str, Any], channels: int, quality: int, tmp_path: Path) -> None:
    data = file(noise(70, 60, channels), "JPEG", quality=quality, **options)
    before, after, written = through(data, tmp_path, "jpg")
    assert written.outside == 0
    assert written.touched
    assert after.stored.shape == before.stored.shape
    want = edited(before)
    left, top, right, bottom = want.box
    got = after.pixels[top:bottom, left:right].astype(int)
    inside = want.mask[..., None] & np.ones(channels, bool)
    assert np.abs(got - want.pixels.astype(int))[inside].mean() < 6.0


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_strength_zero_is_the_same_file(kind: str, orientation: int, tmp_path: Path) -> None:
    data = file(noise(70, 60), kind, orientation) + b"and more"
    _, after, written = through(data, tmp_path, ENDINGS[kind], strength=0.0)
    assert after.data == data
    assert written.is_same_file
    assert (written.changed, written.outside) == (0, 0)


def test_all_chunks_of_a_png_are_kept(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Title", "A day out")
    info.add(b"gAMA", (45455).to_bytes(4, "big"))
    data = file(noise(70, 60), "PNG", 8, pnginfo=info, dpi=(300, 300), icc_profile=PROFILE)
    _, after, _ = through(data, tmp_path, "png")
    with Image.open(io.BytesIO(data)) as old, Image.open(io.BytesIO(after.data)) as new:
        new.load(), old.load()
        assert new.info == old.info
        assert new.text == old.text  # type: ignore[attr-defined]


def test_a_transparent_colour_is_kept_where_colours_are(tmp_path: Path) -> None:
    data = file(noise(70, 60), "PNG", transparency=(1, 2, 3))
    _, after, _ = through(data, tmp_path, "png")
    assert b"tRNS" in after.data
    data = file(picture(noise(70, 60)).quantize(9), "PNG", transparency=2)
    before, after, _ = through(data, tmp_path, "png")
    assert before.stored.shape[2] == 4
    assert b"tRNS" not in after.data


def test_further_pages_and_tags_of_a_tiff_are_kept(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pages = [picture(noise(70, 60, seed=seed)) for seed in (0, 1)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], description="A day out")
    _, after, written = through(buffer.getvalue(), tmp_path, "tiff")
    with Image.open(io.BytesIO(after.data)) as image:
        assert image.tag_v2[270] == "A day out"  # type: ignore[attr-defined]
        image.seek(1)
        assert (np.asarray(image) == noise(70, 60, seed=1)).all()
    assert "2 pages" in written.notes[0]


def test_tiles(tmp_path: Path) -> None:
    pixels = noise(70, 60)
    tiles = [
        np.pad(part, [(0, 32 - part.shape[0]), (0, 16 - part.shape[1]), (0, 0)])
        for top in range(0, 70, 32)
        for left in range(0, 60, 16)
        for part in [pixels[top : top + 32, left : left + 16]]
    ]
    column = np.concatenate(tiles)
    # A page as wide as a tile is stored as its tiles are; its tags are then changed.
    data = deep_tiff(column, rows=32, tiled=(60, 70, 16, 32))
    before, after, written = through(data, tmp_path, "tif")
    assert (before.stored == pixels).all()
    assert written.outside == 0
    assert (after.stored == edited(before).stored()).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "WEBP"])
def test_a_png_keeps_the_pixels_of_any_photo(kind: str, tmp_path: Path) -> None:
    photo = photo_of(file(noise(70, 60), kind, 6, icc_profile=PROFILE))
    written = write_photo(edited(photo), tmp_path / "out.png")
    after = read_photo(tmp_path / "out.png")
    assert written.outside == 0
    assert after.orientation == 6
    assert after.facts["icc_profile"] == PROFILE
    assert (after.stored == edited(photo).stored()).all()


def test_another_kind_says_what_it_does_to_other_pixels(tmp_path: Path) -> None:
    photo = photo_of(file(noise(70, 60), "PNG", 6))
    written = write_photo(edited(photo), tmp_path / "out.jpg")
    assert written.outside > 0
    assert "anew" in written.notes[0]
    lossy = photo_of(file(noise(70, 60), "WEBP", lossless=False))
    assert "lossless" in write_photo(edited(lossy), tmp_path / "out.webp").notes[0]


def test_a_name_without_an_ending_means_the_photos_kind(tmp_path: Path) -> None:
    photo = photo_of(file(noise(70, 60), "TIFF"))
    assert write_photo(edited(photo), tmp_path / "out").kind == "TIFF"


@pytest.mark.parametrize("ending", ["heic", "tif"])
def test_kinds_that_are_not_written(ending: str, tmp_path: Path) -> None:
    photo = photo_of(file(noise(70, 60), "PNG"))
    with pytest.raises(BadFile, match=f"Cannot write .*{ending}"):
        write_photo(edited(photo), tmp_path / f"out.{ending}")


def test_16_bits_have_no_room_in_a_jpeg(tmp_path: Path) -> None:
    photo = photo_of(deep_png(deep(70, 60)))
    with pytest.raises(BadFile, match="16 bits"):
        write_photo(edited(photo), tmp_path / "out.jpg")


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_the_original_is_never_written_to(strength: float, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(file(noise(70, 60), "PNG"))
    link = tmp_path / "link.png"
    link.symlink_to(path)
    pasted = edited(read_photo(path), strength)
    for target in (path, link):
        with pytest.raises(BadFile, match="is the photo itself"):
            write_photo(pasted, target)
    assert path.read_bytes() == pasted.photo.data


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_is_full_or_read_only(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"before")
    pasted = edited(photo_of(file(noise(70, 60), "PNG")))

    def refuse(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(EclipsedError, match="Cannot write") as caught:
        write_photo(pasted, target)
    assert caught.value.hint
    assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["out.png"]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file or folder"):
        write_photo(edited(photo_of(file(noise(70, 60), "PNG"))), tmp_path / "no" / "out.png")


def test_pixels_that_change_outside_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(data: bytes, pixels: np.ndarray, top: int, bottom: int) -> bytes:
        pixels = pixels.copy()
        pixels[:2, :3] ^= 1
        return rewritten(data, pixels, 0, bottom)

    rewritten = png.rewritten
    monkeypatch.setattr(png, "rewritten", spoilt)
    photo = photo_of(file(noise(70, 60), "PNG"))
    assert write_photo(edited(photo), tmp_path / "out.png").outside == 6


def test_what_a_recipe_should_say(tmp_path: Path) -> None:
    photo = photo_of(file(noise(70, 60), "JPEG"))
    facts = write_photo(edited(photo), tmp_path / "out.jpg").facts()
    assert facts["outside"] == 0
    assert facts["blocks"] > 0
    assert decoded((tmp_path / "out.jpg").read_bytes()).shape == (70, 60, 3)


def test_only_rows_that_change_are_filtered_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 0

    def counted(above_and_rows: np.ndarray, step: int) -> np.ndarray:
        nonlocal rows
        rows += len(above_and_rows) - 1
        return foretold(above_and_rows, step)

    data = file(noise(300, 60), "PNG")
    foretold = png._foretold
    monkeypatch.setattr(png, "_foretold", counted)
    before, after, written = through(data, tmp_path, "png")
    _, top, _, bottom = edited(before).box
    assert rows == bottom - top + 1  # the row below is told by its difference from the last
    assert written.outside == 0
    assert (after.stored == edited(before).stored()).all()


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_file_is_decoded_once_after_writing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, times = photo_of(file(noise(70, 60), kind)), []
    monkeypatch.setattr(writing, "photo_of", lambda data: times.append(1) or photo_of(data))
    write_photo(edited(photo), tmp_path / f"once.{ENDINGS[kind]}")
    assert times == [1]


def several(kind: str) -> bytes:
    buffer, more = io.BytesIO(), [picture(noise(70, 60, seed=1))]
    picture(noise(70, 60)).save(buffer, kind, save_all=True, append_images=more)
    return buffer.getvalue()


ODD: dict[str, Callable[[], bytes]] = {
    "several pictures.jpg": lambda: several("MPO"),
    "a picture behind it, as for HDR.jpg": lambda: (
        file(noise(70, 60), "JPEG") + file(noise(20, 20), "JPEG")
    ),
    "much EXIF.jpg": lambda: file(
        noise(70, 60), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0" + b"\0" * 65_000
    ),
    "😀 and a\nnew line.png": lambda: file(noise(70, 60), "PNG"),
}


@pytest.mark.parametrize("name", ODD, ids=["several", "behind", "EXIF", "name"])
def test_odd_files_are_photos_too(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(ODD[name]())
    before = path.read_bytes()
    written = write_photo(edited(read_photo(path)), tmp_path / f"out {name}")
    assert written.changed > 200
    assert written.outside == 0
    assert path.read_bytes() == before
    if name.startswith("much"):
        assert b"\0" * 65_000 in (tmp_path / f"out {name}").read_bytes()
