"""The coded bits of a JPEG's scan: blocks located, decoded, and coded anew.

Such bits can only be read from their start, symbol after symbol, which takes Python minutes for
the photo of a phone. But a reader that starts anywhere falls into step after a few blocks. So
thousands of readers, here called lanes, start at even distances, each a little early. Those that
do not begin where the lane before them ended are run again from there, until all join.

This module knows no markers and no pixels. Blocks are 64 numbers in zigzag order, the first as
the difference that is coded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from eclipsed.errors import BadFile

Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Words = NDArray[np.uint32]
Blocks = NDArray[np.int16]
# Of one block: the code of its first number and that of the others; None where a scan has none.
Codes = tuple["Code | None", "Code | None"]

SPACING, CLOSEST = 8192, 1024  # bits between lanes, in large files and in small ones
_LANES = 4096  # so many are as fast as one
_PADDING = 512  # bytes of ones after the end: more than the longest block takes
_WINDOW = 1 << 16  # the patterns of 16 bits, which one look-up sees
ENDED = 64  # what the end of a block adds to the position in it
# How many bits the numbers −4096…4096 take.
_SIZES = np.array([abs(value).bit_length() for value in range(-4096, 4097)], np.int32)


class MissingSymbol(Exception):
    """A code has no word for what should be written with it."""


@dataclass(frozen=True)
class Code:
    """One Huffman code: how many words there are of 1 to 16 bits, and their symbols in order."""

    counts: bytes
    symbols: bytes

    def words(self) -> list[tuple[int, int, int]]:
        """(symbol, length, word) of each; BadFile where there are more than bits can tell apart."""
        listed, word, index = [], 0, 0
        for length, count in enumerate(self.counts, 1):
            for symbol in self.symbols[index : index + count]:
                listed.append((symbol, length, word))
                word += 1
            if word > 1 << length:
                raise BadFile("it is a JPEG picture whose codes are damaged")
            index += count
            word <<= 1
        return listed


# The codes that the standard proposes, of luma and of chroma; all numbers have a word in them.
_NUMBERS = bytes(range(12))
STANDARD: tuple[tuple[Code, Code], tuple[Code, Code]] = (
    (
        Code(bytes.fromhex("00010501010101010100000000000000"), _NUMBERS),
        Code(
            bytes.fromhex("0002010303020403050504040000017d"),
            bytes.fromhex(
                "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16"
                "1718191a25262728292a3435363738393a434445464748494a535455565758595a63646566676869"
                "6a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6"
                "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
                "f9fa"
            ),
        ),
    ),
    (
        Code(bytes.fromhex("00030101010101010101010000000000"), _NUMBERS),
        Code(
            bytes.fromhex("00020102040403040705040400010277"),
            bytes.fromhex(
                "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434"
                "e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768"
                "696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
                "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
                "f9fa"
            ),
        ),
    ),
)


@dataclass(frozen=True)
class Scan:
    """The bits of a scan without stuffing and markers, and how its blocks are coded.

    starts: the byte at which each restart interval begins. interval: how many blocks one has,
    count: how many there are in all. codes: of each block of a unit (MCU), in order. low…high:
    the first and last of the 64 numbers that the scan has.
    """

    data: bytes
    starts: tuple[int, ...]
    interval: int
    count: int
    codes: tuple[Codes, ...]
    low: int = 0
    high: int = 63

    @property
    def origin(self) -> int:
        """The position at which a block begins, counted so that it ends beyond 63."""
        return self.low + 63 - self.high

    @cached_property
    def words(self) -> Words:
        """The 32 bits from each byte on; ones follow the end."""
        octets = np.frombuffer(self.data + b"\xff" * _PADDING, np.uint8).astype(np.uint32)
        words: Words = octets[:-3] << np.uint32(24)
        words |= octets[1:-2] << 16
        words |= octets[2:-1] << 8
        words |= octets[3:]
        return words


@dataclass(frozen=True)
class Lanes:
    """Where readers may begin.

    bits, blocks: the bit at which a block begins, and which block that is; one more for the end.
    ends: the bit at which each restart interval ends.
    """

    bits: Ints
    blocks: Ints
    ends: Ints


# --- look-up tables ---------------------------------------------------------------------------


@lru_cache(maxsize=16)
def symbols_at(code: Code, first: bool = False) -> Small:
    """For every 16 bits, the symbol that they begin with; what is no word ends the block.

    Bits of the word (5 bits) | of the number after it (4) | zeros before it (4) | positions.
    """
    table = np.full(_WINDOW, 1 | ENDED << 13, np.int32)
    for symbol, length, word in code.words():
        zeros, size = (0, symbol & 15) if first else divmod(symbol, 16)
        step = zeros + 1
        if not first and size == 0 and zeros < 15:
            # The end of this block, or of a run of them whose length is in as many bits.
            size, step = zeros, ENDED
        entry = length | size << 5 | zeros << 9 | step << 13
        table[word << (16 - length) : (word + 1) << (16 - length)] = entry
    return table


def _taken(entries: Small) -> Small:
    """How many bits look-ups of single symbols take in all."""
    taken: Small = (entries & 31) + (entries >> 5 & 15)
    return taken


@lru_cache(maxsize=16)
def _several(first: Code | None, others: Code) -> Small:
    """For every 16 bits, all whole symbols in them, up to the end of a block.

    Bits taken (5 bits) | positions but for the end of a block (7) | positions.
    """
    one = symbols_at(others)
    entries = one if first is None else symbols_at(first, True)
    taken, step = _taken(entries), entries >> 13
    ended = step == ENDED
    before = np.where(ended, 0, step).astype(np.int32)
    one_taken, one_step = _taken(one), one >> 13
    # The end of a run of blocks is always read alone, for its length.
    one_ended, alone = one_step == ENDED, (one_step == ENDED) & (one >> 9 & 15 > 0)
    windows = np.arange(_WINDOW, dtype=np.int32)
    while True:
        following = windows << np.minimum(taken, 16) & (_WINDOW - 1)
        fits = ~ended & (one_taken[following] + taken <= 16) & ~alone[following]
        fits &= before + np.where(one_ended, 0, one_step)[following] < 2 * ENDED
        if not fits.any():
            table: Small = (
                taken | before << 5 | (before + np.where(ended, np.int32(ENDED), 0)) << 12
            )
            return table
        where = following[fits]
        ended[fits] = one_ended[where]
        before[fits] += np.where(one_ended[where], 0, one_step[where])
        taken[fits] += one_taken[where]


@dataclass(frozen=True)
class _Tables:
    """Look-up tables behind each other, and where in them those of each block of a unit begin.

    several: in place of single symbols. The last table is of zeros: with it a lane stays where
    it is.
    """

    single: Small
    several: Small
    first: Small
    others: Small

    @property
    def halt(self) -> int:
        return len(self.single) - _WINDOW


def _tables(codes: Sequence[Codes]) -> _Tables:
    known: dict[Codes, int] = {}
    single: list[Small] = []
    several: list[Small] = []

    def begin(first: Code | None, others: Code | None) -> int:
        if (first, others) not in known:
            known[first, others] = len(single) * _WINDOW
            code = first or others
            if code is None:
                raise BadFile("it is a JPEG picture that lacks a code")
            single.append(symbols_at(code, first is not None))
            joined = others is not None
            several.append(_several(first, others) if joined else _as_several(single[-1]))
        return known[first, others]

    starts = np.array([begin(first, others) for first, others in codes], np.int32)
    follow = np.array([begin(None, others) if others else 0 for _, others in codes], np.int32)
    nothing = np.zeros(_WINDOW, np.int32)
    return _Tables(
        np.concatenate([*single, nothing]), np.concatenate([*several, nothing]), starts, follow
    )


def _as_several(entries: Small) -> Small:
    table: Small = _taken(entries) | (entries >> 13) << 5 | (entries >> 13) << 12
    return table


# --- finding the blocks -----------------------------------------------------------------------


def locate(scan: Scan) -> Lanes:
    """Where blocks begin, every few thousand bits.

    Raises BadFile, the reason only, where the scan has not the blocks that it should have.
    """
    codes = scan.codes
    # Where all blocks share their codes, nothing in the bits tells them apart, nor needs to.
    period = next(
        size
        for size in range(1, len(codes) + 1)
        if len(codes) % size == 0 and codes == codes[:size] * (len(codes) // size)
    )
    tables = _tables(codes[:period])
    begins, ends, is_start = _parts(scan)
    early = np.where(is_start, begins, begins - _spacing(scan) // 4)
    bits, phase, _ = _run(scan, tables, early, begins)
    bits[is_start], phase[is_start] = begins[is_start], 0
    end, end_phase, count = _run(scan, tables, bits, ends, phase)
    while True:
        apart = (end[:-1] != bits[1:]) | (end_phase[:-1] != phase[1:])
        again = np.flatnonzero(apart & ~is_start[1:]) + 1
        if not len(again):
            break
        bits[again], phase[again] = end[again - 1], end_phase[again - 1]
        end[again], end_phase[again], count[again] = _run(
            scan, tables, bits[again], ends[again], phase[again]
        )
    blocks = np.append(0, np.cumsum(count))
    expected = np.minimum(np.arange(1, len(scan.starts) + 1) * scan.interval, scan.count)
    lasts = np.append(np.flatnonzero(is_start)[1:], len(begins))
    # An encoder that fills the last byte up with zeros seems to add a block.
    if (blocks[lasts[:-1]] != expected[:-1]).any() or blocks[-1] < scan.count:
        raise BadFile("it is a JPEG picture whose coded bits are damaged")
    return Lanes(np.append(bits, end[-1]), blocks, end[lasts - 1])


def _spacing(scan: Scan) -> int:
    return min(SPACING, max(CLOSEST, 8 * len(scan.data) // _LANES))


def _parts(scan: Scan) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """(begin, end) in bits of the lanes' parts, and which of them begin a restart interval."""
    spacing = _spacing(scan)
    begins: list[int] = []
    ends: list[int] = []
    is_start: list[bool] = []
    for start, stop in zip(scan.starts, (*scan.starts[1:], len(scan.data)), strict=True):
        # The last byte is filled up with ones. The last block begins before them, and before the
        # last zero, because every word of a code has one.
        while stop > start and scan.data[stop - 1] == 0xFF:
            stop -= 1
        zeros = ~scan.data[stop - 1] & 0xFF if stop > start else 1
        end = stop * 8 - (zeros & -zeros).bit_length() + 1
        grid = range(start * 8, max(end - spacing // 2, start * 8 + 1), spacing)
        begins.extend(grid)
        ends.extend([*grid[1:], end])
        is_start.extend([True] + [False] * (len(grid) - 1))
    return np.array(begins, np.int64), np.array(ends, np.int64), np.array(is_start)


def _run(
    scan: Scan, tables: _Tables, begins: Ints, ends: Ints, phases: Ints | None = None
) -> tuple[Ints, Ints, Ints]:
    """Read from `begins` to the first block that starts at `ends` or later.

    phases: which block of a unit comes first. Gives where that block starts, its phase, and how
    many blocks were read.
    """
    result = np.stack([begins, np.zeros_like(begins) if phases is None else phases, 0 * begins])
    lanes = np.flatnonzero(begins < ends)
    bits, phase, count = result[:, lanes].astype(np.int32)
    end = ends[lanes].astype(np.int32)
    position = np.full_like(bits, scan.origin)
    table = tables.first.take(phase)
    begun = np.arange(len(lanes))
    while len(lanes):
        for _ in range(32):
            index = _peek(scan, bits, 16)
            index += table
            entry = tables.several.take(index, mode="clip")
            table[begun] = tables.others.take(phase[begun])
            bits += entry & 31
            position += entry >> 12
            begun = np.flatnonzero(position > 63)
            if len(begun):
                begun = _take_back(tables, begun, entry, index, bits, position)
                position[begun] = scan.origin
                count[begun] += (
                    1
                    if scan.low == 0
                    else _run_of_blocks(scan, tables.single.take(index[begun]), bits[begun])
                )
                phase[begun] += 1
                phase[begun] %= len(tables.first)
                table[begun] = tables.first.take(phase[begun])
                is_through = bits[begun] >= end[begun]
                table[begun[is_through]] = tables.halt
                begun = begun[~is_through]
        through = table == tables.halt
        if through.any():
            result[:, lanes[through]] = bits[through], phase[through], count[through]
            stays = ~through
            begun = (np.cumsum(stays) - 1)[begun]
            lanes, bits, phase, count = lanes[stays], bits[stays], phase[stays], count[stays]
            end, position, table = end[stays], position[stays], table[stays]
    return result[0], result[1], result[2]


def _peek(scan: Scan, bits: Small, size: int | Small) -> Small:
    """The next `size` bits (0…16) as numbers."""
    window = scan.words.take(bits >> 3, mode="clip")
    window <<= (bits & 7).astype(np.uint32)
    window >>= np.uint32(1)
    window >>= np.asarray(31 - size).astype(np.uint32)
    return window.view(np.int32)


def _take_back(
    tables: _Tables, begun: Ints, entry: Small, index: Small, bits: Small, position: Small
) -> Ints:
    """A block may end by its 64th number amid the symbols of one look-up: then take the first one.

    Gives which of the lanes have ended their block all the same.
    """
    several = entry[begun]
    before = position[begun] - (several >> 12)
    past = before + (several >> 5 & 127) > 63
    if not past.any():
        return begun
    where = begun[past]
    one = tables.single[index[where]]
    bits[where] += _taken(one) - (several[past] & 31)
    position[where] = before[past] + (one >> 13)
    return begun[position[begun] > 63]


def _run_of_blocks(scan: Scan, entry: Small, bits: Small) -> Small:
    """How many blocks an end ends: a power of two, and the number in the bits just read."""
    size = np.where(entry >> 13 == ENDED, entry >> 5 & 15, 0).astype(np.int32)
    many: Small = (1 << size) + _peek(scan, bits - size, size)
    return many


# --- reading and writing ----------------------------------------------------------------------


def read(scan: Scan, lanes: Lanes, first: int, last: int) -> tuple[Blocks, Ints]:
    """Blocks first…last−1 as [n, 64], and n + 1 bits: where each begins and the last ends.

    Between restart intervals the bit is where the block before ends.
    """
    low = int(np.searchsorted(lanes.blocks, first, side="right")) - 1
    high = int(np.searchsorted(lanes.blocks, last, side="left"))
    start, stop = int(lanes.blocks[low]), int(lanes.blocks[high])
    # In the row after the last, lanes that are through write zeros.
    numbers, ends = np.zeros((stop - start + 1, 64), np.int16), np.zeros(stop - start + 1, np.int64)
    flat, nowhere = numbers.reshape(-1), stop - start
    tables = _tables(scan.codes)
    some = low + np.flatnonzero(np.diff(lanes.blocks[low : high + 1]))
    bits, block = lanes.bits[some].astype(np.int32), (lanes.blocks[some] - start).astype(np.int32)
    until = (lanes.blocks[some + 1] - start).astype(np.int32)
    ends[block] = bits
    position = np.full_like(bits, scan.origin)
    phase = (block + start) % len(scan.codes)
    table, begun = tables.first.take(phase), np.arange(len(bits))
    while len(bits):
        for _ in range(64):
            entry = tables.single.take(_peek(scan, bits, 16) + table, mode="clip")
            table[begun] = tables.others.take(phase[begun])
            size = entry >> 5 & 15
            bits += entry & 31
            value = _peek(scan, bits, size)
            value -= np.where(value < (1 << size >> 1), (1 << size) - 1, 0)
            bits += size
            place = position + (entry >> 9 & 15)
            position += entry >> 13
            begun = np.flatnonzero(position > 63)
            is_end = begun[entry[begun] >> 13 == ENDED]
            value[is_end], place[is_end] = 0, 63
            flat[block * 64 + place] = value
            if len(begun):
                position[begun] = scan.origin
                block[begun] += (
                    1 if scan.low == 0 else _run_of_blocks(scan, entry[begun], bits[begun])
                )
                over = block[begun] >= until[begun]
                ends[np.minimum(block[begun], nowhere)] = bits[begun]
                phase[begun] = (block[begun] + start) % len(scan.codes)
                table[begun] = tables.first.take(phase[begun])
                table[begun[over]], block[begun[over]] = tables.halt, nowhere
                begun = begun[~over]
        stays = table != tables.halt
        begun = (np.cumsum(stays) - 1)[begun]
        bits, block, until, phase = bits[stays], block[stays], until[stays], phase[stays]
        position, table = position[stays], table[stays]
    return numbers[first - start : last - start], ends[first - start : last - start + 1]


def write(numbers: Blocks, codes: Sequence[Codes]) -> tuple[Small, Small, Ints]:
    """The words of blocks [n, 64], their lengths, and how many words each block has.

    codes: of each block of a unit; the first block begins a unit. Raises MissingSymbol.
    """
    count, unit = len(numbers), len(codes)
    # Slots in order: the 64 numbers of a block, then its end.
    slots = np.zeros((count, 65), np.int16)
    slots[:, :64] = numbers
    has_words = slots != 0
    has_words[:, 0] = True
    has_words[:, 64] = ~has_words[:, 63]
    has_word = has_words.reshape(-1)
    where = np.flatnonzero(has_word)
    zeros = np.diff(where, prepend=-1) - 1
    if len(long := np.flatnonzero((zeros > 15) & (where % 65 < 64))):
        # Each 16 of more than 15 zeros have a word of their own, at the last of them.
        many = zeros[long] >> 4
        nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        has_word[np.repeat(where[long] - zeros[long], many) + 16 * nth + 15] = True
        where = np.flatnonzero(has_word)
        zeros = np.diff(where, prepend=-1) - 1
    owner, place = np.divmod(where.astype(np.int32), np.int32(65))
    value = slots.reshape(-1)[where].astype(np.int32)
    if np.abs(value).max(initial=0) > 4095:
        raise MissingSymbol
    size = _SIZES.take(value + 4096)
    symbol = np.where(place == 0, size, (zeros.astype(np.int32) & 15) << 4 | size)
    symbol[place == 64] = 0
    extra = value + np.where(value < 0, (1 << size) - 1, 0).astype(np.int32)
    lengths, patterns = _words(codes)
    index = (owner % unit * 2 + (place > 0)) * 256 + symbol
    length = lengths.take(index)
    if not length.all():
        raise MissingSymbol
    words: Small = patterns.take(index) << size | extra
    return words, length + size, np.bincount(owner, minlength=count)


def _words(codes: Sequence[Codes]) -> tuple[Small, Small]:
    """The length and the bits of every symbol's word, for both codes of each block of a unit."""
    lengths, patterns = np.zeros((2, 2 * len(codes), 256), np.int32)
    for row, code in enumerate(code for pair in codes for code in pair):
        for symbol, length, word in () if code is None else code.words():
            lengths[row, symbol], patterns[row, symbol] = length, word
    return lengths, patterns


def packed(words: Small, lengths: Small) -> tuple[bytes, int]:
    """Words of up to 27 bits behind each other, filled up with zeros; and the number of bits."""
    ends = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    octets = np.zeros(total // 8 + 6, np.uint8)
    for part in range(0, len(words), 1 << 20):
        end, length = ends[part : part + (1 << 20)], lengths[part : part + (1 << 20)]
        begin = end - length
        shifted = words[part : part + (1 << 20)] << (40 - (begin & 7) - length)
        base = int(begin[0]) >> 3
        index = (begin >> 3) - base
        for nth in range(5):
            # No two words share a bit, so that adding is joining.
            piece = np.bincount(index + nth, shifted >> (32 - 8 * nth) & 0xFF).astype(np.uint8)
            octets[base : base + len(piece)] |= piece
    return octets[: -(-total // 8)].tobytes(), total
