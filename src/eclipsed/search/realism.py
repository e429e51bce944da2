"""Whether an image looks like what its generator usually makes, told by a pool of its images.

The principal components of most of the pool's thumbnails say what is usual; of every image they
leave something over, of those that they were not made of as well. An image is strange where more is
left of it than of nearly all of those. No encoder and no judge is asked, so that what an encoder
takes for an answer can still be mud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.cache import NETWORKS, remembered
from eclipsed.generators.spaces import best_space
from eclipsed.search.pool import SEEDS, View, build_pool, masks_of, picture, shrink, view_of
from eclipsed.types import Goal, World

_VERSION = 1  # to be raised when what counts as usual changes
# The share of the pool that the components are made of, and how many there are, as a part of it.
_MADE_OF, _COMPONENTS = 0.75, 1 / 3
# What is left of a strange image is more than what is left of this share of the others.
_NEARLY_ALL = 0.95
# Images in which a region is looked for.
_LOOKED_AT = 32


@dataclass(frozen=True, eq=False)
class Usual:
    """mean [3·t·t] and components [K, 3·t·t] of the thumbnails; `left`: what they leave of images
    that they were not made of, squared and summed over colours [M, t, t]. places: how often a
    region is where [t, t], by its name, filled as they are asked for."""

    world: World
    mean: Tensor
    components: Tensor
    left: Tensor
    latents: Tensor
    places: dict[str, Tensor] = field(default_factory=dict)


@torch.no_grad()
def usual_of(world: World) -> Usual:
    """Look at the world's pool, once."""
    view = view_of(world, best_space(world.generator))
    return remembered(view.key("usual", _VERSION, NETWORKS), lambda: _usual(view))


def _usual(view: View) -> Usual:
    pool = build_pool(view, SEEDS, mixed=True)
    flat = pool.thumbnails.flatten(1)
    count = round(_MADE_OF * len(flat))
    mean = flat[:count].mean(dim=0)
    around = flat[:count] - mean
    # There are fewer images than numbers in each, so the smaller matrix of products is taken.
    values, vectors = torch.linalg.eigh((around @ around.t()).double())
    most = values.argsort(descending=True)[: max(1, round(_COMPONENTS * count))]
    components = (vectors[:, most].float().t() @ around) / values[most].sqrt().clamp_min(1e-9)[
        :, None
    ].float()
    size = pool.thumbnails.shape[2]
    left = _left(flat[count:], mean, components, size)
    return Usual(view.world, mean, components, left, pool.latents[:_LOOKED_AT])


def _left(
    flat: Float[Tensor, "n p"],
    mean: Float[Tensor, " p"],
    components: Float[Tensor, "k p"],
    size: int,
) -> Float[Tensor, "n t t"]:
    around = flat - mean
    rest = around - (around @ components.t()) @ components
    return rest.view(-1, 3, size, size).square().sum(dim=1)


@torch.no_grad()
def place_of(usual: Usual, regions: Sequence[str]) -> Float[Tensor, "t t"]:
    """How often any of the regions is at a place of an image; everywhere 1 for none."""
    size = usual.left.shape[1]
    missing = [region for region in regions if region not in usual.places]
    if missing:
        world = usual.world
        view = view_of(world, best_space(world.generator))
        made, _ = picture(view, usual.latents)
        for region in missing:
            masks = masks_of(view, Goal("", "", (region,)), made)
            usual.places[region] = shrink(masks[:, None])[:, 0].mean(dim=0)
    if not regions:
        return torch.ones(size, size).to(usual.mean)
    return torch.stack([usual.places[region] for region in regions]).amax(dim=0)


@torch.no_grad()
def strange(
    usual: Usual, images: Float[Tensor, "n 3 h w"], regions: Sequence[str]
) -> Bool[Tensor, " n"]:
    """Of which images more is left than is usual, on the whole or where the regions are."""
    size = usual.left.shape[1]
    flat = shrink(images.clamp(-1.0, 1.0)).flatten(1)
    left = _left(flat, usual.mean, usual.components, size)
    found = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    for place in (torch.ones_like(usual.left[0]), place_of(usual, regions)):
        there = place / place.sum().clamp_min(1e-9)
        most = (usual.left * there).sum(dim=(1, 2)).quantile(_NEARLY_ALL)
        found |= (left * there).sum(dim=(1, 2)) > most
    return found
