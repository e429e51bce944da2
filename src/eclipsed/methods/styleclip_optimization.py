"""StyleCLIP's latent optimization: one image's latent descends until the image answers the text.

Patashnik et al., StyleCLIP (arXiv:2103.17249), section 4:

    least over w of  1 − cos(E(G(w)), E(text)) + λ_L2 · ‖w − w₀‖²
                     + λ_ID · (1 − cos(R(G(w)), R(G(w₀))))

with Adam, whose rate rises at the start and falls along a cosine at the end. R is a face
recognition network in the paper, and the encoder itself here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.methods.method import Method, for_one_image
from eclipsed.methods.one_image import descend, rates, start_of
from eclipsed.search.plan import check_number, check_space
from eclipsed.search.pool import picture
from eclipsed.types import Goal, Space, World

# The shares of the steps in which the rate rises and falls.
RISING, FALLING = 0.05, 0.25


@dataclass(frozen=True)
class StyleclipOptimizationConfig:
    """image: the seed of the image that is edited. space: whose latents move; None takes w+, or z
    of a generator without it. steps: of Adam. rate: its rate, in units of the space (see
    `one_image`). near_weight: λ_L2, in the same units; 0.008 in the paper. identity_weight: λ_ID.

    Raises BadSetting or UnknownName for what makes no sense.
    """

    image: int = 0
    space: Space | None = None
    steps: int = 300
    rate: float = 0.1
    near_weight: float = 0.0008
    identity_weight: float = 0.005

    def __post_init__(self) -> None:
        check_number("image", self.image, 0, 2**32 - 1)
        if self.space is not None:
            check_space(self.space)
        check_number("steps", self.steps, 1)
        for name in ("rate", "near_weight", "identity_weight"):
            check_number(name, getattr(self, name), 0.0)


def find(world: World, goal: Goal, config: StyleclipOptimizationConfig) -> list[Direction]:
    """Optimise the latent of one image; the direction leads from it to the result."""
    start = start_of(world, config.space, config.image)
    with torch.no_grad():
        (text,) = world.encoder.encode_text([goal.prompt])
        original = picture(start.view, start.latent[None])[1][0]

    def loss(moves: Tensor) -> Tensor:
        seen = picture(start.view, start.moved(moves))[1]
        away = 1.0 - F.cosine_similarity(seen, text[None], dim=1)
        other = 1.0 - F.cosine_similarity(seen, original[None], dim=1)
        far = moves.square().sum(dim=1)
        return away + config.near_weight * far + config.identity_weight * other

    speed = rates(config.rate, config.steps, rising=RISING, falling=FALLING)
    moved = descend(loss, torch.zeros_like(start.latent), speed)
    return [
        for_one_image(
            world,
            moved * start.units,
            method="styleclip-optimization",
            space=start.view.space,
            config=config,
            goal=goal,
        )
    ]


STYLECLIP_OPTIMIZATION = Method(
    name="styleclip-optimization",
    paper="Patashnik et al.: StyleCLIP, ICCV 2021 (arXiv:2103.17249), section 4",
    about="Gradient descent of one image's latent towards the text, held near where it started.",
    differs="The encoder itself stands in for a face recogniser. Rates and distances are in units "
    "of the generator's spread, and the hold near the start is weaker: the published one lets the "
    "image hardly move.",
    takes="prompt",
    config=StyleclipOptimizationConfig,
    find=find,
    per_image=True,
)
