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
from eclipsed.methods.method import Method, for_one_image
from eclipsed.methods.one_image import Start, descend, rates, start_of
from eclipsed.search.calibration import SEEDS
from eclipsed.search.losses import pixel_change
from eclipsed.search.plan import check_number, check_space
from eclipsed.search.pool import BATCH, look_at, picture
from eclipsed.types import Goal, Space, World

# A region that covers less of the image than this is taken as not there.
LEAST_COVER = 0.002
# The shares of Adam's steps in which the rate rises and falls.
RISING, FALLING = 0.3, 0.7


@dataclass(frozen=True)
class PaintByWordConfig:
    """image: the seed of the image that is edited. space: whose latents move; None takes w+, or z
    of a generator without it. generations, population, sigma: of CMA-ES, sigma in units of the
    space (see `one_image`). steps, rate: of Adam afterwards, in the same units. With 0 generations
    or 0 steps there is only the other; the authors' code has 20 generations with a sigma of 0.5,
    and 100 steps with a rate of 0.01. outside_weight: λ. seed: of CMA-ES.

    Raises BadSetting or UnknownName for what makes no sense.
    """

    image: int = 0
    space: Space | None = None
    generations: int = 0
    population: int = 50
    sigma: float = 0.1
    steps: int = 200
    rate: float = 0.1
    outside_weight: float = 0.5
    seed: int = 1

    def __post_init__(self) -> None:
        if self.space is not None:
            check_space(self.space)
        for name in ("image", "seed"):
            check_number(name, getattr(self, name), 0, 2**32 - 1)
        for name in ("generations", "steps", "rate", "outside_weight", "sigma"):
            check_number(name, getattr(self, name), 0)
        check_number("population", self.population, 2)
        if not self.generations + self.steps:
            raise BadSetting("'generations' and 'steps' must not both be 0.")
        if self.generations and not self.sigma:
            raise BadSetting("'sigma' must be above 0 for CMA-ES to move.")


@torch.no_grad()
def brush(start: Start, goal: Goal) -> Float[Tensor, "h w"]:
    """Where a person would paint, [H, W]: the goal's regions in the image, and the place that they
    have in at least half of the images that show them.

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
    usual = (shown.mean(dim=0) >= 0.5).float()
    return torch.maximum(masks[0], usual)


def painting_loss(start: Start, goal: Goal, outside_weight: float) -> Callable[[Tensor], Tensor]:
    """Moves [N, D] from the start → the loss of each [N]."""
    view, mask = start.view, brush(start, goal)
    world, outside = view.world, 1.0 - mask
    with torch.no_grad():
        (text,) = world.encoder.encode_text([goal.prompt])
        before = picture(view, start.latent[None])[0].image

    def loss(moves: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        with torch.autocast(mask.device.type, torch.bfloat16, enabled=view.half):
            made = world.generator.synthesize(
                start.moved(moves), space=view.space, truncation=view.truncation
            )
            after = made.image.float()
            kept = before.expand_as(after)
            pasted = blend(kept, after, mask.expand_as(after[:, 0]))
            seen = world.encoder.encode_image(pasted.clamp(-1.0, 1.0)).float()
        away = 1.0 - F.cosine_similarity(seen, text[None], dim=1)
        change = (pixel_change(kept, after) * outside).sum(dim=(1, 2))
        total: Tensor = away + outside_weight * change / outside.sum().clamp_min(1.0)
        return total

    return loss


def find(world: World, goal: Goal | None, config: PaintByWordConfig) -> list[Direction]:
    """Paint over one image; the direction leads from its latent to that of the result."""
    assert goal is not None
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
    return [
        for_one_image(
            world,
            moved * start.units,
            method="paint-by-word",
            space=start.view.space,
            config=config,
            goal=goal,
        )
    ]


PAINT_BY_WORD = Method(
    name="paint-by-word",
    paper="Bau et al.: Paint by Word, 2021 (arXiv:2103.10951)",
    about="One image's latent moves until its region, pasted into the image, answers the text.",
    differs="The whole image takes the new latent, not the region alone; a hard edit pastes it. "
    "The region is the segmenter's, not drawn by hand. Adam searches alone unless CMA-ES is asked "
    "for. Change outside is counted in pixels, without LPIPS.",
    takes="prompt",
    config=PaintByWordConfig,
    find=find,
    per_image=True,
)
