"""What the markers of a JPEG say: its size, its components, and where its scans lie.

This module decodes nothing.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from eclipsed.editing.photos.jpeg.huffman import Code, Scan
from eclipsed.errors import BadFile

SOF0, SOF2, DHT, SOS, DRI = 0xC0, 0xC2, 0xC4, 0xDA, 0xDD
FRAMES = (SOF0, 0xC1, SOF2)  # the kinds that are read: sequential, extended, progressive
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_EOI, _DQT, _ADOBE, _JFIF, _APP2 = 0xD9, 0xDB, 0xEE, 0xE0, 0xE2
_PICTURES = 0xB002  # the tag of a list of further pictures
# What ends coded bits: 0xFF is data only before 0, and before the eight restart markers.
_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
HINT = "Save the result as a PNG, where pixels outside the edit stay the same too."
_DAMAGED = "it is a JPEG picture whose markers are damaged"


@dataclass(frozen=True)
class Component:
    """One colour of the file: its name, its blocks in a unit, and the divisors [64] of them."""

    identity: int
    across: int
    down: int
    divisors: NDArray[np.float32]


@dataclass(frozen=True)
class Pass:
    """One scan: bytes begin…end of the file, and what of which components it holds.

    codes: of each of the components, for the first of 64 numbers and for the others; None where
    none is needed. interval: units between restart markers, 0 for none. low…high: the first and
    last of the 64 numbers. before, after: how many low bits were missing before it and are after.
    """

    begin: int
    end: int
    components: tuple[int, ...]
    codes: tuple[tuple[Code | None, Code | None], ...]
    interval: int
    low: int
    high: int
    before: int
    after: int


@dataclass(frozen=True)
class Jpeg:
    """What the markers of a file say. A unit (MCU) is the smallest rectangle with all colours."""

    data: bytes
    height: int
    width: int
    components: tuple[Component, ...]
    is_rgb: bool
    is_progressive: bool
    passes: tuple[Pass, ...]

    @property
    def unit(self) -> tuple[int, int]:
        """Height and width of a unit in pixels."""
        return (
            8 * max(component.down for component in self.components),
            8 * max(component.across for component in self.components),
        )

    @property
    def units(self) -> tuple[int, int]:
        """Units down and across."""
        return -(-self.height // self.unit[0]), -(-self.width // self.unit[1])

    @property
    def owners(self) -> tuple[int, ...]:
        """The component of each block of a unit, in order."""
        each = enumerate(self.components)
        return tuple(index for index, part in each for _ in range(part.across * part.down))

    def blocks(self, component: int) -> tuple[int, int]:
        """Blocks down and across of one component, without those that only fill up units."""
        part, unit = self.components[component], self.unit
        return -(-self.height * part.down // unit[0]), -(-self.width * part.across // unit[1])

    @property
    def is_plain(self) -> bool:
        """All components lie in one sequential scan."""
        return not self.is_progressive and len(self.passes) == 1


def segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(marker, begin, end, next) of each segment from the start to the picture's end.

    begin is where the two bytes of its marker stand; up to the next one, a scan has coded bits.
    """
    position = 2
    while True:
        while data[position + 1 : position + 2] == b"\xff":
            position += 1
        if len(data) < position + 2 or data[position] != 0xFF:
            raise BadFile(_DAMAGED, HINT)
        marker = data[position + 1]
        if marker == _EOI:
            return
        end = position + 2
        if marker != 0x01:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            end += length
            if length < 2 or end > len(data):
                raise BadFile(_DAMAGED, HINT)
        following = _bits_end(data, end) if marker == SOS else end
        yield marker, position, end, following
        position = following


def _bits_end(data: bytes, begin: int) -> int:
    """Where the coded bits end that start at a byte."""
    match = _END.search(data, begin)
    if match is None:
        raise BadFile(_DAMAGED, HINT)
    end = match.start()
    while data[end - 1] == 0xFF:  # a marker may begin with several
        end -= 1
    return end


def scan_of(jpeg: Jpeg, part: Pass) -> Scan:
    """The bits of one scan; BadFile, the reason only, where restart markers are missing."""
    alone = len(part.components) == 1
    if alone:
        units, parts = math.prod(jpeg.blocks(part.components[0])), [1]
    else:
        units = math.prod(jpeg.units)
        chosen = [jpeg.components[index] for index in part.components]
        parts = [component.across * component.down for component in chosen]
    interval = part.interval or units
    coded = jpeg.data[part.begin : part.end]
    pieces = _pieces(coded)
    if len(pieces) != -(-units // interval):
        raise BadFile(_DAMAGED, HINT)
    ends = list(accumulate(map(len, pieces)))
    return Scan(
        data=b"".join(pieces),
        starts=(0, *ends[:-1]),
        interval=interval * sum(parts),
        count=units * sum(parts),
        codes=tuple(
            (dc if part.low == 0 else None, ac if part.high > 0 else None)
            for (dc, ac), count in zip(part.codes, parts, strict=True)
            for _ in range(count)
        ),
        low=part.low,
        high=part.high,
    )


def _pieces(coded: bytes) -> list[bytes]:
    """The restart intervals of coded bits, without the zeros that are put after each 0xFF."""
    pieces = _RESTART.split(coded)
    return [piece.rstrip(b"\xff").replace(b"\xff\0", b"\xff") for piece in pieces]


def joined(pieces: list[bytes]) -> bytes:
    """Coded bits as a file has them, of its restart intervals."""
    marked = (
        piece.replace(b"\xff", b"\xff\0") + bytes([0xFF, 0xD0 + nth % 8])
        for nth, piece in enumerate(pieces)
    )
    return b"".join(marked)[:-2]


def with_moved_pictures(data: bytes, shift: int) -> bytes:
    """A file that grew by `shift` bytes, with the places of the pictures behind its own mended.

    Cameras put a gain map or a preview after the picture's end; a segment at its head says where.
    """
    for marker, begin, end, _ in segments(data):
        if shift and marker == _APP2 and data[begin + 4 : begin + 8] == b"MPF\0":
            with suppress(struct.error):
                content = bytearray(data[begin + 8 : end])
                _move(content, shift)
                return data[: begin + 8] + bytes(content) + data[end:]
    return data


def _move(content: bytearray, shift: int) -> None:
    """Mend a segment's entries of pictures, each of attributes, size, offset and two more."""
    order = "<" if content[:2] == b"II" else ">"
    (tags,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, tags)
    for position in range(tags + 2, tags + 2 + 12 * count, 12):
        tag, _, size, entries = struct.unpack_from(order + "HHII", content, position)
        for entry in range(entries, entries + size, 16) if tag == _PICTURES else ():
            # The first is the picture itself, at 0.
            place = entry + (8 if entry > entries else 4)
            (number,) = struct.unpack_from(order + "I", content, place)
            struct.pack_into(order + "I", content, place, number + shift)


def parse(data: bytes) -> Jpeg:
    """Read the markers of a JPEG.

    Raises BadFile, the reason only, for a file that is damaged or of a rare kind.
    """
    try:
        return _Reader().read(data)
    except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
        raise BadFile(_DAMAGED, HINT) from error


class _Reader:
    """Tables change from scan to scan, and are kept here as the file goes on."""

    def __init__(self) -> None:
        self.codes: dict[int, Code] = {}
        self.divisors: dict[int, NDArray[np.float32]] = {}
        self.frame: tuple[int, bytes] | None = None
        self.interval = 0
        self.transform: int | None = None
        self.passes: list[Pass] = []

    def read(self, data: bytes) -> Jpeg:
        for marker, begin, end, following in segments(data):
            content = data[begin + 4 : end]
            if marker in _OTHER_FRAMES or (marker in FRAMES and content[0] != 8):
                raise BadFile("it is a JPEG picture of a rare kind", HINT)
            if marker in FRAMES:
                self.frame = (marker, content)
            elif marker == DHT:
                self._read_codes(content)
            elif marker == _DQT:
                self._read_divisors(content)
            elif marker == DRI:
                self.interval = int.from_bytes(content[:2], "big")
            elif marker == _JFIF and content.startswith(b"JFIF"):
                self.transform = 1
            elif marker == _ADOBE and content.startswith(b"Adobe") and self.transform is None:
                self.transform = content[11]
            elif marker == SOS:
                self.passes.append(self._pass(content, end, following))
        if self.frame is None or not self.passes:
            raise BadFile(_DAMAGED, HINT)
        return self._jpeg(data, *self.frame)

    def _jpeg(self, data: bytes, marker: int, frame: bytes) -> Jpeg:
        identities = self._identities()
        alone = len(identities) == 1  # then a block is a unit, whatever is said of sampling
        components = tuple(
            Component(
                identity,
                1 if alone else frame[7 + 3 * nth] >> 4,
                1 if alone else frame[7 + 3 * nth] & 15,
                self.divisors[frame[8 + 3 * nth]],
            )
            for nth, identity in enumerate(identities)
        )
        is_rgb = self.transform == 0 or (self.transform is None and identities == [82, 71, 66])
        jpeg = Jpeg(
            data=data,
            height=int.from_bytes(frame[1:3], "big"),
            width=int.from_bytes(frame[3:5], "big"),
            components=components,
            is_rgb=is_rgb,
            is_progressive=marker == SOF2,
            passes=tuple(self.passes),
        )
        down, across = (side // 8 for side in jpeg.unit)
        # With no blocks at all this divides by 0, which is told as damage.
        odd = any(down % part.down or across % part.across for part in components)
        if odd or len(components) not in (1, 3) or not jpeg.height:
            raise BadFile("it is a JPEG picture of a rare kind", HINT)
        return jpeg

    def _identities(self) -> list[int]:
        if self.frame is None:
            raise BadFile(_DAMAGED, HINT)
        content = self.frame[1]
        return [content[6 + 3 * nth] for nth in range(content[5])]

    def _read_codes(self, content: bytes) -> None:
        while content:
            counts = content[1:17]
            total = sum(counts)
            self.codes[content[0]] = Code(counts, content[17 : 17 + total])
            content = content[17 + total :]

    def _read_divisors(self, content: bytes) -> None:
        while content:
            wide = content[0] >> 4
            numbers = np.frombuffer(content, ">u2" if wide else np.uint8, 64, 1)
            if not numbers.all():
                raise BadFile(_DAMAGED, HINT)
            self.divisors[content[0] & 15] = numbers.astype(np.float32)
            content = content[129 if wide else 65 :]

    def _pass(self, content: bytes, begin: int, end: int) -> Pass:
        count = content[0]
        identities = self._identities()
        chosen = [(content[1 + 2 * nth], content[2 + 2 * nth]) for nth in range(count)]
        low, high, bits = content[1 + 2 * count : 4 + 2 * count]
        is_progressive = self.frame is not None and self.frame[0] == SOF2
        usual = (
            low <= high <= 63 and count > 0 if is_progressive else (low, high, bits) == (0, 63, 0)
        )
        # Only the first numbers of several components may lie in one scan.
        if not usual or (is_progressive and (high > 0) != (low > 0)) or (low and count > 1):
            raise BadFile(_DAMAGED, HINT)
        return Pass(
            begin=begin,
            end=end,
            components=tuple(identities.index(identity) for identity, _ in chosen),
            codes=tuple(
                (self.codes.get(tables >> 4), self.codes.get(16 + (tables & 15)))
                for _, tables in chosen
            ),
            interval=self.interval,
            low=low,
            high=high,
            before=bits >> 4,
            after=bits & 15,
        )
