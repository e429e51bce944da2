"""LELSD (Pajouheshgar et al. 2022, arXiv:2111.12583): directions that change one region.

No prompt is involved. K directions are trained together to change the features of all layers
inside a region, and nothing outside it, and to differ from each other: with d_l the squared change
of layer l per position and m_l the region there,

    loss = −mean_l Σ(d_l·m_l) / Σ d_l + γ·mean|Corr(directions) − I|

The losses, the draws and the optimizer are those of method `paper`, which took them from here;
only the strength is drawn with both signs, α in [−1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import cached_directions
from eclipsed.directions import Direction
from eclipsed.errors import BadSetting
from eclipsed.generators.spaces import best_space
from eclipsed.methods.method import calibrated, described, key_of_method
from eclipsed.methods.paper import Draw, PaperConfig, PaperScaledConfig, draw, paper_plan
from eclipsed.search.calibration import LIMIT
from eclipsed.search.loop import run
from eclipsed.search.optimizer import initial_state
from eclipsed.search.pool import view_of
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Goal, Space, World


@dataclass(frozen=True, kw_only=True)
class LelsdConfig:
    """Raises BadSetting or UnknownName for a value out of range."""

    # Where the directions live; None takes w+, or z of a generator without it.
    space: Space | None = None
    # K.
    count: int = setting(2, 1)
    # For each direction.
    steps: int = setting(100, 1)
    # Images a step.
    batch: int = setting(4, 1)
    # Adam's, in units of the spread of the space.
    rate: float = setting(1e-2, 0.0)
    # γ.
    correlation: float = setting(5.0, 0.0)
    # Indices that are trained; None takes all.
    layers: tuple[int, ...] | None = None
    # Of the start and of all draws but the images.
    seed: int = setting(1234, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        check_settings(self)


def find(world: World, goal: Goal, config: LelsdConfig) -> list[Direction]:
    """K directions for the goal's regions; its prompt is not read.

    Raises BadSetting for a goal without a region, UnknownName for a region or layer that is not
    there.
    """
    if not goal.regions:
        raise BadSetting("There is nothing to train: LELSD needs a region.", "Name one.")
    unprompted = Goal("", "", goal.regions)

    def compute() -> list[Direction]:
        return _trained(world, unprompted, config)

    return cached_directions(key_of_method(world, "lelsd", config, goal.regions), compute)


def _trained(world: World, goal: Goal, config: LelsdConfig) -> list[Direction]:
    space = config.space or best_space(world.generator)
    paper = paper_config(world, space, config)
    z_dim = world.generator.z_dim
    plan = paper_plan(world, goal, paper, draws=lambda step: signed_draw(paper, step, z_dim))
    state = run(plan, initial_state(plan.start), lambda _: None)
    return [
        _shortened(
            calibrated(
                world,
                vector,
                goal,
                config,
                method="lelsd",
                space=space,
                name=f"{', '.join(goal.regions)} {number}",
            ),
            vector,
        )
        for number, vector in enumerate(state.directions, start=1)
    ]


def _shortened(direction: Direction, vector: Float[Tensor, " d"]) -> Direction:
    """The direction of a trained vector, whose strength 1 is at most the greatest one trained.

    A small region may be wholly changed long before images have moved as far as is asked of
    directions without a prompt.
    """
    trained = float(vector.norm()) / float(direction.vector.norm())
    shorter = min(1.0, trained / direction.unit)
    low, high = (max(-LIMIT, min(LIMIT, end / shorter)) for end in direction.range)
    return replace(direction, unit=shorter * direction.unit, range=(low, high))


def paper_config(world: World, space: Space, config: LelsdConfig) -> PaperConfig:
    """The same training as a config of method `paper-scaled`."""
    view = view_of(world, space)
    return PaperScaledConfig(
        space=space,
        directions=config.count,
        steps=config.steps * config.count,
        batch=config.batch,
        rate=config.rate,
        clip_weight=0.0,
        local_weight=1.0,
        correlation_weight=config.correlation,
        strengths=(0.0, 1.0),
        truncation=view.truncation,
        layers=config.layers,
        half=view.half,
        seed=config.seed,
    )


def signed_draw(config: PaperConfig, step: int, z_dim: int) -> Draw:
    """The draw of a step, with a strength of either sign."""
    random = np.random.default_rng([config.seed, step, 1])
    strength = float(random.uniform(-config.strengths[1], config.strengths[1]))
    return replace(draw(config, step, z_dim=z_dim), strength=strength)


LELSD = described("lelsd", LelsdConfig, find)
