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
from eclipsed.methods.channels import places, style_channels, style_population
from eclipsed.methods.default import falling
from eclipsed.methods.method import Method, Ranking, calibrated, rank
from eclipsed.search.losses import clip_loss
from eclipsed.search.plan import check_number
from eclipsed.search.pool import picture
from eclipsed.types import Goal, World


@dataclass(frozen=True, kw_only=True)
class StyleMcConfig:
    """steps, batch: of gradient descent, every step on other seeds. rate: how far the first step
    goes, in standard deviations per channel, root mean square; the last goes a tenth of it, along
    a cosine. identity: the λ of the loss; the authors' program knows 0.1, 0.5 and 2. seed: of the
    batches.

    Raises BadSetting for numbers that make no sense.
    """

    steps: int = 48
    batch: int = 8
    rate: float = 0.1
    identity: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("steps", self.steps, 1)
        check_number("batch", self.batch, 1)
        check_number("rate", self.rate, 1e-9)
        check_number("identity", self.identity, 0.0)
        check_number("seed", self.seed, 0)


def find(world: World, goal: Goal, config: StyleMcConfig) -> list[Direction]:
    """The style direction that a few steps of gradient descent find.

    Raises UnknownName for a generator without S.
    """
    ranking = rank(world, goal, "s")
    spread = style_population(world)[1]
    channels = style_channels(world.generator)
    moved = [channel for channel in channels if channel.layer != channels[0].layer] or channels
    free = torch.zeros_like(spread)
    free[places(moved, free.device)] = 1.0
    scale = free * spread
    with torch.no_grad():
        text = world.encoder.encode_text([goal.prompt])[0]
    way = torch.zeros_like(spread)
    for step, rows in enumerate(batches(len(ranking.along), config)):
        slope = scale * gradient(ranking, text, scale * way, rows, config.identity)
        size = slope.square().sum().div(len(moved)).sqrt().clamp_min(1e-12)
        way = way - config.rate * falling(step, config.steps) / size * slope
    return [
        calibrated(
            world,
            scale * way,
            method=STYLEMC.name,
            space="s",
            config=config,
            goal=goal,
        )
    ]


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
    (found,) = torch.autograd.grad(loss, leaf)
    return found


def beside(codes: Float[Tensor, "n e"], text: Float[Tensor, " e"]) -> Float[Tensor, "n e"]:
    """What embeddings say besides the text: their part orthogonal to its unit direction."""
    return codes - (codes @ text)[:, None] * text


STYLEMC = Method(
    name="stylemc",
    paper="Kocasari, Dirik, Tiftikci, Yanardag: StyleMC, WACV 2022, arXiv:2112.08493",
    about="A few steps down the text's loss in the style space, held to each image's identity.",
    differs="The encoder's embedding beside the text's direction stands in for a face recogniser. "
    "Images are made whole, not up to 256 pixels; fine layers are moved as well. Steps have a set "
    "length, whatever the gradient's, in units of each channel's spread. Channels on which batches "
    "disagree stay.",
    takes="prompt",
    config=StyleMcConfig,
    find=find,
)
