"""StyleMC (Kocasari et al. 2022, arXiv:2112.08493): one style direction, found on many seeds.

A vector Δs of S, the same for all of a batch of seeds, goes down the gradient of

    Σ 1 − cos(E(G(s + Δs)), E(text)) + λ Σ 1 − cos(I(G(s + Δs)), I(G(s)))

for a few steps. Neither the first layer nor toRGB is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.methods.channels import indices_of, style_channels, style_population
from eclipsed.methods.default import falling
from eclipsed.methods.method import Ranking, calibrated, described, rank
from eclipsed.prompts.goals import encoded_text
from eclipsed.search.losses import clip_loss
from eclipsed.search.pool import picture
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Goal, World


@dataclass(frozen=True, kw_only=True)
class StyleMcConfig:
    """Raises BadSetting for a value out of range."""

    # Steps of gradient descent, every step on other seeds.
    steps: int = setting(48, 1)
    # Images a step.
    batch: int = setting(8, 1)
    # How far the first step goes, in standard deviations per channel, root mean square; the last
    # goes a tenth of it, along a cosine.
    rate: float = setting(0.1, 1e-9)
    # The λ of the loss; the authors' program knows 0.1, 0.5 and 2.
    identity: float = setting(0.5, 0.0)
    # Of the batches.
    seed: int = setting(0, 0)

    def __post_init__(self) -> None:
        check_settings(self)


def find(world: World, goal: Goal, config: StyleMcConfig) -> list[Direction]:
    """The style direction that a few steps of gradient descent find.

    Raises UnknownName for a generator without S.
    """
    ranking = rank(world, goal, "s")
    spread = style_population(world)[1]
    channels = style_channels(world.generator)
    moved = [channel for channel in channels if channel.layer != channels[0].layer] or channels
    free = torch.zeros_like(spread)
    free[indices_of(moved, free.device)] = 1.0
    scale = free * spread
    with torch.no_grad():
        text = encoded_text(world.encoder, goal)
    way = torch.zeros_like(spread)
    for step, rows in enumerate(batches(len(ranking.along), config)):
        slope = scale * gradient(ranking, text, scale * way, rows, config.identity)
        size = slope.square().sum().div(len(moved)).sqrt().clamp_min(1e-12)
        way = way - config.rate * falling(step, config.steps) / size * slope
    return [calibrated(world, scale * way, goal, config, method="stylemc", space="s")]


def batches(count: int, config: StyleMcConfig) -> Iterator[Int[Tensor, " b"]]:
    """Rows of the pool for every step; none twice in a step."""
    random = np.random.default_rng(config.seed)
    for _ in range(config.steps):
        yield torch.from_numpy(random.choice(count, size=min(count, config.batch), replace=False))


def gradient(
    ranking: Ranking,
    text: Float[Tensor, " e"],
    vector: Float[Tensor, " d"],
    rows: Int[Tensor, " b"],
    identity: float,
) -> Float[Tensor, " d"]:
    """The gradient of the loss with respect to the vector, on these rows of the pool."""
    rows = rows.to(vector.device)
    before = ranking.pool.embeddings[rows]
    leaf = vector.clone().requires_grad_()
    after = picture(ranking.view, ranking.pool.latents[rows] + leaf)[1]
    lost = 1.0 - F.cosine_similarity(
        beside(after, ranking.text), beside(before, ranking.text), dim=1
    )
    loss = clip_loss(after, text) + identity * lost.mean()
    (result,) = torch.autograd.grad(loss, leaf)
    return result


def beside(codes: Float[Tensor, "n e"], text: Float[Tensor, " e"]) -> Float[Tensor, "n e"]:
    """What embeddings say besides the text: their part orthogonal to its unit direction."""
    return codes - (codes @ text)[:, None] * text


STYLEMC = described("stylemc", StyleMcConfig, find)
