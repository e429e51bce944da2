"""How long things take on this machine: `make bench`, or `python -m benchmarks.speed`.

Prints one JSON object: medians of seconds over repeats, after one run that is not counted.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import eclipsed
from eclipsed import Direction, Edit, EditStack, World

PROMPT = "curly hair"
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


def train(world: World, preset: str) -> tuple[Direction, float]:
    """A direction, and the seconds from prompt to direction, scores left out."""
    began = time.perf_counter()
    goal = eclipsed.goal_from_prompt(PROMPT, world)
    direction = eclipsed.train_direction(world, goal, eclipsed.config_for(preset))
    return direction, round(time.perf_counter() - began, 4)


def measure() -> dict[str, Any]:
    """Everything, as plain JSON."""
    began = time.perf_counter()
    world = eclipsed.load_world("starter")
    times: dict[str, float] = {"load the world": round(time.perf_counter() - began, 4)}
    generator, seeds = world.generator, range(IMAGES)
    latents = generator.sample(seeds)
    eclipsed.goal_from_prompt(PROMPT, world)  # loads the sentence encoder, once a process
    for preset in ("paper", "default"):
        direction, times[f"train, preset {preset}"] = train(world, preset)
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
