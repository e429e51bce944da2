"""Zip archives in which nothing is compressed, as torch.save writes them.

The bytes of a member are a view of the file's: an archive cannot grow when it is read. Compressed,
encrypted, repeated or misnamed members are refused, and every checksum is checked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from eclipsed.errors import BadFile

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_ENTRY = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"
_LONGEST_COMMENT = 65_535
# The largest training checkpoints known hold some 3000 members.
_MOST_MEMBERS = 50_000
_WIDE = 0xFFFFFFFF
_ENCRYPTED = 0x41  # two of the flags


def stored_members(data: memoryview) -> dict[str, memoryview]:
    """Name → bytes of every file in an archive; raises BadFile unless all is plain and whole."""
    count, size, start = _directory(data)
    if count > _MOST_MEMBERS or start + size > len(data):
        raise BadFile("it is a zip archive whose table of contents makes no sense")
    members: dict[str, memoryview] = {}
    total = 0
    for name, checksum, length, at in _entries(data[start : start + size], count):
        if length is None:
            raise BadFile("it is a zip archive with compressed or encrypted members")
        _check_name(name)
        if name in members:
            raise BadFile("it is a zip archive with two members of one name")
        total += length
        if total > start:
            raise BadFile("it is a zip archive whose members would not fit into it")
        members[name] = _content(data[:start], name, checksum, length, at)
    return members


def member_names(data: memoryview) -> list[str]:
    """The names of an archive's files, compressed or not; BadFile where it is damaged."""
    count, size, start = _directory(data)
    if count > _MOST_MEMBERS or start + size > len(data):
        raise BadFile("it is a zip archive whose table of contents makes no sense")
    return [entry[0] for entry in _entries(data[start : start + size], count)]


def _directory(data: memoryview) -> tuple[int, int, int]:
    """(number of members, bytes of the table of contents, where it starts)."""
    tail = bytes(data[max(0, len(data) - _LONGEST_COMMENT - 22) :])
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < 22:
        raise BadFile("it is a zip archive that is cut short")
    disks, comment = struct.unpack_from("<HHHHIIH", tail, end + 4)[:2], tail[end + 20 :]
    if any(disks) or len(comment) != 2 + int.from_bytes(comment[:2], "little"):
        raise BadFile("it is a zip archive that is damaged")
    here, there, size, start = struct.unpack_from("<HHII", tail, end + 8)
    at = len(data) - len(tail) + end
    locator = data[max(0, at - 20) : at]
    if bytes(locator[:4]) == _LOCATOR_64:
        (where,) = struct.unpack_from("<Q", locator, 8)
        if bytes(data[where : where + 4]) != _END_64:
            raise BadFile("it is a zip archive that is damaged")
        here, there, size, start = struct.unpack_from("<QQQQ", data, where + 24)
    if here != there:
        raise BadFile("it is a zip archive that is damaged")
    return here, size, start


def _entries(table: memoryview, count: int) -> Iterator[tuple[str, int, int | None, int]]:
    """(name, checksum, length, where its local header is) of every file.

    A length of None: the file is compressed or encrypted.
    """
    at = 0
    for _ in range(count):
        if bytes(table[at : at + 4]) != _ENTRY:
            raise BadFile("it is a zip archive whose table of contents is damaged")
        flags, method, checksum, packed, length, *sizes, header = struct.unpack_from(
            "<HH4xIIIHHH8xI", table, at + 8
        )
        name_size, extra_size, comment_size = sizes
        name = bytes(table[at + 46 : at + 46 + name_size])
        extra = table[at + 46 + name_size : at + 46 + name_size + extra_size]
        length, packed, header = _wide(extra, length, packed, header)
        plain = method == 0 and length == packed and not flags & _ENCRYPTED
        at += 46 + name_size + extra_size + comment_size
        yield str(name, "utf-8"), checksum, length if plain else None, header


def _wide(extra: memoryview, *values: int) -> list[int]:
    """Sizes and offsets; those too large for 32 bits are kept in an extra field."""
    wanted = [i for i, value in enumerate(values) if value == _WIDE]
    result = list(values)
    at = 0
    while wanted:
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            fields = struct.unpack_from(f"<{len(wanted)}Q", extra[at + 4 : at + 4 + size])
            for i, value in zip(wanted, fields, strict=True):
                result[i] = value
            break
        at += 4 + size
    return result


def _content(data: memoryview, name: str, checksum: int, length: int, at: int) -> memoryview:
    """A member's bytes; its local header must agree with the table of contents."""
    signature, method, name_size, extra_size = struct.unpack_from("<4s4xH16xHH", data, at)
    start = at + 30 + name_size + extra_size
    own_name = bytes(data[at + 30 : at + 30 + name_size])
    if signature != _LOCAL or method != 0 or own_name != name.encode():
        raise BadFile("it is a zip archive whose members disagree with its table of contents")
    content = data[start : start + length]
    if len(content) != length:
        raise BadFile("it is a zip archive that is cut short")
    if zlib.crc32(content) != checksum:
        raise BadFile("it is damaged, a checksum does not match")
    return content


def _check_name(name: str) -> None:
    parts = name.split("/")
    strange = "\\" in name or ":" in name or not name.isprintable()
    if strange or any(part in ("", ".", "..") for part in parts):
        raise BadFile("it is a zip archive with names that lead elsewhere")
