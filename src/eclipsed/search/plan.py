"""What a preset hands to the training loop, and what the presets share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import keep_layers
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import SPACES, Generator, Space

# Seeds for measuring how wide a latent space is; any will do, but always the same.
_SPREAD_SEEDS = range(9_000_000, 9_000_256)


@dataclass(frozen=True)
class Finish:
    """What is known after training: strength 1 is `unit` times the vector, images stay good in
    `range` (in strengths), and `facts` go into the card."""

    unit: float
    range: tuple[float, float]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A training of K directions in a space of D numbers, ready to run.

    start: [K, D]. trained: bool [D] or [K, D], the numbers that may move. rate: step → Adam's
    learning rate, one number or one per coordinate, [D] or [K, D]. loss: (directions [K, D], step)
    → named losses, "total" being the one that is minimised; a pure function, all of its randomness
    comes from the step. constrain: applied after each update. combine: what the trained vectors
    amount to, [J, D]. finish: calibration of one of these [D]. facts: what was found out while
    planning, for the card.
    """

    start: Tensor
    trained: Tensor
    steps: int
    rate: Callable[[int], float | Tensor]
    loss: Callable[[Tensor, int], dict[str, Tensor]]
    finish: Callable[[Tensor], Finish]
    constrain: Callable[[Tensor], Tensor] = lambda directions: directions
    combine: Callable[[Tensor], Tensor] = lambda directions: directions
    facts: Mapping[str, Any] = field(default_factory=dict)


def best_space(generator: Generator) -> Space:
    """Where to train unless somebody says otherwise: w+, or z of a generator without it."""
    try:
        generator.layers("w+")
    except UnknownName:
        return "z"
    return "w+"


def widths_of(generator: Generator, space: Space) -> list[int]:
    """How a flat latent of the space is cut."""
    return [layer.width for layer in generator.layers(space)]


def layer_mask(generator: Generator, space: Space, layers: Sequence[int] | None) -> Tensor:
    """bool [D], true for the numbers of the chosen layers; None chooses all.

    Raises UnknownName for a layer that the space lacks.
    """
    every = torch.ones(sum(widths_of(generator, space)))
    return keep_layers(every, generator.layers(space), layers).bool().to(generator.device)


@torch.no_grad()
def layer_spread(generator: Generator, space: Space) -> Float[Tensor, " layers"]:
    """How wide each layer of the space is: root mean square distance from the mean latent.

    Of 256 fixed seeds, without truncation.
    """
    latents = generator.sample(list(_SPREAD_SEEDS), truncation=1.0, space=space)
    around = latents - latents.mean(dim=0)
    layers = around.split(widths_of(generator, space), dim=1)
    return torch.stack([x.square().sum(dim=1).mean().sqrt() for x in layers])


def longest_layer(generator: Generator, space: Space, vector: Float[Tensor, " d"]) -> float:
    """The norm of the vector's longest layer, in units of that layer's spread."""
    layers = vector.split(widths_of(generator, space))
    spread = layer_spread(generator, space)
    pairs = zip(layers, spread, strict=True)
    return max(float(layer.norm() / wide.clamp_min(1e-12)) for layer, wide in pairs)


def check_number(
    name: str, value: float | int, low: float | int, high: float | int = math.inf
) -> None:
    """Raise BadSetting unless the value is a finite number from low to high."""
    if not (math.isfinite(value) and low <= value <= high):
        upper = "" if high == math.inf else f" and at most {high:g}"
        raise BadSetting(f"'{name}' must be at least {low:g}{upper}, not {value!r}.")


def check_strengths(strengths: tuple[float, float]) -> None:
    """Raise BadSetting unless they are two numbers, 0 ≤ lower < higher."""
    low, high = strengths
    check_number("strengths", low, 0.0)
    check_number("strengths", high, low)
    if low == high:
        raise BadSetting(f"'strengths' must be a lower and a higher number, not {strengths!r}.")


def check_space(space: str) -> None:
    """Raise UnknownName for a space that no generator has."""
    if space not in SPACES:
        raise UnknownName(f"There is no space {space!r}.", f"Choose one of {', '.join(SPACES)}.")


def check_layers(layers: Sequence[int] | None) -> None:
    """Raise BadSetting for an empty choice, or one that names a layer twice or a negative one."""
    if layers is not None and (not layers or len(set(layers)) < len(layers) or min(layers) < 0):
        raise BadSetting(f"'layers' must be None or different layers, each once, not {layers!r}.")
