"""Whether an image looks like what its generator makes, told by a pool of its images.

PCA of most of the pool's thumbnails; an image is unrealistic where its reconstruction error, over
the whole image or the region, exceeds the 95th percentile of the pool's held-out images. No encoder
and no judge is asked, because artifacts can please an encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.cache import NETWORKS, cached_tensors, remembered
from eclipsed.generators.spaces import best_space
from eclipsed.search.pool import SEEDS, View, build_pool, masks_of, picture, shrink, view_of
from eclipsed.search.start import looked_at
from eclipsed.types import Goal, World

_VERSION = 1  # to be raised when what counts as realistic changes
# The fraction of the pool that PCA is fitted to, and how many components it has, as a fraction.
_FITTED, _COMPONENTS = 0.75, 1 / 3
# The quantile of the held-out errors above which an image is unrealistic.
_QUANTILE = 0.95
# Images in which a region is looked for.
_REGION_IMAGES = 32


@dataclass(frozen=True, eq=False)
class Realism:
    """A world's PCA: mean [3·t·t] and components [K, 3·t·t] of thumbnails, and the reconstruction
    errors [M, t, t] of held-out ones. coverage: region → how often it covers each pixel [t, t],
    filled as regions are asked for, from the images of `latents`."""

    world: World
    mean: Tensor
    components: Tensor
    errors: Tensor
    latents: Tensor
    coverage: dict[str, Tensor] = field(default_factory=dict)


@torch.no_grad()
def realism_of(world: World) -> Realism:
    """Fit PCA to the world's pool, once."""
    view = view_of(world, best_space(world.generator))
    return remembered(view.key("realism", _VERSION, NETWORKS), lambda: _fitted(view))


def _fitted(view: View) -> Realism:
    pool = build_pool(view, looked_at(view.world), mixed=True)
    flat = pool.thumbnails.flatten(1)
    count = round(_FITTED * len(flat))
    mean = flat[:count].mean(dim=0)
    around = flat[:count] - mean
    # There are fewer images than numbers in each, so the smaller matrix of products is taken.
    values, vectors = torch.linalg.eigh((around @ around.t()).double())
    most = values.argsort(descending=True)[: max(1, round(_COMPONENTS * count))]
    lengths = values[most].sqrt().clamp_min(1e-9)[:, None].float()
    components = (vectors[:, most].float().t() @ around) / lengths
    errors = _errors(flat[count:], mean, components)
    return Realism(view.world, mean, components, errors, pool.latents[:_REGION_IMAGES])


def _errors(
    flat: Float[Tensor, "n p"], mean: Float[Tensor, " p"], components: Float[Tensor, "k p"]
) -> Float[Tensor, "n t t"]:
    """Squared reconstruction errors of flat thumbnails, summed over colours."""
    around = flat - mean
    rest = around - (around @ components.t()) @ components
    size = round((flat.shape[1] / 3) ** 0.5)
    return rest.view(-1, 3, size, size).square().sum(dim=1)


@torch.no_grad()
def coverage_of(realism: Realism, regions: Sequence[str]) -> Float[Tensor, "t t"]:
    """How often any of the regions covers each pixel of a thumbnail; 1 everywhere for none."""
    if not regions:
        return torch.ones_like(realism.errors[0])
    for region in regions:
        if region not in realism.coverage:
            realism.coverage[region] = _covered(realism, region).to(realism.errors)
    return torch.stack([realism.coverage[region] for region in regions]).amax(dim=0)


def _covered(realism: Realism, region: str) -> Float[Tensor, "t t"]:
    view = view_of(realism.world, best_space(realism.world.generator))

    def compute() -> dict[str, Tensor]:
        synthesis, _ = picture(view, realism.latents)
        masks = masks_of(view, Goal("", "", (region,)), synthesis)
        return {"fraction": shrink(masks[:, None])[:, 0].mean(dim=0)}

    key = view.key(
        "places", _VERSION, ("generator", "segmenter"), region, list(SEEDS[:_REGION_IMAGES])
    )
    return cached_tensors(key, compute)["fraction"]


@torch.no_grad()
def unrealistic(
    realism: Realism, images: Float[Tensor, "n 3 h w"], regions: Sequence[str]
) -> Bool[Tensor, " n"]:
    """Which images are out of distribution, on the whole or where the regions are."""
    flat = shrink(images.clamp(-1.0, 1.0)).flatten(1)
    errors = _errors(flat, realism.mean, realism.components)
    result = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    for weights in (torch.ones_like(realism.errors[0]), coverage_of(realism, regions)):
        weights = weights / weights.sum().clamp_min(1e-9)
        limit = (realism.errors * weights).sum(dim=(1, 2)).quantile(_QUANTILE)
        result |= (errors * weights).sum(dim=(1, 2)) > limit
    return result
