"""Trains the networks of the world of heads.

    python -m kits.heads.store --people 50000      # renders, once; may run beside the training
    python -m kits.heads.recipe --only generator   # hours, resumable
    python -m kits.heads.recipe --only segmenter   # half an hour; oracle, judge-segmenter as well

Checkpoints and logs lie in the user's cache, outside the work tree; run it again to go on.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from eclipsed.cache import cache_folder
from eclipsed.errors import EclipsedError
from eclipsed.worlds.heads import models
from kits.fitting import Job
from kits.heads.fit_generator import fit_generator
from kits.heads.fit_oracle import fit_oracle
from kits.heads.fit_segmenter import fit_segmenter
from kits.heads.store import default_folder

JOBS: dict[str, Job] = {
    "segmenter": Job(images=48_000, rate=2e-3, batch=32, seed=111),
    "oracle": Job(images=160_000, rate=2e-3, seed=131),
    "judge-segmenter": Job(images=40_000, rate=2e-3, batch=32, seed=151),
}
# How each network is trained, told (work, store, **options of torch).
TRAINERS: dict[str, Callable[..., Any]] = {
    "generator": fit_generator,
    "segmenter": partial(fit_segmenter, job=JOBS["segmenter"], widths=models.WORLD_UNET),
    "oracle": partial(fit_oracle, job=JOBS["oracle"], tower=models.ORACLE_TOWER),
    "judge-segmenter": partial(
        fit_segmenter,
        job=JOBS["judge-segmenter"],
        widths=models.JUDGE_UNET,
        name="judge-segmenter",
    ),
}


def default_work() -> Path:
    """Where checkpoints and logs lie."""
    return cache_folder() / "training" / "heads"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the networks of the world of heads.")
    parser.add_argument("--only", choices=TRAINERS, required=True, help="the network to train")
    parser.add_argument("--work", type=Path, default=default_work(), help="checkpoints and logs")
    parser.add_argument("--store", type=Path, default=default_folder(), help="rendered people")
    parser.add_argument("--eager", action="store_true", help="do without torch.compile")
    chosen = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    compiled = not chosen.eager and shutil.which("g++") is not None
    try:
        TRAINERS[chosen.only](chosen.work, chosen.store, device=device, compiled=compiled)
    except EclipsedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
