"""Find a direction by any method: the config says which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eclipsed.directions import Direction
from eclipsed.errors import BadSetting
from eclipsed.generators.spaces import best_space
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.method import choose
from eclipsed.methods.paper import PaperConfig
from eclipsed.methods.registry import method_named, method_of, names
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import loop
from eclipsed.search.loop import OnStep
from eclipsed.types import Goal, World


def train_direction(
    world: World,
    goal: Goal | str,
    config: Any = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> Direction:
    """One direction for a goal or a prompt; arguments as in `train_directions`.

    Of a method that reads no prompt, the one that answers the prompt best. Raises BadSetting for a
    training of several at once.
    """
    if isinstance(config, PaperConfig) and config.directions != 1:
        raise BadSetting("Several directions at once come from train_directions, not from here.")
    goal = goal_from_prompt(goal, world) if isinstance(goal, str) else goal
    directions = train_directions(world, goal, config, on_step, **options)
    if config is None or method_of(config).takes == "prompt":
        return directions[0]
    return choose(world, goal, directions)


def train_directions(
    world: World,
    goal: Goal | str,
    config: Any = None,
    on_step: OnStep | None = None,
    *,
    stop: Callable[[], bool] | None = None,
    work: Path | None = None,
    log: Path | None = None,
) -> list[Direction]:
    """The directions that a method finds: one, or as many as its config says.

    config: any method's; without one, the default method's in the generator's best space.
    on_step: called after every step of a trained method. stop, work, log: of trained methods, see
    `search.loop.train`.

    The result is a function of world, goal and config: bit-identical on the same machine with the
    same torch, device and number of threads. Raises EclipsedError (and its kinds) for what the
    user can mend.
    """
    goal = goal_from_prompt(goal, world) if isinstance(goal, str) else goal
    config = config or DefaultConfig(space=best_space(world.generator))
    method = method_of(config)
    if method.plan is None:
        return method.find(world, goal, config)
    plan = method.plan(world, goal, config)
    return loop.train(world, goal, config, plan, on_step, stop=stop, work=work, log=log)


def trained_methods() -> tuple[str, ...]:
    """The methods that train step by step, and so can be watched, stopped and resumed."""
    return tuple(name for name in names() if method_named(name).plan is not None)
