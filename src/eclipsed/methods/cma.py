"""Separable CMA-ES: minimises without gradients, by a normal distribution that learns its widths.

Ros & Hansen, A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity (PPSN
2008), as the package cmaes implements it. The covariance is diagonal, so that a generation stays
cheap in thousands of dimensions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from cmaes import SepCMA
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
    """The best point that was evaluated, the start included.

    loss: points [N, D] → [N], finite. sigma: the first width of the distribution, in every
    dimension, above 0. population: points drawn in each generation, at least 2; the better half
    moves the mean.
    """
    mean = start.cpu().numpy().astype(np.float64)
    search = SepCMA(mean, sigma, seed=seed, population_size=population)
    best, least = start, float(loss(start[None])[0])
    for _ in range(generations):
        points = [search.ask() for _ in range(population)]
        batch = torch.from_numpy(np.stack(points)).to(start)
        losses = loss(batch).tolist()
        search.tell(list(zip(points, losses, strict=True)))
        winner = int(np.argmin(losses))
        if losses[winner] < least:
            best, least = batch[winner], losses[winner]
    return best
