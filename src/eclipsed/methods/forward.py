"""No training: a prompt becomes a direction in one forward pass of the text encoder.

What method default starts from, fitted once a world on sampled images and then a closed form: the
way through the latents along which the encoder's answer to the text rises while little changes
outside the region (`eclipsed.search.start`). Nothing is synthesised for a prompt, so its length is
not calibrated either; it is the usual one of this world. DeltaEdit (arXiv:2303.06285) and FFCLIP
(arXiv:2209.06812) train networks for this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import Key, cached_directions, remembered
from eclipsed.directions import Direction, keep_layers
from eclipsed.generators.spaces import longest_layer, widths_of
from eclipsed.methods.default import (
    DefaultConfig,
    averaged,
    exponential_scores,
    norms_of,
    prominent_run,
)
from eclipsed.methods.method import (
    LONGEST,
    Method,
    as_direction,
    calibrated,
    key_of_method,
)
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search.calibration import LIMIT
from eclipsed.search.plan import check_number, check_space
from eclipsed.search.pool import (
    SEEDS,
    Pool,
    build_pool,
    text_direction,
    view_of,
)
from eclipsed.search.realism import place_of, usual_of
from eclipsed.search.start import Fit, fit, slope
from eclipsed.types import Goal, Space, World

# The share of images from which a place belongs to a region.
_RARE = 0.02
# Words of the world's own vocabulary whose directions show how long one usually is.
_WORDS = 6
_RANGE = (-LIMIT, LIMIT)


@dataclass(frozen=True)
class ForwardConfig:
    """Raises BadSetting or UnknownName for a value out of range."""

    # Where the direction lives.
    space: Space = "w+"
    # As method default's.
    ridge: float = DefaultConfig.ridge
    leak_penalty: float = DefaultConfig.leak_penalty
    # Layers at least this fraction as long as the longest stay, and those between them.
    layer_share: float = 0.8

    def __post_init__(self) -> None:
        check_space(self.space)
        check_number("ridge", self.ridge, 1e-6)
        check_number("leak_penalty", self.leak_penalty, 0.0)
        check_number("layer_share", self.layer_share, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that does not depend on the prompt.

    usual: how long the longest layer of a direction usually is, in units of that layer's spread.
    """

    world: World
    config: ForwardConfig
    pool: Pool
    fit: Fit
    spread: Tensor
    usual: float = 1.0


def find(world: World, goal: Goal, config: ForwardConfig) -> list[Direction]:
    """The direction of a prompt; the first one on a world also fits what all others share."""
    fitted = fitted_on(world, config)

    def of_usual_length(change: Goal) -> Tensor:
        vector = way(fitted, change)
        longest = longest_layer(world.generator, config.space, vector)
        return vector * (fitted.usual / max(1e-12, longest))

    return [
        as_direction(
            world,
            torch.stack([of_usual_length(part) for part in goal.parts or (goal,)]).sum(dim=0),
            method=FORWARD.name,
            space=config.space,
            config=asdict(config),
            goal=goal,
            name=goal.prompt,
            unit=1.0,
            range_=_RANGE,
        )
    ]


@torch.no_grad()
def way(fitted: Fitted, goal: Goal) -> Float[Tensor, " d"]:
    """The vector that answers the goal, of any length."""
    world, config = fitted.world, fitted.config
    along = fitted.pool.embeddings @ text_direction(world, goal)
    inside = (place_of(usual_of(world), goal.regions) > _RARE).float()
    found = slope(fitted.fit, exponential_scores(along), inside, config.leak_penalty)
    widths = widths_of(world.generator, config.space)
    run = prominent_run(norms_of(found, widths) / fitted.spread, config.layer_share)
    if config.space == "w+":
        return averaged(found, widths, run)
    return keep_layers(found, world.generator.layers(config.space), run)


def fitted_on(world: World, config: ForwardConfig) -> Fitted:
    """Look at the pool, once, and at how long directions are."""
    return remembered(_key(world, config), lambda: _fitted(world, config))


def _key(world: World, config: ForwardConfig) -> Key:
    # The world's own words show how long directions are.
    return key_of_method(world, FORWARD.name, config, list(world.vocabulary.items()), world.neutral)


@torch.no_grad()
def _fitted(world: World, config: ForwardConfig) -> Fitted:
    pool = build_pool(view_of(world, config.space), SEEDS, mixed=True)
    spread = world.generator.spread(config.space)
    fitted = Fitted(world, config, pool, fit(pool, config.ridge), spread)
    return replace(fitted, usual=usual_length(fitted))


def usual_length(fitted: Fitted) -> float:
    """How long the longest layer of a direction is, in units of that layer's spread.

    The median over a few words of the world's vocabulary, each calibrated by looking at images.
    """
    world, config = fitted.world, fitted.config

    def examples() -> list[Direction]:
        words = [words[-1] for words in world.vocabulary.values() if words][:_WORDS]
        return [
            calibrated(
                world,
                way(fitted, goal),
                method="forward",
                space=config.space,
                config=config,
                goal=goal,
            )
            for goal in (goal_from_prompt(word, world) for word in words)
        ]

    generator = world.generator
    lengths = [
        longest_layer(generator, config.space, one.scaled().to(generator.device))
        for one in cached_directions(_key(world, config), examples)
    ]
    return float(torch.tensor(lengths).median()) if lengths else LONGEST


FORWARD = Method(
    name="forward",
    paper="this package; for networks that do the same: DeltaEdit, arXiv:2303.06285",
    about="A regression of the encoder's answer on sampled latents, bent away from what changes "
    "outside the region: a closed form, no image is made for a prompt.",
    differs="Nothing is trained; strength 1 is the world's usual length, not calibrated.",
    takes="prompt",
    config=ForwardConfig,
    find=find,
)
