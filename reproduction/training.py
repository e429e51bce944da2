"""Directions of variants, each kept in a card that is never trained again.

Training number t of any variant starts from seed t and draws its own images, so that two variants
with the same t differ in nothing but what is varied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

import eclipsed
from eclipsed.directions import Direction, keep_layers
from eclipsed.methods.paper import FIRST_SEED, Draw, PaperConfig, draw, paper_plan
from eclipsed.search.loop import finish, run
from eclipsed.search.optimizer import initial_state
from eclipsed.types import Generator, Goal, World
from reproduction.sweeps import Variant

# From the image seeds of one training to those of the next; more than a training has steps.
STRIDE = 1000


def own_seed(training: int) -> int:
    """The seed of the first image that this training of the paper's draws."""
    return FIRST_SEED + STRIDE * training


def draws_of(config: PaperConfig, images: int | None, z_dim: int) -> Callable[[int], Draw]:
    """The method's random draws of a step, with images that depend on the training's seed.

    images: steps cycle through that many; None draws fresh ones. The method's own seed has the
    method's own images.
    """
    first = own_seed(config.seed - PaperConfig.seed)

    def draws(step: int) -> Draw:
        if images is None:
            z = np.random.RandomState(first + step).randn(config.batch, z_dim)
        else:
            indices = [(config.batch * step + row) % images for row in range(config.batch)]
            z = np.stack([np.random.RandomState(first + index).randn(z_dim) for index in indices])
        return replace(draw(config, step, z_dim=z_dim), z=torch.from_numpy(z).float())

    return draws


def trained(world: World, variant: Variant, training: int, cards: Path) -> Direction:
    """The direction of a training, from its card in the folder, or trained and kept there.

    Raises KeyboardInterrupt where Ctrl-C cut the training, EclipsedError where it is refused.
    """
    goal = eclipsed.goal_from_prompt(
        variant.prompt, world, expand=variant.expand, chooser=variant.chooser
    )
    config = replace(variant.config, seed=variant.config.seed + training)
    path = cards / _card_name(world, goal, config, variant.images)
    if path.exists():
        return Direction.load(path)
    if isinstance(config, PaperConfig):
        draws = draws_of(config, variant.images, world.generator.z_dim)
        plan = paper_plan(world, goal, config, draws)
        state = run(plan, initial_state(plan.start), lambda _: None)
        if state.step < plan.steps:
            raise KeyboardInterrupt
        (direction,) = finish(world, goal, config, plan, state)
    else:
        direction = eclipsed.train_direction(world, goal, config)
        if direction.config["interrupted"]:
            raise KeyboardInterrupt
    cards.mkdir(parents=True, exist_ok=True)
    direction.save(path)
    return direction


def _card_name(world: World, goal: Goal, config: object, images: int | None) -> str:
    """Tells everything that decides the result."""
    facts = [world.generator.fingerprint, asdict(goal), type(config).__name__, asdict(config)]
    text = json.dumps([*facts, images], sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.safetensors"


def as_edited(generator: Generator, direction: Direction, variant: Variant) -> Direction:
    """The direction as the variant edits with it: its layers alone, in its unit of strength.

    One of W is split into rows of W+. Raises UnknownName for a layer that does not exist.
    """
    if variant.fixed:
        direction = replace(direction, unit=1.0)
    if variant.within:
        direction = replace(direction, unit=direction.unit * min(1.0, direction.range[1]))
    if variant.layers is None:
        return direction
    vector, layers, space = direction.vector, direction.layers, direction.space
    if space == "w":
        layers, space = generator.layers("w+"), "w+"
        vector = vector.repeat(len(layers))
    vector = keep_layers(vector, layers, variant.layers)
    return replace(direction, vector=vector, layers=layers, space=space)
