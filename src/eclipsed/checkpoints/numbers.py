"""Arrays and tensors from bytes: what NumPy's and PyTorch's pickles say, rebuilt by hand.

Everything is copied out of the file into memory of its own, in this machine's byte order, on the
CPU, whatever device the file names. Shapes, offsets and strides are checked against the bytes that
are there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from eclipsed.checkpoints.unpickling import Budget, Global, Make, Unfinished
from eclipsed.errors import BadFile

Array = Shaped[np.ndarray, "..."]

MOST_AXES = 32
# Booleans, integers, floats and complex numbers, as NumPy's pickles spell them.
_NUMBER_CODE = re.compile(r"[<>=|]?([biufc][0-9]{1,2}|[?bBhHiIlLqQefdFD])")

# What a storage's class in PyTorch holds: element type, and NumPy's code of the same size.
ELEMENTS: dict[str, tuple[torch.dtype, str]] = {
    "Double": (torch.float64, "f8"),
    "Float": (torch.float32, "f4"),
    "Half": (torch.float16, "f2"),
    "BFloat16": (torch.bfloat16, "i2"),
    "Long": (torch.int64, "i8"),
    "Int": (torch.int32, "i4"),
    "Short": (torch.int16, "i2"),
    "Char": (torch.int8, "i1"),
    "Byte": (torch.uint8, "u1"),
    "Bool": (torch.bool, "u1"),
    "ComplexFloat": (torch.complex64, "c8"),
    "ComplexDouble": (torch.complex128, "c16"),
}


@dataclass(frozen=True, eq=False, slots=True)
class Storage:
    """Numbers in a row, as a file holds them; tensors are cut from it.

    kind: a key of ELEMENTS. order: "<" or ">", the byte order in the file.
    """

    kind: str
    data: memoryview
    order: str = "<"

    def __len__(self) -> int:
        return len(self.data) // width(self.kind)


def width(kind: str) -> int:
    """Bytes an element of a storage takes."""
    return np.dtype(ELEMENTS[kind][1]).itemsize


def storage_kind(name: object) -> str:
    """The key of ELEMENTS for a storage class that a pickle names; BadFile for another."""
    kind = name.name.rpartition(".")[2].removesuffix("Storage") if isinstance(name, Global) else ""
    if kind not in ELEMENTS:
        raise BadFile("it holds numbers of a type that is not known here")
    return kind


def tensor_names(budget: Budget) -> dict[str, Make | None]:
    """Stand-ins for what PyTorch's pickles name."""
    return {
        "torch._utils._rebuild_tensor": partial(_tensor, budget),
        "torch._utils._rebuild_tensor_v2": partial(_tensor, budget),
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        "torch._tensor._rebuild_from_type_v2": _subclass,
        "torch.Tensor": None,
        "torch.nn.parameter.Parameter": None,
        "torch.Size": lambda sizes=(): tuple(_whole_numbers(sizes)),
        "torch.device": _device,
        **{f"torch.{kind}Storage": None for kind in ELEMENTS},
        **{f"torch.cuda.{kind}Storage": None for kind in ELEMENTS},
    }


def array_names(budget: Budget) -> dict[str, Make | None]:
    """Stand-ins for what NumPy's pickles name, under the module names of NumPy 1 and 2."""
    names: dict[str, Make | None] = {"numpy.dtype": _element_type, "numpy.ndarray": None}
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray._reconstruct"] = partial(_unfinished_array, budget)
        names[f"{core}.multiarray.scalar"] = partial(_scalar, budget)
        names[f"{core}.numeric._frombuffer"] = partial(_array_from_buffer, budget)
    return names


# --- PyTorch ------------------------------------------------------------------------------------


def _tensor(
    budget: Budget, storage: object, offset: object, sizes: object, strides: object, *rest: object
) -> Tensor:
    """A tensor cut from a storage; offset and strides count elements."""
    del rest  # whether it wanted gradients, and its hooks
    if not isinstance(storage, Storage):
        raise BadFile("it holds a tensor without numbers")
    shape, steps = _whole_numbers(sizes), _whole_numbers(strides)
    (start,) = _whole_numbers((offset,))
    dtype, code = ELEMENTS[storage.kind]
    if len(shape) != len(steps):
        raise BadFile("it holds a tensor whose shape and strides do not fit together")
    count = math.prod(shape)
    last = start + sum((size - 1) * step for size, step in zip(shape, steps, strict=True))
    if count and last >= len(storage):
        raise BadFile("it holds a tensor that reaches beyond its numbers")
    size = width(storage.kind)
    budget.spend_numbers(64 + count * size)
    if not count:
        return torch.empty(shape, dtype=dtype)
    array: Array = np.ndarray(
        tuple(shape),
        np.dtype(storage.order + code),
        storage.data,
        start * size,
        tuple(step * size for step in steps),
    )
    own = np.array(array, dtype=np.dtype(code), order="C")
    tensor = torch.from_numpy(own)
    return tensor != 0 if dtype is torch.bool else tensor.view(dtype)


def _parameter(tensor: object, *rest: object) -> object:
    del rest
    return tensor


def _subclass(function: object, kind: object, args: object, state: object = None) -> object:
    """A tensor with attributes of Python's: the tensor, without them."""
    del kind, state
    plain = "torch._utils._rebuild_"
    if (
        not isinstance(function, Global)
        or not function.name.startswith(plain)
        or function.make is None
        or not isinstance(args, tuple)
    ):
        raise BadFile("it holds a tensor of a kind that is not known here")
    return function.make(*args)


def _device(kind: object = "cpu", index: object = None) -> str:
    if not isinstance(kind, str) or not isinstance(index, int | None):
        raise BadFile("it names a device that makes no sense")
    return kind if index is None else f"{kind}:{index}"


def _whole_numbers(values: object) -> list[int]:
    """A shape, strides or an offset, all of them natural numbers of a sane size."""
    if not isinstance(values, list | tuple) or len(values) > MOST_AXES:
        raise BadFile("it holds numbers with a shape that makes no sense")
    numbers = [value for value in values if type(value) is int and 0 <= value < 2**48]
    if len(numbers) != len(values):
        raise BadFile("it holds numbers with a shape that makes no sense")
    return numbers


# --- NumPy --------------------------------------------------------------------------------------


def _element_type(code: object = "", *rest: object) -> Unfinished:
    """NumPy's dtype: a code first, its byte order in a later step."""
    del rest
    if isinstance(code, str) and re.fullmatch(r"O[48]?", code):
        return Unfinished(lambda _: np.dtype(object))
    if not isinstance(code, str) or not _NUMBER_CODE.fullmatch(code):
        raise BadFile("it holds an array of a kind that is not known here")
    return Unfinished(partial(_ordered, np.dtype(code)))


def _ordered(kind: np.dtype[Any], state: object) -> np.dtype[Any]:
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
    if order not in ("<", ">", "=", "|"):
        raise BadFile("it holds an array whose byte order makes no sense")
    return kind.newbyteorder(order)


def _unfinished_array(budget: Budget, kind: object, *rest: object) -> Unfinished:
    del rest
    if not isinstance(kind, Global) or kind.name != "numpy.ndarray":
        raise BadFile("it holds an array of a kind that is not known here")
    return Unfinished(partial(_array_from_state, budget))


def _array_from_state(budget: Budget, state: object) -> object:
    if not isinstance(state, tuple) or len(state) != 5:
        raise BadFile("it holds an array that is damaged")
    _, shape, kind, columns_first, payload = state
    if isinstance(kind, np.dtype) and kind.hasobject:
        return _objects(budget, payload, _whole_numbers(shape))
    return _array(budget, payload, kind, shape, bool(columns_first))


def _objects(budget: Budget, payload: object, shape: list[int]) -> object:
    """What an array of objects holds: the array that they make, the only one, or a list.

    They come rows first, whatever the order of the array was.
    """
    if not isinstance(payload, list) or len(payload) != math.prod(shape):
        raise BadFile("it holds an array of objects that is damaged")
    if not shape:
        return payload[0]
    numbers = all(type(item) in (int, float) for item in payload)
    alike = len({item.shape if isinstance(item, np.ndarray) else None for item in payload}) == 1
    if not payload or not (numbers or (alike and isinstance(payload[0], np.ndarray))):
        return payload
    inner = () if numbers else payload[0].shape
    budget.spend_numbers(64 + 8 * len(payload) * math.prod(inner))
    flat = np.array([float(x) for x in payload]) if numbers else np.stack(payload)
    return flat.reshape(*shape, *inner)


def _array_from_buffer(
    budget: Budget, payload: object, kind: object, shape: object, order: object, *rest: object
) -> Array:
    """As protocol 5 writes arrays."""
    del rest
    return _array(budget, payload, kind, shape, order == "F")


def _array(
    budget: Budget, payload: object, kind: object, shape: object, columns_first: bool
) -> Array:
    if not isinstance(kind, np.dtype) or kind.hasobject:
        raise BadFile("it holds an array that is damaged")
    sizes = _whole_numbers(shape)
    if isinstance(payload, str):  # as Python 2 wrote bytes
        payload = payload.encode("latin-1")
    expected = math.prod(sizes) * kind.itemsize
    if not isinstance(payload, bytes | memoryview) or len(payload) != expected:
        raise BadFile("it holds an array whose shape does not fit its bytes")
    budget.spend_numbers(64 + expected)
    return array_of(payload, kind, sizes, columns_first)


def array_of(
    payload: bytes | memoryview, kind: np.dtype[Any], shape: Sequence[int], columns_first: bool
) -> Array:
    """A copy of the numbers in a file, in this machine's byte order, rows first."""
    flat = np.frombuffer(payload, kind) if len(payload) else np.empty(0, kind)
    shaped = flat.reshape(shape, order="F" if columns_first else "C")
    return np.array(shaped, dtype=kind.newbyteorder("="), order="C")


def _scalar(budget: Budget, kind: object, payload: object) -> int | float | complex | bool:
    """NumPy's numbers become Python's."""
    value: int | float | complex | bool = _array(budget, payload, kind, (), False).item()
    return value
