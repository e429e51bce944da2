"""Random numbers from seeds, the same on every machine: latents z and maps of noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadSetting
from eclipsed.types import Noise

_SEEDS = 2**32  # RandomState takes 0 … 2³² − 1


def checked_seed(seed: int) -> int:
    """The seed itself; BadSetting when it is no whole number in 0 … 2³² − 1."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed < _SEEDS:
        hint = f"Seeds are whole numbers from 0 to {_SEEDS - 1}."
        raise BadSetting(f"{seed!r} is not a seed.", hint)
    return int(seed)


def seeded_z(seeds: Sequence[int] | int, z_dim: int) -> Float[Tensor, "n z"]:
    """z [N, z_dim] float32 on the CPU: RandomState(seed).randn(z_dim) for each seed, or for one.

    Raises BadSetting for a seed outside 0 … 2³² − 1.
    """
    seeds = [seeds] if isinstance(seeds, int) else seeds
    rows = [np.random.RandomState(checked_seed(seed)).randn(z_dim) for seed in seeds]
    return torch.from_numpy(np.array(rows).reshape(len(rows), z_dim)).float()


def noise_maps(
    seed: int, layer: int, n: int, size: int | tuple[int, int]
) -> Float[Tensor, "n 1 h w"]:
    """Unit normal noise of one layer, image after image, the same on every device.

    size: the side of a square, or (height, width).
    Raises BadSetting for a seed outside 0 … 2³² − 1.
    """
    random = np.random.RandomState([checked_seed(seed), layer])
    height, width = (size, size) if isinstance(size, int) else size
    return torch.from_numpy(random.randn(n, 1, height, width)).float()


def noise_of(
    noise: Noise, own: Float[Tensor, "*one h w"], layer: int, n: int
) -> Float[Tensor, "*n h w"] | None:
    """The noise of a network's `layer`-th convolution, whose constant map is `own`, for n images.

    None for no noise, `own` for the constant map, otherwise maps [n, 1, h, w] of the seed.
    """
    if noise == "none":
        return None
    if noise == "const":
        return own
    return noise_maps(noise, layer, n, (own.shape[-2], own.shape[-1])).to(own.device)
