"""The latent spaces of StyleGANs, z → w → w+ → s, as plain functions of what each family has.

Also the one space z of the families without a mapping. This module knows no architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.generators.frozen import check_conversion, no_such_space, seeded_z
from eclipsed.types import SPACES, Layer, Space

ONLY_Z: tuple[Space, ...] = ("z",)


@runtime_checkable
class Sampled(Protocol):
    """What `sample` needs of a generator."""

    @property
    def z_dim(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    def from_z(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, space: Space = "w+"
    ) -> Tensor: ...


@runtime_checkable
class Styled(Sampled, Protocol):
    """What the functions of all four spaces need of a StyleGAN.

    num_ws: the rows of W+, each of w_dim numbers. w_mean: what truncation pulls towards.
    """

    @property
    def w_dim(self) -> int: ...

    @property
    def num_ws(self) -> int: ...

    @property
    def w_mean(self) -> Tensor: ...

    def w_of(self, z: Tensor) -> Tensor:
        """z [N, z_dim] → w [N, w_dim], not truncated."""
        ...

    def style_layers(self) -> tuple[Layer, ...]:
        """How S is cut."""
        ...

    def styles_of(self, rows: Tensor) -> list[Tensor]:
        """W+ [N, num_ws, w_dim] → one tensor for each layer of S."""
        ...


def sample(
    generator: Sampled, seeds: Sequence[int], truncation: float, space: Space
) -> Float[Tensor, "n d"]:
    """Latents [N, D]: z = RandomState(seed).randn(z_dim) for each seed, then `from_z`."""
    z = seeded_z(seeds, generator.z_dim).to(generator.device)
    return generator.from_z(z, truncation=truncation, space=space)


def layers_of(generator: Styled, space: Space) -> tuple[Layer, ...]:
    """How a flat latent of a space is cut; UnknownName for a space that there is not."""
    if space == "z":
        return (Layer("z", generator.z_dim),)
    if space == "w":
        return (Layer("w", generator.w_dim),)
    if space == "w+":
        return tuple(Layer(f"row_{i}", generator.w_dim) for i in range(generator.num_ws))
    if space == "s":
        return generator.style_layers()
    raise no_such_space(space, SPACES)


def from_z(
    generator: Styled, z: Tensor, truncation: float, cutoff: int | None, space: Space
) -> Float[Tensor, "n d"]:
    """z [N, z_dim] → latents of a space, pulled towards the mean of w.

    cutoff: only so many first rows of W+ are pulled; None means all.
    """
    if space == "z":
        return z
    layers_of(generator, space)
    w, mean = generator.w_of(z), generator.w_mean
    if space == "w":
        return mean.lerp(w, truncation)
    rows = w.unsqueeze(1).repeat(1, generator.num_ws, 1)
    rows[:, :cutoff] = mean.lerp(rows[:, :cutoff], truncation)
    return convert(generator, rows.flatten(1), "w+", space, 1.0)


def convert(
    generator: Styled, latents: Tensor, source: Space, target: Space, truncation: float
) -> Float[Tensor, "n d"]:
    """Latents of one space in a later one; UnknownName for the way back. Truncation is for z."""
    check_conversion(source, target, SPACES)
    if source == target:
        return latents
    if source == "z":
        return generator.from_z(latents, truncation=truncation, space=target)
    if source == "w":
        return convert(generator, latents.repeat(1, generator.num_ws), "w+", target, 1.0)
    rows = latents.unflatten(1, (generator.num_ws, generator.w_dim))
    return torch.cat(generator.styles_of(rows), dim=1)


def z_layers(z_dim: int, space: Space) -> tuple[Layer, ...]:
    """The one layer of z; UnknownName for any other space."""
    if space not in ONLY_Z:
        raise no_such_space(space, ONLY_Z)
    return (Layer("z", z_dim),)


def z_itself(latents: Tensor, source: Space, target: Space) -> Float[Tensor, "n d"]:
    """z from z: the latents themselves; UnknownName for any other space."""
    check_conversion(source, target, ONLY_Z)
    return latents
