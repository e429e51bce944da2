"""Latent arithmetic on seeds: the mean of some with it, minus that of some without, plus others.

The way of DCGAN (Radford et al. 2016): smiling woman − woman + man = smiling man.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.app.exploring import picture_sheet
from eclipsed.app.searching import checked_prompt
from eclipsed.directions import Direction
from eclipsed.errors import BadSetting
from eclipsed.generators.spaces import best_space
from eclipsed.methods.latent_arithmetic import LATENT_ARITHMETIC
from eclipsed.methods.method import calibrated
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.types import World

MOST_SEEDS = 12
_LAST = 2**32 - 1


@dataclass(frozen=True)
class Sum:
    """Seeds that have it, seeds that lack it, and those that it is added to."""

    plus: tuple[int, ...]
    minus: tuple[int, ...]
    to: tuple[int, ...]


def seeds_written(text: str) -> tuple[int, ...]:
    """ "1,2,5-9" → seeds; BadSetting for anything else, none, or more than a sheet shows."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part, re.ASCII)
        if match is None:
            raise BadSetting("These seeds make no sense.", "Write them like 1,2,5-9.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last > _LAST or last < first:
            raise BadSetting("These seeds make no sense.", f"Seeds are 0 to {_LAST}, low to high.")
        if len(seeds) + last - first + 1 > MOST_SEEDS:
            raise BadSetting(f"At most {MOST_SEEDS} seeds fit here.", "Choose fewer.")
        seeds.extend(range(first, last + 1))
    return tuple(dict.fromkeys(seeds))


@torch.no_grad()
def difference(
    world: World, plus: Sequence[int], minus: Sequence[int], truncation: float
) -> Float[Tensor, " d"]:
    """mean(latents with it) − mean(latents without it), in w+, or z of a generator without it.

    Raises BadSetting where both are the same seeds, which leaves nothing.
    """
    if set(plus) == set(minus):
        raise BadSetting("Both are the same images, so nothing is left.", "Choose other seeds.")
    return _latents(world, plus, truncation).mean(dim=0) - _latents(world, minus, truncation).mean(
        dim=0
    )


@torch.no_grad()
def sheet(world: World, total: Sum, truncation: float) -> bytes:
    """A PNG with four columns: with it, without it, added to, and what comes out. The first row
    shows the means, the rows below the single seeds, of the last column the sum for each."""
    vector = difference(world, total.plus, total.minus, truncation)
    groups = [_latents(world, seeds, truncation) for seeds in (total.plus, total.minus, total.to)]
    groups.append(groups[2] + vector)
    columns = [_images(world, torch.cat([one.mean(dim=0, keepdim=True), one])) for one in groups]
    longest = max(map(len, columns))
    filled = [
        torch.cat([column, torch.ones(longest - len(column), *column.shape[1:]).to(column)])
        for column in columns
    ]
    return picture_sheet(
        torch.stack(filled, dim=1),
        ["mean", *[""] * (longest - 1)],
        ["with", "− without", "+ these", "= sum"],
    )


@torch.no_grad()
def card(world: World, total: Sum, truncation: float, prompt: str) -> Direction:
    """The difference as a direction, calibrated as the method `latent-arithmetic` does: with a
    prompt strength 1 is where it is reached, without one where images have changed half as much as
    two of them differ.

    Raises BadSetting for a prompt that cannot be one.
    """
    vector = difference(world, total.plus, total.minus, truncation)
    goal = goal_from_prompt(checked_prompt(prompt), world) if prompt.strip() else None
    return calibrated(
        world,
        vector,
        method=LATENT_ARITHMETIC.name,
        space=best_space(world.generator),
        config=None,
        goal=goal,
        facts={"with": list(total.plus), "without": list(total.minus), "truncation": truncation},
    )


def _latents(world: World, seeds: Sequence[int], truncation: float) -> Float[Tensor, "n d"]:
    generator = world.generator
    return generator.sample(list(seeds), truncation=truncation, space=best_space(generator))


def _images(world: World, latents: Float[Tensor, "n d"]) -> Float[Tensor, "n 3 h w"]:
    space = best_space(world.generator)
    return torch.cat([world.generator.synthesize(part, space).image for part in latents.split(8)])
