"""PNG files in 8 and 16 bits, with the chunks of another file around the pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from eclipsed.editing.photos.reading import Pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels → what the format calls them
# What says something of pixels as they were stored before.
_OF_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"hIST", b"sBIT")
_OF_COLOURS = (b"tRNS", b"bKGD")
_BAND = 128  # rows that are filtered at a time
_LARGE = 1 << 24  # samples: from here on the search for repetitions takes too long
_PAETH = 4


def encode(pixels: Pixels, before: list[bytes], after: list[bytes]) -> bytes:
    """A PNG of pixels [h, w, 1 to 4], between whole chunks."""
    return _whole(pixels, _filtered(pixels), before, after)


def rewritten(data: bytes, pixels: Pixels, top: int, bottom: int) -> bytes:
    """A PNG with other pixels, which differ in rows top…bottom−1 only, and its other chunks.

    All other rows stay as they were filtered, where the file has its pixels in this form.
    """
    before, after = surroundings(data, pixels)
    rows = _own_rows(data, pixels)
    if rows is None:
        return encode(pixels, before, after)
    # The row below is told by its difference from the last that changes.
    stop = min(bottom + 1, len(pixels))
    parts = (rows[:top], *_filtered(pixels, top, stop), rows[stop:])
    return _whole(pixels, iter(parts), before, after)


def _own_rows(data: bytes, pixels: Pixels) -> UInt8[np.ndarray, "h n"] | None:
    """A file's rows as they are filtered, each after its filter's number; None for other forms."""
    height, width, channels = pixels.shape
    bits, colours, *_, is_interlaced = data[24:29]
    if (bits, colours) != (8 * pixels.itemsize, _COLOURS[channels]) or is_interlaced:
        return None
    length = 1 + width * channels * pixels.itemsize
    unpacker = zlib.decompressobj()
    packed = b"".join(whole[8:-4] for name, whole in _chunks(data) if name == b"IDAT")
    octets = unpacker.decompress(packed, height * length)
    if len(octets) != height * length:
        return None
    return np.frombuffer(octets, np.uint8).reshape(height, length)


def _whole(
    pixels: Pixels,
    rows: Iterator[UInt8[np.ndarray, "_h _n"]],
    before: list[bytes],
    after: list[bytes],
) -> bytes:
    """The file of filtered rows."""
    height, width, channels = pixels.shape
    bits = 8 * pixels.itemsize
    head = struct.pack(">IIBBBBB", width, height, bits, _COLOURS[channels], 0, 0, 0)
    is_large = pixels.size > _LARGE
    return b"".join(
        [
            SIGNATURE,
            chunk(b"IHDR", head),
            *before,
            *(chunk(b"IDAT", part) for part in _compressed(rows, is_large=is_large)),
            *after,
            chunk(b"IEND", b""),
        ]
    )


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk with its length and its checksum."""
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def surroundings(data: bytes, pixels: Pixels) -> tuple[list[bytes], list[bytes]]:
    """The chunks before and after the pixels of a PNG that stay true of other pixels."""
    before: list[bytes] = []
    after: list[bytes] = []
    colours = (_COLOURS[pixels.shape[2]], 8 * pixels.itemsize)
    is_same = (data[25], data[24]) == colours
    has_pixels = False
    for name, whole in _chunks(data):
        has_pixels = has_pixels or name == b"IDAT"
        if name not in _OF_PIXELS and (is_same or name not in _OF_COLOURS):
            (after if has_pixels else before).append(whole)
    return before, after


def described(facts: dict[str, bytes]) -> list[bytes]:
    """The chunks of a colour profile, of EXIF data and of XMP."""
    chunks = []
    if profile := facts.get("icc_profile"):
        chunks.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)))
    if exif := facts.get("exif"):
        chunks.append(chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if xmp := facts.get("xmp"):
        chunks.append(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    return chunks


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], data[position:end]
        position = end


def _compressed(parts: Iterator[UInt8[np.ndarray, "_h _n"]], *, is_large: bool) -> Iterator[bytes]:
    strategy = zlib.Z_RLE if is_large else zlib.Z_FILTERED
    packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, strategy)
    for rows in parts:
        for start in range(0, len(rows), _BAND):
            band = np.ascontiguousarray(rows[start : start + _BAND])
            if part := packer.compress(band.data):
                yield part
    yield packer.flush()


def _filtered(
    pixels: Pixels, top: int = 0, bottom: int | None = None
) -> Iterator[UInt8[np.ndarray, "_h _n"]]:
    """Rows, each as the difference to what the pixels around it foretell."""
    bottom = len(pixels) if bottom is None else bottom
    step = pixels.shape[2] * pixels.itemsize
    above = np.zeros((1, pixels.shape[1] * step), np.uint8)
    if top:
        above = _octets(pixels[top - 1 : top])
    for start in range(top, bottom, _BAND):
        rows = _octets(pixels[start : min(start + _BAND, bottom)])
        filtered = np.full((len(rows), 1 + rows.shape[1]), _PAETH, np.uint8)
        filtered[:, 1:] = _foretold(np.concatenate([above, rows]), step)
        above = rows[-1:]
        yield filtered


def _octets(rows: Pixels) -> UInt8[np.ndarray, "_h _n"]:
    """The bytes of rows as the format orders them."""
    octets = np.ascontiguousarray(rows, rows.dtype.newbyteorder(">")).view(np.uint8)
    return octets.reshape(len(rows), -1)


def _foretold(rows: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Of all rows but the first, each byte without what Paeth's rule says of it."""
    wide = np.zeros((len(rows), rows.shape[1] + step), np.int16)
    wide[:, step:] = rows
    left, up, corner = wide[1:, :-step], wide[:-1, step:], wide[:-1, :-step]
    from_left, from_up = np.abs(up - corner), np.abs(left - corner)
    from_corner = np.abs(left + up - 2 * corner)
    guess = np.where(from_up <= from_corner, up, corner)
    guess = np.where((from_left <= from_up) & (from_left <= from_corner), left, guess)
    rest: NDArray[np.uint8] = (wide[1:, step:] - guess).astype(np.uint8)
    return rest
