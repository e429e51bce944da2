"""StyleSpace (Wu et al. 2021, arXiv:2011.12799): single channels that control one attribute.

A few examples of the attribute show which channels may: those whose style there differs from the
population's by much, and consistently. With δ = (s − μ) / σ of the examples, per channel,

    θ = |mean(δ)| / std(δ)

The channels with the greatest θ are moved by themselves, and those whose effect falls into the
region are kept (a local channel), the ones that answer the prompt most purely first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.masks import dilate, pixels_at
from eclipsed.methods.channels import (
    Channel,
    below_median,
    places,
    style_channels,
    style_population,
)
from eclipsed.methods.method import Method, Ranking, calibrated, rank
from eclipsed.search.losses import alignment, pixel_change, share_inside
from eclipsed.search.plan import check_number
from eclipsed.search.pool import Originals, look_at, masks_of, picture
from eclipsed.types import Goal, World

# How far a candidate is moved, in standard deviations of its channel.
LENGTHS = (5.0, 10.0, 20.0)
# The mask grows by these pixels (of 128), as the score's does.
DILATION = 2


@dataclass(frozen=True, kw_only=True)
class StyleSpaceConfig:
    """examples: how many of the pool's best images stand for the attribute. candidates: how many
    channels with the greatest θ are moved. images: on how many. count: how many channels are
    returned.

    Raises BadSetting for numbers that make no sense.
    """

    examples: int = 30
    candidates: int = 30
    images: int = 8
    count: int = 1

    def __post_init__(self) -> None:
        check_number("examples", self.examples, 2)
        check_number("images", self.images, 1)
        check_number("count", self.count, 1)
        check_number("candidates", self.candidates, self.count)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A channel, the sense that the examples give it, its θ, and what moving it does: the greatest
    mean alignment of the text over LENGTHS, and the share of the change inside the region there."""

    channel: Channel
    sense: float
    theta: float
    answer: float
    inside: float


def find(world: World, goal: Goal, config: StyleSpaceConfig) -> list[Direction]:
    """A direction for each of the best channels, the best first.

    Raises UnknownName for a generator without S.
    """
    channels = style_channels(world.generator)
    ranking = rank(world, goal, "s")
    mean, spread = style_population(world)
    at = places(channels, mean.device)
    strays = ((ranking.best(config.examples) - mean) / spread.clamp_min(1e-12))[:, at]
    theta = contrast(strays)
    originals = look_at(ranking.view, goal, below_median(ranking, config.images))
    tried = []
    for row in theta.topk(min(config.candidates, len(channels))).indices.tolist():
        sense = 1.0 if float(strays[:, row].mean()) > 0 else -1.0
        way = torch.zeros_like(mean)
        way[channels[row].index] = sense * spread[channels[row].index]
        answer, inside = try_out(ranking, goal, originals, way)
        tried.append(Candidate(channels[row], sense, float(theta[row]), answer, inside))
    tried.sort(key=lambda one: one.answer * one.inside, reverse=True)
    return [
        _direction(world, goal, config, candidate, spread) for candidate in tried[: config.count]
    ]


def contrast(strays: Float[Tensor, "n c"]) -> Float[Tensor, " c"]:
    """θ of every channel, of examples' normalised differences from the population."""
    return strays.mean(dim=0).abs() / strays.std(dim=0).clamp_min(1e-6)


@torch.no_grad()
def try_out(
    ranking: Ranking, goal: Goal, originals: Originals, way: Float[Tensor, " d"]
) -> tuple[float, float]:
    """Greatest mean alignment of moving along a way, and the fraction of the change inside the
    region."""
    found = []
    for length in LENGTHS:
        made, after = picture(ranking.view, originals.latents + length * way)
        answer = alignment(after - originals.embeddings, ranking.text).mean()
        union = torch.maximum(originals.masks, masks_of(ranking.view, goal, made))
        region = dilate(union, pixels_at(union.shape[1], DILATION))
        change = pixel_change(originals.images, made.image)
        found.append((float(answer), float(share_inside(change, region).mean())))
    return max(found)


def _direction(
    world: World,
    goal: Goal,
    config: StyleSpaceConfig,
    candidate: Candidate,
    spread: Float[Tensor, " d"],
) -> Direction:
    channel = candidate.channel
    vector = torch.zeros_like(spread)
    vector[channel.index] = candidate.sense * spread[channel.index]
    return calibrated(
        world,
        vector,
        method=STYLESPACE.name,
        space="s",
        config=config,
        goal=goal,
        name=f"{goal.prompt}, {channel.name}",
        facts={"channel": channel.name, "theta": candidate.theta, "inside": candidate.inside},
    )


STYLESPACE = Method(
    name="stylespace",
    paper="Wu, Lischinski, Shechtman: StyleSpace Analysis, CVPR 2021, arXiv:2011.12799",
    about="The single channel of the style space that controls what the prompt asks for.",
    differs="The prompt finds the examples. Candidates are moved and sorted by the encoder and by "
    "where the image changed, which the paper reads off gradients and its authors off images.",
    takes="prompt",
    config=StyleSpaceConfig,
    find=find,
)
