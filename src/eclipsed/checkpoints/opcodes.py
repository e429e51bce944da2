"""The alphabet of pickles: opcodes and how their arguments are spelt (protocols 0 to 5).

This module only cuts bytes into opcodes and arguments; what they mean is `unpickling`'s business.
"""

from __future__ import annotations

import codecs
import pickletools
import struct
from collections.abc import Callable
from typing import Any

from eclipsed.errors import BadFile

# Longer texts in front of a line break occur in no file that is known; nor do longer integers.
_LONGEST_LINE = 1 << 20
_LONGEST_INTEGER = 256
# Payloads longer than this stay views of the file, so that weights are not copied twice.
_COPIED = 4096


class Cursor:
    """A position in a file's bytes that moves forward as they are taken."""

    __slots__ = ("at", "data")

    def __init__(self, data: memoryview, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> memoryview:
        """The next bytes; BadFile when there are not that many."""
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise BadFile("it ends too early")
        part = self.data[self.at : end]
        self.at = end
        return part

    def byte(self) -> int:
        """The next byte, a number."""
        if self.at >= len(self.data):
            raise BadFile("it ends too early")
        self.at += 1
        return self.data[self.at - 1]

    def line(self) -> bytes:
        """The bytes before the next line break, which is passed over."""
        window = 64  # grows, so that short lines cost little
        while window <= _LONGEST_LINE:
            part = bytes(self.data[self.at : self.at + window])
            length = part.find(b"\n")
            if length >= 0:
                self.at += length + 1
                return part[:length]
            window *= 4
        raise BadFile("it ends too early, or holds a line of absurd length")

    def number(self, layout: str) -> Any:
        """The next number, an int or a float, in a layout of `struct`."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]


Reader = Callable[[Cursor], object]


def _number(layout: str) -> Reader:
    return lambda cursor: cursor.number(layout)


def _text(layout: str) -> Reader:
    return lambda cursor: str(cursor.take(cursor.number(layout)), "utf-8", "surrogatepass")


def _latin(layout: str) -> Reader:
    """A text of Python 2, which may as well be bytes: latin-1 keeps every byte."""
    return lambda cursor: str(cursor.take(cursor.number(layout)), "latin-1")


def _payload(layout: str) -> Reader:
    def read(cursor: Cursor) -> bytes | memoryview:
        part = cursor.take(cursor.number(layout))
        return bytes(part) if len(part) <= _COPIED else part

    return read


def _integer(layout: str) -> Reader:
    def read(cursor: Cursor) -> int:
        count = cursor.number(layout)
        if count > _LONGEST_INTEGER:
            raise BadFile("it holds an integer of absurd length")
        return int.from_bytes(cursor.take(count), "little", signed=True)

    return read


def _line(cursor: Cursor) -> str:
    return str(cursor.line(), "utf-8")


def _integer_line(cursor: Cursor) -> int | bool:
    text = cursor.line()
    if text in (b"00", b"01"):
        return text == b"01"
    return int(text[:_LONGEST_INTEGER].rstrip(b"L"))


def _quoted_line(cursor: Cursor) -> str:
    text = cursor.line().strip()
    if len(text) < 2 or text[0] != text[-1] or text[:1] not in (b"'", b'"'):
        raise BadFile("it holds a text without quotes")
    return str(codecs.escape_decode(text[1:-1])[0], "latin-1")


def _unicode_line(cursor: Cursor) -> str:
    # Not by str(), which would import the codec's module.
    return codecs.raw_unicode_escape_decode(cursor.line())[0]


# How arguments of each kind are read; the kinds and their names are pickletools'.
_READERS: dict[str, Reader] = {
    "uint1": Cursor.byte,
    "uint2": _number("<H"),
    "uint4": _number("<I"),
    "uint8": _number("<Q"),
    "int4": _number("<i"),
    "float8": _number(">d"),
    "decimalnl_short": _integer_line,
    "decimalnl_long": _integer_line,
    "floatnl": lambda cursor: float(cursor.line()),
    "long1": _integer("<B"),
    "long4": _integer("<i"),
    "stringnl": _quoted_line,
    "stringnl_noescape": _line,
    "stringnl_noescape_pair": lambda cursor: (_line(cursor), _line(cursor)),
    "string1": _latin("<B"),
    "string4": _latin("<i"),
    "unicodestringnl": _unicode_line,
    "unicodestring1": _text("<B"),
    "unicodestring4": _text("<I"),
    "unicodestring8": _text("<Q"),
    "bytes1": _payload("<B"),
    "bytes4": _payload("<I"),
    "bytes8": _payload("<Q"),
    "bytearray8": _payload("<Q"),
}
# opcode → (its name in pickle's documentation, how its argument is read, if it has one)
OPCODES: dict[int, tuple[str, Reader | None]] = {
    ord(opcode.code): (opcode.name, _READERS[opcode.arg.name] if opcode.arg else None)
    for opcode in pickletools.opcodes
}
