"""A variant: a goal, a training, and how its direction is edited with; and the cards of trainings.

Training number t of any variant starts from seed t and draws images of its own, so that two
variants with the same t differ in nothing but what was varied. A card that is there is never
trained again, whichever study asks for it, and a training that was cut goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from eclipsed.directions import Direction, keep_layers
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.paper import (
    FIRST_SEED,
    Draw,
    PaperConfig,
    PaperScaledConfig,
    draw,
    paper_plan,
)
from eclipsed.methods.training import make_plan
from eclipsed.prompts.goals import Chooser, goal_from_prompt
from eclipsed.search.loop import finish, run, training_identity
from eclipsed.search.optimizer import State, initial_state, load_state, save_state
from eclipsed.search.plan import Plan
from eclipsed.types import Generator, Goal, World

# From one training's seeds of images to the next one's; more than a training has steps.
STRIDE = 1000
TrainConfig = PaperConfig | DefaultConfig
PAPER = PaperScaledConfig()


@dataclass(frozen=True, kw_only=True)
class Variant:
    """label: its name in rows and reports. prompt: what it is judged by, and trained for.
    expand: train for the expanded prompt, its best chunk so many times. chooser: who finds the
    region that is trained; "none" masks nothing. images: how many images the paper's training
    sees; None draws fresh ones every step. layers: the rows that are edited, None for all.
    strengths: where it is judged. fixed: strengths are the paper's α, not in units of calibration.
    within: strength 1 is no further than the end of the direction's range.
    own: judged on the first image of its training, not on the held-out ones.
    """

    label: str
    prompt: str
    config: TrainConfig = PAPER
    expand: int = 0
    chooser: Chooser | Literal["none"] = "sentence"
    images: int | None = None
    layers: tuple[int, ...] | None = None
    strengths: tuple[float, ...] = (1.0,)
    fixed: bool = False
    within: bool = False
    own: bool = False


def judged_goal(world: World, variant: Variant) -> Goal:
    """What a variant is judged by: its prompt as it is, in the regions that our chooser finds."""
    return goal_from_prompt(variant.prompt, world)


def trained_goal(world: World, variant: Variant) -> Goal:
    """What a variant is trained for."""
    if variant.chooser == "none":
        return goal_from_prompt(variant.prompt, world, regions=(), expand=variant.expand)
    return goal_from_prompt(variant.prompt, world, expand=variant.expand, chooser=variant.chooser)


def config_of(variant: Variant, training: int) -> TrainConfig:
    """The numbers of one of a variant's trainings."""
    return replace(variant.config, seed=variant.config.seed + training)


def own_seed(training: int) -> int:
    """The seed of the first image that the paper's training of this number draws."""
    return FIRST_SEED + STRIDE * training


def draws_of(config: PaperConfig, images: int | None, z_dim: int) -> Callable[[int], Draw]:
    """What chance decides in a step: the preset's draws, with images that go with the seed.

    The preset's own seed has the preset's own images. With `images`, steps go round that many.
    """
    first = own_seed(config.seed - PaperConfig.seed)

    def drawn(step: int) -> Draw:
        if images is None:
            z = np.random.RandomState(first + step).randn(config.batch, z_dim)
        else:
            places = [(config.batch * step + row) % images for row in range(config.batch)]
            z = np.stack([np.random.RandomState(first + place).randn(z_dim) for place in places])
        return replace(draw(config, step, z_dim=z_dim), z=torch.from_numpy(z).float())

    return drawn


@dataclass(frozen=True, eq=False)
class Order:
    """One training of a variant, and the card that its result is kept in."""

    goal: Goal
    config: TrainConfig
    images: int | None
    card: Path


def order_of(world: World, variant: Variant, training: int, cards: Path) -> Order:
    """What a training is; the card's name tells everything that decides the result.

    Raises what finding the goal raises.
    """
    goal, config = trained_goal(world, variant), config_of(variant, training)
    seen = "fresh" if variant.images is None else f"{variant.images}"
    name = f"{training_identity(world, goal, config)[:24]}-{seen}.safetensors"
    return Order(goal, config, variant.images, cards / name)


def card_of(world: World, order: Order) -> Direction:
    """The direction of a training, from its card, or trained and kept.

    Raises KeyboardInterrupt where Ctrl-C cut the training, whose state is kept; otherwise what the
    training raises.
    """
    if order.card.exists():
        return Direction.load(order.card)
    plan = _plan(world, order)
    unfinished, name = order.card.with_suffix(".state"), order.card.stem

    def save(reached: State) -> None:
        save_state(unfinished, reached, name)

    state = load_state(unfinished, name, plan.start) or initial_state(plan.start)
    state = run(plan, state, lambda _: None, save=save)
    if state.step < plan.steps:
        raise KeyboardInterrupt
    (direction,) = finish(world, order.goal, order.config, plan, state)
    direction.save(order.card)
    with suppress(OSError):
        unfinished.unlink()
    return direction


def _plan(world: World, order: Order) -> Plan:
    if isinstance(order.config, PaperConfig):
        draws = draws_of(order.config, order.images, world.generator.z_dim)
        return paper_plan(world, order.goal, order.config, draws)
    return make_plan(world, order.goal, order.config)


def as_edited(generator: Generator, direction: Direction, variant: Variant) -> Direction:
    """The direction as the variant edits with it: only its layers, in its own unit of strength.

    One of W is told apart by rows of W+. Raises UnknownName for a layer that is not there.
    """
    if variant.fixed:
        direction = replace(direction, unit=1.0)
    if variant.within:
        direction = replace(direction, unit=direction.unit * min(1.0, direction.range[1]))
    if variant.layers is None:
        return direction
    vector: Tensor = direction.vector
    layers, space = direction.layers, direction.space
    if space == "w":
        layers, space = generator.layers("w+"), "w+"
        vector = vector.repeat(len(layers))
    kept = keep_layers(vector, layers, variant.layers)
    return replace(direction, vector=kept, layers=layers, space=space)
