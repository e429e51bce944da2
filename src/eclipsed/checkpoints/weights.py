"""Tensors of a file become the weights of a network, and a digest that tells them apart.

This module does not know any architecture. Untrusted settings and tensors come in; a network
whose every tensor has the shape it should have comes out, or a BadFile with one sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from eclipsed.errors import BadFile

Module = TypeVar("Module", bound=nn.Module)
# What a constructor does to numbers that are about to be replaced.
_FILLING = (Tensor.div, Tensor.mul, Tensor.uniform_, Tensor.normal_, Tensor.zero_, Tensor.fill_)
_MOST = 2**31  # no setting of any network is as large


@contextmanager
def unfilled() -> Iterator[None]:
    """Networks that are built meanwhile have shapes, and neither memory nor numbers.

    `torch.device("meta")` alone would go through the numbers that they begin with all the same,
    for which torch imports its compiler: two seconds.
    """
    with torch.device("meta"), _NoNumbers():
        yield


class _NoNumbers(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in (torch.randn, torch.rand):
            func = torch.empty
        elif func in _FILLING or getattr(func, "__module__", "") == nn.init.__name__:
            first = (*args, *(kwargs or {}).values())[0]
            # What is computed elsewhere, such as a filter, keeps its numbers.
            if isinstance(first, Tensor) and first.is_meta:
                return first
        return func(*args, **(kwargs or {}))


def fill(network: Module, tensors: Mapping[str, Tensor], family: str) -> Module:
    """The network with these tensors as its parameters and buffers, frozen and in eval mode.

    Build the network under `unfilled()`: nothing is then allocated before the shapes are known to
    fit. Tensors take the dtype that the network has and share their memory with it
    where they have that already; those it has no use for are ignored. `family` is its name in
    messages, for example "StyleGAN2".

    Raises BadFile that names the tensor when one is missing or misshapen.
    """
    state: dict[str, Tensor] = {}
    for key, own in network.state_dict().items():
        given = tensor_of(tensors, key, family)
        if given.shape != own.shape:
            raise BadFile(
                f"The tensor {key!r} has shape {list(given.shape)}, "
                f"but this {family} needs {list(own.shape)}."
            )
        state[key] = given.detach().to(own.dtype).contiguous()
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def tensor_of(
    tensors: Mapping[str, Tensor], key: str, family: str, dims: int | None = None
) -> Tensor:
    """One tensor by its name; BadFile when it is missing or has not `dims` dimensions."""
    if key not in tensors:
        raise BadFile(f"The weights lack the tensor {key!r} of a {family}.")
    if dims is not None and tensors[key].dim() != dims:
        raise BadFile(
            f"The tensor {key!r} has shape {list(tensors[key].shape)}, "
            f"but a {family} needs {dims} dimensions."
        )
    return tensors[key]


def whole(config: Mapping[str, Any], key: str, default: int, family: str) -> int:
    """A whole number, 0 or more, from a file's settings; `default` where absent or None.

    Raises BadFile for anything else.
    """
    value = default if config.get(key) is None else config[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST:
        raise BadFile(f"The file's setting {key!r} makes no {family}: it must be a whole number.")
    return value


def number(config: Mapping[str, Any], key: str, default: float, family: str) -> float:
    """A positive number from a file's settings; `default` where absent or None.

    Raises BadFile for anything else.
    """
    value = default if config.get(key) is None else config[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MOST:
        raise BadFile(f"The file's setting {key!r} makes no {family}: it must be above 0.")
    return float(value)


def fingerprint_of(module: nn.Module, *facts: object) -> str:
    """SHA-256 in hex over `facts` and the names and bytes of every tensor, sorted by name."""
    digest = hashlib.sha256(repr(facts).encode() if facts else b"")
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
