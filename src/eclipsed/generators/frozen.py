"""What every family of frozen generators needs: weights filled in, seeds, names checked.

This module does not know any architecture. Untrusted settings and tensors come in; a network
whose every tensor has the shape it should have comes out, or a BadFile with one sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.errors import BadFile, BadSetting, UnknownName
from eclipsed.types import Space

Module = TypeVar("Module", bound=nn.Module)
_SEEDS = 2**32  # RandomState takes 0 … 2³² − 1
_MOST = 2**31  # no setting of any network is as large


def fill(network: Module, tensors: Mapping[str, Tensor], family: str) -> Module:
    """The network with these tensors as its parameters and buffers, frozen and in eval mode.

    Build the network under `torch.device("meta")`: nothing is then allocated before the shapes
    are known to fit. Tensors take the dtype that the network has and share their memory with it
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
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST:
        raise BadFile(f"The file's setting {key!r} makes no {family}: it must be a whole number.")
    return value


def number(config: Mapping[str, Any], key: str, default: float, family: str) -> float:
    """A positive number from a file's settings; `default` where absent or None.

    Raises BadFile for anything else.
    """
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MOST:
        raise BadFile(f"The file's setting {key!r} makes no {family}: it must be above 0.")
    return float(value)


def fingerprint_of(module: nn.Module) -> str:
    """SHA-256 in hex over the names and bytes of every tensor of the state, sorted by name."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def checked_seed(seed: int) -> int:
    """The seed itself; BadSetting when it is not in 0 … 2³² − 1."""
    if not 0 <= seed < _SEEDS:
        raise BadSetting(f"{seed} is not a seed.", f"Seeds are 0 to {_SEEDS - 1}.")
    return int(seed)


def seeded_z(seeds: Sequence[int], z_dim: int) -> Float[Tensor, "n z"]:
    """z [N, z_dim] float32 on the CPU: RandomState(seed).randn(z_dim) for each seed.

    Raises BadSetting for a seed outside 0 … 2³² − 1.
    """
    rows = [np.random.RandomState(checked_seed(seed)).randn(z_dim) for seed in seeds]
    return torch.from_numpy(np.array(rows).reshape(len(rows), z_dim)).float()


def no_such_space(space: str, spaces: Sequence[Space]) -> UnknownName:
    """The error for a space that a generator with these spaces lacks."""
    return UnknownName(
        f"There is no latent space {space!r}.", f"Choose one of {', '.join(spaces)}."
    )


def check_conversion(source: Space, target: Space, spaces: Sequence[Space]) -> None:
    """UnknownName for a space outside `spaces`, or when `target` comes before `source` there."""
    for space in (source, target):
        if space not in spaces:
            raise no_such_space(space, spaces)
    if spaces.index(source) > spaces.index(target):
        raise UnknownName(
            f"Latents of space {source} cannot be turned back into space {target}.",
            f"The order is {' → '.join(spaces)}.",
        )


def check_features(wanted: Sequence[str], names: Sequence[str]) -> None:
    """UnknownName for a wanted feature that is not among the generator's names."""
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        raise UnknownName(
            f"This generator has no feature {unknown[0]!r}.",
            f"It has {names[0]} to {names[-1]}.",
        )


def noise_maps(seed: int, layer: int, n: int, size: int) -> Float[Tensor, "n 1 s s"]:
    """Unit normal noise of one layer, image after image, the same on every device.

    Raises BadSetting for a seed outside 0 … 2³² − 1.
    """
    random = np.random.RandomState([checked_seed(seed), layer])
    return torch.from_numpy(random.randn(n, 1, size, size)).float()
