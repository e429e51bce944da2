"""How long things take on this machine: `make bench`, or `python -m benchmarks.speed`.

Prints one JSON object: medians of seconds over repeats, after one run that is not counted.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import eclipsed
from eclipsed import Direction, Edit, EditStack, World
from eclipsed.evaluation.evaluate import QUICK_SEEDS
from eclipsed.methods.forward import FORWARD
from eclipsed.search import preflight

PROMPT = "curly hair"
PROMPTS = ("blond hair", "sunglasses", "an open mouth", "a beard", "a green hoodie")
IMAGES = 32
REPEATS = 5


def seconds(job: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median time of a job, after one uncounted run."""
    job()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        job()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 4)


def train(world: World, method: str) -> tuple[Direction, float]:
    """A direction, and the seconds from prompt to direction, scores left out."""
    began = time.perf_counter()
    goal = eclipsed.goal_from_prompt(PROMPT, world)
    direction = eclipsed.train_direction(world, goal, eclipsed.config_for(method))
    return direction, round(time.perf_counter() - began, 4)


def card(world: World, prompt: str, method: str, place: Path) -> float:
    """Seconds from a prompt to a direction that is calibrated, scored and saved, the look before it
    included, as `eclipsed train` does it; of the method that trains nothing, to the direction
    alone."""
    began = time.perf_counter()
    goal = eclipsed.goal_from_prompt(prompt, world)
    if method == "forward":
        FORWARD.find(world, goal, FORWARD.config())
    else:
        preflight.check(world, goal)
        direction = eclipsed.train_direction(world, goal)
        eclipsed.scored(world, direction, seeds=QUICK_SEEDS).save(place)
    return time.perf_counter() - began


def cards(world: World, method: str) -> float:
    """The median of `card` over prompts, after one that is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "card.safetensors"
        times = [card(world, prompt, method, place) for prompt in (PROMPT, *PROMPTS)]
    return round(statistics.median(times[1:]), 4)


def measure() -> dict[str, Any]:
    """Everything, as plain JSON."""
    began = time.perf_counter()
    world = eclipsed.load_world("starter")
    times: dict[str, float] = {"load the world": round(time.perf_counter() - began, 4)}
    generator, seeds = world.generator, range(IMAGES)
    latents = generator.sample(seeds)
    eclipsed.goal_from_prompt(PROMPT, world)  # loads the sentence encoder, once a process
    for method in ("paper", "default"):
        direction, times[f"train, method {method}"] = train(world, method)
    times["prompt to scored card"] = cards(world, "eclipsed")
    times["prompt to direction, no training"] = cards(world, "forward")
    stack = EditStack((Edit(direction),))
    times |= {
        f"sample {IMAGES} latents": seconds(lambda: generator.sample(seeds)),
        f"render {IMAGES} images": seconds(
            lambda: eclipsed.render(generator, latents, EditStack())
        ),
        "edit one image": seconds(lambda: eclipsed.render(generator, latents[:1], stack)),
        "score a direction": seconds(lambda: eclipsed.score_direction(world, direction), 1),
    }
    return {"machine": machine(), "seconds": times}


def machine() -> dict[str, Any]:
    """What the times depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "eclipsed": eclipsed.__version__,
    }


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=2)
    print()
