"""LELSD (Pajouheshgar et al. 2022, arXiv:2111.12583): directions that change one region.

No prompt is involved. K directions are trained together to change the features of all layers
inside a region, and nothing outside it, and to differ from each other: with d_l the squared change
of layer l per position and m_l the region there,

    loss = −mean_l Σ(d_l·m_l) / Σ d_l + γ·mean|Corr(directions) − I|

The losses, the draws and the optimizer are those of method `paper`, which took them from here;
only the strength is drawn from both senses, α in [−1, 1].
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
from eclipsed.methods.method import Method, calibrated, key_of_method
from eclipsed.methods.paper import Draw, PaperConfig, PaperScaledConfig, draw, paper_plan
from eclipsed.search.calibration import LIMIT
from eclipsed.search.loop import run
from eclipsed.search.optimizer import initial_state
from eclipsed.search.plan import check_layers, check_number, check_space
from eclipsed.search.pool import view_of
from eclipsed.types import Goal, Space, World


@dataclass(frozen=True, kw_only=True)
class LelsdConfig:
    """space: where the directions live; None takes w+, or z of a generator without it. count: K.
    steps: for each direction. batch: images a step. rate: Adam's, in units of the spread of the
    space. correlation: γ. layers: those that are trained, None for all. seed: of the start and of
    all draws but the images.

    Raises BadSetting or UnknownName for settings that make no sense.
    """

    space: Space | None = None
    count: int = 2
    steps: int = 100
    batch: int = 4
    rate: float = 1e-2
    correlation: float = 5.0
    layers: tuple[int, ...] | None = None
    seed: int = 1234

    def __post_init__(self) -> None:
        if self.space is not None:
            check_space(self.space)
        for name in ("count", "steps", "batch"):
            check_number(name, getattr(self, name), 1)
        for name in ("rate", "correlation"):
            check_number(name, getattr(self, name), 0.0)
        check_layers(self.layers)
        check_number("seed", self.seed, 0, 2**32 - 1)


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

    return cached_directions(key_of_method(world, LELSD.name, config, goal.regions), compute)


def _trained(world: World, goal: Goal, config: LelsdConfig) -> list[Direction]:
    space = config.space or best_space(world.generator)
    paper = paper_config(world, space, config)
    z_dim = world.generator.z_dim
    plan = paper_plan(world, goal, paper, draws=lambda step: signed_draw(paper, step, z_dim))
    state = run(plan, initial_state(plan.start), lambda _: None)
    return [
        _direction(world, goal, config, space, vector, number)
        for number, vector in enumerate(state.directions, start=1)
    ]


def _direction(
    world: World,
    goal: Goal,
    config: LelsdConfig,
    space: Space,
    vector: Float[Tensor, " d"],
    number: int,
) -> Direction:
    """A trained vector as a direction whose strength 1 does not lie beyond the greatest trained.

    A small region may be wholly changed long before images have moved as far as is asked of
    directions without a prompt.
    """
    direction = calibrated(
        world,
        vector,
        method=LELSD.name,
        space=space,
        config=config,
        goal=goal,
        name=f"{', '.join(goal.regions)} {number}",
    )
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
    """The draw of a step, with a strength of either sense."""
    random = np.random.default_rng([config.seed, step, 1])
    strength = float(random.uniform(-config.strengths[1], config.strengths[1]))
    return replace(draw(config, step, z_dim=z_dim), strength=strength)


LELSD = Method(
    name="lelsd",
    paper="Pajouheshgar, Zhang, Süsstrunk: Optimizing Latent Space Directions for GAN-Based Local "
    "Image Editing, ICASSP 2022, arXiv:2111.12583",
    about="Trained to change one region and nothing else, in K ways that differ, without a prompt.",
    differs="The rate is in units of the spread of the latent space, and ten times the paper's, "
    "so that half of its steps reach as far as what is used. The networks count in bfloat16 where "
    "the hardware has it.",
    takes="regions",
    config=LelsdConfig,
    find=find,
)
