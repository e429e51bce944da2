"""Finding a direction by another method than the package's own, for `train --method`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eclipsed.cli import console

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.methods.method import Method
    from eclipsed.types import Goal, World

# Finds a direction for a goal on a world, and writes its card.
Find = Callable[["World", "Goal", Path], "Direction"]


def by_method(name: str, **changes: Any) -> Find:
    """How to find a direction by the method of this name.

    changes: of the method's numbers. Raises BadParameter for one that makes no sense.
    """
    from eclipsed.methods.registry import method_named

    method = method_named(name)
    config = method_config(method, **changes)

    def find(world: World, goal: Goal, card: Path) -> Direction:
        direction = _found(method, world, goal, config)
        direction.save(card)
        return direction

    return find


def method_config(method: Method, **changes: Any) -> Any:
    """The method's numbers with the changes that are not None.

    Raises BadParameter for a change that the method does not know or that makes no sense, and
    where it is not said which image a method changes that changes one.
    """
    asked = {key: value for key, value in changes.items() if value is not None}
    known = {field.name for field in fields(method.config)}
    for name in asked:
        if name not in known:
            raise typer.BadParameter(
                f"the method {method.name} has no such setting.", param_hint=f"--{name}"
            )
    if method.per_image and "image" not in asked:
        raise typer.BadParameter(
            f"the method {method.name} changes one image: say the seed of which.",
            param_hint="--image",
        )
    try:
        return method.config(**asked)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _found(method: Method, world: World, goal: Goal, config: Any) -> Direction:
    """What the method finds; where it reads no prompt, what answers the prompt best of that."""
    from eclipsed.methods.method import choose

    console.note(f"looking for '{goal.prompt}' by {method.name}")
    try:
        found = method.find(world, goal, config)
        return found[0] if method.takes == "prompt" else choose(world, goal, found)
    except KeyboardInterrupt:
        raise console.Stopped("Stopped before there was a direction to keep.") from None
