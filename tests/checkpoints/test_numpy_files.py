from __future__ import annotations

import io
import pickle
import struct
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from eclipsed.checkpoints.numpy_files import (
    is_npz,
    load_npy,
    load_npz,
    load_objects,
    npz_keys,
)
from eclipsed.errors import BadFile

PLAIN = ["<f2", "<f4", ">f4", "<f8", ">f8", "<i8", "|u1", "|b1", "<c16"]


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npz(**content: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **content)
    return file.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def headed(header: str, payload: bytes = b"", version: int = 1) -> bytes:
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode("latin-1") + payload


@given(
    st.sampled_from(PLAIN).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0))
    ),
    st.booleans(),
)
def test_every_plain_array_reads_as_numpy_reads_it(array: Any, columns: bool) -> None:
    data = npy(np.asfortranarray(array) if columns else array)
    found = load_npy(data)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_all_versions_and_python_2_are_read(version: int) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }\n"
    data = headed(header, struct.pack("<2f", 1.5, -2.0), version)
    np.testing.assert_array_equal(load_npy(data), [[1.5], [-2.0]])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (npy(np.array([print], dtype=object), allow_pickle=True), "objects"),
        (npy(np.zeros(2, [("a", "<f4"), ("b", "<i4")])), "no plain array"),
        (npy(np.array(["text"])), "no plain array"),
        (npy(np.zeros(2, "datetime64[s]")), "no plain array"),
        (npy(np.zeros(4))[:-1], "cut short"),
        (npy(np.zeros(4)) + b"\0", "more than it says"),
        (npy(np.zeros(4)) + pickle.dumps(print), "more than it says"),
        (npy(np.zeros(4))[:9], "cut short"),
        (b"\x93NUMPY\x09" + npy(np.zeros(4))[7:], "header makes no sense"),
        (headed("{}"), "no plain array"),
        (headed("{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }"), "does not exist"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "shape makes no"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (9" + "9" * 5000), "no plain"),
        (headed(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 14},), }}"), "short"),
        (headed(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9,' * 40}), }}"), "shape"),
        (headed("(" * 9_000), "no plain array"),
        (headed("{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}"), "no plain"),
        (headed(" " * 20_000), "header makes no sense"),
    ],
)
def test_what_is_no_plain_array_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        load_npy(data)


@given(st.binary(max_size=300))
def test_garbage_is_refused_without_another_error(tail: bytes) -> None:
    for data in (tail, b"\x93NUMPY\x01\x00" + tail):
        with pytest.raises(BadFile):
            load_npy(data)
    with pytest.raises(BadFile):
        load_npz(b"PK\x03\x04" + tail)


def test_an_archive_is_read_packed_or_not() -> None:
    content: dict[str, Any] = {"a": np.arange(6.0).reshape(2, 3), "b": np.float32(3)}
    plain = io.BytesIO()
    np.savez(plain, **content)
    for data in (npz(**content), plain.getvalue()):
        assert is_npz(data[:200])
        assert npz_keys(data) == ["a", "b"]
        found = load_npz(data)
        np.testing.assert_array_equal(found["a"], content["a"])
        assert found["b"] == 3
        assert list(load_npz(data, ["b"])) == ["b"]


def test_only_asked_for_parts_must_make_sense() -> None:
    data = zipped({"good.npy": npy(np.ones(2)), "bad.npy": b"nothing"})
    assert list(load_npz(data, ["good"])) == ["good"]
    with pytest.raises(BadFile, match="in its part bad"):
        load_npz(data)


def test_an_archive_cannot_grow_out_of_proportion() -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000,), }"
    bomb = zipped({f"{i}.npy": headed(header, bytes(72_000_000)) for i in range(2)})
    assert len(bomb) < 200_000
    with pytest.raises(BadFile, match="more than 64 MiB"):
        load_npz(bomb)
    half = zipped({f"{i}.npy": npy(np.zeros(5_000_000)) for i in range(2)})
    with pytest.raises(BadFile, match="more than 64 MiB"):
        load_npz(half)


def patched(data: bytes, find: bytes, at: int, value: bytes) -> bytes:
    place = data.rfind(find) + at
    return data[:place] + value + data[place + len(value) :]


GOOD = npz(a=np.arange(40.0))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped({"a.npy": npy(np.ones(2)), "b.txt": b""}), "other things"),
        (zipped({"a.npy": npy(np.ones(2))}, zipfile.ZIP_LZMA), "unusual"),
        (zipped({"a.npy": npy(np.ones(2))}, zipfile.ZIP_BZIP2), "unusual"),
        (patched(GOOD, b"PK\x01\x02", 8, b"\x01\x00"), "unusual"),
        (patched(GOOD, b"PK\x05\x06", 12, b"\xff\xff\xff\x7f"), "more arrays than make sense"),
        (GOOD[:-22] + b"PK\x06\x07" + bytes(16) + GOOD[-22:], "more arrays than make sense"),
        (GOOD[:-30], "damaged or cut short"),
        (patched(GOOD, b"PK\x01\x02", 16, b"\0\0\0\0"), "damaged"),
        (GOOD[:60] + b"\xff" * 8 + GOOD[68:], "damaged"),
    ],
)
def test_damaged_and_strange_archives_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        load_npz(data)


def test_two_arrays_of_one_name_are_refused() -> None:
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a.npy", npy(np.ones(2)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", npy(np.zeros(2)))
    with pytest.raises(BadFile, match="one name"):
        load_npz(twice.getvalue())


def test_other_archives_are_no_archives_of_arrays() -> None:
    assert not is_npz(zipped({"archive/data.pkl": b""}))
    assert not is_npz(b"PK\x03\x04")
    assert not is_npz(npy(np.ones(2)))


# --- arrays of objects --------------------------------------------------------------------------

BOUNDARY = np.arange(4, dtype=np.float32)[None]


def objects(*items: Any, shape: tuple[int, ...] | None = None) -> Any:
    """An array of just these objects."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array if shape is None else array.reshape(shape)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (objects(BOUNDARY), BOUNDARY[None]),
        (objects(BOUNDARY, BOUNDARY + 1), np.stack([BOUNDARY, BOUNDARY + 1])),
        (objects(BOUNDARY, shape=(1, 1)), BOUNDARY[None, None]),
        (objects(1, 2.5, -3), [1, 2.5, -3]),
        (np.array([[1, 2.5], [3, 4]], dtype=object), [[1, 2.5], [3, 4]]),
        (
            np.asfortranarray(np.array([[1, 2.5, 0], [3, 4, 5]], dtype=object)),
            [[1, 2.5, 0], [3, 4, 5]],
        ),
        (
            np.asfortranarray(objects(*[BOUNDARY + i for i in range(4)], shape=(2, 2))),
            np.stack([BOUNDARY + i for i in range(4)]).reshape(2, 2, 1, 4),
        ),
        (np.array(BOUNDARY.tolist(), dtype=object), BOUNDARY),
    ],
)
def test_arrays_in_an_array_of_objects_are_read(array: Any, expected: Any) -> None:
    np.testing.assert_array_equal(load_npy(npy(array, allow_pickle=True)), expected)
    np.testing.assert_array_equal(load_npz(npz(a=array))["a"], expected)


def test_a_dictionary_in_an_array_is_read() -> None:
    table = {"age": BOUNDARY, "smile": BOUNDARY * 2, "note": "found by hand"}
    data = npy(np.array(table, dtype=object), allow_pickle=True)
    found = load_objects(data)
    assert isinstance(found, dict)
    assert found.keys() == table.keys()
    np.testing.assert_array_equal(found["smile"], table["smile"])
    with pytest.raises(BadFile, match="objects, not of numbers"):
        load_npy(data)
    ragged = load_objects(npy(objects(BOUNDARY, BOUNDARY[0]), allow_pickle=True))
    assert isinstance(ragged, list)
    assert [each.shape for each in ragged] == [(1, 4), (4,)]


class Runs:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_nothing_in_an_array_of_objects_is_run(capfd: pytest.CaptureFixture[str]) -> None:
    for items in ([Runs()], [Runs(), BOUNDARY], [[Runs()]]):
        with pytest.raises(BadFile, match=r"among its objects, it names \w+\.print"):
            load_objects(npy(objects(*items), allow_pickle=True))
    assert capfd.readouterr().out == ""


def test_objects_cannot_grow_out_of_proportion() -> None:
    large = np.zeros(2**16)
    with pytest.raises(BadFile, match="out of all proportion"):
        load_objects(npy(objects(*[large] * 1000), allow_pickle=True))
    data = npy(objects(BOUNDARY), allow_pickle=True)
    for cut in range(40, len(data), 7):
        with pytest.raises(BadFile):
            load_objects(data[:cut])
