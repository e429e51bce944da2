"""Latent arithmetic (Radford et al. 2016, arXiv:1511.06434): a difference of means.

direction = mean(latents of images that have it) − mean(latents of images that lack it)
"""

from __future__ import annotations

from dataclasses import dataclass

from eclipsed.directions import Direction
from eclipsed.generators.spaces import best_space
from eclipsed.methods.method import Method, calibrated, rank
from eclipsed.search.plan import check_number, check_space
from eclipsed.types import Goal, Space, World


@dataclass(frozen=True, kw_only=True)
class LatentArithmeticConfig:
    """space: of the latents; None takes w+, or z of a generator without it. share: of the ranked
    images at either end that count as having it, and as lacking it.

    Raises BadSetting or UnknownName for settings that make no sense.
    """

    space: Space | None = None
    share: float = 0.1

    def __post_init__(self) -> None:
        if self.space is not None:
            check_space(self.space)
        check_number("share", self.share, 1e-3, 0.5)


def find(world: World, goal: Goal, config: LatentArithmeticConfig) -> list[Direction]:
    """The one direction; UnknownName for a space that the generator lacks."""
    space = config.space or best_space(world.generator)
    ranking = rank(world, goal, space)
    count = max(1, round(config.share * len(ranking.along)))
    vector = ranking.best(count).mean(dim=0) - ranking.worst(count).mean(dim=0)
    return [
        calibrated(
            world, vector, method=LATENT_ARITHMETIC.name, space=space, config=config, goal=goal
        )
    ]


LATENT_ARITHMETIC = Method(
    name="latent-arithmetic",
    paper="Radford, Metz, Chintala: DCGAN, ICLR 2016, arXiv:1511.06434",
    about="The mean latent of images that have it minus the mean of images that lack it.",
    differs="The encoder's ranking by the prompt tells who has it, not a person, and more than "
    "three images are averaged.",
    takes="prompt",
    config=LatentArithmeticConfig,
    find=find,
)
