"""Finds directions by any method on one world, and what needs no prompt only once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from eclipsed.directions import Direction
from eclipsed.methods.method import Method, choose
from eclipsed.types import Goal, World


@dataclass(eq=False)
class Finder:
    """Where to look, and what was found there before."""

    world: World
    # What a method found without a prompt, by its name and regions.
    ready: dict[tuple[str, tuple[str, ...]], list[Direction]] = field(default_factory=dict)

    def prepare(self, method: Method, goal: Goal) -> bool:
        """Do what does not depend on the prompt; whether there was anything to do."""
        key = self._key(method, goal)
        if method.takes == "prompt" or key in self.ready:
            return False
        self.ready[key] = method.find(self.world, Goal("", "", key[1]), method.config())
        return True

    def find(self, method: Method, goal: Goal, image: int | None = None) -> Direction:
        """The direction for a goal, of everybody or of the one image of a seed.

        Raises what the method raises.
        """
        if method.takes != "prompt":
            self.prepare(method, goal)
            return choose(self.world, goal, self.ready[self._key(method, goal)])
        config = method.config()
        if image is not None:
            config = replace(config, image=image)
        return method.find(self.world, goal, config)[0]

    @staticmethod
    def _key(method: Method, goal: Goal) -> tuple[str, tuple[str, ...]]:
        return method.name, goal.regions if method.takes == "regions" else ()
