"""How the tests of the methods look at the fake world."""

from __future__ import annotations

from eclipsed.directions import Direction
from eclipsed.testing import brightness
from eclipsed.types import Goal, World

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
    return float((brightness(images[1], patch) - brightness(images[0], patch)).mean())
