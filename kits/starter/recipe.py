"""Remakes the starter world from nothing: trains, writes the weights, measures them, reports.

    python -m kits.starter.recipe            # the shipped world; hours, resumable
    python -m kits.starter.recipe --smoke    # the same path in minutes, useless weights

Checkpoints and logs lie in the user's cache, outside the work tree; run it again to go on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from eclipsed.cache import cache_folder
from eclipsed.errors import EclipsedError
from eclipsed.files import sha256_of, write_atomic
from eclipsed.worlds.starter import models
from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig
from eclipsed.worlds.starter.world import WEIGHTS, load_starter
from eclipsed.worlds.weights import ENCODER, FILES, FORMAT, GENERATOR, JUDGES, RECORD, SEGMENTER
from kits.fit_encoder import Texts, fit_encoder
from kits.fit_text import refit_text
from kits.fitting import Job
from kits.saving import save_generator, save_networks
from kits.starter.design import mapping_tensors
from kits.starter.evaluate import evaluate
from kits.starter.fit_generator import STAGES, Stage, fit_generator
from kits.starter.fit_oracle import fit_oracle
from kits.starter.fit_segmenter import fit_segmenter
from kits.starter.lessons import lessons
from kits.starter.prompts import main as measure_prompts
from kits.starter.renderer import visibility_table
from kits.starter.report import DOCS

UNDECIDED = 0.3  # in the second training: what hides a part speaks neither for nor against it
JOBS: dict[str, Job] = {
    "segmenter": Job(images=22_000, rate=2e-3, batch=32, seed=11),
    "encoder": Job(images=100_000, rate=2e-3, seed=21),
    "encoder-again": Job(images=90_000, rate=1e-3, seed=22),
    "encoder-text": Job(images=2_000_000, rate=2e-3, batch=256, seed=61),
    "oracle": Job(images=64_000, rate=2e-3, seed=31),
    "judge-encoder": Job(images=150_000, rate=2e-3, seed=41),
    "judge-segmenter": Job(images=32_000, rate=2e-3, batch=32, seed=51),
}
NETWORKS = ("generator", "segmenter", "encoder", "oracle", "judge-encoder", "judge-segmenter")


@dataclass(frozen=True)
class Recipe:
    """How long each network is trained, and on how much the result is measured.

    images, draws: as `evaluate` takes them.
    """

    stages: tuple[Stage, ...] = STAGES
    jobs: Mapping[str, Job] = field(default_factory=lambda: JOBS)
    texts: Texts = field(default_factory=Texts)
    images: int = 512
    draws: int = 5

    def __post_init__(self) -> None:
        if set(self.jobs) != set(JOBS):
            raise ValueError(f"a recipe needs a job for each of {', '.join(JOBS)}")
        if not self.stages or self.stages[-1].resolution != 128:
            raise ValueError("the generator's last stage must be at 128 pixels")
        if self.images < 1 or self.draws < 1:
            raise ValueError("a recipe must measure something")


def smoke_recipe() -> Recipe:
    """The whole path in a minute or two, to test it; the weights are useless."""
    return Recipe(
        stages=(Stage(32, 32, 0.05, batch=8), Stage(128, 8, 0.05, batch=4)),
        jobs={name: replace(job, images=16, batch=8) for name, job in JOBS.items()},
        texts=Texts(phrasings=2, composites=40, images=16),
        images=16,
        draws=1,
    )


def trainers(
    recipe: Recipe, work: Path, *, device: str, compiled: bool
) -> dict[str, Callable[[], nn.Module]]:
    """One of NETWORKS → a function that trains (or resumes, or just loads) it in `work`."""

    def segmenter(name: str, widths: tuple[int, int, int]) -> nn.Module:
        job = recipe.jobs[name]
        return fit_segmenter(work, job, widths, name=name, device=device, compiled=compiled)

    def encoder(name: str, tower: TowerConfig, hidden: int, **more: Any) -> TextImageModel:
        return fit_encoder(
            work,
            lessons(),
            recipe.jobs[name],
            tower,
            hidden=hidden,
            size=recipe.texts,
            name=name,
            device=device,
            compiled=compiled,
            **more,
        )

    def world_encoder() -> nn.Module:
        shape = (models.WORLD_TOWER, models.WORLD_HIDDEN)
        first = encoder("encoder", *shape)
        model = encoder("encoder-again", *shape, start=first, undecided=UNDECIDED)
        job = recipe.jobs["encoder-text"]
        return refit_text(work, lessons(), model, job, size=recipe.texts)

    def generator() -> nn.Module:
        return fit_generator(work, stages=recipe.stages, device=device, compiled=compiled)

    def oracle() -> nn.Module:
        job = recipe.jobs["oracle"]
        return fit_oracle(work, job, models.ORACLE_TOWER, device=device, compiled=compiled)

    return {
        "generator": generator,
        "segmenter": partial(segmenter, "segmenter", models.WORLD_UNET),
        "encoder": world_encoder,
        "oracle": oracle,
        "judge-encoder": partial(encoder, "judge-encoder", models.JUDGE_TOWER, models.JUDGE_HIDDEN),
        "judge-segmenter": partial(segmenter, "judge-segmenter", models.JUDGE_UNET),
    }


def write_world(networks: Mapping[str, Any], recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Write the weights of trained networks, measure them, and record both in `world.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_generator(networks["generator"], mapping_tensors(), folder / GENERATOR)
    save_networks({"": networks["encoder"]}, folder / ENCODER)
    save_networks({"": networks["segmenter"]}, folder / SEGMENTER)
    judges = {
        "oracle.": networks["oracle"],
        "encoder.": networks["judge-encoder"],
        "segmenter.": networks["judge-segmenter"],
    }
    save_networks(judges, folder / JUDGES, {"seen": torch.from_numpy(visibility_table())})
    record: dict[str, Any] = {
        "format": FORMAT,
        "sha256": {name: sha256_of((folder / name).read_bytes()) for name in FILES},
        "bytes": {name: (folder / name).stat().st_size for name in FILES},
        "recipe": asdict(recipe),
    }
    # Loading checks the hashes, so they are written before the scores are known.
    _write_record(folder, record)
    record["scores"] = evaluate(load_starter(folder), recipe.images, recipe.draws)
    _write_record(folder, record)
    return record


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    write_atomic(folder / RECORD, (json.dumps(record, indent=2) + "\n").encode())


def remake(recipe: Recipe, work: Path, out: Path, *, device: str, compiled: bool) -> dict[str, Any]:
    """Train what is not yet trained, write the world and measure it; returns its record."""
    networks = {}
    for name, train in trainers(recipe, work, device=device, compiled=compiled).items():
        print(f"{name} (log: {work / name}*.jsonl)", file=sys.stderr, flush=True)
        networks[name] = train().cpu()
        if compiled:
            torch._dynamo.reset()  # its graphs would count against the next network's limit
    return write_world(networks, recipe, out)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Remake the starter world's weights.")
    parser.add_argument("--smoke", action="store_true", help="in minutes, with useless weights")
    parser.add_argument("--work", type=Path, help="checkpoints and logs (default: user's cache)")
    parser.add_argument("--out", type=Path, help="where the weights go (default: the package)")
    parser.add_argument("--only", choices=NETWORKS, help="train this one, write nothing")
    chosen = parser.parse_args(arguments)
    recipe = smoke_recipe() if chosen.smoke else Recipe()
    cache = cache_folder() / ("smoke" if chosen.smoke else "training")
    work, out = chosen.work or cache, chosen.out or (cache / "world" if chosen.smoke else WEIGHTS)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    compiled = not chosen.smoke and shutil.which("g++") is not None
    try:
        if chosen.only:
            trainers(recipe, work, device=device, compiled=compiled)[chosen.only]()
            return 0
        record = remake(recipe, work, out, device=device, compiled=compiled)
        if out == WEIGHTS and DOCS.is_dir():
            measure_prompts(WEIGHTS, DOCS)
    except EclipsedError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(record["scores"], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
