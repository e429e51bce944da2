"""StyleCLIP's global directions (Patashnik et al. 2021, arXiv:2103.17249, section 6).

Every channel of S is moved by itself on sample images, and what the encoder sees of it is noted:

    relevance(c) = unit(mean over images of unit(E(s_c = μ_c + kσ_c) − E(s_c = μ_c − kσ_c)))
    Δs_c         = σ_c · (relevance(c) · Δt), and 0 where |relevance(c) · Δt| < β

Δt is the unit direction from the neutral text to the prompt, each averaged over templates. The
relevance does not depend on the prompt; it takes minutes and is cached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import cached_tensors
from eclipsed.directions import Direction
from eclipsed.errors import BadSetting
from eclipsed.generators.spaces import longest_layer
from eclipsed.methods.channels import (
    Channel,
    below_median,
    indices_of,
    style_channels,
    style_population,
)
from eclipsed.methods.method import LONGEST, calibrated, described, rank
from eclipsed.search.calibration import alignment_curve
from eclipsed.search.pool import BATCH, View, picture, view_of
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Encoder, Goal, World

_VERSION = 1  # to be raised when the same settings come to mean another relevance
# Seeds of the images on which channels are moved.
_FIRST_SEED = 22_000_000
# A prompt is a phrase of any kind here, so the templates are those that any phrase fits into.
TEMPLATES = (
    "{}",
    "a photo of {}",
    "a picture of {}",
    "a portrait of {}",
    "a drawing of {}",
    "a cropped photo of {}",
    "a close-up picture of {}",
    "an image showing {}",
)
# How many channels may stay where β is searched.
COUNTS = (4, 8, 16, 32, 64, 128, 256)
# Images of the search for β, and multiples of a vector whose longest layer is at the cap.
SEARCH_IMAGES = 10
SEARCH_LENGTHS = (0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class StyleClipConfig:
    """Raises BadSetting for a value out of range."""

    # On how many images each channel is moved.
    images: int = setting(6, 1)
    # How far, in standard deviations, to each side; by the paper's 5 few generators' images change.
    sigmas: float = setting(15.0, 1e-3)
    # Channels whose relevance to the text is smaller stay; None searches the best alignment.
    beta: float | None = setting(None, 0.0, 1.0)
    # Of the images.
    seed: int = setting(0, 0, 9_999)

    def __post_init__(self) -> None:
        check_settings(self)


def find(world: World, goal: Goal, config: StyleClipConfig) -> list[Direction]:
    """The channels that move the image as the text asks, each as far as it does.

    Raises UnknownName for a generator without S.
    """
    channels = style_channels(world.generator)
    view = view_of(world, "s")
    likeness = relevance(view, config, channels) @ averaged_text(world.encoder, goal)
    spread = style_population(world)[1]
    at = indices_of(channels, spread.device)

    def vector(beta: float) -> Tensor:
        moves = torch.where(likeness.abs() >= beta, likeness, 0.0)
        return torch.zeros_like(spread).index_copy(0, at, moves * spread[at])

    beta = _purest(world, goal, likeness, vector) if config.beta is None else config.beta
    count = int((likeness.abs() >= beta).sum())
    if not count:
        raise BadSetting(
            f"No channel is as relevant to {goal.prompt!r} as the beta of {beta:g} asks for.",
            f"The most relevant one has {float(likeness.abs().max()):.3f}.",
        )
    facts: dict[str, Any] = {"beta": beta, "channels": count}
    return [
        calibrated(world, vector(beta), goal, config, method="styleclip-global", space="s", **facts)
    ]


def averaged_text(encoder: Encoder, goal: Goal) -> Float[Tensor, " e"]:
    """Δt: from the neutral text to the prompt, each the mean of what all templates make of it."""
    texts = [template.format(text) for text in (goal.neutral, goal.text) for template in TEMPLATES]
    with torch.no_grad():
        coded = encoder.encode_text(texts).unflatten(0, (2, len(TEMPLATES)))
    neutral, prompt = F.normalize(coded.mean(dim=1), dim=1)
    return F.normalize(prompt - neutral, dim=0)


@torch.no_grad()
def _purest(
    world: World,
    goal: Goal,
    likeness: Float[Tensor, " c"],
    vector: Callable[[float], Tensor],
) -> float:
    """The β of which edits, at their best length, have the greatest alignment with the text."""
    ranking = rank(world, goal, "s")
    latents = below_median(ranking, SEARCH_IMAGES)
    falling = likeness.abs().sort(descending=True).values
    betas = [float(falling[min(count, len(falling)) - 1]) for count in COUNTS]

    def purity(beta: float) -> float:
        tried = vector(beta)
        tried = tried * (LONGEST / max(1e-12, longest_layer(world.generator, "s", tried)))
        curve = alignment_curve(ranking.view, latents, tried, ranking.text, SEARCH_LENGTHS)
        return float(curve.mean(dim=0).max())

    return max(betas, key=purity)


@torch.no_grad()
def relevance(
    view: View, config: StyleClipConfig, channels: Sequence[Channel]
) -> Float[Tensor, "c e"]:
    """How the embedding moves with each channel, rows of length 1; computed once a world."""
    facts = config.images, config.sigmas, config.seed
    key = view.key("relevance", _VERSION, ("generator", "encoder"), *facts)
    tensors = cached_tensors(key, lambda: {"relevance": _measured(view, config, channels)})
    return tensors["relevance"].to(view.world.generator.device)


def _measured(
    view: View, config: StyleClipConfig, channels: Sequence[Channel]
) -> Float[Tensor, "c e"]:
    world = view.world
    first = _FIRST_SEED + config.seed * 10_000
    seeds = range(first, first + config.images)
    latents = world.generator.sample(seeds, truncation=view.truncation, space="s")
    mean, spread = style_population(world)
    rows = []
    for channel in channels:
        ends = latents.repeat(2, 1)
        far = config.sigmas * spread[channel.index]
        ends[: config.images, channel.index] = mean[channel.index] - far
        ends[config.images :, channel.index] = mean[channel.index] + far
        seen = torch.cat([picture(view, part)[1] for part in ends.split(BATCH)])
        moves = F.normalize(seen[config.images :] - seen[: config.images], dim=1)
        rows.append(F.normalize(moves.mean(dim=0), dim=0))
    return torch.stack(rows)


STYLECLIP_GLOBAL = described("styleclip-global", StyleClipConfig, find)
