"""StyleSpace (Wu et al. 2021, arXiv:2011.12799): single channels that control one attribute.

A few examples of the attribute show which channels may: those whose style there differs from the
population's by much, and consistently. With δ = (s − μ) / σ of the examples, per channel,

    θ = |mean(δ)| / std(δ)

The channels with the greatest θ are moved by themselves, and those whose effect falls into the
region stay (a local channel), the ones that answer the prompt most purely first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.masks import change_region
from eclipsed.methods.channels import (
    Channel,
    below_median,
    indices_of,
    style_channels,
    style_population,
)
from eclipsed.methods.method import Ranking, calibrated, described, rank
from eclipsed.search.losses import alignment, fraction_inside, pixel_change
from eclipsed.search.pool import Originals, look_at, masks_of, picture
from eclipsed.search.settings import check_number, check_settings, setting
from eclipsed.types import Goal, World

# How far a candidate is moved, in standard deviations of its channel.
LENGTHS = (5.0, 10.0, 20.0)


@dataclass(frozen=True, kw_only=True)
class StyleSpaceConfig:
    """Raises BadSetting for a value out of range."""

    # How many of the pool's best images stand for the attribute.
    examples: int = setting(30, 2)
    # How many channels with the greatest θ are moved, at least `count`.
    candidates: int = setting(30, 1)
    # On how many images.
    images: int = setting(8, 1)
    # How many channels are returned.
    count: int = setting(1, 1)

    def __post_init__(self) -> None:
        check_settings(self)
        check_number("candidates", self.candidates, self.count)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A channel, the vector [D] that moves it with the examples' sign, its θ, and what that does:
    the greatest mean alignment over LENGTHS, and the fraction of the change inside the region."""

    channel: Channel
    vector: Tensor
    theta: float
    alignment: float
    inside: float


def find(world: World, goal: Goal, config: StyleSpaceConfig) -> list[Direction]:
    """A direction for each of the best channels, the best first.

    Raises UnknownName for a generator without S.
    """
    channels = style_channels(world.generator)
    ranking = rank(world, goal, "s")
    mean, spread = style_population(world)
    at = indices_of(channels, mean.device)
    strays = ((ranking.best(config.examples) - mean) / spread.clamp_min(1e-12))[:, at]
    theta = contrast(strays)
    originals = look_at(ranking.view, goal, below_median(ranking, config.images))
    tried = []
    for row in theta.topk(min(config.candidates, len(channels))).indices.tolist():
        sign = 1.0 if float(strays[:, row].mean()) > 0 else -1.0
        vector = torch.zeros_like(mean)
        vector[channels[row].index] = sign * spread[channels[row].index]
        effect = try_out(ranking, goal, originals, vector)
        tried.append(Candidate(channels[row], vector, float(theta[row]), *effect))
    tried.sort(key=lambda one: one.alignment * one.inside, reverse=True)
    return [
        calibrated(
            world,
            one.vector,
            goal,
            config,
            method="stylespace",
            space="s",
            name=f"{goal.prompt}, {one.channel.name}",
            channel=one.channel.name,
            theta=one.theta,
            inside=one.inside,
        )
        for one in tried[: config.count]
    ]


def contrast(strays: Float[Tensor, "n c"]) -> Float[Tensor, " c"]:
    """θ of every channel, of examples' normalised differences from the population."""
    return strays.mean(dim=0).abs() / strays.std(dim=0).clamp_min(1e-6)


@torch.no_grad()
def try_out(
    ranking: Ranking, goal: Goal, originals: Originals, vector: Float[Tensor, " d"]
) -> tuple[float, float]:
    """Greatest mean alignment of moving along a vector, and the fraction of the change inside the
    region."""
    results = []
    for length in LENGTHS:
        synthesis, after = picture(ranking.view, originals.latents + length * vector)
        aligned = alignment(after - originals.embeddings, ranking.text).mean()
        region = change_region(originals.masks, masks_of(ranking.view, goal, synthesis))
        change = pixel_change(originals.images, synthesis.image)
        results.append((float(aligned), float(fraction_inside(change, region).mean())))
    return max(results)


STYLESPACE = described("stylespace", StyleSpaceConfig, find)
