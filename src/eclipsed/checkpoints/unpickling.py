"""Pickles read as data: a pickle machine of our own that cannot run anything.

Python's unpickler imports and calls what a file names. This one does neither: a name in a file is
looked up in a table of functions written here, which only build plain values, and a name that is
not in the table is refused. Nothing is imported, no attribute is fetched or set on anything that a
file names, no `__setstate__` or `__reduce__` is ever called. Objects of other people's classes
become `Record`s. What a file can make this machine spend, in steps and in bytes, is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from eclipsed.checkpoints.opcodes import OPCODES, Cursor, Reader
from eclipsed.errors import BadFile

Make = Callable[..., object]

# Genuine checkpoints take some 100,000 steps; numbers kept as Python lists take one each.
_STEPS = 2_000_000
# Bytes of Python objects allowed beyond a multiple of the pickle's own length.
_SLACK = 16 * 2**20
_GROWTH = 8
_NUMBERS_SLACK = 4 * 2**20
_NUMBERS_GROWTH = 2
_SWOLLEN = "it would grow out of all proportion when read"
_NEWEST_PROTOCOL = 5
_LONGEST_NAME = 120
_MOST_MARKS = 1000
# An int key beyond this could be chosen to collide with others in a dictionary.
_LARGEST_KEY = 2**60


@dataclass(eq=False, slots=True)
class Record:
    """An object of somebody's class: what the file says of it, and no behaviour.

    module, name: of the class. state: what its attributes were, usually a dictionary.
    args: what it would have been made from, often nothing.
    """

    module: str
    name: str
    state: object = None
    args: tuple[object, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Global:
    """A name in a file that was on the list, and what stands in for it (None: a mere token)."""

    name: str
    make: Make | None = None


@dataclass(eq=False, slots=True)
class Unfinished:
    """A value whose numbers arrive in a later step, BUILD; `finish` makes it from them.

    mentions: where the machine's memo holds it, so that they get the finished value.
    """

    finish: Callable[[object], object]
    mentions: list[int] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Budget:
    """What reading one file may still cost; everything nested in the file shares it."""

    steps: int
    memory: int
    numbers: int

    @classmethod
    def of(cls, length: int) -> Budget:
        """For a file of `length` bytes."""
        return cls(
            steps=_STEPS,
            memory=_SLACK + _GROWTH * length,
            numbers=_NUMBERS_SLACK + _NUMBERS_GROWTH * length,
        )

    def spend(self, memory: int) -> None:
        """Pay the bytes of an object; BadFile when no genuine file of this size asks for more."""
        self.memory -= memory
        if self.memory < 0:
            raise BadFile(_SWOLLEN)

    def spend_numbers(self, memory: int) -> None:
        """Pay the bytes of an array or tensor, of which many could share the same few bytes."""
        self.numbers -= memory
        if self.numbers < 0:
            raise BadFile(_SWOLLEN)


_UNKNOWN: tuple[str, Reader | None] = ("", None)


def unpickle(
    data: memoryview,
    names: Mapping[str, Make | None],
    *,
    at: int = 0,
    persistent: Callable[[object], object] | None = None,
    budget: Budget | None = None,
) -> tuple[object, int]:
    """The value of the pickle that starts at byte `at`, and where it ends.

    names: dotted name → the function that stands in for it (None: a token that cannot be called).
    persistent: gives the values that the file keeps outside the pickle. Long byte strings come as
    views of `data`. Raises BadFile for a name that is not listed and for anything damaged.
    """
    budget = budget or Budget.of(len(data))
    machine = _Machine(Cursor(data, at), names, persistent, budget)
    with damage():
        return machine.run(), machine.cursor.at


@contextmanager
def damage() -> Iterator[None]:
    """What values of the wrong type or size lead to, as one BadFile."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        RecursionError,
        RuntimeError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise BadFile("it is damaged, its parts do not fit together") from error


def shown_name(name: str) -> str:
    """A name from a file for a message: short, and nothing in it can move a terminal's cursor."""
    short = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in short)


def in_brief(content: object) -> str:
    """What a file holds, for a message."""
    if isinstance(content, dict):
        keys = ", ".join(shown_name(key)[:40] for key in content if isinstance(key, str))
        return f"a dictionary of {keys[:160]}" if keys else "a dictionary without names"
    if isinstance(content, Record):
        return f"an object of the class {shown_name(f'{content.module}.{content.name}')}"
    return f"a {type(content).__name__}"


@dataclass(eq=False, slots=True)
class _Machine:
    """The stack, the marks and the memo of one pickle."""

    cursor: Cursor
    names: Mapping[str, Make | None]
    persistent: Callable[[object], object] | None
    budget: Budget
    stack: list[object] = field(default_factory=list)
    marks: list[list[object]] = field(default_factory=list)
    memo: dict[int, object] = field(default_factory=dict)

    def run(self) -> object:
        cursor, budget = self.cursor, self.budget
        while True:
            name, read = OPCODES.get(cursor.byte(), _UNKNOWN)
            if name == "STOP":
                return self.stack.pop()
            budget.steps -= 1
            if budget.steps < 0:
                raise BadFile(_SWOLLEN)
            _ACTIONS[name](self, None if read is None else read(cursor))

    def push(self, value: object, cost: int = 32) -> None:
        self.budget.spend(cost)
        self.stack.append(value)

    def pop_mark(self) -> list[object]:
        """What was pushed since the last mark."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def resolve(self, names: Any) -> Global:
        """The stand-in for a (module, name); BadFile says which name is not on the list."""
        module, name = names
        if not isinstance(module, str) or not isinstance(name, str):
            raise BadFile("it names something in a way that no genuine file does")
        dotted = f"{module}.{name}"
        if dotted not in self.names:
            raise BadFile(
                f"it names {shown_name(dotted)}, which a checkpoint has no business with",
                "Nothing in it was run. Do not open it with tools that run pickles.",
            )
        return Global(dotted, self.names[dotted])

    def call(self, function: object, args: object) -> object:
        if not isinstance(function, Global) or not isinstance(args, tuple):
            raise BadFile("it calls something that is not on the list of names")
        if function.make is None:
            raise BadFile(f"it calls {shown_name(function.name)}, which is not there to be called")
        self.budget.spend(200 + sum(_weight(argument) for argument in args))
        return function.make(*args)


def _weight(value: object) -> int:
    """What a copy of a value, not of what it holds, may cost."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        return 120 * len(value)
    return 4 * len(value) if isinstance(value, str | bytes | memoryview) else 0


# --- what each opcode does ----------------------------------------------------------------------

# The argument is what OPCODES reads for the opcode, None for an opcode without one.
Action = Callable[[_Machine, Any], object]


def _value(machine: _Machine, argument: object) -> None:
    size = len(argument) if isinstance(argument, str | bytes) else 0
    machine.push(argument, 64 + 4 * size)


def _mark(machine: _Machine, _: object) -> None:
    machine.budget.spend(64)
    if len(machine.marks) >= _MOST_MARKS:
        raise BadFile("it is nested deeper than any genuine file")
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: _Machine, _: object) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


def _get(machine: _Machine, index: Any) -> None:
    machine.push(machine.memo[index])


def _put(machine: _Machine, index: Any) -> None:
    value = machine.stack[-1]
    machine.budget.spend(100)
    machine.memo[index] = value
    if isinstance(value, Unfinished):
        value.mentions.append(index)


def _tuple_of(count: int) -> Action:
    def act(machine: _Machine, _: object) -> None:
        if len(machine.stack) < count:
            raise BadFile("it is damaged, values are missing")
        items = tuple(machine.stack[len(machine.stack) - count :])
        del machine.stack[len(machine.stack) - count :]
        machine.push(items, 64 + 8 * count)

    return act


def _tuple(machine: _Machine, _: object) -> None:
    items = tuple(machine.pop_mark())
    machine.push(items, 64 + 8 * len(items))


def _extend(machine: _Machine, items: list[object]) -> None:
    target = machine.stack[-1]
    if type(target) is not list:
        raise BadFile("it appends to something that is not a list")
    machine.budget.spend(16 * len(items))
    target.extend(items)


def _dict(machine: _Machine, _: object) -> None:
    items = machine.pop_mark()
    machine.push({}, 72)
    _fill(machine, items)


def _set_item(machine: _Machine, _: object) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _fill(machine, [key, value])


def _fill(machine: _Machine, items: list[object]) -> None:
    target = machine.stack[-1]
    if type(target) is not dict or len(items) % 2:
        raise BadFile("it sets entries of something that is not a dictionary")
    machine.budget.spend(120 * len(items))
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[checked_key(key)] = value


def checked_key(key: object) -> object:
    """A key or element whose hash cannot be chosen to make dictionaries slow; else BadFile."""
    small = type(key) is int and abs(key) < _LARGEST_KEY
    if small or key is None or type(key) in (str, bytes, bool, float):
        return key
    raise BadFile("it holds a dictionary or set with keys of a kind that no genuine file has")


def _add_items(machine: _Machine, _: object) -> None:
    items = machine.pop_mark()
    target = machine.stack[-1]
    if type(target) is not set:
        raise BadFile("it adds elements to something that is not a set")
    machine.budget.spend(100 * len(items))
    target.update(checked_key(item) for item in items)


def _frozen_set(machine: _Machine, _: object) -> None:
    items = machine.pop_mark()
    machine.push(frozenset(checked_key(item) for item in items), 220 + 100 * len(items))


def _protocol(_: _Machine, number: Any) -> None:
    if number > _NEWEST_PROTOCOL:
        raise BadFile(f"it is a pickle of protocol {number}, newer than any known here")


def _frame(machine: _Machine, length: Any) -> None:
    if length > len(machine.cursor.data) - machine.cursor.at:
        raise BadFile("it ends too early")


def _stack_global(machine: _Machine, _: object) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.push(machine.resolve((module, name)), 100)


def _reduce(machine: _Machine, _: object) -> None:
    args, function = machine.stack.pop(), machine.stack.pop()
    machine.push(machine.call(function, args))


def _new_object_extended(machine: _Machine, _: object) -> None:
    keywords, args, kind = (machine.stack.pop() for _ in range(3))
    if type(keywords) is not dict or keywords:
        raise BadFile("it makes an object with keywords, which no genuine file does")
    machine.push(machine.call(kind, args))


def _instance(machine: _Machine, names: object) -> None:
    args = tuple(machine.pop_mark())
    machine.push(machine.call(machine.resolve(names), args))


def _object(machine: _Machine, _: object) -> None:
    kind, *args = machine.pop_mark()
    machine.push(machine.call(kind, tuple(args)))


def _build(machine: _Machine, _: object) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if isinstance(target, Unfinished):
        finished = target.finish(state)
        machine.stack[-1] = finished
        for index in target.mentions:
            machine.memo[index] = finished
    elif isinstance(target, Record):
        target.state = state
    elif not isinstance(target, dict | Tensor):
        # A dictionary's or a tensor's extra attributes (`_metadata`) say nothing of interest.
        raise BadFile("it sets the state of something that has none")


def _persistent(machine: _Machine, text: object) -> None:
    key = machine.stack.pop() if text is None else text
    if machine.persistent is None:
        raise BadFile("it refers to parts outside itself, which only files of torch.save do")
    machine.push(machine.persistent(key))


def _refused(what: str) -> Action:
    def act(_machine: _Machine, _argument: object) -> None:
        raise BadFile(f"it uses {what}, which no genuine checkpoint does")

    return act


def _unknown(_machine: _Machine, _argument: object) -> None:
    raise BadFile("it is damaged, or no pickle at all")


_ACTIONS: dict[str, Action] = {
    "": _unknown,
    **dict.fromkeys(
        (
            "BINBYTES BINBYTES8 BINFLOAT BININT BININT1 BININT2 BINSTRING BINUNICODE BINUNICODE8 "
            "FLOAT INT LONG LONG1 LONG4 SHORT_BINBYTES SHORT_BINSTRING SHORT_BINUNICODE STRING "
            "UNICODE"
        ).split(),
        _value,
    ),
    # Nothing here changes bytes in place, so a view will do.
    "BYTEARRAY8": lambda machine, payload: machine.push(payload, 64),
    "NONE": lambda machine, _: machine.push(None),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_LIST": lambda machine, _: machine.push([], 72),
    "EMPTY_DICT": lambda machine, _: machine.push({}, 72),
    "EMPTY_SET": lambda machine, _: machine.push(set(), 220),
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    "MEMOIZE": lambda machine, _: _put(machine, len(machine.memo)),
    "LIST": lambda machine, _: machine.push(machine.pop_mark(), 64),
    "APPEND": lambda machine, _: _extend(machine, [machine.stack.pop()]),
    "APPENDS": lambda machine, _: _extend(machine, machine.pop_mark()),
    "DICT": _dict,
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: _fill(machine, machine.pop_mark()),
    "ADDITEMS": _add_items,
    "FROZENSET": _frozen_set,
    "TUPLE": _tuple,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "GLOBAL": lambda machine, names: machine.push(machine.resolve(names), 100),
    "STACK_GLOBAL": _stack_global,
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _reduce),
    "NEWOBJ_EX": _new_object_extended,
    "INST": _instance,
    "OBJ": _object,
    "BUILD": _build,
    **dict.fromkeys(("PERSID", "BINPERSID"), _persistent),
    "PROTO": _protocol,
    "FRAME": _frame,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _refused("an extension code of copyreg")),
    **dict.fromkeys(("NEXT_BUFFER", "READONLY_BUFFER"), _refused("a buffer outside the pickle")),
}


# --- names that every reader allows -------------------------------------------------------------


def _plain_dict(*args: object) -> dict[object, object]:
    """For dictionaries of all kinds: from nothing, from a factory, from another, from pairs."""
    result: dict[object, object] = {}
    for argument in args:
        if isinstance(argument, dict):
            result.update(argument)
        elif isinstance(argument, list | tuple):
            result.update({checked_key(key): value for key, value in argument})
    return result


def _set_of(kind: Callable[..., object]) -> Make:
    def make(items: object = ()) -> object:
        if not isinstance(items, list | tuple):
            raise BadFile("it makes a set of something that is not a list")
        return kind(checked_key(item) for item in items)

    return make


def _bytes_of(text: object = "", encoding: object = "latin-1") -> bytes:
    """Bytes as protocols without a way to write them spell them: text in latin-1."""
    if isinstance(text, bytes | memoryview):
        return bytes(text)
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise BadFile("it makes bytes in a way that no genuine file does")
    return text.encode("latin-1")


def _from_base(kind: object, base: object, state: object) -> object:
    """copyreg's way to an object whose class adds nothing, or adds to a dictionary."""
    del base
    if not isinstance(kind, Global) or kind.make is None:
        raise BadFile("it makes an object of something that is not a class")
    value = kind.make()
    if isinstance(value, dict) and isinstance(state, dict):
        value.update(state)
    return value


PLAIN_NAMES: dict[str, Make | None] = {
    "collections.OrderedDict": _plain_dict,
    "collections.defaultdict": _plain_dict,
    "collections.Counter": _plain_dict,
    "_codecs.encode": _bytes_of,
    "copyreg._reconstructor": _from_base,
    "copy_reg._reconstructor": _from_base,
    **{
        f"{module}.{name}": make
        for module in ("builtins", "__builtin__")
        for name, make in (
            ("object", None),
            ("dict", _plain_dict),
            ("list", None),
            ("set", _set_of(set)),
            ("frozenset", _set_of(frozenset)),
            ("bytes", _bytes_of),
            ("bytearray", _bytes_of),
        )
    },
}
