"""A TIFF with other pixels: only the strips or tiles that change are written anew, at its end.

All else stays byte for byte where it was: tags, profiles, further pages.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eclipsed.editing.photos.reading import Box, Pixels
from eclipsed.errors import BadFile

_HINT = "Save the result as a PNG, where pixels outside the edit stay the same too."
_WIDTH, _HEIGHT, _COMPRESSION, _ORDER, _PLANES, _PREDICTOR = 256, 257, 259, 266, 284, 317
_STRIPS, _STRIP_ROWS, _STRIP_SIZES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 322, 323, 324, 325
_PLAIN, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS = 1, 5, 8, 32946, 32773
_FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # the types of numbers that matter here
_RUN = 250  # literals of LZW before its words become longer
_BYTES = 128  # of a run in PackBits


@dataclass(frozen=True)
class _Entry:
    """A tag: where it stands in the file, and its numbers."""

    position: int
    values: tuple[int, ...]


def rewritten(data: bytes, pixels: Pixels, box: Box) -> bytes:
    """A TIFF whose first page has pixels that differ from its own inside a box only, as stored.

    Raises BadFile, the reason only, for ways to store pixels that are not written.
    """
    try:
        return _Tiff(data).rewritten(pixels, box)
    except (struct.error, IndexError, KeyError, ZeroDivisionError) as error:
        raise BadFile("it is a TIFF picture whose tags are damaged", _HINT) from error


class _Tiff:
    """The tags of the first page."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
        self.is_big = self._number("H", 2) == 43
        # How numbers of entries, offsets and counts are written.
        self.wide, head = ("Q", 8) if self.is_big else ("I", 4)
        start = self._number(self.wide, head)
        count = self._number("Q" if self.is_big else "H", start)
        first, size = (start + 8, 20) if self.is_big else (start + 2, 12)
        self.entries = dict(self._entry(first + size * nth) for nth in range(count))
        compression = self._one(_COMPRESSION, _PLAIN)
        known = compression in (_PLAIN, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS)
        usual = self._one(_PLANES, 1) == 1 and self._one(_ORDER, 1) == 1
        if not (known and usual and self._one(_PREDICTOR, 1) in (1, 2)):
            raise BadFile("it is a TIFF picture whose pixels are packed in a rare way", _HINT)
        self.compression = compression

    def _number(self, form: str, position: int) -> int:
        return int(struct.unpack_from(self.order + form, self.data, position)[0])

    def _entry(self, position: int) -> tuple[int, _Entry]:
        tag, kind = struct.unpack_from(self.order + "HH", self.data, position)
        count = self._number(self.wide, position + 4)
        inline = position + 4 + struct.calcsize("<" + self.wide)
        form = _FORMATS.get(kind)
        if form is None:
            return tag, _Entry(position, ())
        room = struct.calcsize("<" + self.wide)
        fits = count * struct.calcsize("<" + form) <= room
        where = inline if fits else self._number(self.wide, inline)
        values = struct.unpack_from(f"{self.order}{count}{form}", self.data, where)
        return tag, _Entry(position, values)

    def _one(self, tag: int, default: int | None = None) -> int:
        if tag not in self.entries and default is not None:
            return default
        return self.entries[tag].values[0]

    def rewritten(self, pixels: Pixels, box: Box) -> bytes:
        tiled = _TILES in self.entries
        offsets_tag, sizes_tag = (_TILES, _TILE_SIZES) if tiled else (_STRIPS, _STRIP_SIZES)
        offsets = list(self.entries[offsets_tag].values)
        sizes = list(self.entries[sizes_tag].values)
        result = bytearray(self.data)
        for nth, part in self._parts(pixels, box):
            packed = self._packed(part)
            if self.compression == _PLAIN and len(packed) == sizes[nth]:
                result[offsets[nth] : offsets[nth] + len(packed)] = packed
            else:
                result += b"\0" * (len(result) % 2)
                offsets[nth], sizes[nth] = len(result), len(packed)
                result += packed
        for tag, values in ((offsets_tag, offsets), (sizes_tag, sizes)):
            self._set(result, tag, values)
        if not self.is_big and len(result) >= 2**32:
            raise BadFile("it would become a TIFF picture of more than 4 GiB", _HINT)
        return bytes(result)

    def _set(self, result: bytearray, tag: int, values: list[int]) -> None:
        entry = self.entries[tag]
        if tuple(values) == entry.values:
            return
        numbers = struct.pack(f"{self.order}{len(values)}{self.wide}", *values)
        room = struct.calcsize("<" + self.wide)
        if len(values) > 1:
            result += b"\0" * (len(result) % 2)
            where = struct.pack(self.order + self.wide, len(result))
            result += numbers
            numbers = where
        kind = struct.pack(self.order + "H", 16 if self.is_big else 4)
        result[entry.position + 2 : entry.position + 4] = kind
        start = entry.position + 4 + room
        result[start : start + room] = numbers

    def _parts(self, pixels: Pixels, box: Box) -> Iterator[tuple[int, Pixels]]:
        """(number, pixels) of each strip or tile that the box touches."""
        height, width = pixels.shape[:2]
        tiled = _TILES in self.entries
        high = self._one(_TILE_HEIGHT) if tiled else min(self._one(_STRIP_ROWS, height), height)
        wide = self._one(_TILE_WIDTH) if tiled else width
        across = -(-width // wide)
        left, top, right, bottom = box
        for row in range(top // high, -(-bottom // high)):
            for column in range(left // wide, -(-right // wide)):
                rows = slice(row * high, (row + 1) * high)
                part = pixels[rows, column * wide : (column + 1) * wide]
                if tiled:
                    missing = [(0, high - part.shape[0]), (0, wide - part.shape[1]), (0, 0)]
                    part = np.pad(part, missing)
                yield row * across + column, part

    def _packed(self, part: Pixels) -> bytes:
        if self._one(_PREDICTOR, 1) == 2:
            part = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
        data = part.astype(part.dtype.newbyteorder(self.order)).tobytes()
        if self.compression == _LZW:
            return _lzw(data)
        if self.compression == _PACKBITS:
            runs = (data[start : start + _BYTES] for start in range(0, len(data), _BYTES))
            return b"".join(bytes([len(run) - 1]) + run for run in runs)
        return data if self.compression == _PLAIN else zlib.compress(data)


def _lzw(data: bytes) -> bytes:
    """LZW without a search: single bytes in words of 9 bits, and a new start before they grow."""
    count = -(-len(data) // _RUN)
    words = np.zeros((count, 1 + _RUN), np.uint16)
    words[:, 0] = 256
    literals = np.zeros(count * _RUN, np.uint16)
    literals[: len(data)] = np.frombuffer(data, np.uint8)
    words[:, 1:] = literals.reshape(count, _RUN)
    sent = np.append(words.reshape(-1)[: len(data) + count], 257)
    bits = (sent[:, None] >> np.arange(8, -1, -1, dtype=np.uint16)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()
