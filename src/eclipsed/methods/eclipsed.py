"""eCLIPsed: trained by gradient. What `presets/` lay out, `training` runs."""

from __future__ import annotations

from dataclasses import dataclass

from eclipsed.directions import Direction
from eclipsed.methods.method import Method
from eclipsed.search.loop import config_for, train_directions
from eclipsed.types import Goal, World


@dataclass(frozen=True)
class EclipsedConfig:
    """preset: "default", "paper" or "paper-scaled", with the numbers it has by itself."""

    preset: str = "default"

    def __post_init__(self) -> None:
        config_for(self.preset)


def find(world: World, goal: Goal | None, config: EclipsedConfig) -> list[Direction]:
    """Train a direction for the goal."""
    assert goal is not None
    return train_directions(world, goal, config_for(config.preset))


ECLIPSED = Method(
    name="eclipsed",
    paper="Warrington-Arroyo, Ebensperger Buschmann, Favre: GAN-based Image Editing, EPFL 2023",
    about="Gradient descent on a text loss and on the change outside the prompt's region.",
    differs="Preset paper is the published training; preset default is this package's own.",
    takes="prompt",
    config=EclipsedConfig,
    find=find,
)
