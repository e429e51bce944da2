"""Files of torch.save, both the zip format and the one before it, and bare pickles with tensors.

    load(bytes) → dictionaries, lists, numbers, tensors, NumPy arrays, and `Record`s

Nothing in a file is run: pickles go through `unpickling`, and tensors are cut from the storages by
`numbers`. What a dictionary's or a record's names mean is the caller's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from eclipsed.checkpoints.archives import member_names, stored_members
from eclipsed.checkpoints.numbers import Storage, array_names, storage_kind, tensor_names, width
from eclipsed.checkpoints.unpickling import (
    PLAIN_NAMES,
    Budget,
    Make,
    Record,
    damage,
    shown_name,
    unpickle,
)
from eclipsed.errors import BadFile
from eclipsed.files import hint_for, kind_of

_ZIP = b"PK\x03\x04"
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
# How the old format begins: a pickle of protocol 2 that holds the magic number.
_OLD = b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little") + b"."
# Opcodes that a pickle without a header, of protocol 0 or 1, begins with.
_HEADLESS = b"(cd]}l)"

# Classes whose instances checkpoints are known to hold. Each becomes a Record.
_CLASSES = (
    *("__main__.eCLIPsed", "__main__.LELSD", "eclipsed.eCLIPsed", "lelsd.LELSD"),
    "argparse.Namespace",
    "dnnlib.tflib.network.Network",
    *("pathlib.PosixPath", "pathlib.PurePosixPath"),
    *("pathlib.WindowsPath", "pathlib.PureWindowsPath"),
    "torch.distributions.categorical.Categorical",
    "torch.distributions.relaxed_categorical.ExpRelaxedCategorical",
    "torch.distributions.relaxed_categorical.RelaxedOneHotCategorical",
    "torch.distributions.transforms.ExpTransform",
)

_LOAD_FROM_BYTES = "torch.storage._load_from_bytes"


def load(data: memoryview) -> object:
    """What the bytes of a file of torch.save, or of a bare pickle, hold.

    Tensors are on the CPU, contiguous and of the file's own type; NumPy's numbers are Python's;
    dictionaries of every kind are plain ones, and an instance of somebody's class is a Record.
    Byte strings above 4 KB come as memoryviews. Raises BadFile, the reason only ("it is damaged"),
    naming what was refused.
    """
    with damage():
        head = bytes(data[:64])
        if head.startswith(_ZIP):
            return _from_zip(data)
        budget = Budget.of(len(data))
        if head.startswith(_OLD):
            return _from_old(data, _names(budget), budget)
        if is_pickle(data):
            value, _ = unpickle(data, _names(budget), budget=budget)
            return value
    words = kind_of(bytes(data[:512]))
    raise BadFile(f"it is {words}, not a file of torch.save or a pickle", hint_for(words))


def is_pickle(data: memoryview) -> bool:
    """Whether bytes look like a pickle of any protocol; their name is never asked."""
    if not len(data):
        return False
    head, last = bytes(data[:2]), data[-1]
    return head[0] == 0x80 if head[0] not in _HEADLESS else last == ord(".")


def _names(budget: Budget) -> dict[str, Make | None]:
    return {
        **PLAIN_NAMES,
        **array_names(budget),
        **tensor_names(budget),
        **{name: _record(name) for name in _CLASSES},
        "dnnlib.util.EasyDict": PLAIN_NAMES["collections.OrderedDict"],
        "torch_utils.persistence._reconstruct_persistent_obj": _persistent_object,
        _LOAD_FROM_BYTES: partial(_nested_storage, budget),
    }


def _record(dotted: str) -> Make:
    """A stand-in for a class: it keeps what it is given."""
    module, _, name = dotted.rpartition(".")
    return lambda *args: Record(module, name, args=args)


def _persistent_object(meta: object) -> Record:
    """NVIDIA's modules carry the program that made them, which is left alone."""
    if not isinstance(meta, dict) or not isinstance(meta.get("class_name"), str):
        raise BadFile("it holds an NVIDIA module that is damaged")
    return Record("torch_utils.persistence", meta["class_name"], meta.get("state"))


def _nested_storage(budget: Budget, payload: object) -> Storage:
    """A storage that was pickled without torch.save: a whole file of the old format, inside.

    In PyTorch this is a full load, so that whatever a pickle can do could hide here; a storage
    names nothing but its own class, and nothing else is let through.
    """
    if not isinstance(payload, bytes | memoryview):
        raise BadFile("it holds a storage that is damaged")
    names = {name: make for name, make in tensor_names(budget).items() if name.endswith("Storage")}
    data = memoryview(payload)
    storage = _from_old(data, names, budget)
    if not isinstance(storage, Storage):
        raise BadFile("it holds a storage that is damaged")
    return storage


# --- the zip format -----------------------------------------------------------------------------


def _from_zip(data: memoryview) -> object:
    names = member_names(data)
    roots = [name.removesuffix("/data.pkl") for name in names if name.endswith("/data.pkl")]
    _check_archive(names, roots)
    members = stored_members(data)
    if len(roots) != 1 or any(not name.startswith(f"{roots[0]}/") for name in members):
        raise BadFile("it is a zip archive, but not one of torch.save")
    root = roots[0]
    orders = {b"little": "<", b"big": ">"}
    order = bytes(members.get(f"{root}/byteorder", memoryview(b"little")))
    if order not in orders:
        raise BadFile("it has a byte order that makes no sense")

    def storage(key: object) -> Storage:
        kind, name, count = _storage_key(key)
        content = members.get(f"{root}/data/{name}")
        if content is None or len(content) != count * width(kind):
            raise BadFile("it lacks numbers that it refers to, or holds another count of them")
        return Storage(kind, content, orders[order])

    budget = Budget.of(len(data))
    pickle = members[f"{root}/data.pkl"]
    value, _ = unpickle(pickle, _names(budget), persistent=storage, budget=budget)
    return value


def _check_archive(names: list[str], roots: list[str]) -> None:
    """Raise BadFile, saying what it is, for an archive of programs, of arrays, or of other files.

    roots: the folders in it that hold a pickle as torch.save names it.
    """
    if any("/code/" in name or name.endswith(("/constants.pkl", "/model.json")) for name in names):
        raise BadFile(
            "it is a TorchScript file, or another exported program, which holds code to be run and "
            "not only weights",
            "Get the network's weights in another form: safetensors, or a file of its state dict.",
        )
    if any(name.endswith(".npy") for name in names):
        raise BadFile("it is an archive of NumPy arrays, not a file of torch.save")
    if not roots:
        inside = shown_name(names[0]) if names else "nothing"
        raise BadFile(
            f"it is a zip archive of {len(names)} files, such as {inside}, not one of torch.save",
            "Unpack it, and give the checkpoint inside; a repository's archive holds programs, and "
            "mostly no weights.",
        )


def _storage_key(key: object) -> tuple[str, str, int]:
    """(kind, name, number of elements) of a storage that a pickle refers to."""
    if not isinstance(key, tuple) or len(key) not in (5, 6) or key[0] != "storage":
        raise BadFile("it refers to parts outside its pickle in a way that is not known here")
    name, count = key[2], key[4]
    if not isinstance(name, str) or type(count) is not int or count < 0:
        raise BadFile("it refers to numbers that make no sense")
    return storage_kind(key[1]), name, count


# --- the format before PyTorch 1.6 --------------------------------------------------------------


def _from_old(data: memoryview, names: Mapping[str, Make | None], budget: Budget) -> object:
    """Magic number, version, machine, value, names of the storages, and their bytes.

    The bytes come last and only the value tells their types, so that it is gone through twice.
    """
    at = _check_head(data, budget)
    kinds: dict[str, tuple[str, int]] = {}

    def note(key: object) -> Storage:
        kind, name, count = _storage_key(key)
        if kinds.setdefault(name, (kind, count)) != (kind, count):
            raise BadFile("it gives the same numbers two types")
        return Storage(kind, memoryview(b""))

    _, end = unpickle(data, _without_tensors(names), at=at, persistent=note, budget=budget)
    storages = _old_storages(data, end, kinds, budget)

    def find(key: object) -> Storage:
        _, name, _ = _storage_key(key)
        assert isinstance(key, tuple)
        return _view(storages[name], key[5] if len(key) == 6 else None)

    value, _ = unpickle(data, names, at=at, persistent=find, budget=budget)
    return value


def _check_head(data: memoryview, budget: Budget) -> int:
    """Where the value starts."""
    magic, at = unpickle(data, {}, budget=budget)
    version, at = unpickle(data, {}, at=at, budget=budget)
    machine, at = unpickle(data, {}, at=at, budget=budget)
    if magic != _MAGIC or version != _PROTOCOL or not isinstance(machine, dict):
        raise BadFile("it is not a file of torch.save that is known here")
    return at


def _without_tensors(names: Mapping[str, Make | None]) -> dict[str, Make | None]:
    """The same names, but tensors are not cut from their storages."""

    def empty(*args: object) -> Tensor:
        del args
        return torch.empty(0)

    rebuilds = ("torch._utils._rebuild", "torch._tensor._rebuild")
    return {name: empty if name.startswith(rebuilds) else make for name, make in names.items()}


def _old_storages(
    data: memoryview, at: int, kinds: Mapping[str, tuple[str, int]], budget: Budget
) -> dict[str, Storage]:
    order, at = unpickle(data, {}, at=at, budget=budget)
    if not isinstance(order, list) or not all(isinstance(name, str) for name in order):
        raise BadFile("it refers to numbers that make no sense")
    if len(order) != len(kinds) or set(order) != set(kinds):
        raise BadFile("it lacks numbers that it refers to")
    storages = {}
    for name in order:
        kind, count = kinds[name]
        size = count * width(kind)
        header, content = data[at : at + 8], data[at + 8 : at + 8 + size]
        if int.from_bytes(header, "little") != count or len(content) != size:
            raise BadFile("it is cut short, or holds another count of numbers than it says")
        storages[name] = Storage(kind, content)
        at += 8 + size
    return storages


def _view(storage: Storage, part: object) -> Storage:
    """The oldest files let a storage be a part of another: (name, first element, elements)."""
    if part is None:
        return storage
    if not isinstance(part, tuple) or len(part) != 3:
        raise BadFile("it holds a storage that is damaged")
    _, first, count = part
    if type(first) is not int or type(count) is not int or first < 0 or count < 0:
        raise BadFile("it holds a storage that is damaged")
    size = width(storage.kind)
    return Storage(storage.kind, storage.data[first * size : (first + count) * size])
