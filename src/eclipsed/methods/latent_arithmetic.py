"""Latent arithmetic (Radford et al. 2016, arXiv:1511.06434): a difference of means.

direction = mean(latents of positives) − mean(latents of negatives)
"""

from __future__ import annotations

from dataclasses import dataclass

from eclipsed.directions import Direction
from eclipsed.generators.spaces import best_space
from eclipsed.methods.method import calibrated, described, rank
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Goal, Space, World


@dataclass(frozen=True, kw_only=True)
class LatentArithmeticConfig:
    """Raises BadSetting or UnknownName for a value out of range."""

    # Of the latents; None takes w+, or z of a generator without it.
    space: Space | None = None
    # Of the ranked images, the fraction at either end that counts as positives or negatives.
    fraction: float = setting(0.1, 1e-3, 0.5)

    def __post_init__(self) -> None:
        check_settings(self)


def find(world: World, goal: Goal, config: LatentArithmeticConfig) -> list[Direction]:
    """The one direction; UnknownName for a space that the generator lacks."""
    space = config.space or best_space(world.generator)
    ranking = rank(world, goal, space)
    count = max(1, round(config.fraction * len(ranking.along)))
    vector = ranking.best(count).mean(dim=0) - ranking.worst(count).mean(dim=0)
    return [calibrated(world, vector, goal, config, method="latent-arithmetic", space=space)]


LATENT_ARITHMETIC = described("latent-arithmetic", LatentArithmeticConfig, find)
