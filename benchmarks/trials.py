"""What a change of method default's numbers does, judged on held-out seeds of the starter world.

    python -m benchmarks.trials [FIELD=VALUE[,FIELD=VALUE…] …]     # as it is, then each change
    python -m benchmarks.trials --prompts "blond hair;red hair" …  # on other prompts

Prints a Markdown table: seconds of training, and over the prompts the mean of each score (medians
over seeds, or shares where things are counted).
"""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import eclipsed
from eclipsed import World
from eclipsed.evaluation.evaluate import score_direction
from eclipsed.evaluation.scores import KEYS
from eclipsed.methods.default import DefaultConfig

PROMPTS = (
    "curly hair",
    "blond hair",
    "sunglasses",
    "open mouth",
    "a long beard",
    "angry eyebrows",
    "pink hair",
    "a green hoodie",
    "toothy smile",
    "blond curly hair and a smile",
)
SEEDS = range(1_000_000, 1_000_032)
STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def changes(text: str) -> dict[str, Any]:
    """The fields that an argument such as "steps=24,rate=0.005" changes."""
    call = ast.parse(f"changed({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(pair.arg): ast.literal_eval(pair.value) for pair in call.keywords}


def trial(
    world: World, config: DefaultConfig, prompts: Sequence[str], seeds: Sequence[int]
) -> dict[str, float]:
    """Means over the prompts: seconds of training, and the scores that are known."""
    seconds: list[float] = []
    found: dict[str, list[float]] = {key: [] for key in KEYS}
    for prompt in prompts:
        goal = eclipsed.goal_from_prompt(prompt, world)
        began = time.perf_counter()
        direction = eclipsed.train_direction(world, goal, config)
        seconds.append(time.perf_counter() - began)
        scores = score_direction(world, direction, seeds=seeds, strengths=STRENGTHS)
        for key, score in scores.items():
            if score is not None:
                found[key].append(score["median"])
    return {"seconds": fmean(seconds), **{key: fmean(row) for key, row in found.items() if row}}


def main(
    arguments: Sequence[str],
    world: World | None = None,
    prompts: Sequence[str] = PROMPTS,
    seeds: Sequence[int] = SEEDS,
) -> None:
    """Print the table, a row as soon as it is known."""
    made = eclipsed.load_world("starter") if world is None else world
    columns = ("seconds", *KEYS)
    print(f"| changed | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for text in ("", *arguments):
        row = trial(made, DefaultConfig(**changes(text)), prompts, seeds)
        cells = [f"{row[key]:.2f}" if key in row else "–" for key in columns]
        print(f"| {text or 'nothing'} | {' | '.join(cells)} |", flush=True)


def asked(arguments: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The prompts that the command line names, or PROMPTS, and the changes."""
    if arguments and arguments[0] == "--prompts":
        _, prompts, *rest = arguments
        return tuple(part.strip() for part in prompts.split(";")), rest
    return PROMPTS, list(arguments)


if __name__ == "__main__":
    which, wanted = asked(sys.argv[1:])
    main(wanted, prompts=which)
