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
from eclipsed.methods.method import described, for_one_image
from eclipsed.methods.one_image import descend, rates, start_of
from eclipsed.prompts.goals import encoded_text
from eclipsed.search.pool import picture
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Goal, Space, World

# The fractions of the steps in which the rate rises and falls.
RISING, FALLING = 0.05, 0.25


@dataclass(frozen=True)
class StyleclipOptimizationConfig:
    """Raises BadSetting or UnknownName for a value out of range."""

    # The seed of the image that is edited.
    image: int = setting(0, 0, 2**32 - 1)
    # Whose latents move; None takes w+, or z of a generator without it.
    space: Space | None = None
    # Steps of Adam.
    steps: int = setting(300, 1)
    # Adam's, in units of the space (see `one_image`).
    rate: float = setting(0.1, 0.0)
    # λ_L2, in the same units; 0.008 in the paper.
    near_weight: float = setting(0.0008, 0.0)
    # λ_ID.
    identity_weight: float = setting(0.005, 0.0)

    def __post_init__(self) -> None:
        check_settings(self)


def find(world: World, goal: Goal, config: StyleclipOptimizationConfig) -> list[Direction]:
    """Optimise the latent of one image; the direction leads from it to the result."""
    start = start_of(world, config.space, config.image)
    with torch.no_grad():
        text = encoded_text(world.encoder, goal)
        original = picture(start.view, start.latent[None])[1][0]

    def loss(moves: Tensor) -> Tensor:
        seen = picture(start.view, start.moved(moves))[1]
        away = 1.0 - F.cosine_similarity(seen, text[None], dim=1)
        other = 1.0 - F.cosine_similarity(seen, original[None], dim=1)
        far = moves.square().sum(dim=1)
        return away + config.near_weight * far + config.identity_weight * other

    speed = rates(config.rate, config.steps, rising=RISING, falling=FALLING)
    moved = descend(loss, torch.zeros_like(start.latent), speed)
    vector = moved * start.units
    return [for_one_image(start.view, vector, goal, config, method="styleclip-optimization")]


STYLECLIP_OPTIMIZATION = described("styleclip-optimization", StyleclipOptimizationConfig, find)
