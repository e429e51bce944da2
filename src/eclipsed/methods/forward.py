"""No training: a prompt becomes a direction in one forward pass of the text encoder.

What method default starts from, fitted once a world on sampled images and then a closed form: the
way through the latents along which the encoder's answer to the text rises while little changes
outside the region (`eclipsed.search.start`). Nothing is synthesised for a prompt, so its length is
not calibrated either; it is the median length of this world's directions. DeltaEdit
(arXiv:2303.06285) and FFCLIP (arXiv:2209.06812) train networks for this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

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
from eclipsed.methods.method import LONGEST, calibrated, described, key_of_method
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search.balance import balanced
from eclipsed.search.calibration import LIMIT
from eclipsed.search.loop import as_direction
from eclipsed.search.pool import Pool, View, build_pool, text_direction, view_of
from eclipsed.search.realism import coverage_of, realism_of
from eclipsed.search.settings import check_settings, setting
from eclipsed.search.start import Fit, fit, looked_at, slope
from eclipsed.types import Goal, Space, World

# The fraction of images from which a pixel belongs to a region.
_RARE = 0.02
# Words of the world's own vocabulary whose directions show how long one should be.
_WORDS = 6


@dataclass(frozen=True)
class ForwardConfig:
    """Raises BadSetting or UnknownName for a value out of range."""

    # Where the direction lives.
    space: Space = "w+"
    # Ridge penalty, as method default's.
    ridge: float = setting(DefaultConfig.ridge, 1e-6)
    # How strongly the direction is bent away from leaks, as method default's.
    leak_penalty: float = setting(DefaultConfig.leak_penalty, 0.0)
    # Layers at least this fraction as long as the longest stay, and those between them.
    layer_length: float = setting(0.8, 0.0, 1.0)

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that does not depend on the prompt. length: of a direction's longest layer, in units of
    that layer's spread."""

    view: View
    config: ForwardConfig
    pool: Pool
    fit: Fit
    spread: Tensor
    length: float = LONGEST


def find(world: World, goal: Goal, config: ForwardConfig) -> list[Direction]:
    """The direction of a prompt; the first one on a world also fits what all prompts need."""
    return [_direction(fitted_on(world, config), goal)]


def draft(world: World, goal: Goal, space: Space) -> Direction:
    """A direction to go on with while method default trains.

    It looks at no image that training does not look at first, so nothing says how long directions
    of this world are. Its card's config holds `draft`.
    """
    return _direction(_fit(world, ForwardConfig(space=space)), goal, draft=True)


def _direction(fitted: Fitted, goal: Goal, **facts: Any) -> Direction:
    world, space = fitted.view.world, fitted.config.space

    def scaled(part: Goal) -> Tensor:
        vector = way(fitted, part)
        longest = longest_layer(world.generator, space, vector)
        return vector * (fitted.length / max(1e-12, longest))

    return as_direction(
        world,
        torch.stack([scaled(part) for part in goal.parts or (goal,)]).sum(dim=0),
        goal,
        method="forward",
        space=space,
        config={**asdict(fitted.config), **facts},
        name=goal.prompt,
        unit=1.0,
        range=(-LIMIT, LIMIT),
    )


@torch.no_grad()
def way(fitted: Fitted, goal: Goal) -> Float[Tensor, " d"]:
    """The vector that answers the goal, of any length."""
    world, config = fitted.view.world, fitted.config
    along = fitted.pool.embeddings @ text_direction(fitted.view, goal)
    inside = (coverage_of(realism_of(world), goal.regions) > _RARE).float()
    vector = slope(fitted.fit, exponential_scores(along), inside, config.leak_penalty)
    widths = widths_of(world.generator, config.space)
    run = prominent_run(norms_of(vector, widths) / fitted.spread, config.layer_length)
    if config.space == "w+":
        return averaged(vector, widths, run)
    return keep_layers(vector, world.generator.layers(config.space), run)


def fitted_on(world: World, config: ForwardConfig) -> Fitted:
    """Fit the regression to the pool, once, and measure how long directions are."""

    def compute() -> Fitted:
        fitted = _fit(world, config)
        return replace(fitted, length=median_length(fitted))

    return remembered(_key(world, config), compute)


@torch.no_grad()
def _fit(world: World, config: ForwardConfig) -> Fitted:
    seeds = looked_at(world)
    view = balanced(view_of(world, config.space), seeds, mixed=True)
    pool = build_pool(view, seeds, mixed=True)
    return Fitted(view, config, pool, fit(pool, config.ridge), world.generator.spread(config.space))


def _key(world: World, config: ForwardConfig) -> Key:
    # The world's own words show how long directions are.
    return key_of_method(world, "forward", config, list(world.vocabulary.items()), world.neutral)


def median_length(fitted: Fitted) -> float:
    """How long the longest layer of a direction is, in units of that layer's spread.

    The median over a few words of the world's vocabulary, each calibrated by looking at images.
    """
    world, config = fitted.view.world, fitted.config

    def examples() -> list[Direction]:
        words = [words[-1] for words in world.vocabulary.values() if words][:_WORDS]
        goals = [goal_from_prompt(word, world) for word in words]
        about: dict[str, Any] = {"method": "forward", "space": config.space}
        return [calibrated(world, way(fitted, one), one, config, **about) for one in goals]

    generator = world.generator
    lengths = [
        longest_layer(generator, config.space, one.scaled().to(generator.device))
        for one in cached_directions(_key(world, config), examples)
    ]
    return float(torch.tensor(lengths).median()) if lengths else LONGEST


FORWARD = described("forward", ForwardConfig, find)
