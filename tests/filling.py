"""The weights of golden networks that are too large to be kept: made from their names, by a rule.

Each tensor is standard normal noise, seeded by the CRC-32 of its name, brought to a size that suits
its place in the network. A manifest lists name, shape and place ("kind") of every tensor.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def noise(name: str, shape: Iterable[int]) -> Tensor:
    """float32, the same for the same name and shape."""
    source = np.random.RandomState(zlib.crc32(name.encode()))
    return torch.from_numpy(source.standard_normal(tuple(shape)).astype(np.float32))


def _around(middle: float) -> Callable[[Tensor], Tensor]:
    return lambda n: middle + 0.1 * n


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "conv": lambda n: n * math.sqrt(2 / math.prod(n.shape[1:])),
    "unit": lambda n: n,
    "norm_weight": _around(1.0),
    "slope": _around(0.25),
    # The last scale of a residual branch is small, so that depth does not blow values up.
    "branch_norm": _around(0.25),
    "bias": _around(0.0),
    "mean": _around(0.0),
    "var": lambda n: 1.0 + 0.1 * n.abs(),
    "count": lambda n: torch.zeros(n.shape, dtype=torch.int64),
}


def filled(entry: Mapping[str, Any]) -> Tensor:
    """The tensor of one entry of a manifest: {name, shape, kind}."""
    return KINDS[entry["kind"]](noise(entry["name"], entry["shape"]))
