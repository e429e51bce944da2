"""How the tests of the methods look at the fake world."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.types import Goal, World
from tests.fakes import OnlyZ, fake_world, patch_mask

# What a method that reads no prompt is asked.
NO_GOAL = Goal("", "", ())


def gain(world: World, direction: Direction, patch: str, strength: float = 1.0) -> float:
    """By how much a direction brightens a patch, over 40 images."""
    latents = world.generator.sample(range(40), space=direction.space)
    moved = latents + strength * direction.scaled()
    images = [
        world.generator.synthesize(each, space=direction.space).image.clamp(-1.0, 1.0)
        for each in (latents, moved)
    ]
    return float((_brightness(images[1], patch) - _brightness(images[0], patch)).mean())


def _brightness(images: Tensor, patch: str) -> Tensor:
    mask = patch_mask(patch)
    return (images * mask).sum(dim=(1, 2, 3)) / (3.0 * mask.sum())


def only_z_world() -> World:
    """The fake world with a generator that has no space but z."""
    return replace(fake_world(), generator=OnlyZ())
