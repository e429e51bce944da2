from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from eclipsed.editing.photos import png, reading
from eclipsed.editing.photos.reading import (
    Photo,
    as_stored,
    photo_of,
    read_photo,
    stored_box,
    turned,
)
from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import sha256_of
from tests.editing.photos.pictures import deep, deep_png, deep_tiff, file, noise, picture


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations(kind: str, orientation: int) -> None:
    pixels = noise(7, 5)
    data = file(pixels, kind, orientation)
    photo = photo_of(data)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        upright = image if kind == "TIFF" else ImageOps.exif_transpose(image)
    assert photo.orientation == orientation
    assert (photo.pixels == np.asarray(upright)).all()
    if kind != "JPEG":
        assert (photo.stored == pixels).all()
    left, top, right, bottom = stored_box((1, 2, 4, 5), photo.size, orientation)
    window = turned(photo.stored[top:bottom, left:right], orientation)
    assert (window == photo.pixels[2:5, 1:4]).all()
    assert (turned(photo.pixels, as_stored(orientation)) == photo.stored).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_channels(kind: str, channels: int) -> None:
    pixels = noise(9, 11, channels)
    if kind == "WEBP" and channels < 3:
        pixels = np.repeat(pixels, 3, 2)[..., :3]
    photo = photo_of(file(pixels, kind))
    assert photo.stored.dtype == np.uint8
    assert (photo.stored == pixels).all()
    assert photo.is_lossless


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "write",
    [
        deep_png,
        *(lambda p, o=order, c=code: deep_tiff(p, o, c) for order in "<>" for code in (1, 8)),
    ],
)
def test_all_16_bits_are_read(write: Any, channels: int) -> None:
    pixels = deep(9, 13, channels)
    photo = photo_of(write(pixels))
    assert photo.stored.dtype == np.uint16
    assert (photo.stored == pixels).all()
    assert photo.most == 65535
    seen = photo.rgb
    assert seen.shape == (9, 13, 3)
    if channels == 3:
        assert np.abs(seen.astype(int) - pixels / 257).max() <= 0.5


def test_16_bits_interlaced() -> None:
    pixels = deep(11, 13)
    # The seven pictures of Adam7: first row and column, and steps between them.
    grids = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in [*grids, (1, 0, 2, 1)]
        for row in pixels[top::down, left::across].astype(">u2")
    )
    plain = deep_png(pixels)
    head = plain[16:28] + b"\x01"
    parts = [png.chunk(b"IHDR", head), png.chunk(b"IDAT", zlib.compress(rows)), plain[-12:]]
    assert (photo_of(b"".join([png.SIGNATURE, *parts])).stored == pixels).all()


def test_palettes_and_black_and_white_become_colours() -> None:
    image = picture(noise(20, 20)).quantize(8)
    photo = photo_of(file(image, "PNG"))
    assert (photo.stored == np.asarray(image.convert("RGB"))).all()
    assert "palette" in photo.notes[0]
    clear = photo_of(file(image, "PNG", transparency=3))
    assert clear.stored.shape == (20, 20, 4)
    plain = photo_of(file(picture(noise(20, 20)).convert("1"), "PNG"))
    assert set(np.unique(plain.stored)) == {0, 255}
    assert plain.stored.shape == (20, 20, 1)


def test_lossy_and_lossless_webp() -> None:
    assert photo_of(file(noise(20, 20), "WEBP")).is_lossless
    assert photo_of(file(noise(20, 20), "WEBP", icc_profile=b"p" * 33)).is_lossless
    assert not photo_of(file(noise(20, 20), "WEBP", lossless=False)).is_lossless


def test_the_network_sees_srgb_on_white_paper() -> None:
    grey = photo_of(file(noise(5, 5, 1), "PNG")).rgb
    assert (grey == noise(5, 5, 1)).all()
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (photo_of(file(clear, "PNG")).rgb == 255).all()
    turned_photo = photo_of(file(noise(4, 6), "PNG", 6))
    assert turned_photo.rgb.shape == (6, 4, 3)
    assert turned_photo.rgb.flags["C_CONTIGUOUS"]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (
        np.abs(
            photo_of(file(noise(9, 9), "PNG", icc_profile=profile)).rgb.astype(int) - noise(9, 9)
        ).max()
        <= 1
    )
    assert (photo_of(file(noise(9, 9), "PNG", icc_profile=b"none")).rgb == noise(9, 9)).all()


def test_one_pixel() -> None:
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        assert photo_of(file(noise(1, 1), kind)).size == (1, 1)


def test_the_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.txt"
    path.write_bytes(file(noise(9, 9), "PNG"))
    photo = read_photo(path)
    assert (photo.kind, photo.name) == ("PNG", "photo.txt")
    assert photo.data == path.read_bytes()
    assert photo.sha256 == sha256_of(path.read_bytes())


def cmyk() -> bytes:
    return file(picture(noise(9, 9)).convert("CMYK"), "JPEG")


def animated(kind: str) -> bytes:
    frames = [picture(noise(9, 9, seed=seed)) for seed in (0, 1)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def cut(kind: str, share: float) -> bytes:
    data = file(noise(40, 40), kind)
    return data[: int(len(data) * share)]


def bomb() -> bytes:
    data = bytearray(deep_png(deep(1, 1)))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


REFUSED: dict[str, tuple[bytes, str]] = {
    "print": (cmyk(), "colours are those of print"),
    "print in TIFF": (file(picture(noise(9, 9)).convert("CMYK"), "TIFF"), "rare kind"),
    "palette in TIFF": (file(picture(noise(9, 9)).quantize(8), "TIFF"), "rare kind"),
    "Lab in TIFF": (file(picture(noise(9, 9)).convert("LAB"), "TIFF"), "rare kind"),
    "fractions in TIFF": (file(Image.fromarray(np.ones((9, 9), np.float32)), "TIFF"), "rare kind"),
    "bits in TIFF": (file(picture(noise(9, 9)).convert("1"), "TIFF"), "rare kind"),
    "BMP": (file(noise(9, 9), "BMP"), "not a file of a known kind"),
    "moving PNG": (animated("PNG"), "animation"),
    "moving WebP": (animated("WEBP"), "animation"),
    "GIF": (animated("GIF"), "GIF picture"),
    "text": (b"hello", "not a file of a known kind"),
    "nothing": (b"", "an empty file"),
    "bomb": (bomb(), "100 million pixels"),
    "grey with alpha in 16 bits": (deep_png(deep(5, 5, 2)), "grey with alpha"),
    **{
        f"{kind} cut to {share}": (cut(kind, share), "damaged")
        for kind in ("JPEG", "PNG", "TIFF", "WEBP")
        for share in (0.3, 0.9)
    },
    "JPEG's head": (cut("JPEG", 0.05), "damaged"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_one_sentence(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(EclipsedError, match=words) as caught:
        read_photo(path)
    assert caught.value.message.count(".") - caught.value.message.count(".jpg") == 1
    assert caught.value.hint


def test_the_largest_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_PIXELS", 100)
    assert photo_of(file(noise(10, 10), "PNG")).size == (10, 10)
    with pytest.raises(BadFile, match="million pixels"):
        photo_of(file(noise(10, 11), "PNG"))


def test_pages_after_the_first_are_said() -> None:
    buffer = io.BytesIO()
    first, second = (picture(noise(9, 9, seed=seed)) for seed in (0, 1))
    first.save(buffer, "TIFF", save_all=True, append_images=[second])
    photo = photo_of(buffer.getvalue())
    assert (photo.stored == noise(9, 9)).all()
    assert "2 pages" in photo.notes[0]


def test_several_jpegs_in_one_file_are_a_photo() -> None:
    buffer = io.BytesIO()
    first, second = (picture(noise(9, 9, seed=seed)) for seed in (0, 1))
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    assert photo_of(buffer.getvalue()).kind == "JPEG"


def test_odd_orientations_mean_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert photo_of(file(noise(4, 4), "PNG", exif=exif)).orientation == 1


def test_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image = pillow_heif.from_pillow(picture(noise(64, 48)))
    image.info["exif"] = exif.tobytes()
    image.save(buffer, quality=-1)
    photo: Photo = photo_of(buffer.getvalue())
    assert photo.kind == "HEIC"
    assert photo.orientation == 1


def test_heic_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(EclipsedError, match="HEIC") as caught:
        photo_of(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    assert "pip install" in caught.value.hint
