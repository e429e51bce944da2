"""Who takes part in a bench: every method of the table, and each preset of eclipsed's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eclipsed.directions import Direction
from eclipsed.errors import UnknownName
from eclipsed.methods.eclipsed import ECLIPSED, EclipsedConfig
from eclipsed.methods.method import Method, choose
from eclipsed.methods.registry import METHODS
from eclipsed.search.loop import PRESETS
from eclipsed.types import Goal, World


@dataclass(frozen=True)
class Contender:
    """A method with its numbers, under a name of its own."""

    name: str
    method: Method
    config: Any


def _all() -> dict[str, Contender]:
    presets = {name: Contender(name, ECLIPSED, EclipsedConfig(preset=name)) for name in PRESETS}
    others = {
        name: Contender(name, method, method.config())
        for name, method in METHODS.items()
        if method is not ECLIPSED
    }
    return presets | others


CONTENDERS = _all()


def contenders_named(names: Sequence[str]) -> tuple[Contender, ...]:
    """Contenders by their names; UnknownName, with those there are, for another."""
    for name in names:
        if name not in CONTENDERS:
            raise UnknownName(
                f"There is no contender {name!r}.", f"Choose from {', '.join(CONTENDERS)}."
            )
    return tuple(CONTENDERS[name] for name in names)


@dataclass(eq=False)
class Finder:
    """Finds directions on one world, and what needs no prompt only once.

    ready: what a method found without a prompt, by contender and regions.
    """

    world: World
    ready: dict[tuple[str, tuple[str, ...]], list[Direction]] = field(default_factory=dict)

    def prepare(self, contender: Contender, goal: Goal) -> bool:
        """Do what does not depend on the prompt; whether there was anything to do."""
        method = contender.method
        key = self._key(contender, goal)
        if method.takes == "prompt" or key in self.ready:
            return False
        untold = replace(goal, prompt="", neutral="") if method.takes == "regions" else None
        self.ready[key] = method.find(self.world, untold, contender.config)
        return True

    def find(self, contender: Contender, goal: Goal, image: int | None = None) -> Direction:
        """The direction for a goal, of everybody or of the one image of a seed.

        Raises what the method raises.
        """
        method, config = contender.method, contender.config
        if method.takes != "prompt":
            self.prepare(contender, goal)
            return choose(self.world, goal, self.ready[self._key(contender, goal)])
        if image is not None:
            config = replace(config, image=image)
        return method.find(self.world, goal, config)[0]

    @staticmethod
    def _key(contender: Contender, goal: Goal) -> tuple[str, tuple[str, ...]]:
        return contender.name, goal.regions if contender.method.takes == "regions" else ()
