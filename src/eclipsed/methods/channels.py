"""Single channels of the style space, and the images on which they are tried.

S has a number for every channel that a convolution reads. Those of toRGB only mix colours, and
stay out, as in StyleSpace (arXiv:2011.12799) and StyleCLIP (arXiv:2103.17249).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.methods.method import Ranking
from eclipsed.search.pool import SEEDS, spaced
from eclipsed.types import Generator, World


@dataclass(frozen=True)
class Channel:
    """A number of a flat latent of S: its index there, its layer, and its number in that layer."""

    index: int
    layer: str
    number: int

    @property
    def name(self) -> str:
        return f"channel {self.number} of {self.layer}"


def style_channels(generator: Generator) -> list[Channel]:
    """All channels of S but toRGB's, in order; UnknownName for a generator without S."""
    channels, start = [], 0
    for layer in generator.layers("s"):
        if not layer.name.endswith("torgb"):
            channels += [Channel(start + i, layer.name, i) for i in range(layer.width)]
        start += layer.width
    return channels


def indices_of(channels: list[Channel], device: torch.device) -> Int[Tensor, " c"]:
    """Where the channels lie in a flat latent."""
    return torch.tensor([channel.index for channel in channels], device=device)


@torch.no_grad()
def style_population(world: World) -> tuple[Float[Tensor, " d"], Float[Tensor, " d"]]:
    """Mean and standard deviation of every number of S, over the pool's seeds."""
    styles = world.generator.sample(SEEDS, truncation=world.truncation, space="s")
    return styles.mean(dim=0), styles.std(dim=0)


def below_median(ranking: Ranking, count: int) -> Float[Tensor, "n d"]:
    """Latents that answer the prompt less than the median one does, evenly spread over these."""
    lower = ranking.along.argsort(stable=True)[: len(ranking.along) // 2]
    return ranking.pool.latents[lower[spaced(len(lower), count)]]
