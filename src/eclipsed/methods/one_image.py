"""Descent of one image's latent, for the methods that edit a single image.

They move a latent in units of its space: one unit of a number is as far as that number lies from
its mean over seeds, so that rates and widths mean the same on every generator and in every layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.generators.spaces import best_space, widths_of
from eclipsed.search.pool import View, view_of
from eclipsed.types import Space, World


@dataclass(frozen=True, eq=False)
class Start:
    """The image of one seed: its view, its latent [D], and the units [D] it moves in."""

    view: View
    latent: Tensor
    units: Tensor

    def moved(self, moves: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Latents that lie so many units from the start."""
        return self.latent + moves * self.units


def start_of(world: World, space: Space | None, image: int) -> Start:
    """Where the image of a seed lies; UnknownName for a space that the generator lacks.

    space: None takes w+, or z of a generator without it.
    """
    generator = world.generator
    space = space or best_space(generator)
    view = view_of(world, space)
    latent = generator.sample([image], truncation=view.truncation, space=space)[0]
    pieces = zip(generator.spread(space), widths_of(generator, space), strict=True)
    units = torch.cat([(spread / width**0.5).expand(width) for spread, width in pieces])
    return Start(view, latent, units)


def rates(rate: float, steps: int, *, rising: float, falling: float) -> list[float]:
    """A rate for each step: it rises straight over the first fraction of the steps, and falls along
    a cosine over the last."""
    done = [step / steps for step in range(steps)]
    rises = [min(1.0, at / rising) for at in done]
    falls = [0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - at) / falling)) for at in done]
    return [rate * up * down for up, down in zip(rises, falls, strict=True)]


def descend(
    loss: Callable[[Tensor], Tensor], start: Float[Tensor, " d"], rates: Iterable[float]
) -> Float[Tensor, " d"]:
    """Adam, one step for each rate. loss: points [N, D] → [N]."""
    point = start.clone().requires_grad_()
    adam = torch.optim.Adam([point])
    for rate in rates:
        adam.param_groups[0]["lr"] = rate
        (point.grad,) = torch.autograd.grad(loss(point[None]).sum(), point)
        adam.step()
    return point.detach()
