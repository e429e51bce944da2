"""Trains the networks of the world of heads.

    python -m kits.heads.store --people 50000      # renders, once; may run beside the training
    python -m kits.heads.recipe --only generator   # hours, resumable
    python -m kits.heads.recipe --only encoder     # an hour; judge-encoder half of it
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
from eclipsed.worlds.heads import encoder, models
from eclipsed.worlds.starter.networks import TextImageModel
from kits.fit_encoder import Texts, fit_encoder
from kits.fit_text import refit_text
from kits.fitting import Job
from kits.heads.fit_generator import fit_generator
from kits.heads.fit_oracle import fit_oracle
from kits.heads.fit_segmenter import fit_segmenter
from kits.heads.lessons import lessons
from kits.heads.store import default_folder

JOBS: dict[str, Job] = {
    "segmenter": Job(images=48_000, rate=2e-3, batch=32, seed=111),
    "encoder": Job(images=150_000, rate=2e-3, seed=121),
    "encoder-text": Job(images=2_000_000, rate=2e-3, batch=256, seed=161),
    "oracle": Job(images=160_000, rate=2e-3, seed=131),
    "judge-encoder": Job(images=100_000, rate=2e-3, seed=141),
    "judge-segmenter": Job(images=40_000, rate=2e-3, batch=32, seed=151),
}
TEXTS = Texts(phrasings=100, composites=6_000, images=6_000)
ORDER = 0.5  # weight of putting images in order, beside saying what is true of each


def default_work() -> Path:
    """Where checkpoints and logs lie."""
    return cache_folder() / "training" / "heads"


def _world_encoder(work: Path, store: Path, *, device: str, compiled: bool) -> TextImageModel:
    taught = lessons(store)
    model = fit_encoder(
        work,
        taught,
        JOBS["encoder"],
        encoder.WORLD_TOWER,
        hidden=encoder.WORLD_HIDDEN,
        size=TEXTS,
        order=ORDER,
        device=device,
        compiled=compiled,
    )
    return refit_text(work, taught, model.cpu(), JOBS["encoder-text"], size=TEXTS, order=ORDER)


def _judge_encoder(work: Path, store: Path, *, device: str, compiled: bool) -> TextImageModel:
    return fit_encoder(
        work,
        lessons(store),
        JOBS["judge-encoder"],
        encoder.JUDGE_TOWER,
        hidden=encoder.JUDGE_HIDDEN,
        size=TEXTS,
        name="judge-encoder",
        order=ORDER,
        device=device,
        compiled=compiled,
    )


# How each network is trained, told (work, store, **options of torch).
TRAINERS: dict[str, Callable[..., Any]] = {
    "generator": fit_generator,
    "segmenter": partial(fit_segmenter, job=JOBS["segmenter"], widths=models.WORLD_UNET),
    "encoder": _world_encoder,
    "oracle": partial(fit_oracle, job=JOBS["oracle"], tower=models.ORACLE_TOWER),
    "judge-encoder": _judge_encoder,
    "judge-segmenter": partial(
        fit_segmenter,
        job=JOBS["judge-segmenter"],
        widths=models.JUDGE_UNET,
        name="judge-segmenter",
    ),
}


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
