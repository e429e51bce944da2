"""What a trained method hands to the training loop, and the checks that configs share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import SPACES


@dataclass(frozen=True)
class Finish:
    """What is known after training: strength 1 is `unit` times the vector, images stay good in
    `range` (in strengths), and `facts` go into the card."""

    unit: float
    range: tuple[float, float]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A training of K directions in a space of D numbers, ready to run."""

    # [K, D].
    start: Tensor
    # bool [D] or [K, D]: the numbers that may move.
    trained: Tensor
    steps: int
    # Step → Adam's learning rate, one number or one per coordinate, [D] or [K, D].
    rate: Callable[[int], float | Tensor]
    # (directions [K, D], step) → named losses, of which "total" is minimised; a pure function,
    # whose randomness comes from the step.
    loss: Callable[[Tensor, int], dict[str, Tensor]]
    # Calibration of one of the combined vectors [D].
    finish: Callable[[Tensor], Finish]
    # Applied after each update.
    constrain: Callable[[Tensor], Tensor] = lambda directions: directions
    # What the trained vectors amount to, [J, D].
    combine: Callable[[Tensor], Tensor] = lambda directions: directions
    # The multiple of a trained vector [D] that strength 1 stands for, where it is one of a sum.
    unit: Callable[[Tensor], float] = lambda _: 1.0
    # What was found out while planning, for the card.
    facts: Mapping[str, Any] = field(default_factory=dict)


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
