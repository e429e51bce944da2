"""Components of W that move all layers of W+, or some of them; of z where there is no W+.

Generators that have only z are described by the first of their features that depends on it.

The coarse rows of a StyleGAN (4² and 8² pixels) hold pose and shape, the middle ones (16² and 32²)
features, the fine ones colours (arXiv:1812.04948). The rows are StyleGAN2's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction, keep_layers
from eclipsed.errors import EclipsedError
from eclipsed.generators.spaces import best_space
from eclipsed.methods.method import calibrated
from eclipsed.types import Generator, Goal, World

# Where the coarse, the middle and the fine rows begin.
_STARTS = (0, 3, 7)

# Latents at once.
BATCH = 16
# Far out, the bias of the first layer no longer matters.
_FAR = 1e3

Rows = tuple[int, ...]


def choices(generator: Generator, layers: Sequence[int] | None) -> tuple[Rows, ...]:
    """The sets of rows that directions should move: the given one, or all, coarse, middle, fine.

    Raises UnknownName for a row that the generator lacks.
    """
    space = best_space(generator)
    cut = generator.layers(space)
    if layers is not None:
        keep_layers(torch.ones(sum(layer.width for layer in cut)), cut, layers)
        return (tuple(sorted(layers)),)
    every = tuple(range(len(cut)))
    parts = [every[start:end] for start, end in pairwise((*_STARTS, len(every)))]
    return tuple(dict.fromkeys([every, *filter(None, parts)]))


def spread_over(generator: Generator, row: Float[Tensor, " w"], rows: Rows) -> Float[Tensor, " d"]:
    """A flat latent of the generator's best space that has `row` in each of these rows, else 0."""
    space = best_space(generator)
    every = row.repeat(len(generator.layers(space)))
    return keep_layers(every, generator.layers(space), rows)


def component_direction(
    world: World,
    component: Float[Tensor, " w"],
    number: int,
    rows: Rows,
    config: Any,
    *,
    method: str,
    **facts: Any,
) -> Direction:
    """A component on these layers as a direction, called by its number (from 1); facts: as in
    `calibrated`."""
    return calibrated(
        world,
        spread_over(world.generator, component, rows),
        Goal("", ""),
        config,
        method=method,
        space=best_space(world.generator),
        name=title(number, world.generator, rows),
        component=number,
        rows=list(rows),
        **facts,
    )


def title(number: int, generator: Generator, rows: Rows) -> str:
    """A component's name: "component 3", or "component 3 of layers 0-4"."""
    if len(rows) == len(generator.layers(best_space(generator))):
        return f"component {number}"
    return f"component {number} of layers {_listed(rows)}"


def _listed(rows: Rows) -> str:
    """(0, 1, 2, 5) → "0-2,5"."""
    runs: list[list[int]] = []
    for row in rows:
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def oriented(components: Float[Tensor, "k w"]) -> Float[Tensor, "k w"]:
    """Components whose greatest number is positive; a component has no sign of its own."""
    greatest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    return components * torch.where(greatest < 0, -1.0, 1.0).to(components)


def first_feature(generator: Generator) -> str:
    """The name of the first feature that is not the same for every z.

    Raises EclipsedError where there is none.
    """
    z = generator.sample([0, 1], space="z")
    for name in generator.feature_names:
        one, other = _flat(generator, z, name)
        if not torch.equal(one, other):
            return name
    raise EclipsedError(f"No feature of the generator '{generator.name}' depends on its latent.")


@torch.no_grad()
def features_at(generator: Generator, z: Float[Tensor, "n z"], name: str) -> Float[Tensor, "n f"]:
    """One feature of many z, flat."""
    return torch.cat([_flat(generator, part, name) for part in z.split(BATCH)])


@torch.no_grad()
def first_weights(generator: Generator) -> Float[Tensor, "f z"]:
    """The matrix that makes the first features of z, each row up to a factor.

    Read off features far out on every axis, on both sides: that way a ReLU behind it does no harm,
    each row is halved by one.
    """
    name = first_feature(generator)
    out = _FAR * torch.eye(generator.z_dim, device=generator.device)
    columns = features_at(generator, out, name) - features_at(generator, -out, name)
    return columns.T / (2.0 * _FAR)


@torch.no_grad()
def _flat(generator: Generator, z: Tensor, name: str) -> Tensor:
    synthesis = generator.synthesize(z, space="z", features=[name], truncation=1.0)
    return synthesis.features[name].flatten(1).float()
