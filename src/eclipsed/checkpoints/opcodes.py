"""The alphabet of pickles: opcodes and how their arguments are spelt (protocols 0 to 5).

This module only cuts bytes into opcodes and arguments; what they mean is `unpickling`'s business.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable

from eclipsed.errors import BadFile

# Longer texts in front of a line break occur in no file that is known; nor do longer integers.
_LONGEST_LINE = 1 << 20
_LONGEST_INTEGER = 256
# Payloads longer than this stay views of the file, so that weights are not copied twice.
_COPIED = 4096


class Cursor:
    """A place in a file's bytes that moves forward as they are taken."""

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
        reach = 64  # grows, so that short lines cost little
        while reach <= _LONGEST_LINE:
            part = bytes(self.data[self.at : self.at + reach])
            length = part.find(b"\n")
            if length >= 0:
                self.at += length + 1
                return part[:length]
            reach *= 4
        raise BadFile("it ends too early, or holds a line of absurd length")

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value


Reader = Callable[[Cursor], object]


def _byte(cursor: Cursor) -> int:
    return cursor.byte()


def _whole(layout: str) -> Reader:
    return lambda cursor: cursor.number(layout)


def _float(cursor: Cursor) -> float:
    value: float = struct.unpack(">d", cursor.take(8))[0]
    return value


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


def _two_lines(cursor: Cursor) -> tuple[str, str]:
    return _line(cursor), _line(cursor)


def _integer_line(cursor: Cursor) -> int | bool:
    text = cursor.line()
    if text in (b"00", b"01"):
        return text == b"01"
    return int(text[:_LONGEST_INTEGER].rstrip(b"L"))


def _float_line(cursor: Cursor) -> float:
    return float(cursor.line())


def _quoted_line(cursor: Cursor) -> str:
    text = cursor.line().strip()
    if len(text) < 2 or text[0] != text[-1] or text[:1] not in (b"'", b'"'):
        raise BadFile("it holds a text without quotes")
    return str(codecs.escape_decode(text[1:-1])[0], "latin-1")


def _unicode_line(cursor: Cursor) -> str:
    # Not by str(), which would import the codec's module.
    return codecs.raw_unicode_escape_decode(cursor.line())[0]


# opcode → (its name in pickle's documentation, how its argument is read, if it has one)
OPCODES: dict[int, tuple[str, Reader | None]] = {
    code[0]: (name, reader)
    for name, code, reader in (
        ("MARK", b"(", None),
        ("STOP", b".", None),
        ("POP", b"0", None),
        ("POP_MARK", b"1", None),
        ("DUP", b"2", None),
        ("FLOAT", b"F", _float_line),
        ("INT", b"I", _integer_line),
        ("BININT", b"J", _whole("<i")),
        ("BININT1", b"K", _byte),
        ("LONG", b"L", _integer_line),
        ("BININT2", b"M", _whole("<H")),
        ("NONE", b"N", None),
        ("PERSID", b"P", _line),
        ("BINPERSID", b"Q", None),
        ("REDUCE", b"R", None),
        ("STRING", b"S", _quoted_line),
        ("BINSTRING", b"T", _latin("<i")),
        ("SHORT_BINSTRING", b"U", _latin("<B")),
        ("UNICODE", b"V", _unicode_line),
        ("BINUNICODE", b"X", _text("<I")),
        ("APPEND", b"a", None),
        ("BUILD", b"b", None),
        ("GLOBAL", b"c", _two_lines),
        ("DICT", b"d", None),
        ("EMPTY_DICT", b"}", None),
        ("APPENDS", b"e", None),
        ("GET", b"g", _integer_line),
        ("BINGET", b"h", _byte),
        ("INST", b"i", _two_lines),
        ("LONG_BINGET", b"j", _whole("<I")),
        ("LIST", b"l", None),
        ("EMPTY_LIST", b"]", None),
        ("OBJ", b"o", None),
        ("PUT", b"p", _integer_line),
        ("BINPUT", b"q", _byte),
        ("LONG_BINPUT", b"r", _whole("<I")),
        ("SETITEM", b"s", None),
        ("TUPLE", b"t", None),
        ("EMPTY_TUPLE", b")", None),
        ("SETITEMS", b"u", None),
        ("BINFLOAT", b"G", _float),
        ("PROTO", b"\x80", _byte),
        ("NEWOBJ", b"\x81", None),
        ("EXT1", b"\x82", _byte),
        ("EXT2", b"\x83", _whole("<H")),
        ("EXT4", b"\x84", _whole("<i")),
        ("TUPLE1", b"\x85", None),
        ("TUPLE2", b"\x86", None),
        ("TUPLE3", b"\x87", None),
        ("NEWTRUE", b"\x88", None),
        ("NEWFALSE", b"\x89", None),
        ("LONG1", b"\x8a", _integer("<B")),
        ("LONG4", b"\x8b", _integer("<i")),
        ("BINBYTES", b"B", _payload("<I")),
        ("SHORT_BINBYTES", b"C", _payload("<B")),
        ("SHORT_BINUNICODE", b"\x8c", _text("<B")),
        ("BINUNICODE8", b"\x8d", _text("<Q")),
        ("BINBYTES8", b"\x8e", _payload("<Q")),
        ("EMPTY_SET", b"\x8f", None),
        ("ADDITEMS", b"\x90", None),
        ("FROZENSET", b"\x91", None),
        ("NEWOBJ_EX", b"\x92", None),
        ("STACK_GLOBAL", b"\x93", None),
        ("MEMOIZE", b"\x94", None),
        ("FRAME", b"\x95", _whole("<Q")),
        ("BYTEARRAY8", b"\x96", _payload("<Q")),
        ("NEXT_BUFFER", b"\x97", None),
        ("READONLY_BUFFER", b"\x98", None),
    )
}
