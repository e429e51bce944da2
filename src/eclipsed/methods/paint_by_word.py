"""Paint by Word: one image changes in one region until the region answers a text.

Bau et al., Paint by Word (arXiv:2103.10951):

    least over w of  1 − cos(E(x ⊙ (1 − m) + G(w) ⊙ m), E(text)) + λ · |G(w) − x| outside m

x is the image, m its region. CMA-ES looks for large changes without gradients, Adam refines what
it found. The paper gives the new latent to the region only, inside the generator; a direction
moves the whole image, so that random moves change everything, and 20 generations find little in
the 1,536 dimensions of a small w+. By default, therefore, there is Adam alone, with more steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import blend
from eclipsed.errors import BadSetting, EclipsedError
from eclipsed.methods.cma import minimize
from eclipsed.methods.method import described, for_one_image
from eclipsed.methods.one_image import Start, descend, rates, start_of
from eclipsed.prompts.goals import encoded_text
from eclipsed.search.calibration import SEEDS
from eclipsed.search.losses import pixel_change
from eclipsed.search.pool import BATCH, look_at, picture
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Goal, Space, World

# A region that covers less of the image than this is taken as not there.
LEAST_COVER = 0.002
# The fractions of Adam's steps in which the rate rises and falls.
RISING, FALLING = 0.3, 0.7


@dataclass(frozen=True)
class PaintByWordConfig:
    """The authors' code has 20 generations with a sigma of 0.5, and 100 steps at a rate of 0.01.

    Raises BadSetting or UnknownName for a value out of range.
    """

    # The seed of the image that is edited.
    image: int = setting(0, 0, 2**32 - 1)
    # Whose latents move; None takes w+, or z of a generator without it.
    space: Space | None = None
    # Of CMA-ES; with 0 there is only Adam.
    generations: int = setting(0, 0)
    # Points in each of them.
    population: int = setting(50, 2)
    # The first width of CMA-ES, in units of the space (see `one_image`).
    sigma: float = setting(0.1, 0)
    # Steps of Adam afterwards; with 0 there is only CMA-ES.
    steps: int = setting(200, 0)
    # Adam's, in the same units.
    rate: float = setting(0.1, 0)
    # λ.
    outside_weight: float = setting(0.5, 0)
    # Of CMA-ES.
    seed: int = setting(1, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.generations + self.steps:
            raise BadSetting("'generations' and 'steps' must not both be 0.")
        if self.generations and not self.sigma:
            raise BadSetting("'sigma' must be above 0 for CMA-ES to move.")


@torch.no_grad()
def brush(start: Start, goal: Goal) -> Float[Tensor, "h w"]:
    """Where a person would paint, [H, W]: the goal's regions in the image, and where they
    are in at least half of the images that show them.

    The second is where something new can grow, such as a hat, or longer hair.

    Raises EclipsedError where no image shows any of the regions.
    """
    view = start.view
    others = view.world.generator.sample(SEEDS, truncation=view.truncation, space=view.space)
    masks = look_at(view, goal, torch.cat([start.latent[None], others])).masks
    shown = masks[masks.mean(dim=(1, 2)) >= LEAST_COVER]
    if not len(shown):
        raise EclipsedError(
            f"There is nothing to paint over: no image shows {' or '.join(goal.regions)}.",
            "Choose another region.",
        )
    return torch.maximum(masks[0], (shown.mean(dim=0) >= 0.5).float())


def painting_loss(start: Start, goal: Goal, outside_weight: float) -> Callable[[Tensor], Tensor]:
    """Moves [N, D] from the start → the loss of each [N]."""
    view, mask = start.view, brush(start, goal)
    world, outside = view.world, 1.0 - mask
    with torch.no_grad():
        text = encoded_text(world.encoder, goal)
        before = picture(view, start.latent[None])[0].image

    def loss(moves: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        with torch.autocast(mask.device.type, torch.bfloat16, enabled=view.half):
            synthesis = world.generator.synthesize(
                start.moved(moves), space=view.space, truncation=view.truncation
            )
            after = synthesis.image.float()
            unedited = before.expand_as(after)
            pasted = blend(unedited, after, mask.expand_as(after[:, 0]))
            seen = world.encoder.encode_image(pasted.clamp(-1.0, 1.0)).float()
        away = 1.0 - F.cosine_similarity(seen, text[None], dim=1)
        change = (pixel_change(unedited, after) * outside).sum(dim=(1, 2))
        total: Tensor = away + outside_weight * change / outside.sum().clamp_min(1.0)
        return total

    return loss


def find(world: World, goal: Goal, config: PaintByWordConfig) -> list[Direction]:
    """Paint over one image; the direction leads from its latent to that of the result."""
    start = start_of(world, config.space, config.image)
    loss = painting_loss(start, goal, config.outside_weight)

    def in_parts(moves: Tensor) -> Tensor:
        return torch.cat([loss(part) for part in moves.split(BATCH)])

    moved = minimize(
        in_parts,
        torch.zeros_like(start.latent),
        sigma=config.sigma,
        generations=config.generations,
        population=config.population,
        seed=config.seed,
    )
    speed = rates(config.rate, config.steps, rising=RISING, falling=FALLING)
    moved = descend(loss, moved, speed)
    vector = moved * start.units
    return [for_one_image(start.view, vector, goal, config, method="paint-by-word")]


PAINT_BY_WORD = described("paint-by-word", PaintByWordConfig, find)
