"""What an encoder's image embeddings vary in and its texts never speak of, held down.

An encoder of photographs that looks at one generator's images sees much that no prompt is about.
Where a few directions of its space hold that, they outweigh the answer to any prompt. So each
principal direction of the images' embeddings is compared with what the world's own texts differ in:
more variance than MOST times their share of it is taken away. Where the two agree, as in a world
whose encoder was trained on its captions, nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.cache import cached_tensors, remembered
from eclipsed.search.pool import View, build_pool, spaced
from eclipsed.types import World

# So many times the texts' share of variance the images may have. The starter's own embeddings, that
# fit its texts, stay below; what becomes of others, `python -m benchmarks.weak_encoder` measures.
MOST = 5.0
# What chance alone makes of the greatest of all variances, and a little more (Marchenko and Pastur
# 1967: (1 + √(numbers / images))² times the mean).
_CHANCE = 1.3
_TEXTS = 256  # at most, of the world's
_ROUNDS = 50  # until what is left of the variance, which shares are of, no longer changes
FEWEST = 32  # images, or texts, below which nothing can be told
_VERSION = 1


def balanced(view: View, seeds: Sequence[int], *, mixed: bool = False) -> View:
    """The view with embeddings balanced by the images of these seeds; mixed: as `build_pool`."""
    texts = own_texts(view.world, _TEXTS)
    if min(len(seeds), len(texts)) < FEWEST:
        return view
    facts = list(seeds), mixed, texts
    key = view.key("balance", _VERSION, ("generator", "encoder"), *facts)

    def compute() -> dict[str, Tensor]:
        matrix = _matrix(view, build_pool(view, seeds, mixed=mixed).embeddings.cpu(), texts)
        return {"matrix": torch.zeros(0) if matrix is None else matrix}

    matrix = remembered(key, lambda: cached_tensors(key, compute)["matrix"])
    if not matrix.numel():
        return view
    return replace(view, balance=matrix.to(view.world.generator.device))


def own_texts(world: World, most: int) -> list[str]:
    """Some of the phrases that the world's images may be said to show, evenly spread."""
    phrases = sorted({phrase for words in world.vocabulary.values() for phrase in words})
    texts = [*world.example_prompts, *phrases]
    return [texts[index] for index in spaced(len(texts), most)]


def _matrix(
    view: View, images: Float[Tensor, "p e"], texts: Sequence[str]
) -> Float[Tensor, "e e"] | None:
    """What embeddings are multiplied by; None where nothing is to be held down."""
    lines = view.world.encoder.encode_text([view.world.neutral, *texts]).cpu()
    return weights(images.double(), (lines[1:] - lines[0]).double())


def weights(
    images: Float[Tensor, "p e"], lines: Float[Tensor, "t e"]
) -> Float[Tensor, "e e"] | None:
    """The symmetric matrix that brings the variance of images to at most MOST times the texts';
    None where it is so already.

    images: embeddings. lines: of texts, minus the neutral one. Shares of variance count, along each
    of the images' principal directions. The whole variance stays as it was.
    """
    around = images - images.mean(dim=0)
    variances, ways = torch.linalg.eigh(around.t() @ around / len(around))
    variances = variances.clamp_min(0.0)
    spoken = F.normalize(lines, dim=1)
    spoken = ((spoken - spoken.mean(dim=0)) @ ways).square().mean(dim=0)
    chance = _CHANCE * (1.0 + math.sqrt(images.shape[1] / len(images))) ** 2
    most = max(MOST, chance) * spoken / spoken.mean()
    kept = torch.ones_like(variances)
    for _ in range(_ROUNDS):
        left = (kept * variances).mean()
        kept = (most * left / variances.clamp_min(1e-12)).clamp_max(1.0)
    if bool((kept == 1.0).all()):
        return None
    whole = variances.sum() / (kept * variances).sum().clamp_min(1e-12)
    matrix: Tensor = (ways * (whole * kept).sqrt()) @ ways.t()
    return matrix.float()
