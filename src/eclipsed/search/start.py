"""The direction in which a score rises while little else changes, from sampled images alone.

One linear fit of a pool serves every prompt: the slopes of all pixels are solved for once, and a
score costs little more than a product of matrices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from eclipsed.search.pool import Pool

# Leaks are measured on so many pixels each way; finer ones say the same.
COARSE = 16


@dataclass(frozen=True, eq=False)
class Fit:
    """A ridge regression on a pool's latents, ready for any score.

    around: latents minus their mean [P, D]. gram: their products [P, P]. solver: what turns values
    [P] into the weights [P] of the latents whose sum is the slope. paint: those weights for every
    colour of every coarse pixel [P, 3·t·t].
    """

    around: Tensor
    gram: Tensor
    solver: Tensor
    paint: Tensor

    @property
    def size(self) -> int:
        """Pixels each way of what `paint` describes."""
        return math.isqrt(self.paint.shape[1] // 3)


def fit(pool: Pool, ridge: float) -> Fit:
    """Solve once for all scores. `ridge` is in units of the mean variance of the lines on which the
    latents lie; repeating numbers (W in W+) changes nothing."""
    around = pool.latents - pool.latents.mean(dim=0)
    gram = around @ around.t()
    penalty = ridge * gram.square().sum() / gram.trace()
    solver = torch.linalg.inv(gram + penalty * torch.eye(len(gram)).to(gram))
    coarse = F.adaptive_avg_pool2d(pool.thumbnails, min(COARSE, pool.thumbnails.shape[2]))
    pixels = (coarse - coarse.mean(dim=0)).flatten(1)
    return Fit(around, gram, solver, solver @ pixels)


def slope(
    fitted: Fit, scores: Float[Tensor, " p"], inside: Float[Tensor, "t t"], leak_penalty: float
) -> Float[Tensor, " d"]:
    """The vector along which the fit says that the score rises by 1, and little else happens.

    With slope b of the score and slopes A of the pixels, weighted by how little they are `inside`
    the region, it is (1 + leak_penalty·AᵀA)⁻¹ b, where AᵀA is in units of what a step of the same
    length in a random direction changes inside.
    """
    weights = fitted.solver @ (scores - scores.mean())
    if leak_penalty:
        weights = _bent(fitted, weights, inside, leak_penalty)
    way = fitted.around.t() @ weights
    rise = fitted.around @ way @ (fitted.solver @ (scores - scores.mean()))
    rising: Tensor = way / rise.clamp_min(1e-12)
    return rising


def _bent(
    fitted: Fit, weights: Float[Tensor, " p"], inside: Float[Tensor, "t t"], leak_penalty: float
) -> Float[Tensor, " p"]:
    """The weights, bent away from what changes outside the region."""
    size = (fitted.size, fitted.size)
    within = F.adaptive_max_pool2d(inside[None], size).expand(3, *size).flatten()
    changes = (fitted.gram @ fitted.paint).square().sum(dim=0) / fitted.gram.trace()
    # A region that none of the images shows has no scale of its own.
    scale = ((changes * within).sum() + 1e-3 * changes.sum()).clamp_min(1e-12)
    leaks = fitted.paint * (1.0 - within)
    seen = leaks.t() @ fitted.gram
    # Woodbury's identity: there are fewer coarse pixels than images.
    small = torch.eye(len(seen)).to(seen) * (scale / leak_penalty) + seen @ leaks
    result: Tensor = weights - leaks @ torch.linalg.solve(small, seen @ weights)
    return result
