"""Prompts that ask for several changes: each trained for itself, against all of them as one.

    python -m benchmarks.composite ["red hair and sunglasses;a hat and a beard"]

Preset default on the starter world, judged on 32 held-out seeds; a seed counts as a success where
it shows all that was asked for. Prints a Markdown table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import eclipsed
from eclipsed import Direction, Goal, World
from eclipsed.evaluation.evaluate import QUICK_SEEDS, score_direction
from eclipsed.methods.default import DefaultConfig, default_plan
from eclipsed.search.loop import finish, run
from eclipsed.search.optimizer import initial_state

PROMPTS = (
    "red hair and sunglasses",
    "blond curly hair and a smile",
    "a beanie and a full beard",
    "closed eyes and an open mouth",
    "no beard and no glasses",
    "a woman with gray hair and round glasses",
    "a blue hoodie on a yellow background",
    "long hair, raised eyebrows and the tongue out",
    "a blue hoodie",
    "long red hair",
)
SHOWN = ("success", "reversal", "locality", "preservation", "monotonicity")


def as_one(world: World, goal: Goal, config: DefaultConfig) -> Direction:
    """The direction of the whole prompt, in one run of layers."""
    plan = default_plan(world, goal, config)
    state = run(plan, initial_state(plan.start), lambda _: None)
    return finish(world, goal, config, plan, state)[0]


def rows(
    world: World, prompt: str, config: DefaultConfig, seeds: Sequence[int] = QUICK_SEEDS
) -> list[str]:
    """Two lines of the table for a prompt."""
    goal = eclipsed.goal_from_prompt(prompt, world)
    lines = []
    for name, train in (("each for itself", eclipsed.train_direction), ("as one", as_one)):
        began = time.perf_counter()
        direction = train(world, goal, config)
        seconds = time.perf_counter() - began
        scores = score_direction(world, direction, seeds=seeds)
        cells = ["–" if (one := scores[key]) is None else f"{one['median']:.2f}" for key in SHOWN]
        lines.append(f"| {prompt} | {name} | {' | '.join(cells)} | {seconds:.0f} |")
    return lines


def main(prompts: Sequence[str] = PROMPTS) -> None:
    """Print the table as it comes."""
    world = eclipsed.load_world("starter")
    print(f"| prompt | trained | {' | '.join(SHOWN)} | seconds |")
    print("|---" * (len(SHOWN) + 3) + "|")
    for prompt in prompts:
        print("\n".join(rows(world, prompt, DefaultConfig())), flush=True)


if __name__ == "__main__":
    main(*[text.split(";") for text in sys.argv[1:2]])
