"""Strengths that mean the same for every direction: 1 is where the prompt is reached.

Asked on images that were not trained on, by the encoder that trained; no judge is involved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.pool import View, picture

# Multiples of the trained vector at which the gain is measured.
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5)
# The prompt counts as reached where the mean gain has come this far to its greatest value.
REACHED = 0.9
# No strength beyond this is offered, however early the prompt is reached.
LIMIT = 2.0


@dataclass(frozen=True)
class Calibration:
    """unit: the multiple of the vector that strength 1 stands for. range: strengths within which
    images were looked at, both senses. gains: mean gain at each of MULTIPLES."""

    unit: float
    range: tuple[float, float]
    gains: tuple[float, ...]


def calibrate(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    score: Callable[[Tensor], Tensor],
) -> Calibration:
    """Find the unit of a vector on images [N] that lack what it brings.

    score: embeddings [N, E] → how far each image fulfils the prompt [N].
    """
    curve = gain_curve(view, latents, vector, score)
    unit = unit_of(curve)
    return Calibration(unit, range_of(unit), tuple(curve.mean(dim=0).tolist()))


@torch.no_grad()
def gain_curve(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    score: Callable[[Tensor], Tensor],
    multiples: Sequence[float] = MULTIPLES,
) -> Float[Tensor, "n m"]:
    """How much `score` (of embeddings [N, E]) rises per image and multiple of the vector."""

    def scored(factor: float) -> Tensor:
        return score(picture(view, latents + factor * vector)[1])

    start = scored(0.0)
    return torch.stack([scored(factor) - start for factor in multiples], dim=1)


def unit_of(
    curve: Float[Tensor, "n m"], multiples: Sequence[float] = MULTIPLES, reached: float = REACHED
) -> float:
    """The least multiple at which the mean gain is `reached` times its greatest, interpolated.

    1 where nothing is gained at any multiple: then there is no scale to speak of.
    """
    mean: list[float] = [0.0, *curve.mean(dim=0).tolist()]
    steps = [0.0, *multiples]
    goal = reached * max(mean)
    if goal <= 0.0:
        return 1.0
    last = next(i for i, gain in enumerate(mean) if gain >= goal)
    part = (goal - mean[last - 1]) / (mean[last] - mean[last - 1])
    return steps[last - 1] + part * (steps[last] - steps[last - 1])


def range_of(unit: float, multiples: Sequence[float] = MULTIPLES) -> tuple[float, float]:
    """Strengths within which images were looked at, in both senses."""
    end = min(LIMIT, max(multiples) / unit)
    return -end, end
