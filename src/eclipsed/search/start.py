"""The direction in which a score rises while little else changes, from sampled images alone.

One linear fit of a pool serves every prompt: the slopes of all pixels are solved for once, and a
score costs little more than a product of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import cached_tensors, remembered
from eclipsed.generators.spaces import best_space
from eclipsed.search.balance import FEWEST, own_texts
from eclipsed.search.pool import SEEDS, Pool, View, build_pool, comes_along, view_of
from eclipsed.types import World

# Leaks are measured on so many pixels each way; finer ones say the same.
COARSE = 16
RIDGE = 0.5  # of method default, in units of the latents' variance
# So many images are looked at first, and so many more at a time, until a fit of them foretells the
# encoder's answers on the first MORE of them, which it leaves out, about as well as it will: twice
# in turn the correlation has risen by less than SETTLED.
FIRST, MORE = 256, 128
SETTLED = 0.025
_VERSION = 1


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


def looked_at(world: World) -> range:
    """The first of SEEDS, as many as a world's regressions need; all of them where they came with
    it, and where it has too few texts of its own.

    Whether a fit has settled is told by the world's own texts, so that every prompt begins with the
    same images.
    """
    view = view_of(world, best_space(world.generator))
    texts = own_texts(world, FEWEST)
    if comes_along(view, SEEDS, mixed=True) or len(texts) < FEWEST:
        return SEEDS
    key = view.key("settled", _VERSION, ("generator", "encoder"), texts, world.neutral)

    def compute() -> dict[str, Tensor]:
        return {"count": torch.tensor(_settled(view, texts))}

    count = remembered(key, lambda: cached_tensors(key, compute)["count"])
    return SEEDS[: int(count)]


@torch.no_grad()
def _settled(view: View, texts: Sequence[str]) -> int:
    world = view.world
    embedded = world.encoder.encode_text([world.neutral, *texts])
    lines = embedded[1:] - embedded[0]
    reached: list[float] = []
    for count in range(FIRST, len(SEEDS), MORE):
        seen = build_pool(view, SEEDS[:count], mixed=True)
        asked, fitted = (
            Pool(seen.latents[rows], seen.embeddings[rows], seen.thumbnails[rows])
            for rows in (slice(MORE), slice(MORE, count))
        )
        reached.append(foretold(fitted, asked, lines))
        rises = [after - before for before, after in pairwise(reached[-3:])]
        if len(rises) == 2 and max(rises) < SETTLED:
            return count
    return len(SEEDS)


def foretold(fitted: Pool, asked: Pool, lines: Float[Tensor, "t e"]) -> float:
    """The mean correlation, over texts, of what a fit of one pool says of the latents of another,
    and what the encoder says of their images."""
    scores = fitted.embeddings @ lines.t()
    regression = fit(fitted, RIDGE)
    weights = regression.solver @ (scores - scores.mean(dim=0))
    around = asked.latents - fitted.latents.mean(dim=0)
    said, true = around @ (regression.around.t() @ weights), asked.embeddings @ lines.t()
    said, true = (each - each.mean(dim=0) for each in (said, true))
    return float(F.cosine_similarity(said, true, dim=0).mean())


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
