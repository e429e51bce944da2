"""NumPy's files, .npy and .npz, read as plain numbers.

NumPy's own reader evaluates the header as Python text, makes room for whatever shape it claims, and
can hold pickles. Here the header must look exactly as NumPy writes it, the numbers it promises must
be there, and pickles of objects go through `unpickling`, which runs nothing.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Collection
from typing import Any

import numpy as np

from eclipsed.checkpoints.numbers import MOST_AXES, Array, array_names, array_of
from eclipsed.checkpoints.unpickling import PLAIN_NAMES, Budget, shown_name, unpickle
from eclipsed.errors import BadFile

MAGIC = b"\x93NUMPY"
_ENDING = ".npy"
_LONGEST_HEADER = 10_000
_HEADER = re.compile(
    r"\{\s*'descr':\s*'(?P<type>[^']{1,16})',\s*'fortran_order':\s*(?P<columns>True|False),"
    r"\s*'shape':\s*\((?P<shape>[^()]*)\),?\s*\}\s*"
)
# NumPy of Python 2 wrote long integers with an L.
_SIZE = re.compile(r"\s*(\d{1,15})L?\s*")
_TYPE = re.compile(r"[<>=|]?[biufc]\d{1,2}")
# What the members of an archive may hold together: thousands of the largest directions.
_MOST_BYTES = 64 * 2**20
# The table of contents of an archive with some 10,000 members.
_LARGEST_TABLE = 2**20


def is_npz(head: bytes) -> bool:
    """Whether a file that starts so is an archive of NumPy arrays; a few hundred bytes will do."""
    if not head.startswith(b"PK\x03\x04") or len(head) < 30:
        return False
    size = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + size].endswith(_ENDING.encode())


def load_npy(data: bytes) -> Array:
    """The array of a .npy file's bytes, in this machine's byte order, rows first.

    Raises BadFile, the reason only, for objects other than numbers and for anything damaged.
    """
    array = load_objects(data)
    if not isinstance(array, np.ndarray):
        raise BadFile("it is a NumPy array of objects, not of numbers")
    return array


def load_objects(data: bytes) -> object:
    """The array of a .npy file's bytes; of an array of objects these, as plain values.

    An array of objects becomes the array that its numbers or its arrays of one shape make, what it
    holds where it has no axis, such as a dictionary, or else a list. Raises BadFile, the reason
    only, for anything else and for anything damaged.
    """
    text, at = _header(data)
    match = _HEADER.fullmatch(text)
    if match and "O" in match["type"]:
        budget = Budget.of(len(data))
        names = {**PLAIN_NAMES, **array_names(budget)}
        try:
            return unpickle(memoryview(data)[at:], names, budget=budget)[0]
        except BadFile as error:
            raise BadFile(f"among its objects, {error.message}", error.hint) from error
    if not match or not _TYPE.fullmatch(match["type"]):
        raise BadFile("it is a NumPy file that holds no plain array of numbers")
    try:
        kind = np.dtype(match["type"])
    except TypeError as error:
        raise BadFile("it is a NumPy array of a type that does not exist") from error
    shape = _shape(match["shape"])
    if math.prod(shape) * kind.itemsize != len(data) - at:
        raise BadFile("it is a NumPy array that is cut short, or holds more than it says")
    return array_of(memoryview(data)[at:], kind, shape, match["columns"] == "True")


def _header(data: bytes) -> tuple[str, int]:
    """The header's text, and where the numbers start."""
    if not data.startswith(MAGIC) or len(data) < 12:
        raise BadFile("it is a NumPy file that is cut short")
    size, start = (2, 10) if data[6] == 1 else (4, 12)
    length = int.from_bytes(data[8 : 8 + size], "little")
    if data[6] not in (1, 2, 3) or length > _LONGEST_HEADER or start + length > len(data):
        raise BadFile("it is a NumPy file whose header makes no sense")
    return data[start : start + length].decode("latin-1"), start + length


def _shape(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not parts[-1].strip():  # "(3,)" and "()" end in nothing
        parts.pop()
    sizes = [_SIZE.fullmatch(part) for part in parts]
    if len(sizes) > MOST_AXES or not all(sizes):
        raise BadFile("it is a NumPy array whose shape makes no sense")
    return tuple(int(size[1]) for size in sizes if size is not None)


def npz_keys(data: bytes) -> list[str]:
    """The names of the arrays in the bytes of a .npz file; BadFile, the reason only, for others."""
    with _opened(data) as archive:
        return [info.filename.removesuffix(_ENDING) for info in archive.infolist()]


def load_npz(data: bytes, keys: Collection[str] | None = None) -> dict[str, Any]:
    """The arrays of a .npz file's bytes, compressed or not: those of `keys`, or all.

    Each as `load_objects` gives it. Raises BadFile, the reason only, for whatever is no array, for
    anything damaged, and when they would take more than 64 MiB.
    """
    arrays: dict[str, Any] = {}
    room = _MOST_BYTES
    with _opened(data) as archive:
        for info in archive.infolist():
            key = info.filename.removesuffix(_ENDING)
            if keys is not None and key not in keys:
                continue
            content = _member(archive, info, room)
            room -= len(content)
            try:
                arrays[key] = load_objects(content)
            except BadFile as error:
                raise BadFile(f"in its part {shown_name(key)}, {error.message}") from error
    return arrays


def _opened(data: bytes) -> zipfile.ZipFile:
    """The archive, once its table of contents is known to be small and to name arrays only."""
    _check_table(data)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, struct.error, OSError, NotImplementedError) as error:
        raise BadFile("it is a NumPy archive that is damaged or cut short") from error
    names = [info.filename for info in archive.infolist()]
    if not names or not all(name.endswith(_ENDING) for name in names):
        raise BadFile("it is an archive that holds other things than NumPy arrays")
    if len(set(names)) != len(names):
        raise BadFile("it is an archive with two arrays of one name")
    return archive


def _check_table(data: bytes) -> None:
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or len(data) < end + 22:
        raise BadFile("it is a NumPy archive that is damaged or cut short")
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    # The second: a table of contents for archives beyond 4 GiB, which overrules the first.
    if size > _LARGEST_TABLE or data[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        raise BadFile("it is a NumPy archive with more arrays than make sense")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise BadFile("it is a NumPy archive that is packed or encrypted in an unusual way")
    try:
        with archive.open(info) as file:
            # What it says about its size is not believed.
            content = file.read(room + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise BadFile("it is a NumPy archive that is damaged or cut short") from error
    if len(content) > room:
        raise BadFile(f"its arrays would take more than {_MOST_BYTES // 2**20} MiB")
    return content
