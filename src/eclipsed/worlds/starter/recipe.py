"""Remakes the starter world from nothing: trains, writes the weights, measures them, reports.

    python -m eclipsed.worlds.starter.recipe            # the shipped world; hours, resumable
    python -m eclipsed.worlds.starter.recipe --smoke    # the same path in a few minutes, useless weights

Checkpoints and logs lie in the user's cache, outside the work tree; run it again to go on.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path
from torch import nn

from eclipsed.files import write_atomic
from eclipsed.worlds.starter import sizes
from eclipsed.worlds.starter.batches import Job
from eclipsed.worlds.starter.design import mapping_tensors
from eclipsed.worlds.starter.evaluate import evaluate
from eclipsed.worlds.starter.fit_encoder import fit_encoder
from eclipsed.worlds.starter.fit_generator import STAGES, Stage, fit_generator
from eclipsed.worlds.starter.fit_oracle import fit_oracle
from eclipsed.worlds.starter.fit_segmenter import fit_segmenter
from eclipsed.worlds.starter.models import (
    save_encoder,
    save_generator,
    save_judges,
    save_segmenter,
    visibility_table,
)
from eclipsed.worlds.starter.world import (
    ENCODER,
    FILES,
    GENERATOR,
    JUDGES,
    RECORD,
    SEGMENTER,
    WEIGHTS,
    load_starter,
)


@dataclass(frozen=True)
class Recipe:
    """How long each network is trained, and on how many draws the result is measured."""

    stages: Sequence[Stage] = STAGES
    jobs: dict[str, Job] = field(default_factory=lambda: copy.copy(sizes.JOBS))
    measured_on: int = 512

    def __post_init__(self) -> None:
        if set(self.jobs) != set(sizes.JOBS) or self.measured_on < 1:
            raise ValueError("a recipe needs a job for every network and something to measure on")


def smoke_recipe() -> Recipe:
    """The whole path in minutes, to test it: the weights are useless."""
    stages = [Stage(32, 64, 0.05), Stage(128, 32, 0.05)]
    jobs = {name: replace(job, images=64, batch=16) for name, job in sizes.JOBS.items()}
    return Recipe(stages=stages, jobs=jobs, measured_on=16)


def train_networks(
    recipe: Recipe, work: Path, *, compiled: bool
) -> dict[str, Callable[[], nn.Module]]:
    """Name → a function that trains (or resumes, or just loads) that network in `work`."""
    jobs = recipe.jobs
    return {
        "generator": lambda: fit_generator(work, stages=recipe.stages, compiled=compiled),
        "segmenter": lambda: fit_segmenter(
            work, jobs["segmenter"], sizes.WORLD_UNET, compiled=compiled
        ),
        "encoder": lambda: fit_encoder(
            work, jobs["encoder"], sizes.WORLD_TOWER, hidden=sizes.WORLD_HIDDEN, compiled=compiled
        ),
        "oracle": lambda: fit_oracle(work, jobs["oracle"], sizes.ORACLE_TOWER, compiled=compiled),
        "judge-encoder": lambda: fit_encoder(
            work,
            jobs["judge-encoder"],
            sizes.JUDGE_TOWER,
            hidden=sizes.JUDGE_HIDDEN,
            name="judge-encoder",
            compiled=compiled,
        ),
        "judge-segmenter": lambda: fit_segmenter(
            work,
            jobs["judge-segmenter"],
            sizes.JUDGE_UNET,
            name="judge-segmenter",
            compiled=compiled,
        ),
    }


def write_world(networks: dict[str, Any], recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Write the weights of trained networks, measure them, and record both in `world.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_generator(networks["generator"], mapping_tensors(), folder / GENERATOR)
    save_encoder(networks["encoder"], folder / ENCODER)
    save_segmenter(networks["segmenter"], folder / SEGMENTER)
    save_judges(
        networks["oracle"],
        networks["judge-encoder"],
        networks["judge-segmenter"],
        visibility_table(),
        folder / JUDGES,
    )
    record: dict[str, Any] = {
        "format": 1,
        "sha256": {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in FILES},
        "bytes": {n: (folder / n).stat().st_size for n in FILES},
        "recipe": {
            "generator": [asdict(stage) for stage in recipe.stages],
            **{name: asdict(job) for name, job in recipe.jobs.items()},
        },
    }
    _write_record(folder, record)
    record["scores"] = evaluate(load_starter(folder), recipe.measured_on)
    _write_record(folder, record)
    return record


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    write_atomic(folder / RECORD, (json.dumps(record, indent=2) + "\n").encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: train what is not yet trained, then write and measure the world."""
    parser = argparse.ArgumentParser(description="Remake the starter world's weights.")
    parser.add_argument("--smoke", action="store_true", help="a few minutes, useless weights")
    parser.add_argument(
        "--work", type=Path, help="checkpoints and logs (default: the user's cache)"
    )
    parser.add_argument("--out", type=Path, help="where the weights go (default: the package)")
    parser.add_argument(
        "--only",
        choices=sorted(sizes.JOBS | {"generator": None}),
        help="train this one, write nothing",
    )
    chosen = parser.parse_args(arguments)
    recipe = smoke_recipe() if chosen.smoke else Recipe()
    cache = user_cache_path("eclipsed") / ("smoke" if chosen.smoke else "training")
    work, out = chosen.work or cache, chosen.out or (cache / "world" if chosen.smoke else WEIGHTS)
    compiled = not chosen.smoke and shutil.which("g++") is not None
    trainers = train_networks(recipe, work, compiled=compiled)
    if chosen.only:
        trainers[chosen.only]()
        return 0
    networks = {}
    for name, train in trainers.items():
        print(f"{name} (log: {work / name}*.jsonl)", file=sys.stderr, flush=True)  # noqa: T201
        networks[name] = train()
        torch._dynamo.reset()  # type: ignore[no-untyped-call]
    record = write_world(networks, recipe, out)
    print(json.dumps(record["scores"], indent=2))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
