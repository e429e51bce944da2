"""All coefficients of a JPEG whose numbers are spread over several scans."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from eclipsed.editing.photos.jpeg import huffman
from eclipsed.editing.photos.jpeg.huffman import Blocks, Code, Ints, Scan
from eclipsed.editing.photos.jpeg.markers import Jpeg, Pass, scan_of
from eclipsed.errors import BadFile

_DAMAGED = "it is a JPEG picture whose coded bits are damaged"


def decode(jpeg: Jpeg) -> list[Blocks]:
    """The numbers of each component [blocks down, blocks across, 64], with whole units.

    Raises BadFile, the reason only, for a damaged file.
    """
    down, across = jpeg.units
    planes = [
        np.zeros((down * part.down, across * part.across, 64), np.int16) for part in jpeg.components
    ]
    for part in jpeg.passes:
        scan = scan_of(jpeg, part)
        which, index = _order(jpeg, part)
        if part.before == 0:
            numbers = _first(scan, which)
        elif part.low == 0:
            numbers = _refined_first(scan)
        else:
            numbers = planes[part.components[0]].reshape(-1, 64)[index]
            _refine(scan, numbers, 1 << part.after)
            planes[part.components[0]].reshape(-1, 64)[index] = numbers
            continue
        for component in part.components:
            mine = which == component
            plane = planes[component].reshape(-1, 64)
            plane[index[mine], part.low : part.high + 1] |= numbers[mine] << part.after
    return planes


def _order(jpeg: Jpeg, part: Pass) -> tuple[Ints, Ints]:
    """Of each block of a scan, in order: its component, and its place in that one's plane."""
    rows, columns = jpeg.units
    if len(part.components) == 1:
        # Alone, a component has no blocks that only fill up units.
        one = part.components[0]
        down, across = jpeg.blocks(one)
        wide = columns * jpeg.components[one].across
        grid = np.arange(down)[:, None] * wide + np.arange(across)
        return np.full(grid.size, one), grid.reshape(-1)
    which, index = [], []
    for number in part.components:
        part_of = jpeg.components[number]
        row = np.arange(rows)[:, None, None, None] * part_of.down
        row = row + np.arange(part_of.down)[:, None]
        column = np.arange(columns)[:, None, None] * part_of.across + np.arange(part_of.across)
        index.append((row * columns * part_of.across + column).reshape(rows * columns, -1))
        which.append(np.full_like(index[-1], number))
    return np.concatenate(which, 1).reshape(-1), np.concatenate(index, 1).reshape(-1)


def _first(scan: Scan, which: Ints) -> Blocks:
    """What a scan says first of its numbers, as [blocks, high - low + 1]."""
    numbers, _ = huffman.read(scan, huffman.locate(scan), 0, scan.count)
    numbers = numbers[:, scan.origin :]
    if scan.low == 0:
        interval = np.arange(scan.count) // scan.interval
        for component in np.unique(which):
            mine = which == component
            numbers[mine, 0] = summed(numbers[mine, 0], interval[mine])
    return numbers


def summed(differences: Blocks, interval: Ints) -> Blocks:
    """Numbers of their differences, which begin anew where the interval is another."""
    sums = np.cumsum(differences, dtype=np.int64)
    begins = np.flatnonzero(np.diff(interval, prepend=-1))
    before = np.append(0, sums)[begins]
    numbers: Blocks = sums - np.repeat(before, np.diff(begins, append=len(sums)))
    return numbers.astype(np.int16)


def _refined_first(scan: Scan) -> Blocks:
    """One more bit of each block's first number."""
    bits = []
    for nth, (start, stop) in enumerate(_spans(scan)):
        count = min(scan.interval, scan.count - nth * scan.interval)
        octets = np.frombuffer(scan.data, np.uint8)[start:stop]
        bits.append(np.unpackbits(octets)[:count])
    joined = np.concatenate(bits)
    if len(joined) != scan.count:
        raise BadFile(_DAMAGED)
    return joined[:, None].astype(np.int16)


def _spans(scan: Scan) -> list[tuple[int, int]]:
    return list(zip(scan.starts, (*scan.starts[1:], len(scan.data)), strict=True))


def _refine(scan: Scan, numbers: Blocks, step: int) -> None:
    """One more bit of each of the numbers [blocks, 64], in place.

    How many bits a symbol is followed by depends on which numbers are known not to be 0, so
    this is read in order, a symbol at a time. The bits that correct them are noted only, and
    taken all at once: they are as many as such numbers, in the same order.
    """
    code = scan.codes[0][1]
    if code is None:
        raise BadFile(_DAMAGED)
    part = slice(scan.low, scan.high + 1)
    known = numbers[:, part] != 0
    reader = _Refinement(scan, code, known)
    for nth, (start, _) in enumerate(_spans(scan)):
        first = nth * scan.interval
        try:
            reader.read(start * 8, first, min(first + scan.interval, scan.count))
        except IndexError as error:  # beyond the end of the bits
            raise BadFile(_DAMAGED) from error
    bits = np.unpackbits(np.frombuffer(scan.data, np.uint8))
    begins, counts = np.frombuffer(reader.corrections, np.int64).reshape(-1, 2).T
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    where = np.repeat(begins, counts) + offsets
    if len(where) != known.sum() or (len(where) and where.max() >= len(bits)):
        raise BadFile(_DAMAGED)
    old = numbers[:, part]
    old[known] += (np.sign(old[known]) * bits[where] * step).astype(np.int16)
    new = np.frombuffer(reader.new, np.int64)
    old[new >> 7, new >> 1 & 63] = np.where(new & 1, step, -step)


class _Refinement:
    """Reads symbols in order.

    corrections: pairs of a first bit and how many there are; new: block, place in it and whether
    the number is positive, joined in one number as 128 · block + 2 · place + sign.
    """

    def __init__(self, scan: Scan, code: Code, known: NDArray[np.bool_]) -> None:
        self.words = scan.words.data
        self.table = huffman.symbols_at(code).tolist()
        self.width = known.shape[1]
        # The places of the unknown numbers of each block, and how many known ones come before.
        block, place = np.nonzero(~known)
        self.places = place.astype(np.uint8).tobytes()
        self.starts = np.searchsorted(block, np.arange(len(known) + 1)).tolist()
        self.known = np.append(0, np.cumsum(known.sum(1))).tolist()
        self.limit = len(scan.data) * 8
        self.corrections = array("q")
        self.new = array("q")

    def read(self, bit: int, block: int, last: int) -> None:
        """Read blocks up to `last`, from a bit on. Millions of turns: hence the local names."""
        words, table, places, starts = self.words, self.table, self.places, self.starts
        width, corrected, appeared = self.width, self.corrections.append, self.new.append
        while block < last:
            if bit > self.limit:
                raise BadFile(_DAMAGED)
            place, unknown, until = 0, starts[block], starts[block + 1]
            while place < width:
                entry = table[words[bit >> 3] >> (16 - (bit & 7)) & 0xFFFF]
                bit += entry & 31
                if entry >> 13 == huffman.ENDED:
                    size = entry >> 5 & 15
                    run = 1 << size
                    if size:
                        run += words[bit >> 3] >> (32 - size - (bit & 7)) & (run - 1)
                        bit += size
                    # Known numbers from here to the last block of the run.
                    end, passed = min(block + run, last), place - (unknown - starts[block])
                    count = self.known[end] - self.known[block] - passed
                    corrected(bit)
                    corrected(count)
                    bit, block = bit + count, end
                    break
                zeros = entry >> 9 & 15
                unknown += zeros
                if unknown >= until or entry & 0x1C0:  # only 1 and −1 are new
                    raise BadFile(_DAMAGED)
                count = places[unknown] - place - zeros
                place = places[unknown]
                if entry & 32:
                    appeared(block << 7 | place << 1 | words[bit >> 3] >> (31 - (bit & 7)) & 1)
                    bit += 1
                if count:
                    corrected(bit)
                    corrected(count)
                    bit += count
                unknown += 1
                place += 1
            else:
                block += 1
