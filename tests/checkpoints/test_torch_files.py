from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.checkpoints.archives import stored_members
from eclipsed.checkpoints.mapped import map_file
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.torch_files import load
from eclipsed.checkpoints.unpickling import Record
from eclipsed.errors import BadFile
from eclipsed.inspect import describe
from tests.checkpoints.making import (
    Call,
    Name,
    Persistent,
    pickled,
    read_torch,
    rebuilt,
    saved,
    storage_key,
    torch_old,
    torch_zip,
)
from tests.golden import golden_arrays, golden_case, golden_file

DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
    torch.complex64,
    torch.complex128,
)


def assert_same(actual: Any, expected: Tensor) -> None:
    assert isinstance(actual, Tensor)
    assert actual.dtype == expected.dtype
    assert actual.is_contiguous()
    assert torch.equal(actual, expected.detach())


@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_of_every_type_come_back(dtype: torch.dtype, old: bool) -> None:
    value = torch.randn(3, 4).mul(3).to(dtype)
    content = {"whole": value, "empty": value[:0], "one": value[1, 2], "list": [value + value]}
    found: Any = read_torch(saved(content, old=old))
    assert_same(found["whole"], value)
    assert_same(found["empty"], value[:0])
    assert_same(found["one"], value[1, 2])
    assert_same(found["list"][0], value + value)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
def test_offsets_and_strides_count(old: bool) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    image = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    views = [base.t(), base[1:, ::2], base[0].expand(3, 6), base[2], image, image[1, :, ::2]]
    found: Any = read_torch(saved(views, old=old))
    for actual, expected in zip(found, views, strict=True):
        assert_same(actual, expected)
    assert found[0].data_ptr() != found[3].data_ptr()


def test_parameters_subclasses_and_attributes_are_plain_tensors() -> None:
    parameter = torch.nn.Parameter(torch.randn(2))
    parameter.note = "kept by Python only"  # type: ignore[attr-defined]
    module = torch.nn.Linear(2, 3)
    found: Any = read_torch(saved({"p": parameter, "state": module.state_dict()}))
    assert_same(found["p"], parameter)
    assert not found["p"].requires_grad
    assert_same(found["state"]["weight"], module.weight)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
def test_numbers_of_cuda_come_to_the_cpu(old: bool) -> None:
    numbers = np.arange(4, dtype="<f4")
    value = pickled({"x": rebuilt(storage_key("0", 4, "cuda:0"), 1, (3,), (1,))})
    wrap = torch_old if old else torch_zip
    found: Any = read_torch(wrap(value, {"0": numbers.tobytes()}))
    assert_same(found["x"], torch.tensor([1.0, 2.0, 3.0]))


def test_the_byte_order_of_an_archive_counts() -> None:
    value = pickled({"x": rebuilt(storage_key("0", 2), 0, (2,), (1,))})
    data = torch_zip(value, {"0": np.array([1.5, -2.0], ">f4").tobytes()})
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"big" if name.endswith("byteorder") else old.read(name))
    found: Any = read_torch(file.getvalue())
    assert_same(found["x"], torch.tensor([1.5, -2.0]))


def test_the_oldest_files_cut_storages_from_storages() -> None:
    key = ("storage", Name("torch", "FloatStorage"), "0", "cpu", 4, ("1", 1, 2))
    value = pickled([rebuilt(Persistent(key), 0, (2,), (1,))])
    data = torch_old(value, {"0": np.arange(4, dtype="<f4").tobytes()})
    found: Any = read_torch(data)
    assert_same(found[0], torch.tensor([1.0, 2.0]))


def test_a_storage_without_a_tensor_is_read_too() -> None:
    payload = torch_old(pickled(storage_key("0", 2)), {"0": np.array([1, 2], "<f4").tobytes()})
    storage = Call(Name("torch.storage", "_load_from_bytes"), (payload,))
    found: Any = read_torch(pickled(rebuilt(storage, 0, (2,), (1,)), 3))
    assert_same(found, torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_arrays_and_numbers_of_numpy(core: str, protocol: int) -> None:
    arrays = [
        np.arange(6, dtype=np.int64).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3, dtype=">i4"),
        np.zeros((0, 2), np.float16),
        np.array([True, False]),
    ]
    numbers = [np.float64(0.25), np.int32(-7), np.bool_(True)]
    data = pickled({"arrays": arrays, "numbers": numbers}, protocol)
    if protocol < 4:  # later protocols write the length of a name before it
        data = data.replace(b"numpy._core", core.encode()).replace(b"numpy.core", core.encode())
    found: Any = read_torch(data)
    for actual, expected in zip(found["arrays"], arrays, strict=True):
        assert isinstance(actual, np.ndarray)
        assert actual.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(actual, expected)
    assert found["numbers"] == [0.25, -7, True]
    assert [type(number) for number in found["numbers"]] == [float, int, bool]


def test_sizes_and_devices_are_plain() -> None:
    found = read_torch(saved({"size": torch.Size([2, 3]), "device": torch.device("cuda", 1)}))
    assert found == {"size": (2, 3), "device": "cuda:1"}


def test_a_changed_tensor_changes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(saved({"x": torch.zeros(3)}))
    found: Any = load(map_file(path))
    found["x"] += 1
    again: Any = load(map_file(path))
    assert_same(again["x"], torch.zeros(3))


def test_large_archives_have_wide_sizes() -> None:
    """Sizes and offsets in the extra field, as in files above 4 GB."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w") as archive,
        archive.open("a/data/0", "w", force_zip64=True) as part,
    ):
        part.write(b"numbers")
    data = file.getvalue()
    entry = data.index(b"PK\x01\x02")
    name, start = data[entry + 46 : entry + 54], (0).to_bytes(8, "little")
    sizes = (7).to_bytes(8, "little") * 2
    extra = b"\x01\x00\x18\x00" + sizes + start
    wide = bytearray(data[entry : entry + 46])
    wide[20:28], wide[30:32], wide[42:46] = b"\xff" * 8, (28).to_bytes(2, "little"), b"\xff" * 4
    table = bytes(wide) + name + extra
    end = b"PK\x06\x06" + (44).to_bytes(8, "little") + b"\0" * 12
    end += (1).to_bytes(8, "little") * 2 + len(table).to_bytes(8, "little")
    end += entry.to_bytes(8, "little")
    locator = b"PK\x06\x07\0\0\0\0" + (entry + len(table)).to_bytes(8, "little") + b"\1\0\0\0"
    tail = b"PK\x05\x06\0\0\0\0" + b"\xff" * 12 + b"\0\0"
    made = data[:entry] + table + end + locator + tail
    assert bytes(stored_members(memoryview(made))["a/data/0"]) == b"numbers"


@pytest.mark.parametrize(
    "name",
    [
        "pth_eclipsed_S_conv_K1",
        "pth_eclipsed_Splus_K1",
        "pth_eclipsed_W_K1",
        "pth_eclipsed_Wplus_K2",
        "pth_eclipsed_Z_K3",
        "pth_lelsd_S10_K2",
        "pth_lelsd_W_K2",
        "pth_lelsd_Wplus_K1",
        "pth_lelsd_Z_K1",
    ],
)
def test_trained_models_of_others_are_records(name: str) -> None:
    case = golden_case(name)
    made = load(map_file(golden_file(case["files"]["file"])))
    assert isinstance(made, Record)
    assert f"{made.module}.{made.name}" in ("eclipsed.eCLIPsed", "lelsd.LELSD")
    state: Any = made.state
    for key, value in case["attributes"].items():
        found = list(state[key]) if isinstance(value, list) else state[key]
        assert found == (value.removeprefix("torch.device ") if isinstance(value, str) else value)
    expected = golden_arrays(case["files"]["expected"])
    directions = state["latent_dirs"]
    if isinstance(directions, Tensor):
        assert_same(directions, expected["dirs"])
    else:
        assert len(directions) == 27
        for i, direction in enumerate(directions):
            assert_same(direction, expected[f"dirs.{i}"])


# --- archives of other things -------------------------------------------------------------------


def zipped(*names: str, compress: bool = True) -> bytes:
    file = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name in names:
            archive.writestr(name, "x" * 100)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words", "hint"),
    [
        (zipped("repo-main/README.md", "repo-main/a.py"), "2 files, such as repo-main/R", "Unpack"),
        (zipped("net.pkl", compress=False), "1 files, such as net.pkl", "Unpack"),
        (zipped("net/code/__torch__.py", "net/data.pkl"), "a TorchScript file", "state dict"),
        (zipped("x/models/model.json"), "another exported program", "state dict"),
        (zipped("w.npy"), "NumPy arrays", ""),
        (zipped("archive/data.pkl", "archive/data/0"), "compressed or encrypted", ""),
        (saved({"x": torch.zeros(9)})[:-40], "cut short", ""),
    ],
)
def test_archives_of_other_things_are_called_that(data: bytes, words: str, hint: str) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        read_torch(data)
    assert hint in caught.value.hint


def test_a_script_module_is_called_a_program(tmp_path: Path) -> None:
    path = tmp_path / "ViT-B-32.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated, its files are about
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    for read in (read_checkpoint, describe):
        with pytest.raises(BadFile, match="holds code to be run") as caught:
            read(path)
        assert "safetensors" in caught.value.hint
