"""Separable CMA-ES: minimises without gradients, by a normal distribution that learns its widths.

Ros & Hansen, A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity (PPSN
2008), with the constants of Hansen's tutorial (arXiv:1604.00772). The covariance is diagonal, so
that a generation stays cheap in thousands of dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


@torch.no_grad()
def minimize(
    loss: Callable[[Tensor], Tensor],
    start: Float[Tensor, " d"],
    *,
    sigma: float,
    generations: int,
    population: int,
    seed: int,
) -> Float[Tensor, " d"]:
    """The best point that was seen, the start included.

    loss: points [N, D] → [N]. sigma: the first width of the distribution, in every dimension.
    population: points drawn in each generation, at least 2; the better half moves the mean.
    """
    random = torch.Generator().manual_seed(seed)
    d, parents = len(start), population // 2
    ranks = torch.arange(1.0, parents + 1.0)
    weights = (parents + 0.5) / ranks
    weights = (weights.log() / weights.log().sum()).to(start)
    effective = 1.0 / float(weights.square().sum())
    # How fast the two paths and the widths forget; the widths learn the faster for being alone.
    forget_step = (effective + 2.0) / (d + effective + 5.0)
    forget_path = (4.0 + effective / d) / (d + 4.0 + 2.0 * effective / d)
    faster = (d + 1.5) / 3.0
    by_path = min(1.0, faster * 2.0 / ((d + 1.3) ** 2 + effective))
    by_parents = 2.0 * (effective - 2.0 + 1.0 / effective) / ((d + 2.0) ** 2 + effective)
    by_parents = min(1.0 - by_path, faster * by_parents)
    damping = 1.0 + forget_step + 2.0 * max(0.0, ((effective - 1.0) / (d + 1.0)) ** 0.5 - 1.0)
    usual = d**0.5 * (1.0 - 1.0 / (4.0 * d) + 1.0 / (21.0 * d**2))  # length of a normal draw

    mean, variance = start, torch.ones_like(start)
    step_path, path = torch.zeros_like(start), torch.zeros_like(start)
    best, least = start, float(loss(start[None])[0])
    for generation in range(1, generations + 1):
        drawn = torch.randn(population, d, generator=random).to(start) * variance.sqrt()
        points = mean + sigma * drawn
        losses = loss(points)
        order = losses.argsort()
        if float(losses[order[0]]) < least:
            best, least = points[order[0]], float(losses[order[0]])
        drawn = drawn[order[:parents]]
        shift = weights @ drawn
        mean = mean + sigma * shift
        kept = (forget_step * (2.0 - forget_step) * effective) ** 0.5
        step_path = (1.0 - forget_step) * step_path + kept * shift / variance.sqrt()
        length = float(step_path.norm()) / usual
        # A path that grew long because the width was too small says nothing about the shape.
        bound = (1.4 + 2.0 / (d + 1.0)) * (1.0 - (1.0 - forget_step) ** (2 * generation)) ** 0.5
        kept = (forget_path * (2.0 - forget_path) * effective) ** 0.5 if length < bound else 0.0
        path = (1.0 - forget_path) * path + kept * shift
        learned = by_path * path.square() + by_parents * (weights @ drawn.square())
        variance = (1.0 - by_path - by_parents) * variance + learned
        sigma *= math.exp(min(1.0, forget_step / damping * (length - 1.0)))
    return best
