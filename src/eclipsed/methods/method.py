"""What all methods have in common: a signature, the images they rank, and calibration.

Strength 1 means the same for the directions of all methods: what `calibration` makes of it on seeds
that no method uses otherwise. Judges are never asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import NETWORKS, Key, remembered
from eclipsed.directions import Direction
from eclipsed.files import sha256_of, word_lists
from eclipsed.generators.spaces import best_space, longest_layer
from eclipsed.search import calibration
from eclipsed.search.loop import as_direction, train
from eclipsed.search.losses import alignment
from eclipsed.search.plan import Plan
from eclipsed.search.pool import SEEDS, Pool, View, build_pool, picture, text_direction, view_of
from eclipsed.types import Goal, Space, World

# Of every method that caches its directions, calibration included: to be raised when the same
# config comes to mean other directions.
VERSION = 3
# How many of calibration's seeds tell which direction answers a prompt best.
CHOOSING = 16
# The longest layer of a vector, in units of that layer's spread, before calibration.
LONGEST = 0.7

# What a method reads of a goal: its prompt and regions, its regions only, or nothing at all.
Takes = Literal["prompt", "regions", "nothing"]
# World, goal and config → calibrated directions.
Find = Callable[[World, Goal, Any], list[Direction]]
MakePlan = Callable[[World, Goal, Any], Plan]


@dataclass(frozen=True)
class Method:
    """A way to find directions."""

    # Its name in the registry, on the command line and on cards.
    name: str
    # Who proposed it, and where.
    paper: str
    # What it does, in one sentence.
    about: str
    # What is not as in the paper.
    differs: str
    # What `find` reads of a goal.
    takes: Takes
    # A frozen dataclass of its own, whose fields all have defaults.
    config: type[Any]
    find: Find
    # Whether a direction is meant for the one image of config's `image` only.
    per_image: bool = False
    # Of a method that is trained step by step: what `search.loop` runs.
    plan: MakePlan | None = None


def described(name: str, config: type[Any], find: Find, plan: MakePlan | None = None) -> Method:
    """One of the package's own methods, with what `methods.toml` says of it."""
    facts = word_lists("eclipsed.methods", "methods.toml")[name]
    return Method(name=name, config=config, find=find, plan=plan, **facts)


def trained(name: str, config: type[Any], plan: MakePlan) -> Method:
    """A method whose `find` trains its plan; its config says its `method` and `space`."""

    def find(world: World, goal: Goal, config: Any) -> list[Direction]:
        return train(world, goal, config, plan(world, goal, config))

    return described(name, config, find, plan)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The pool as a prompt ranks it: unit text direction [E], and where images lie along it [P]."""

    view: View
    pool: Pool
    text: Tensor
    along: Tensor

    def best(self, count: int) -> Float[Tensor, "n d"]:
        """Latents of the images that answer the prompt best, best first."""
        return self.pool.latents[self.along.topk(count).indices]

    def worst(self, count: int) -> Float[Tensor, "n d"]:
        """Latents of the images that answer it least, worst first."""
        return self.pool.latents[(-self.along).topk(count).indices]


@torch.no_grad()
def rank(world: World, goal: Goal, space: Space, seeds: Sequence[int] = SEEDS) -> Ranking:
    """Sample seeds (once a world) and rank them by a prompt."""
    view = view_of(world, space)
    pool = build_pool(view, seeds)
    text = text_direction(view, goal)
    return Ranking(view, pool, text, pool.embeddings @ text)


@torch.no_grad()
def calibrated(
    world: World,
    vector: Float[Tensor, " d"],
    goal: Goal,
    config: Any,
    *,
    method: str,
    space: Space,
    name: str = "",
    **facts: Any,
) -> Direction:
    """A direction of a vector of any length; only its shape and sign matter.

    Strength 1 is where the goal's prompt is reached; without one, where images have changed half as
    much as two random images differ. name: the prompt unless given. facts: what the method found
    out, for the card, beside the fields of its config.
    """
    name = name or goal.prompt or method
    facts = asdict(config) | facts
    return _calibrated(world, vector, goal, space, method=method, name=name, config=facts)


def _calibrated(world: World, vector: Tensor, goal: Goal, space: Space, **card: Any) -> Direction:
    vector = vector * (LONGEST / max(1e-12, longest_layer(world.generator, space, vector)))
    done = calibration.calibrate_for(view_of(world, space), vector, goal)
    return as_direction(world, vector, goal, space=space, unit=done.unit, range=done.range, **card)


def for_one_image(
    view: View, vector: Float[Tensor, " d"], goal: Goal, config: Any, *, method: str
) -> Direction:
    """A direction that was made for the image of config's `image`: strength 1 is the edited image.

    The vector leads from that image's latent to the edited one, and stays as it is. Its range ends
    at 1: nothing was synthesised beyond, nor at negative strengths.
    """
    return as_direction(
        view.world,
        vector,
        goal,
        space=view.space,
        method=method,
        config=asdict(config),
        name=f"{goal.prompt}, image {config.image}",
        unit=1.0,
        range=(0.0, 1.0),
    )


def key_of_method(world: World, method: str, config: Any, *facts: Any) -> Key:
    """The key of directions that a method finds without a prompt; facts as in `View.key`."""
    view = view_of(world, best_space(world.generator))
    return view.key("methods", VERSION, NETWORKS, method, asdict(config), *facts)


Moves = dict[float, Float[Tensor, "n e"]]


def _moves(world: World, directions: Sequence[Direction]) -> list[Moves]:
    """For each direction: sign → how the embeddings of a few images change at strength ±1."""
    seeds = calibration.SEEDS[:CHOOSING]
    before: dict[Space, tuple[View, Tensor, Tensor]] = {}
    for space in {direction.space for direction in directions}:
        view = view_of(world, space)
        latents = world.generator.sample(seeds, truncation=view.truncation, space=space)
        before[space] = view, latents, picture(view, latents)[1]
    moves = []
    for direction in directions:
        view, latents, embeddings = before[direction.space]
        step = direction.scaled().to(latents)
        ends = {sign: picture(view, latents + sign * step)[1] for sign in (1.0, -1.0)}
        moves.append({sign: end - embeddings for sign, end in ends.items()})
    return moves


@torch.no_grad()
def choose(world: World, goal: Goal, directions: Sequence[Direction]) -> Direction:
    """Of directions that were found without a prompt, the one that answers it best, with the sign
    that does; calibrated for the goal. Raises ValueError where there is none.

    Judged by the training encoder on a few seeds at strength ±1.
    """
    if not directions:
        raise ValueError("there is no direction to choose from")
    view = view_of(world, best_space(world.generator))
    text = text_direction(view, goal)
    # What directions do to images does not depend on the prompt that one is chosen for.
    facts = [[sha256_of(each.vector), each.unit, each.space] for each in directions]
    key = view.key("moves", VERSION, ("generator", "encoder"), facts)
    moves = remembered(key, lambda: _moves(world, directions))
    gains = {
        (index, sign): float(alignment(end, text).mean())
        for index, ends in enumerate(moves)
        for sign, end in ends.items()
    }
    index, sign = max(gains, key=gains.__getitem__)
    chosen = directions[index]
    vector = sign * chosen.vector.to(world.generator.device)
    config = {**chosen.config, "chosen": chosen.name, "sign": sign, "of": len(directions)}
    name, method = goal.prompt or chosen.method, chosen.method
    return _calibrated(world, vector, goal, chosen.space, method=method, name=name, config=config)
