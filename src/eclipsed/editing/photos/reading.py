"""A photo as its file has it: pixels in their own depth and colours, and what is said of them.

Pixels are [h, w, channels], where the channels are grey, grey and alpha, red, green and blue, or
these and alpha. What a file stores turned is seen upright by everything else. This module knows
no generator.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NoReturn

import numpy as np
from jaxtyping import Shaped, UInt8, UInt16
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ExifTags import Base

from eclipsed.editing.images import opaque
from eclipsed.errors import BadFile, EclipsedError, MissingExtra, install_command
from eclipsed.files import StrPath, kind_of, read_bytes, refused, sha256_of

Kind = Literal["JPEG", "PNG", "TIFF", "WebP", "HEIC"]
Box = tuple[int, int, int, int]
Pixels = UInt8[np.ndarray, "_h _w _c"] | UInt16[np.ndarray, "_h _w _c"]

MOST_PIXELS = 100_000_000  # more than the cameras of phones have
_MOST_BYTES = 512 * 2**20
# What Pillow calls them; cameras put several JPEGs behind each other, which it calls MPO.
_FORMATS: dict[str, Kind] = {
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "PNG": "PNG",
    "TIFF": "TIFF",
    "WEBP": "WebP",
}
_OPENED = ("JPEG", "PNG", "TIFF", "WEBP")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_HINT = "Give a JPEG, PNG, TIFF, WebP or HEIC photo."
_CONVERT = "Save it in RGB with another program first."
_DEEP_MODES = ("RGB;16B", "RGB;16L", "RGB;16N", "RGBA;16B", "RGBA;16L", "RGBA;16N")
# Colours from all over the cube, and how far apart those of one space may come out.
_SAMPLE = np.stack(np.meshgrid(*[np.arange(0, 256, 51)] * 3), -1).reshape(6, 36, 3).astype(np.uint8)
_SAME = 2
_RGB, _GREY = 2, 1  # what TIFF calls its colours
_OF_PHOTO = {
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Orientation,
    Base.DateTime,
    Base.Artist,
    Base.Copyright,
    Base.ExifOffset,
    Base.GPSInfo,
}
_BITS, _COLOURS = 258, 262  # TIFF's tags for bits of a sample, and for colours


@dataclass(frozen=True)
class Photo:
    """A photo, and the bytes it was read from.

    path: of its file, None for bytes. is_lossless: whether a file of this kind gives back its
    pixels. orientation: how they are turned to be upright, 1 to 8 as EXIF counts. stored: the
    pixels as the file has them. facts: what Pillow needs to write the same metadata. notes:
    sentences about what the file has and the pixels have not.
    """

    name: str
    path: str | None
    kind: Kind
    is_lossless: bool
    orientation: int
    data: bytes = field(repr=False)
    stored: Pixels = field(repr=False)
    facts: dict[str, bytes] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> Pixels:
        """The pixels upright: a view of those stored."""
        return self.turned(self.stored)

    def turned(self, stored: Pixels) -> Pixels:
        """A view of pixels like those stored, upright."""
        upright: Pixels = turned(stored, self.orientation)
        return upright

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, upright."""
        return self.pixels.shape[:2]

    @property
    def most(self) -> int:
        """The number that full white has in the file: 255 or 65535."""
        return int(np.iinfo(self.stored.dtype).max)

    @cached_property
    def sha256(self) -> str:
        """Of the file, in hex."""
        return sha256_of(self.data)

    @cached_property
    def rgb(self) -> UInt8[np.ndarray, "h w 3"]:
        """The photo as a network should see it: upright, 8 bits of sRGB, with white paper where it
        is transparent. Not to be written to: it may be the pixels themselves."""
        pixels = in_8_bits(self.pixels)
        if pixels.shape[2] == 3 and self.colours is None:
            return np.ascontiguousarray(pixels)
        if pixels.shape[2] < 3:
            colours = np.repeat(pixels[..., :1], 3, 2)
            pixels = np.concatenate([colours, pixels[..., 1:]], 2)
        picture = opaque(Image.fromarray(np.ascontiguousarray(pixels)))
        seen = np.array(opaque(picture))
        return seen if self.colours is None else self.colours.to_srgb(seen)

    @cached_property
    def colours(self) -> Colours | None:
        """How the photo's colours become sRGB; None where they are, or where nobody knows."""
        profile = self.facts.get("icc_profile")
        if profile is None or self.stored.shape[2] < 3:  # one of grey says nothing of colours
            return None
        try:
            colours = Colours.of(profile)
            apart = colours.to_srgb(_SAMPLE).astype(int) - _SAMPLE
        except (ImageCms.PyCMSError, OSError, ValueError):
            return None
        return colours if np.abs(apart).max() > _SAME else None


@dataclass(frozen=True)
class Colours:
    """Ways between a photo's colours and sRGB, for pixels [h, w, 3] of 8 bits."""

    forth: ImageCms.ImageCmsTransform
    back: ImageCms.ImageCmsTransform

    @classmethod
    def of(cls, profile: bytes) -> Colours:
        """Of a photo's own profile."""
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        ways = [(own, srgb), (srgb, own)]
        forth, back = (ImageCms.buildTransform(*way, "RGB", "RGB") for way in ways)
        return cls(forth, back)

    def to_srgb(self, pixels: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        return _converted(pixels, self.forth)

    def from_srgb(self, pixels: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        return _converted(pixels, self.back)


def _converted(
    pixels: UInt8[np.ndarray, "h w 3"], way: ImageCms.ImageCmsTransform
) -> UInt8[np.ndarray, "h w 3"]:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    ImageCms.applyTransform(picture, way, inPlace=True)
    return np.array(picture)


def in_8_bits(pixels: Pixels) -> UInt8[np.ndarray, "_h _w _c"]:
    """Pixels of 8 bits, or of 16 rounded to them."""
    if pixels.dtype == np.uint8:
        return pixels
    numbers: UInt8[np.ndarray, "_h _w _c"] = ((pixels.astype(np.uint32) + 128) // 257).astype(
        np.uint8
    )
    return numbers


# --- turning ------------------------------------------------------------------------------------


def turned(pixels: Shaped[np.ndarray, "_h _w *_c"], orientation: int) -> Any:
    """A view of what is stored in one of EXIF's eight orientations, upright."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def as_stored(orientation: int) -> int:
    """The orientation that turns upright pixels to how they are stored."""
    return {6: 8, 8: 6}.get(orientation, orientation)


def stored_box(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """Where the pixels of an upright box (left, top, right, bottom) are stored.

    size: height and width, upright.
    """
    (left, top, right, bottom), (height, width) = box, size
    back = as_stored(orientation)
    if back >= 5:
        left, top, right, bottom, height, width = top, left, bottom, right, width, height
    if back in (2, 3, 6, 7):
        left, right = width - right, width - left
    if back in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    return left, top, right, bottom


# --- reading ------------------------------------------------------------------------------------


def read_photo(path: StrPath) -> Photo:
    """A photo of a JPEG, PNG, TIFF, WebP or HEIC file, told apart by content.

    Raises BadFile for any other or damaged file, for an animation, for colours of print, and for
    more than 100 million pixels; MissingExtra for HEIC without what reads it.
    """
    data = read_bytes(path, limit=_MOST_BYTES)
    with refused(path):
        return photo_of(data, os.path.realpath(path))


def photo_of(data: bytes, path: str | None = None) -> Photo:
    """A photo of a file's bytes; raises as `read_photo`, the reason only."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns of the smaller bombs, and of odd metadata in good pictures.
            warnings.simplefilter("ignore")
            return _read(data, path)
    except EclipsedError:
        raise
    except Image.DecompressionBombError as error:
        _refuse_size(error)
    except Exception as error:  # Pillow's decoders leak every kind of exception
        raise BadFile("it is a damaged picture", "Get it again.") from error


def _read(data: bytes, path: str | None) -> Photo:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return _read_heic(data, path)
    picture = _open(data)
    kind = _FORMATS[picture.format or ""]
    if kind in ("PNG", "WebP") and getattr(picture, "is_animated", False):
        raise BadFile("it is an animation", "Save one of its pictures first.")
    orientation = _orientation(picture)
    pixels, notes = _tiff(data) if kind == "TIFF" else _pixels(data)
    if kind == "TIFF":  # Pillow turns these, and no others
        pixels = turned(pixels, as_stored(orientation))
    return Photo(
        name=os.path.basename(path or ""),
        path=path,
        kind=kind,
        is_lossless=kind in ("PNG", "TIFF") or (kind == "WebP" and _is_lossless_webp(data)),
        orientation=orientation,
        data=data,
        stored=pixels,
        facts=_facts(picture),
        notes=notes,
    )


def _open(data: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=_OPENED)
    except UnidentifiedImageError as error:
        words = kind_of(data)
        if words.endswith("picture") and words != "a GIF picture":
            words += " that is damaged or of a kind that is not read"
        raise BadFile(f"it is {words}", _HINT) from error
    if picture.width * picture.height > MOST_PIXELS:
        _refuse_size(None)
    return picture


def _refuse_size(error: Exception | None) -> NoReturn:
    words = f"it has more than {MOST_PIXELS // 10**6} million pixels"
    raise BadFile(words, "Make it smaller first.") from error


def _orientation(picture: Image.Image) -> int:
    with suppress(Exception):  # cameras write odd EXIF data into good pictures
        orientation = int(picture.getexif().get(Base.Orientation, 1))
        return orientation if 1 <= orientation <= 8 else 1
    return 1


def _facts(picture: Image.Image) -> dict[str, bytes]:
    names = ("exif", "icc_profile", "xmp")
    facts = {name: picture.info.get(name) for name in names}
    if picture.format == "TIFF":  # its tags are EXIF's, and some are of its pixels only
        exif = picture.getexif()
        for tag in set(exif) - _OF_PHOTO:
            del exif[tag]
        facts["exif"] = exif.tobytes() if exif else None
    return {name: value for name, value in facts.items() if isinstance(value, bytes) and value}


def _pixels(data: bytes) -> tuple[Pixels, tuple[str, ...]]:
    """The pixels of a JPEG, PNG or WebP, and what is to be said of them."""
    picture = _open(data)
    if picture.mode in ("CMYK", "YCCK", "LAB", "HSV"):
        raise BadFile(f"its colours are those of print ({picture.mode})", _CONVERT)
    if picture.format == "PNG" and data[24] == 16 and picture.mode != "I;16":
        if data[25] == 4:
            raise BadFile("it is grey with alpha in 16 bits", "Save it in RGB with alpha first.")
        return _deep(data), ()
    picture.load()
    if picture.mode == "P":
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        note = "It had a palette of colours, and is written with all colours."
        return _array(picture.convert(mode)), (note,)
    if picture.mode == "1":
        note = "It was black and white only, and is written with greys."
        return _array(picture.convert("L")), (note,)
    return _array(picture), ()


def _tiff(data: bytes) -> tuple[Pixels, tuple[str, ...]]:
    """The pixels of a TIFF, upright, and what is to be said of them."""
    picture = _open(data)
    tags = picture.tag_v2  # type: ignore[attr-defined]
    bits = set(tags.get(_BITS, (1,)))
    known = (tags.get(_COLOURS) in (_GREY, _RGB), bits in ({8}, {16}))
    if not all(known) or picture.mode not in ("L", "LA", "RGB", "RGBA", "I;16", "I;16B"):
        words = "it is a TIFF picture of a rare kind, in other than 8 or 16 bits of grey or RGB"
        raise BadFile(words, _CONVERT)
    pages = getattr(picture, "n_frames", 1)
    notes = (f"It has {pages} pages, of which the first is edited.",) if pages > 1 else ()
    if bits == {16} and picture.mode in ("RGB", "RGBA"):
        return _deep(data), notes
    picture.load()
    return _array(picture), notes


def _array(picture: Image.Image) -> Pixels:
    if picture.mode not in ("L", "LA", "RGB", "RGBA", "I;16", "I;16B"):
        raise BadFile(f"its colours are of a rare kind ({picture.mode})", _CONVERT)
    depth = np.uint16 if picture.mode.startswith("I;16") else np.uint8
    pixels: Pixels = np.array(picture).astype(depth, copy=False)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _deep(data: bytes) -> UInt16[np.ndarray, "_h _w _c"]:
    """Colours of 16 bits.

    Pillow has no such pictures. It takes the upper byte of each number, and the lower one when it
    is told that the bytes come in the other order.
    """
    upper = _loaded(data, lambda mode: mode)
    lower = _loaded(data, _swapped)
    numbers: UInt16[np.ndarray, "_h _w _c"] = upper.astype(np.uint16) << 8 | lower
    return numbers


def _loaded(data: bytes, mode_of: Callable[[str], str]) -> UInt8[np.ndarray, "h w c"]:
    picture = _open(data)
    tiles = []
    for tile in picture.tile:  # type: ignore[attr-defined]
        codec, extents, offset, arguments = tile
        first, *rest = arguments if isinstance(arguments, tuple) else (arguments,)
        if first not in _DEEP_MODES:
            raise BadFile("it is a picture of a rare kind in 16 bits", _CONVERT)
        changed = (mode_of(first), *rest) if rest else mode_of(first)
        mended = (codec, extents, offset, changed)
        # Newer versions of Pillow have a type of their own for it.
        tiles.append(mended if type(tile) is tuple else type(tile)(*mended))
    picture.tile = tiles  # type: ignore[attr-defined]
    picture.load()
    return np.array(picture)


def _swapped(mode: str) -> str:
    native = {"little": "L", "big": "B"}[sys.byteorder]
    return mode[:-1] + {"L": "B", "B": "L"}[mode[-1].replace("N", native)]


def _is_lossless_webp(data: bytes) -> bool:
    """Whether the picture's chunk is of the lossless kind; those before it tell of it."""
    position = 12
    while position + 8 <= len(data):
        name = data[position : position + 4]
        if name in (b"VP8 ", b"VP8L"):
            return name == b"VP8L"
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + length + length % 2
    return False


def _read_heic(data: bytes, path: str | None) -> Photo:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtra(
            "A HEIC photo needs pillow-heif to be read, which is not installed.",
            f"Save it as a JPEG, or install it: {install_command('heic')}",
        ) from error
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    if file.size[0] * file.size[1] > MOST_PIXELS:
        _refuse_size(None)
    picture = file.to_pillow()  # already upright: HEIC turns by other means than EXIF
    facts = _facts(picture)
    if "exif" in facts:
        exif = picture.getexif()
        exif.pop(Base.Orientation, None)
        facts["exif"] = exif.tobytes()
    name = os.path.basename(path or "")
    return Photo(name, path, "HEIC", False, 1, data, _array(picture), facts)
