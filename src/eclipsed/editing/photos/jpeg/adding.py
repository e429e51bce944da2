"""A difference added to a JPEG's own coefficients; those of blocks it does not touch stay.

The difference is transformed and divided as the file's blocks are, and added to their numbers:
where it leaves zero nothing changes, and nothing is quantised a second time. A file of one
sequential scan keeps its bits before and after the blocks that change. Any other is written as
such a file, with the same coefficients.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int16
from numpy.typing import NDArray

from eclipsed.editing.photos.jpeg import huffman, markers, progressive
from eclipsed.editing.photos.jpeg.huffman import Blocks, Codes, Ints, MissingSymbol, Small
from eclipsed.editing.photos.jpeg.markers import Jpeg
from eclipsed.editing.photos.jpeg.progressive import summed
from eclipsed.errors import BadFile

_CHUNK = 1 << 16  # blocks that are coded at a time
_MOST = 1023  # of a number after the first, in 8-bit files
# How much more an error counts where nothing should change, how large a change is half as still,
# in steps of 8 bits, and how often a block is corrected.
_QUIET, _STILL, _CORRECTIONS = 6.0, 6.0, 32

# The numbers of a block go along its diagonals, back and forth.
_ZIGZAG = sorted(
    range(64), key=lambda n: (n // 8 + n % 8, n // 8 if (n // 8 + n % 8) % 2 else n % 8)
)
_FREQUENCY = np.arange(8)[:, None] * (2 * np.arange(8) + 1) * math.pi / 16
_COSINES = (np.cos(_FREQUENCY) * np.where(np.arange(8)[:, None], 0.5, 0.125**0.5)).astype(
    np.float32
)
# What one of each number, in zigzag order, adds to the 64 samples of a block.
_PATTERNS = np.einsum("ai,bj->abij", _COSINES, _COSINES).reshape(64, 64)[_ZIGZAG]
# Of luma and both chromas in red, green and blue, as JFIF says.
_LUMA = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ],
    np.float32,
)


class Added(NamedTuple):
    """A JPEG with a difference in it.

    touched: which units (MCUs) differ, [units down, units across]. unit: the height and width of
    one in pixels.
    """

    data: bytes
    touched: Bool[np.ndarray, "down across"]
    unit: tuple[int, int]


def add(data: bytes, difference: Int16[np.ndarray, "h w c"], left: int, top: int) -> Added:
    """A JPEG whose pixels from (left, top) on are changed by a difference of 1 or 3 colours.

    difference: in steps of 8-bit pixels, as they are stored before any turning.

    Raises BadFile, the reason only, for a file that is damaged or of a rare kind.
    """
    jpeg = markers.parse(data)
    change = _change(jpeg, difference, left, top)
    touched = np.zeros(jpeg.units, bool)
    touched.reshape(-1)[change.units] = True
    if not len(change.units):
        return Added(data, touched, jpeg.unit)
    if not jpeg.is_plain:
        numbers = _in_order(jpeg, progressive.decode(jpeg))
        return Added(_recoded(jpeg, _changed(jpeg, numbers, change)), touched, jpeg.unit)
    scan = markers.scan_of(jpeg, jpeg.passes[0])
    lanes = huffman.locate(scan)
    try:
        return Added(_spliced(jpeg, scan, lanes, change), touched, jpeg.unit)
    except MissingSymbol:
        # The file's codes are made for its own numbers, and lack a word for a new one.
        numbers, _ = huffman.read(scan, lanes, 0, scan.count)
        numbers[:, 0] = _first_numbers(jpeg, numbers, scan.interval)
        return Added(_recoded(jpeg, _changed(jpeg, numbers, change)), touched, jpeg.unit)


# --- what changes -----------------------------------------------------------------------------


class _Change(NamedTuple):
    """units: which change, in order. numbers: what is added to them [n, blocks of a unit, 64]."""

    units: NDArray[np.int64]
    numbers: Int16[np.ndarray, "n b 64"]


def _change(jpeg: Jpeg, difference: Int16[np.ndarray, "h w c"], left: int, top: int) -> _Change:
    (high, wide), across = jpeg.unit, jpeg.units[1]
    bottom, right = top + difference.shape[0], left + difference.shape[1]
    row, column = top // high, left // wide
    rows, columns = -(-bottom // high) - row, -(-right // wide) - column
    before = (top - row * high, left - column * wide)
    after = ((row + rows) * high - bottom, (column + columns) * wide - right)
    values = difference.astype(np.float32)
    if len(jpeg.components) == 3 and not jpeg.is_rgb:
        values = values @ _LUMA.T
    # Beyond the picture's edge its last pixels go on; elsewhere nothing is added to the others.
    is_last = (bottom == jpeg.height, right == jpeg.width)
    for axis in (0, 1):
        margin = [(0, 0)] * 3
        margin[axis] = (before[axis], 0 if is_last[axis] else after[axis])
        values = np.pad(values, margin)
        margin[axis] = (0, after[axis] if is_last[axis] else 0)
        values = np.pad(values, margin, mode="edge")
    # Channel by channel, because numpy is slow along an axis of three.
    largest = np.maximum.reduce([np.abs(values[..., nth]) for nth in range(values.shape[2])])
    quiet = 1.0 / (1.0 + np.square(largest / _STILL))
    parts = []
    for index, part in enumerate(jpeg.components):
        vertical, horizontal = high // 8 // part.down, wide // 8 // part.across
        plane, still = (
            each.reshape(len(each) // vertical, vertical, -1, horizontal).mean((1, 3))
            for each in (values[..., index], quiet)
        )
        blocks = _quantised(plane, still, part.divisors)
        blocks = blocks.reshape(rows, part.down, columns, part.across, 64)
        blocks = blocks.transpose(0, 2, 1, 3, 4)
        parts.append(blocks.reshape(rows * columns, part.down * part.across, 64))
    every = np.concatenate(parts, 1)
    some = np.flatnonzero(every.reshape(len(every), -1).any(1))
    units = (row + some // columns) * across + column + some % columns
    return _Change(units, every[some])


def _quantised(
    plane: Float32[np.ndarray, "h w"],
    quiet: Float32[np.ndarray, "h w"],
    divisors: Float32[np.ndarray, " 64"],
) -> Int16[np.ndarray, "n 64"]:
    """The whole numbers of each block of a plane, in zigzag order.

    quiet: from 0 to 1, where little should change. A block that the change ends in carries the
    error of its coarse numbers beyond that end, so there others than the nearest ones are better.
    """
    numbers = _transformed(plane).reshape(-1, 64) / divisors
    whole: Int16[np.ndarray, "n 64"] = np.rint(numbers).astype(np.int16)
    weights = _blocks(quiet)
    # What changes in a few pixels only would be corrected away.
    is_end = (np.ptp(weights, 1) > 0.5) & (weights.mean(1) < 0.9)
    some = np.flatnonzero(is_end & whole.any(1))
    # The more of a block is still, the more that counts; else the change itself would suffer.
    weights = weights[some]
    weights = 1.0 + (_QUIET - 1.0) * weights * weights.mean(1, keepdims=True) ** 3
    steps = _PATTERNS * divisors[:, None]
    error = whole[some] @ steps - _blocks(plane)[some]
    own = weights @ np.square(steps).T
    for _ in range(_CORRECTIONS):
        slope = (weights * error) @ steps.T
        gain = np.abs(2.0 * slope) - own
        best = gain.argmax(1)
        nth = np.flatnonzero(gain[np.arange(len(best)), best] > 0)
        if not len(nth):
            break
        some, best, weights, own = some[nth], best[nth], weights[nth], own[nth]
        move = -np.sign(slope[nth, best])
        whole[some, best] += move.astype(np.int16)
        error = error[nth] + move[:, None] * steps[best]
    return whole


def _blocks(plane: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "n 64"]:
    """The samples of each block, row by row."""
    cut = plane.reshape(len(plane) // 8, 8, -1, 8)
    blocks: NDArray[np.float32] = cut.transpose(0, 2, 1, 3).reshape(-1, 64)
    return blocks


def _transformed(plane: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "_h _w 64"]:
    """The cosine transform of each block of a plane, its numbers in zigzag order."""
    down, across = len(plane) // 8, plane.shape[1] // 8
    columns = _COSINES @ plane.reshape(down, 8, across * 8)
    both = columns.reshape(down, 8, across, 8) @ _COSINES.T
    blocks: NDArray[np.float32] = both.transpose(0, 2, 1, 3).reshape(down, across, 64)
    return blocks[..., _ZIGZAG]


def _changed(jpeg: Jpeg, numbers: Blocks, change: _Change) -> Blocks:
    """Blocks of all units in order, whose first numbers are no differences, with the change."""
    units = numbers.reshape(-1, len(jpeg.owners), 64)
    units[change.units] += change.numbers
    np.clip(units[..., 1:], -_MOST, _MOST, out=units[..., 1:])
    return numbers


# --- in place ---------------------------------------------------------------------------------


def _spliced(jpeg: Jpeg, scan: huffman.Scan, lanes: huffman.Lanes, change: _Change) -> bytes:
    """The file with only those bits coded anew that lie between the first and the last change.

    The first number of a block is coded as a difference to the block before it, so one more unit
    is coded anew, after which everything is as it was.
    """
    part, size = jpeg.passes[0], len(scan.codes)
    interval, count = scan.interval // size, scan.count // size
    first, stop = int(change.units[0]), min(int(change.units[-1]) + 2, count)
    numbers, ends = huffman.read(scan, lanes, first * size, stop * size)
    _add_differences(jpeg, numbers, change, first, interval)
    words, lengths, counts = _written(numbers, scan.codes)
    before = np.append(0, np.cumsum(counts))
    stops = (*scan.starts[1:], len(scan.data))
    pieces = [scan.data[start:stop] for start, stop in zip(scan.starts, stops, strict=True)]
    for nth in range(first // interval, (stop - 1) // interval + 1):
        begin, end = max(nth * interval, first), min((nth + 1) * interval, stop)
        low, high = (int(before[(unit - first) * size]) for unit in (begin, end))
        offset = 8 * scan.starts[nth]
        is_whole = end == min((nth + 1) * interval, count)
        pieces[nth] = _replaced(
            pieces[nth],
            0 if begin == nth * interval else int(ends[(begin - first) * size]) - offset,
            None if is_whole else int(ends[(end - first) * size]) - offset,
            int(lanes.ends[nth]) - offset,
            (words[low:high], lengths[low:high]),
        )
    return jpeg.data[: part.begin] + markers.joined(pieces) + jpeg.data[part.end :]


def _add_differences(
    jpeg: Jpeg, numbers: Blocks, change: _Change, first: int, interval: int
) -> None:
    """Add a change to blocks from unit `first` on, whose first numbers are differences."""
    size = len(jpeg.owners)
    units = numbers.reshape(-1, size, 64)
    more = np.zeros((len(units), size), np.int16)
    more[change.units - first] = change.numbers[..., 0]
    units[change.units - first, :, 1:] += change.numbers[..., 1:]
    np.clip(units[..., 1:], -_MOST, _MOST, out=units[..., 1:])
    begins = (np.arange(len(units)) + first) % interval == 0
    units[..., 0] += _differences(jpeg, more, begins)


def _differences(
    jpeg: Jpeg, firsts: Int16[np.ndarray, "n b"], begins: Bool[np.ndarray, " n"]
) -> Int16[np.ndarray, "n b"]:
    """First numbers as differences to the block before of the same component, or of a start."""
    result = firsts.copy()
    owners = np.array(jpeg.owners)
    for component in range(len(jpeg.components)):
        columns = np.flatnonzero(owners == component)
        result[:, columns[1:]] -= firsts[:, columns[:-1]]
        result[1:, columns[0]] -= np.where(begins[1:], 0, firsts[:-1, columns[-1]]).astype(np.int16)
    return result


def _replaced(
    piece: bytes, begin: int, tail: int | None, end: int, coded: tuple[Small, Small]
) -> bytes:
    """A restart interval with other words from bit `begin` to bit `tail`, where its own go on to
    bit `end`; None: its own do not go on."""
    # Up to whole bytes, its own bits are words too.
    parts, rest = [coded], b""
    if begin & 7:
        parts.insert(0, _word(piece[begin >> 3] >> (8 - (begin & 7)), begin & 7))
    if tail is not None:
        rest = piece[-(-tail // 8) : -(-end // 8)]
        if tail & 7:
            parts.append(_word(piece[tail >> 3] & (0xFF >> (tail & 7)), 8 - (tail & 7)))
    words, lengths = (np.concatenate(each) for each in zip(*parts, strict=True))
    octets, total = huffman.packed(words, lengths)
    unused = 0 if tail is None else -end % 8
    body, total = _shifted(octets, total, rest)
    return piece[: begin >> 3] + _filled(body, total - unused)


def _word(bits: int, length: int) -> tuple[Small, Small]:
    return np.array([bits], np.int32), np.array([length], np.int32)


def _shifted(octets: bytes, bits: int, rest: bytes) -> tuple[bytes, int]:
    """Bits with bytes after them; and how many bits that are."""
    shift = bits & 7
    if not shift or not rest:
        return octets + rest, bits + 8 * len(rest)
    after = np.frombuffer(rest + b"\0", np.uint8)
    moved = after >> shift
    moved[1:] |= after[:-1] << (8 - shift)
    moved[0] |= octets[-1]
    return octets[:-1] + moved.tobytes(), bits + 8 * len(rest)


def _filled(octets: bytes, bits: int) -> bytes:
    """So many bits, filled up with ones to a whole byte."""
    octets = octets[: -(-bits // 8)]
    return octets[:-1] + bytes([octets[-1] | 0xFF >> (bits & 7)]) if bits & 7 else octets


def _written(numbers: Blocks, codes: tuple[Codes, ...]) -> tuple[Small, Small, Ints]:
    step = _CHUNK // len(codes) * len(codes)
    parts = [
        huffman.write(numbers[start : start + step], codes)
        for start in range(0, len(numbers), step)
    ]
    words, lengths, counts = (np.concatenate(each) for each in zip(*parts, strict=True))
    return words, lengths, counts


# --- anew -------------------------------------------------------------------------------------


def _in_order(jpeg: Jpeg, planes: list[Blocks]) -> Blocks:
    """The blocks of all components, unit by unit."""
    down, across = jpeg.units
    parts = []
    for part, plane in zip(jpeg.components, planes, strict=True):
        shape = (down, part.down, across, part.across, 64)
        units = plane.reshape(shape).transpose(0, 2, 1, 3, 4)
        parts.append(units.reshape(down * across, part.down * part.across, 64))
    return np.concatenate(parts, 1).reshape(-1, 64)


def _first_numbers(jpeg: Jpeg, numbers: Blocks, interval: int) -> Int16[np.ndarray, " n"]:
    """Of blocks in order, the first numbers in place of the differences that are coded."""
    firsts = numbers[:, 0].copy()
    owner = np.resize(jpeg.owners, len(numbers))
    for component in range(len(jpeg.components)):
        mine = np.flatnonzero(owner == component)
        firsts[mine] = summed(firsts[mine], mine // interval)
    return firsts


def _recoded(jpeg: Jpeg, numbers: Blocks) -> bytes:
    """A file of one sequential scan without restart markers, of blocks in order.

    Its codes are those of the standard, which have a word for everything.
    """
    units = numbers[:, 0].reshape(-1, len(jpeg.owners))
    begins = np.zeros(len(units), bool)
    numbers[:, 0] = _differences(jpeg, units, begins).reshape(-1)
    tables = [
        0 if component == 0 or jpeg.is_rgb else 1 for component in range(len(jpeg.components))
    ]
    codes = tuple(huffman.STANDARD[tables[owner]] for owner in jpeg.owners)
    try:
        words, lengths, _ = _written(numbers, codes)
    except MissingSymbol as error:  # such numbers no encoder writes
        raise BadFile("it is a JPEG picture whose coded bits are damaged", markers.HINT) from error
    body = _filled(*huffman.packed(words, lengths))
    chosen = b"".join(
        bytes([part.identity, 17 * table])
        for part, table in zip(jpeg.components, tables, strict=True)
    )
    scan = bytes([len(jpeg.components)]) + chosen + bytes([0, 63, 0])
    return b"".join(
        [
            _head(jpeg.data),
            *(
                _segment(markers.DHT, bytes([kind << 4 | number]) + code.counts + code.symbols)
                for number, pair in enumerate(huffman.STANDARD)
                for kind, code in enumerate(pair)
            ),
            _segment(markers.SOS, scan),
            body.replace(b"\xff", b"\xff\0"),
            jpeg.data[jpeg.passes[-1].end :],
        ]
    )


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def _head(data: bytes) -> bytes:
    """What stands before the first scan, but for codes and restart intervals, and after it."""
    parts = [data[:2]]
    for marker, begin, end, _ in markers.segments(data):
        if marker in markers.FRAMES:
            parts.append(bytes([0xFF, markers.SOF0]) + data[begin + 2 : end])
        elif marker not in (markers.DHT, markers.DRI, markers.SOS):
            parts.append(data[begin:end])
    return b"".join(parts)
