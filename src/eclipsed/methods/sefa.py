"""SeFa (Shen and Zhou 2021, arXiv:2007.06600): read off the weights, without any image.

The first step of a layer maps its code by y = A x + b, so a move n changes y by A n whatever the
image is. The directions are those that change it most:

    n = argmax |A n|² with |n| = 1,

the eigenvectors of AᵀA by descending eigenvalue. In a StyleGAN A stacks the affine layers that
make the styles of the chosen rows of W+ of w; as in the authors' code, rows of A have length 1. Of
a generator that has only z, A is the map from z to its first features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import cached_directions
from eclipsed.directions import Direction
from eclipsed.generators.spaces import best_space
from eclipsed.methods import components
from eclipsed.methods.components import Rows
from eclipsed.methods.method import described, key_of_method
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Generator, Goal, World


@dataclass(frozen=True, kw_only=True)
class SeFaConfig:
    """Raises BadSetting for a value out of range."""

    # How many directions for each set of layers, as far as latents have so many numbers.
    count: int = setting(10, 1)
    # The layers of W+ whose weights are read and which are moved; None takes all, and then the
    # coarse, the middle and the fine ones.
    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_settings(self)


def find(
    world: World,
    goal: Goal,  # noqa: ARG001 - nothing of it is read
    config: SeFaConfig,
) -> list[Direction]:
    """The directions of every set of rows, those that change most first.

    Raises UnknownName for a row that the generator lacks.
    """
    generator = world.generator
    sets = components.choices(generator, config.layers)

    def compute() -> list[Direction]:
        vectors = {rows: factorized(weights_of(generator, rows), config.count) for rows in sets}
        return [
            components.component_direction(world, row, number, rows, config, method="sefa")
            for rows in sets
            for number, row in enumerate(vectors[rows], start=1)
        ]

    return cached_directions(key_of_method(world, "sefa", config), compute)


def weights_of(generator: Generator, rows: Rows) -> Float[Tensor, "a w"]:
    """A: what makes the styles of these rows of w, or the first features of z."""
    if best_space(generator) == "z":
        return components.first_weights(generator)
    return affine_weights(generator, rows)


@torch.no_grad()
def affine_weights(generator: Generator, rows: Rows) -> Float[Tensor, "a w"]:
    """The weights of the affine layers that these rows of W+ drive, one below the other.

    Styles are affine in W+, so that they change by exactly the weights where w moves by a unit.
    """
    width = generator.layers("w")[0].width
    units = torch.eye(width, device=generator.device)
    moved = torch.stack([components.spread_over(generator, unit, rows) for unit in units])
    at_rest = generator.convert(torch.zeros_like(moved[:1]), "w+", "s")
    weights = (generator.convert(moved, "w+", "s") - at_rest).T
    # The other rows' styles have not moved at all.
    return weights[weights.abs().amax(dim=1) > 0]


def factorized(weights: Float[Tensor, "a w"], count: int) -> Float[Tensor, "k w"]:
    """Unit vectors that the weights, rows scaled to length 1, lengthen most, the first most."""
    unit = torch.nn.functional.normalize(weights.double(), dim=1)
    values, vectors = torch.linalg.eigh(unit.T @ unit)
    return components.oriented(vectors.T[values.argsort(descending=True)[:count]].float())


SEFA = described("sefa", SeFaConfig, find)
