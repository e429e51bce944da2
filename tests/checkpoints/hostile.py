"""Hostile checkpoint files: whatever a pickle can be made to run, and what makes readers swell.

Every file is made here. What they would run is harmless (it would write the file CANARY), and every
one of them must be refused.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch

from tests.checkpoints import making
from tests.checkpoints.making import Call, Name, pickled, rebuilt, storage_key, torch_old, torch_zip

CANARY = "eclipsed_canary"
_COMMAND = f"touch {CANARY}"
_CODE = f"open({CANARY!r}, 'w')"


@dataclass(frozen=True)
class Hostile:
    """A file by what it tries; `names`: what the refusal must name, where it names something."""

    title: str
    data: bytes
    names: str = ""


# What a pickle could call, and with what.
ATTACKS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("os", "system", (_COMMAND,)),
    ("posix", "system", (_COMMAND,)),
    ("nt", "system", (_COMMAND,)),
    ("os", "popen", (_COMMAND,)),
    ("os", "execv", ("/bin/sh", ["sh", "-c", _COMMAND])),
    ("builtins", "eval", (_CODE,)),
    ("builtins", "exec", (_CODE,)),
    ("builtins", "compile", (_CODE, "x", "exec")),
    ("builtins", "open", (CANARY, "w")),
    ("builtins", "__import__", ("antigravity",)),
    ("builtins", "getattr", (Name("os", "path"), "os")),
    ("builtins", "setattr", (Name("collections", "OrderedDict"), "x", 1)),
    ("builtins", "globals", ()),
    ("__builtin__", "eval", (_CODE,)),
    ("__builtin__", "apply", (Name("os", "system"), (_COMMAND,))),
    ("__builtin__", "execfile", (CANARY,)),
    ("importlib", "import_module", ("antigravity",)),
    ("importlib.machinery", "SourceFileLoader", ("x", CANARY)),
    ("subprocess", "Popen", (["touch", CANARY],)),
    ("subprocess", "check_output", (["touch", CANARY],)),
    ("webbrowser", "open", ("http://127.0.0.1:9/",)),
    ("socket", "create_connection", (("127.0.0.1", 9),)),
    ("socket", "socket", ()),
    ("urllib.request", "urlopen", ("http://127.0.0.1:9/",)),
    ("operator", "attrgetter", ("system",)),
    ("operator", "methodcaller", ("system", _COMMAND)),
    ("functools", "partial", (Name("os", "system"), _COMMAND)),
    ("functools", "reduce", (Name("os", "system"), [_COMMAND])),
    ("torch", "load", (CANARY,)),
    ("torch.serialization", "load", (CANARY,)),
    ("torch.hub", "load", ("x/y", "z")),
    ("torch.jit", "load", (CANARY,)),
    ("torch.utils._config_module", "load_config", (b"x",)),
    ("torch.fx.graph_module", "_forward_from_src", (_CODE, {})),
    ("numpy", "load", (CANARY,)),
    ("numpy.testing._private.utils", "runstring", (_CODE, {})),
    ("pickle", "loads", (b"cos\nsystem\n.",)),
    ("_pickle", "loads", (b"cos\nsystem\n.",)),
    ("marshal", "loads", (b"N",)),
    ("types", "FunctionType", ()),
    ("types", "CodeType", ()),
    ("runpy", "run_path", (CANARY,)),
    ("shutil", "rmtree", (CANARY,)),
    ("ctypes", "CDLL", ("libc.so.6",)),
    ("timeit", "timeit", (_CODE,)),
    ("code", "interact", ()),
    ("pty", "spawn", ("true",)),
    ("pip", "main", (["--version"],)),
    ("eclipsed.files", "write_atomic", (CANARY, b"x")),
    ("eclipsed.checkpoints.unpickling", "unpickle", (b"N.", {})),
    ("os", "path.os.system", (_COMMAND,)),
    ("collections", "OrderedDict.__class__.__subclasses__", ()),
    ("torch._utils", "_rebuild_tensor_v2.__globals__", ()),
)

PROTOCOLS = range(6)


def every_file() -> Iterator[Hostile]:
    yield from attacks()
    yield from builds()
    yield from arrays()
    yield from disguises()
    yield from bombs()
    yield from archives()
    yield from headers()
    yield from cut_short()


def attacks() -> Iterator[Hostile]:
    """Each attack in each protocol, and in one protocol in every place where a pickle can hide."""
    for number, (module, name, args) in enumerate(ATTACKS):
        dotted = f"{module}.{name}"
        call = Call(Name(module, name), args)
        for protocol in PROTOCOLS:
            yield Hostile(f"{dotted}, bare pickle {protocol}", pickled(call, protocol), dotted)
        protocol = number % 6
        inside = pickled({"g_ema": {"input.input": call}}, protocol)
        for place, data in (
            ("torch zip", torch_zip(inside)),
            ("old torch", torch_old(inside)),
            ("the machine's description", torch_old(pickled({}), machine=inside)),
            ("a storage's payload", pickled(nested(torch_old(inside)), 4)),
            ("a zip as a storage's payload", pickled(nested(torch_zip(inside)), 4)),
            ("a module's state", nvidia_with(call, protocol)),
            ("a module's source", nvidia_with(source=_CODE, protocol=protocol)),
        ):
            expected = (
                "" if place in ("a zip as a storage's payload", "a module's source") else dotted
            )
            yield Hostile(f"{dotted}, {place}, protocol {protocol}", data, expected)


def nested(payload: bytes) -> dict[str, Any]:
    """A tensor whose storage is a whole file, as torch pickles it without torch.save."""
    storage = Call(Name("torch.storage", "_load_from_bytes"), (payload,))
    return {"G_ema": rebuilt(storage, 0, (1,), (1,))}


def nvidia_with(call: Call | None = None, protocol: int = 4, source: str = "") -> bytes:
    """NVIDIA's layout with something in it that it should not hold; no generator, either way."""
    state = {"_parameters": {}, "_buffers": {"w_avg": call}, "_modules": {}, "_init_kwargs": {}}
    meta = {
        "type": "class",
        "version": 6,
        "module_src": source,
        "class_name": "Generator",
        "state": state,
    }
    module = Call(Name("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))
    return pickled({"G": None, "G_ema": module}, protocol)


def builds() -> Iterator[Hostile]:
    """State for what has none, and calls of what is not there to be called."""
    allowed = Name("collections", "OrderedDict")
    system = Name("os", "system")
    targets = {
        "an allowed name": allowed,
        "a number": 3,
        "a list": [],
        "a set of calls": Call(allowed, (Call(system, (_COMMAND,)),)),
    }
    for protocol in PROTOCOLS:
        for title, target in targets.items():
            data = pickled(target, protocol)[:-1] + _tail({"__setstate__": system}, b"b.")
            yield Hostile(f"state for {title}, protocol {protocol}", data)
        record = Call(Name("argparse", "Namespace"), (), {"x": 1, "run": Call(system, (_COMMAND,))})
        yield Hostile(
            f"a call in a state, protocol {protocol}", pickled(record, protocol), "os.system"
        )
        for token in (
            Name("torch", "FloatStorage"),
            Name("numpy", "ndarray"),
            Name("torch", "Tensor"),
        ):
            call = pickled(Call(token, (1,)), protocol)
            yield Hostile(f"{token.name} called, protocol {protocol}", call, token.name)
        reconstructor = Call(
            Name("copyreg", "_reconstructor"), (system, Name("builtins", "object"), None)
        )
        yield Hostile(
            f"copyreg, protocol {protocol}", pickled(reconstructor, protocol), "os.system"
        )
        again = Call(Name("torch._tensor", "_rebuild_from_type_v2"), (allowed, allowed, ((),), {}))
        yield Hostile(
            f"another function in a rebuild, protocol {protocol}", pickled(again, protocol)
        )


def _tail(value: Any, end: bytes) -> bytes:
    """Opcodes that push a value onto an open pickle's stack, then `end`."""
    return pickled(value, 0)[:-1] + end


def arrays() -> Iterator[Hostile]:
    """Arrays of objects, and arrays and tensors that do not fit their bytes."""
    reconstruct = Name("numpy.core.multiarray", "_reconstruct")
    ndarray = Name("numpy", "ndarray")

    def dtype(code: str, order: str = "<") -> Call:
        state = (3, order, None, None, None, -1, -1, 0)
        return Call(Name("numpy", "dtype"), (code, False, True), state)

    def array(code: str, shape: Any, payload: Any, order: str = "<") -> Call:
        state = (1, shape, dtype(code, order), False, payload)
        return Call(reconstruct, (ndarray, (0,), b"b"), state)

    bad: dict[str, Any] = {
        "objects": array("O8", (1,), [Call(Name("os", "system"), (_COMMAND,))]),
        "objects in bytes": array("O8", (1,), b"\0" * 8),
        "records": array("V8", (1,), b"\0" * 8),
        "a wrong size": array("f8", (2,), b"\0" * 8),
        "a huge size": array("f8", (2**40, 2**40), b"\0" * 8),
        "a negative size": array("f8", (-1,), b"\0" * 8),
        "a size that is no number": array("f8", ("1",), b"\0" * 8),
        "no bytes": array("f8", (1,), [0.0]),
        "a byte order of fancy": array("f8", (1,), b"\0" * 8, order="x"),
        "another class": Call(reconstruct, (Name("torch", "Tensor"), (0,), b"b")),
        "too many axes": array("f8", (1,) * 65, b"\0" * 8),
    }
    for title, value in bad.items():
        for protocol in (2, 4):
            yield Hostile(f"array of {title}, protocol {protocol}", pickled({"x": value}, protocol))
    for title, offset, sizes, strides in _SHAPES:
        tensor = rebuilt(storage_key("0", 4), offset, sizes, strides)
        value = pickled({"x": tensor})
        yield Hostile(f"tensor with {title}, zip", torch_zip(value, {"0": b"\0" * 16}))
        yield Hostile(f"tensor with {title}, old", torch_old(value, {"0": b"\0" * 16}))


_SHAPES: tuple[tuple[str, Any, Any, Any], ...] = (
    ("an offset beyond its storage", 4, (1,), (1,)),
    ("a size beyond its storage", 0, (5,), (1,)),
    ("a stride beyond its storage", 0, (2,), (4,)),
    ("a negative offset", -1, (1,), (1,)),
    ("a negative stride", 3, (2,), (-1,)),
    ("a stride of nothing and a huge size", 0, (2**40,), (0,)),
    ("sizes whose product overflows", 0, (2**32, 2**32, 2), (0, 0, 0)),
    ("fewer strides than sizes", 0, (2, 2), (1,)),
    ("sizes that are no numbers", 0, ("2",), (1,)),
    ("a true size", 0, (True,), (1,)),
)


def disguises() -> Iterator[Hostile]:
    """Pickles that say they are something else, and things that are no checkpoints."""
    evil = pickled(Call(Name("os", "system"), (_COMMAND,)), 2)
    header = struct.pack("<Q", 60)
    yield Hostile("a pickle behind a safetensors length", header + evil)
    yield Hostile("a pickle behind a brace", struct.pack("<Q", len(evil) + 1) + b"{" + evil)
    yield Hostile("a pickle behind an empty zip", io.BytesIO(_empty_zip()).getvalue() + evil)
    yield Hostile("nothing", b"")
    yield Hostile("one byte", b"\x80")
    yield Hostile("a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    yield Hostile("text", b"import os\n" * 20)
    yield Hostile("a shell script", b"#!/bin/sh\n" + _COMMAND.encode())
    yield Hostile("zeros", b"\0" * 4096)
    yield Hostile("an array", b"\x93NUMPY\x01\x00" + b"\0" * 100)
    yield Hostile("a pickle of a number", pickled(3, 4))
    yield Hostile("a state dict of nobody", making.saved({"a": torch.zeros(2)}))


def _empty_zip() -> bytes:
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    return file.getvalue()


# --- what makes readers swell or hang -----------------------------------------------------------


def bombs() -> Iterator[Hostile]:
    million = 1_000_000
    yield Hostile("a place in the memo of 2³²", b"\x80\x02Nr\xff\xff\xff\xff" + b"N" * 5 + b"l.")
    yield Hostile("many sets", b"\x80\x04(" + b"\x8f" * million + b"l.")
    yield Hostile("many dictionaries", b"\x80\x02(" + b"}" * million + b"l.")
    yield Hostile("many lists", b"\x80\x02(" + b"]" * million + b"l.")
    yield Hostile("many copies of one thing", b"\x80\x02(N" + b"2" * 6 * million + b"l.")
    yield Hostile("many marks", b"\x80\x02" + b"(" * million + b".")
    yield Hostile("a deep tuple", b"\x80\x02)" + b"\x85" * million + b".")
    yield Hostile("a deep list", b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".")
    yield Hostile("a deep tuple as a key", b"\x80\x02})" + b"\x85" * 50_000 + b"Ns.")
    yield Hostile("many laughs", _laughs())
    yield Hostile("keys that collide", _collisions())
    for code, layout in (
        (b"B", "<I"),
        (b"\x8e", "<Q"),
        (b"\x96", "<Q"),
        (b"X", "<I"),
        (b"\x8d", "<Q"),
    ):
        for size in (2**31, 2**32 - 1, 2**62, 2**64 - 1):
            if size < 2 ** (8 * struct.calcsize(layout)):
                data = b"\x80\x05" + code + struct.pack(layout, size) + b"abc."
                yield Hostile(f"opcode {code!r} of {size} bytes", data)
    yield Hostile("a huge frame", b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.")
    yield Hostile(
        "a long integer", b"\x80\x02\x8b" + struct.pack("<i", 2**20) + b"\x7f" * 2**20 + b"."
    )
    yield Hostile("a negative length", b"\x80\x02\x8b" + struct.pack("<i", -8) + b"N.")
    yield Hostile("a line of digits", b"(I" + b"9" * 2**18 + b"\nl.")
    for code, argument in ((b"\x82", b"\1"), (b"\x83", b"\1\0"), (b"\x84", b"\1\0\0\0")):
        yield Hostile(f"extension code {code!r}", b"\x80\x02" + code + argument + b".")
    yield Hostile("a buffer outside", b"\x80\x05\x97.")
    yield Hostile("a read-only buffer", b"\x80\x05N\x98.")
    yield Hostile("a persistent id in a bare pickle", b"\x80\x02Pos.system\n.")
    yield Hostile("a protocol of the future", b"\x80\x09N.")
    yield Hostile(
        "text encoded again and again", _again("_codecs\nencode", b"X", 100_000, b"U\x06latin1")
    )
    yield Hostile("a dictionary copied again and again", _copies())
    yield Hostile("tensors that share four bytes", _sharing())
    yield Hostile("modules inside modules", _modules())


def _laughs() -> bytes:
    """Lists of ten lists of ten lists …, 30 deep: small in memory, endless to walk."""
    levels = (b"](" + (b"h" + bytes([i])) * 10 + b"eq" + bytes([i + 1]) for i in range(30))
    return b"\x80\x02]q\x00" + b"".join(levels) + b"."


def _collisions() -> bytes:
    """A dictionary whose integer keys all have the hash 0."""
    modulus = 2**61 - 1
    keys = [pickle.encode_long(i * modulus) for i in range(1, 20_001)]
    items = b"".join(b"\x8a" + bytes([len(key)]) + key + b"N" for key in keys)
    return b"\x80\x02}(" + items + b"u."


def _again(name: str, code: bytes, size: int, second: bytes) -> bytes:
    text = code + struct.pack("<I", size) + b"a" * size
    call = b"h\x00h\x01" + second + b"\x86R"
    start = b"\x80\x02c" + name.encode() + b"\nq\x000" + text + b"q\x010"
    return start + b"(" + call * 5000 + b"l."


def _copies() -> bytes:
    items = b"".join(b"J" + struct.pack("<i", i) + b"N" for i in range(20_000))
    start = b"\x80\x02ccollections\nCounter\nq\x000}(" + items + b"uq\x010("
    return start + b"h\x00h\x01\x85R" * 5000 + b"l."


def _sharing() -> bytes:
    """2000 tensors of a million numbers, all of them the same number."""
    tensors = [rebuilt(storage_key("0", 1), 0, (1000, 1000), (0, 0)) for _ in range(2000)]
    return torch_zip(pickled(tensors), {"0": b"\0" * 4})


def _modules() -> bytes:
    """Each module holds the next one twice: 60 of them, 2⁶⁰ paths."""
    module: Any = None
    for _ in range(60):
        parts = {"a": module, "b": module}
        state = {"_parameters": {}, "_buffers": {}, "_modules": parts}
        meta = {"class_name": "Generator", "state": state}
        module = Call(Name("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))
    return pickled({"G_ema": module}, 4)


# --- zip archives -------------------------------------------------------------------------------


def archives() -> Iterator[Hostile]:
    good = pickled({"a": rebuilt(storage_key("0", 4), 0, (4,), (1,))})
    numbers = b"\1" * 16
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        for megabytes in (1, 64):
            content = b"\0" * (megabytes * 2**20)
            yield Hostile(f"zip bomb, method {method}, {megabytes} MiB", _zip(content, method))
    names = [
        "../data.pkl",
        "/data.pkl",
        "archive/../../data.pkl",
        "archive\\data.pkl",
        "c:/data.pkl",
    ]
    for name in [*names, "archive//data.pkl", "archive/\x1b[2J/data.pkl", "other/data.pkl"]:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", good)
            archive.writestr(zipfile.ZipInfo(name), good)
        yield Hostile(f"zip with the name {name!r}", file.getvalue())
    whole = torch_zip(good, {"0": numbers})
    yield Hostile("zip with two members of one name", _twice(good))
    yield Hostile("zip with a prefix", b"PK\x03\x04" + b"\0" * 60 + whole)
    yield Hostile("zip with a suffix", whole + b"\0" * 60)
    yield Hostile("zip without numbers", torch_zip(good))
    yield Hostile("zip with too few numbers", torch_zip(good, {"0": numbers[:8]}))
    yield Hostile("zip with a flipped number", whole.replace(numbers, b"\1" * 15 + b"\2"))
    yield Hostile(
        "zip with a flipped pickle", whole.replace(b"_rebuild_tensor_v2", b"_rebuild_tensor_v3")
    )
    yield Hostile("zip that says it is encrypted", _patched(whole, 8, b"\1\0"))
    yield Hostile("zip with sizes beyond the file", _patched(whole, 20, b"\xf0\xff\xff\x7f" * 2))
    yield Hostile("zip with a member elsewhere", _patched(whole, 42, b"\xf0\xff\xff\x7f"))
    yield Hostile(
        "zip with a count that lies", _ending(whole, 8, struct.pack("<HH", 60_000, 60_000))
    )
    yield Hostile("zip with a table elsewhere", _ending(whole, 16, struct.pack("<I", 2**31)))
    yield Hostile("zip on two disks", _ending(whole, 4, struct.pack("<H", 1)))
    yield Hostile("zip of NumPy arrays", _named_zip({"a.npy": b"\x93NUMPY"}))
    yield Hostile(
        "TorchScript",
        _named_zip({"a/data.pkl": good, "a/constants.pkl": good, "a/code/x.py": _CODE.encode()}),
    )
    yield Hostile("zip with two pickles", _named_zip({"a/data.pkl": good, "b/data.pkl": good}))
    yield Hostile(
        "zip with a byte order of fancy", _named_zip({"a/data.pkl": good, "a/byteorder": b"x"})
    )


def _zip(content: bytes, method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickled({"a": 1}))
        archive.writestr("archive/data/0", content)
    return file.getvalue()


def _named_zip(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _twice(content: bytes) -> bytes:
    """Two members of one name, which zipfile would warn of: the second's is changed afterwards."""
    data = _named_zip({"archive/data.pkl": content, "archive/dato.pkl": content})
    return data.replace(b"dato", b"data")


def _patched(data: bytes, at: int, value: bytes) -> bytes:
    """With bytes changed in the first entry of the table of contents."""
    place = data.index(b"PK\x01\x02") + at
    return data[:place] + value + data[place + len(value) :]


def _ending(data: bytes, at: int, value: bytes) -> bytes:
    place = data.rindex(b"PK\x05\x06") + at
    return data[:place] + value + data[place + len(value) :]


# --- safetensors, and whatever is cut ------------------------------------------------------------


def headers() -> Iterator[Hostile]:
    for length in (0, 1, 2**20, 100_000_000, 2**40, 2**63, 2**64 - 1):
        yield Hostile(
            f"a header of {length} bytes", struct.pack("<Q", length) + b'{"a":' + b" " * 50
        )
    for title, text in (
        ("deep", b"[" * 100_000),
        ("deep objects", b'{"a":' * 50_000),
        ("no JSON", b"{]"),
        ("no tensor", b'{"a": 3}'),
        ("an offset beyond", b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'),
        (
            "a huge shape",
            b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}',
        ),
        ("a type of fancy", b'{"a":{"dtype":"PYOBJ","shape":[0],"data_offsets":[0,0]}}'),
    ):
        yield Hostile(
            f"safetensors with a header that is {title}", struct.pack("<Q", len(text)) + text
        )
    tensors = making.nvidia_stylegan2()
    for title, told in (
        ("no JSON", "{"),
        ("deep JSON", "[" * 100_000),
        ("a list", "[]"),
        ("a newer format", '{"format": 2, "family": "stylegan2", "config": {}}'),
        ("no family", '{"format": 1, "config": {}}'),
        ("a config that is a list", '{"format": 1, "family": "stylegan2", "config": []}'),
        ("a checksum of others", '{"format": 1, "family": "x", "config": {}, "sha256": "0"}'),
    ):
        data = safetensors.torch.save(tensors, metadata={"eclipsed_checkpoint": told})
        yield Hostile(f"own metadata, {title}", data)


def cut_short() -> Iterator[Hostile]:
    """Every format, cut at many points."""
    for name, make in making.FILES.items():
        data = make()
        for part in range(12):
            length = len(data) * part // 12
            yield Hostile(f"{name}, cut after {length} bytes", data[:length])
        yield Hostile(f"{name}, its last byte missing", data[:-1])
