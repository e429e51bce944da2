"""What a trained method hands to the training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Calibration:
    """What a vector's strengths mean."""

    # The multiple of the vector that strength 1 stands for.
    unit: float
    # Strengths, from a negative to a positive one, between which images stay realistic.
    range: tuple[float, float]
    # The mean alignment at each multiple that was tried; without a prompt, how far the median
    # image moved.
    alignments: tuple[float, ...] = ()


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
    finish: Callable[[Tensor], Calibration]
    # Applied after each update.
    constrain: Callable[[Tensor], Tensor] = lambda directions: directions
    # What the trained vectors amount to, [J, D].
    combine: Callable[[Tensor], Tensor] = lambda directions: directions
    # The multiple of a trained vector [D] that strength 1 stands for, where it is one of a sum.
    unit: Callable[[Tensor], float] = lambda _: 1.0
    # What planning determined, for the card.
    facts: Mapping[str, Any] = field(default_factory=dict)
