"""The geometry of latents: how each space of a generator is cut into layers, and how wide they are.

This module knows no architecture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.directions import keep_layers
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import Generator, Space

# Seeds for measuring how wide a latent space is; any will do, but always the same.
_SPREAD_SEEDS = range(9_000_000, 9_000_256)


def best_space(generator: Generator) -> Space:
    """Where to train unless somebody says otherwise: w+, or z of a generator without it."""
    return "w+" if "w+" in generator.spaces else "z"


def widths_of(generator: Generator, space: Space) -> list[int]:
    """How a flat latent of the space is cut."""
    return [layer.width for layer in generator.layers(space)]


def layer_mask(
    generator: Generator, space: Space, layers: Sequence[int] | None
) -> Bool[Tensor, " d"]:
    """bool [D], true for the numbers of the chosen layers; None chooses all.

    Raises UnknownName for a layer that the space lacks.
    """
    every = torch.ones(sum(widths_of(generator, space)))
    return keep_layers(every, generator.layers(space), layers).bool().to(generator.device)


def look_like_z(rows: Float[Tensor, "n z"]) -> bool:
    """Whether every row has about the length of normal noise, √z_dim: no vector of length 1 has."""
    squares = rows.square().mean(dim=1)
    longest = 1.0 + 6.0 * math.sqrt(2.0 / rows.shape[1])  # six deviations
    return bool(((squares > 0.25) & (squares < longest)).all())


@torch.no_grad()
def moments(generator: Generator, space: Space) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """The mean of a space and the deviation of each number, of 256 fixed seeds, not truncated."""
    latents = generator.sample(list(_SPREAD_SEEDS), truncation=1.0, space=space)
    return latents.mean(dim=0), latents.std(dim=0).clamp_min(1e-6)


@torch.no_grad()
def layer_spread(generator: Generator, space: Space) -> Float[Tensor, " layers"]:
    """How wide each layer of the space is: root mean square distance from the mean latent.

    Measured on 256 fixed seeds, without truncation; `generator.spread` remembers it.
    """
    latents = generator.sample(list(_SPREAD_SEEDS), truncation=1.0, space=space)
    around = latents - latents.mean(dim=0)
    layers = around.split(widths_of(generator, space), dim=1)
    return torch.stack([x.square().sum(dim=1).mean().sqrt() for x in layers])


def longest_layer(generator: Generator, space: Space, vector: Float[Tensor, " d"]) -> float:
    """The norm of the vector's longest layer, in units of that layer's spread."""
    layers = vector.split(widths_of(generator, space))
    pairs = zip(layers, generator.spread(space), strict=True)
    return max(float(layer.norm() / wide.clamp_min(1e-12)) for layer, wide in pairs)


def check_space(space: str, spaces: Sequence[Space]) -> None:
    """UnknownName for a space that is not among a generator's."""
    if space not in spaces:
        raise UnknownName(
            f"There is no latent space {space!r}.", f"Choose one of {', '.join(spaces)}."
        )


def check_conversion(generator: Generator, latents: Tensor, source: Space, target: Space) -> None:
    """UnknownName for a space that the generator lacks, or when `target` comes before `source`
    there; BadSetting for latents of another size than the source's."""
    spaces = generator.spaces
    for space in (source, target):
        check_space(space, spaces)
    if spaces.index(source) > spaces.index(target):
        raise UnknownName(
            f"Latents of space {source} cannot be turned back into space {target}.",
            f"The order is {' → '.join(spaces)}.",
        )
    check_latents(generator, latents, source)


def as_latents(generator: Generator, latents: Tensor, space: Space) -> Float[Tensor, "n d"]:
    """Latents [N, D] of a space, of any type of number and on any device, as the generator takes
    them; BadSetting for what has another shape."""
    result = torch.as_tensor(latents, dtype=torch.float32, device=generator.device)
    check_latents(generator, result, space)
    return result


def check_latents(generator: Generator, latents: Tensor, space: Space) -> None:
    """BadSetting unless latents are [N, D] with as many numbers as the space has, naming the space
    that they fit."""
    shape, size = list(latents.shape), sum(widths_of(generator, space))
    if shape[1:] == [size]:
        return
    likely: tuple[Space, ...] = ("w+", "w", "s", "z")  # where sizes agree, likeliest first
    spaces = [one for one in likely if one in generator.spaces]
    fitting = [one for one in spaces if shape[1:] == [sum(widths_of(generator, one))]]
    names = " and ".join(fitting)
    hint = f"They fit {names}: say which, as in space='{fitting[0]}'." if fitting else ""
    raise BadSetting(
        f"These latents have the shape {shape}, but those of {space} here are [N, {size}].",
        hint or "Give a row for each image.",
    )
