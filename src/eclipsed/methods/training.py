"""Find a direction by any method: the config says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from eclipsed.directions import Direction
from eclipsed.errors import BadSetting
from eclipsed.files import StrPath
from eclipsed.generators.spaces import best_space
from eclipsed.methods.method import choose
from eclipsed.methods.paper import PaperConfig
from eclipsed.methods.registry import config_for, method_named, method_of, names
from eclipsed.prompts.goals import as_goal
from eclipsed.search import loop
from eclipsed.search.loop import OnStep
from eclipsed.types import Goal, World


def train_direction(
    world: World,
    goal: Goal | str,
    config: Any = None,
    on_step: OnStep | None = None,
    *,
    method: str | None = None,
    stop: Callable[[], bool] | None = None,
    work: StrPath | None = None,
    log: StrPath | None = None,
    **settings: Any,
) -> Direction:
    """One direction for a goal or a prompt.

    `train_direction(world, "curly hair", method="paper", steps=3)` and a config of that method say
    the same. Of a method that reads no prompt, the direction that answers the prompt best.

    world: what it is found in. goal: a prompt, or what `goal_from_prompt` makes of one.
    config: any method's, as `config_for` gives it.
    on_step: called with a `State` after every step of a trained method; `progress()` shows a bar.
    method, settings: a method's name, "default" unless given, and settings of its config, such as
    steps and seed; in place of a config.
    stop: asked before every step; true ends the training, and what it learned is the direction.
    work: a folder for the training's state, from which the same call goes on if it was cut short.
    log: a file of JSON lines, one for each step.

    The result is a function of world, goal and config: bit-identical on the same machine with the
    same torch, device and number of threads.

    Raises BadSetting for a training of several directions at once, a setting that the method lacks
    or refuses, and settings beside a config; UnknownName for an unknown method or region.
    """
    goal = as_goal(goal, world)
    config = _configured(world, config, method, settings)
    if isinstance(config, PaperConfig) and config.directions != 1:
        raise BadSetting("Several directions at once come from train_directions, not from here.")
    directions = train_directions(world, goal, config, on_step, stop=stop, work=work, log=log)
    return directions[0] if method_of(config).takes == "prompt" else choose(world, goal, directions)


def train_directions(
    world: World,
    goal: Goal | str,
    config: Any = None,
    on_step: OnStep | None = None,
    *,
    method: str | None = None,
    stop: Callable[[], bool] | None = None,
    work: StrPath | None = None,
    log: StrPath | None = None,
    **settings: Any,
) -> list[Direction]:
    """All directions that a method finds: one, or as many as its config says.

    Takes and raises what `train_direction` does.
    """
    goal = as_goal(goal, world)
    config = _configured(world, config, method, settings)
    chosen = method_of(config)
    if chosen.plan is None:
        return chosen.find(world, goal, config)
    plan = chosen.plan(world, goal, config)
    folder, lines = (None if path is None else Path(path) for path in (work, log))
    return loop.train(world, goal, config, plan, on_step, stop=stop, work=folder, log=lines)


def _configured(world: World, config: Any, method: str | None, settings: dict[str, Any]) -> Any:
    """The config that was given, or the method's with these settings."""
    if config is None:
        config = config_for(method or "default", **settings)
        return config if settings.get("space") else on_generator(config, world)
    if method is not None or settings:
        given = ", ".join([*(["method"] if method is not None else []), *settings])
        raise BadSetting(
            f"A config says all settings already; {given} cannot stand beside it.",
            "Give either a config, or a method and its settings.",
        )
    return config


def on_generator(config: Any, world: World) -> Any:
    """The config in the generator's best space, where its own is one that the generator lacks."""
    spaces = (*world.generator.spaces, None)
    if "space" not in config.__dataclass_fields__ or config.space in spaces:
        return config
    return replace(config, space=best_space(world.generator))


def trained_methods() -> tuple[str, ...]:
    """The methods that train step by step, and so can be watched, stopped and resumed."""
    return tuple(name for name in names() if method_named(name).plan is not None)
