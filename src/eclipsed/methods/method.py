"""What the ways to find a direction share: a signature, what they look at, and how they end.

Every method hands back directions of one kind, whose strength 1 means the same for all: what
`calibration` makes of it on seeds that no method looks at otherwise. Judges are never asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import NETWORKS, Key, remembered
from eclipsed.directions import Direction
from eclipsed.files import sha256_of
from eclipsed.generators.spaces import best_space, longest_layer
from eclipsed.search import calibration
from eclipsed.search.calibration import calibrate_for
from eclipsed.search.loop import train
from eclipsed.search.losses import alignment
from eclipsed.search.plan import Plan
from eclipsed.search.pool import SEEDS, Pool, View, build_pool, picture, text_direction, view_of
from eclipsed.types import Goal, Space, World

# Of every method that caches its directions, calibration included: to be raised when the same
# config comes to mean other directions.
VERSION = 1
# So many of them tell which direction answers a prompt best.
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

    # What it is called by, everywhere.
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


def trained(
    *, name: str, paper: str, about: str, differs: str, config: type[Any], plan: MakePlan
) -> Method:
    """A method that is trained: `find` runs its plan. Its config says its `method` and `space`."""

    def find(world: World, goal: Goal, config: Any) -> list[Direction]:
        return train(world, goal, config, plan(world, goal, config))

    return Method(name, paper, about, differs, "prompt", config, find, plan=plan)


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
    text = text_direction(world, goal)
    return Ranking(view, pool, text, pool.embeddings @ text)


@torch.no_grad()
def calibrated(
    world: World,
    vector: Float[Tensor, " d"],
    *,
    method: str,
    space: Space,
    config: Any,
    goal: Goal | None,
    name: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Direction:
    """A direction of a vector of any length; only its sense and shape matter.

    With a goal, strength 1 is where its prompt is reached; without one, where images have changed
    half as much as two random images differ. name: the prompt unless given. facts: what the method
    found out, for the card, beside the fields of its config, where there is one.
    """
    generator = world.generator
    vector = vector * (LONGEST / max(1e-12, longest_layer(generator, space, vector)))
    done = calibrate_for(view_of(world, space), vector, goal)
    return as_direction(
        world,
        vector,
        method=method,
        space=space,
        config={**(asdict(config) if config else {}), **(facts or {})},
        goal=goal,
        name=name or (goal.prompt if goal else "") or method,
        unit=done.unit,
        range_=done.range,
    )


def for_one_image(
    world: World,
    vector: Float[Tensor, " d"],
    *,
    method: str,
    space: Space,
    config: Any,
    goal: Goal,
    facts: Mapping[str, Any] | None = None,
) -> Direction:
    """A direction that was made for the image of config's `image`: strength 1 is what was found.

    The vector leads from that image's latent to the edited one, and is kept as it is. Its range
    ends at 1: nothing was looked at beyond, nor on the other side. facts: as in `calibrated`.
    """
    return as_direction(
        world,
        vector,
        method=method,
        space=space,
        config={**asdict(config), **(facts or {})},
        goal=goal,
        name=f"{goal.prompt}, image {config.image}",
        unit=1.0,
        range_=(0.0, 1.0),
    )


def as_direction(
    world: World,
    vector: Float[Tensor, " d"],
    *,
    method: str,
    space: Space,
    config: dict[str, Any],
    goal: Goal | None,
    name: str,
    unit: float,
    range_: tuple[float, float],
) -> Direction:
    """A vector as a direction of the world's generator, with nothing measured or changed."""
    generator = world.generator
    return Direction(
        vector=vector,
        name=name,
        prompt=goal.prompt if goal else "",
        neutral=goal.neutral if goal else "",
        regions=goal.regions if goal else (),
        space=space,
        layers=generator.layers(space),
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method=method,
        config=config,
        unit=unit,
        range=range_,
    )


def key_of_method(world: World, method: str, config: Any, *facts: Any) -> Key:
    """The key of directions that a method finds without a prompt; facts as in `View.key`."""
    view = view_of(world, best_space(world.generator))
    return view.key("methods", VERSION, NETWORKS, method, asdict(config), *facts)


Moves = dict[float, Float[Tensor, "n e"]]


def _moves(world: World, directions: Sequence[Direction]) -> list[Moves]:
    """For each direction: sign → how the embeddings of a few images change at strength ±1."""
    before: dict[Space, tuple[View, Tensor, Tensor]] = {}
    for space in {direction.space for direction in directions}:
        view = view_of(world, space)
        latents = world.generator.sample(
            calibration.SEEDS[:CHOOSING], truncation=view.truncation, space=space
        )
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
    """Of directions that were found without a prompt, the one that answers it best, in the sense
    (sign) that does; calibrated for the goal.

    Judged by the training encoder on a few seeds at strength ±1.
    """
    text = text_direction(world, goal)
    # What directions do to images does not depend on the prompt that one is chosen for.
    facts = [[sha256_of(each.vector), each.unit, each.space] for each in directions]
    view = view_of(world, best_space(world.generator))
    key = view.key("moves", VERSION, ("generator", "encoder"), facts)
    moves = remembered(key, lambda: _moves(world, directions))
    best: tuple[float, Direction, float] | None = None
    for direction, ends in zip(directions, moves, strict=True):
        for sign, end in ends.items():
            gain = float(alignment(end, text).mean())
            if best is None or gain > best[0]:
                best = (gain, direction, sign)
    if best is None:
        raise ValueError("there is no direction to choose from")
    _, direction, sign = best
    return calibrated(
        world,
        sign * direction.vector.to(world.generator.device),
        method=direction.method,
        space=direction.space,
        config=None,
        goal=goal,
        facts={**direction.config, "chosen": direction.name, "sign": sign, "of": len(directions)},
    )
