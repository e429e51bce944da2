from __future__ import annotations

import argparse
import pickle
from collections import Counter, OrderedDict, defaultdict
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.checkpoints.opcodes import OPCODES
from eclipsed.checkpoints.unpickling import (
    _ACTIONS,
    PLAIN_NAMES,
    Record,
    shown_name,
    unpickle,
)
from eclipsed.errors import BadFile
from tests.checkpoints.making import Call, Name, pickled, read_torch

PROTOCOLS = range(6)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
)
KEYS = st.none() | st.booleans() | st.integers(-(2**60) + 1, 2**60 - 1) | st.text() | st.binary()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner)
        | st.sets(KEYS)
        | st.frozensets(KEYS)
    ),
)


def read(data: bytes) -> Any:
    value, end = unpickle(memoryview(data), PLAIN_NAMES)
    assert end == len(data)
    return value


@given(VALUES, st.sampled_from(PROTOCOLS))
def test_plain_values_come_back(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert read(data) == value
    assert unpickle(memoryview(data + b"more"), PLAIN_NAMES)[1] == len(data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_shared_parts_stay_shared_and_cycles_close(protocol: int) -> None:
    part: list[Any] = ["x" * 10]
    value = read(pickle.dumps([part, part], protocol))
    assert value[0] is value[1]
    part.append(part)
    again = read(pickle.dumps(part, protocol))
    assert again[1] is again


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_dictionaries_of_all_kinds_become_plain_ones(protocol: int) -> None:
    kinds: list[Any] = [OrderedDict(a=1), defaultdict(list, a=[1]), Counter("aab")]
    values = read(pickle.dumps(kinds, protocol))
    assert values == [{"a": 1}, {"a": [1]}, {"a": 2, "b": 1}]
    assert {type(value) for value in values} == {dict}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_objects_become_records(protocol: int) -> None:
    made = read_torch(pickle.dumps(argparse.Namespace(size=32, ckpt=None), protocol))
    assert isinstance(made, Record)
    assert (made.module, made.name) == ("argparse", "Namespace")
    assert made.state == {"size": 32, "ckpt": None}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bytes_and_bytearrays_come_back(protocol: int) -> None:
    value = {"short": b"\x00\xff", "array": bytearray(b"\x01\x80")}
    assert read(pickle.dumps(value, protocol)) == value


def test_long_bytes_are_views_of_the_file() -> None:
    data = pickle.dumps(b"\7" * 5000, 3)
    value = read(data)
    assert isinstance(value, memoryview)
    assert value.obj is data
    assert bytes(value) == b"\7" * 5000


def test_texts_of_python_2_keep_every_byte() -> None:
    every = bytes(range(256))
    assert read(b"\x80\x02U\xff" + every[:255] + b".") == every[:255].decode("latin-1")
    assert read(b"S'a\\x00\\xff\\n'\n.") == "a\x00\xff\n"
    assert read(b"I01\n.") is True
    assert read(b"L-12345678901234567890L\n.") == -12345678901234567890


def test_old_ways_to_make_objects() -> None:
    names = {"a.B": lambda *args: ("made", args)}
    for data in (
        b"(I1\nia\nB\n.",
        b"(ca\nB\nI1\no.",
        b"ca\nB\n(I1\ntR.",
        b"\x80\x02ca\nB\nK\x01\x85\x81.",
    ):
        assert unpickle(memoryview(data), names)[0] == ("made", (1,))
    extended = b"\x80\x04ca\nB\nK\x01\x85}\x92."
    assert unpickle(memoryview(extended), names)[0] == ("made", (1,))
    with pytest.raises(BadFile, match="keywords"):
        unpickle(
            memoryview(extended.replace(b"}", b"}Nh\x00s").replace(b"ca", b"Nq\x000ca")), names
        )


def test_every_opcode_of_python_is_known() -> None:
    assert {name for name, _ in OPCODES.values()} - {"STOP"} <= _ACTIONS.keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_name_that_is_not_listed_is_named(protocol: int) -> None:
    data = pickled(Call(Name("os", "system"), ("true",)), protocol)
    with pytest.raises(BadFile, match=r"it names os\.system, which") as caught:
        read(data)
    assert "Nothing in it was run" in caught.value.hint


def test_names_cannot_steer_a_terminal_nor_fill_it() -> None:
    with pytest.raises(BadFile, match="it names \N{REPLACEMENT CHARACTER}") as caught:
        read(pickled(Name("\x1b[2J", "x" * 5000), 4))
    assert len(caught.value.message) < 250
    assert shown_name("a.b") == "a.b"


def test_state_is_never_set_on_what_this_program_owns() -> None:
    before = dict(vars(OrderedDict))
    with pytest.raises(BadFile, match="state of something"):
        read(b"ccollections\nOrderedDict\n}S'move_to_end'\nI1\nsb.")
    assert dict(vars(OrderedDict)) == before


@pytest.mark.parametrize("key", [b")", b"]", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"}"])
def test_keys_are_of_the_kinds_that_checkpoints_have(key: bytes) -> None:
    with pytest.raises(BadFile, match="keys of a kind"):
        read(b"\x80\x02}" + key + b"Ns.")
    with pytest.raises(BadFile, match="keys of a kind"):
        read(b"\x80\x04\x8f(" + key + b"\x90.")


@pytest.mark.parametrize("cut", range(40))
def test_what_is_cut_short_is_refused(cut: int) -> None:
    data = pickle.dumps({"a": [1, 2.5, "x"], "b": (b"y", None)}, 4)
    with pytest.raises(BadFile):
        read(data[: cut * (len(data) - 1) // 39])


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_bad_file(data: bytes) -> None:
    with suppress(BadFile):
        unpickle(memoryview(data), PLAIN_NAMES)
