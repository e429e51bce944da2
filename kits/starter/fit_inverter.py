"""Trains the starter world's inverter and writes it beside the other weights.

    python -m kits.starter.fit_inverter            # resumable, some ten minutes on one core

Half of the latents are of the population, half what edits make of it; half are style-mixed. Most
images are exact renders of what the latents say, the others the generator's own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eclipsed.cache import cache_folder
from eclipsed.files import sha256_of, write_atomic
from eclipsed.types import World
from eclipsed.worlds.small import save_small_inverter
from eclipsed.worlds.starter.models import INVERTER_HIDDEN
from eclipsed.worlds.starter.networks import InverterHead, feature_count
from eclipsed.worlds.starter.world import WEIGHTS, load_starter
from eclipsed.worlds.weights import INVERTER, RECORD, read_record
from kits.fit_inverter import Examples, fit_inverter, psnr
from kits.fitting import Job, rng_of, to_images
from kits.starter.design import (
    COLOUR,
    EXPRESSION,
    NUM_WS,
    ROWS,
    SHAPE,
    W_DIM,
    avatars_from_codes,
    training_rows,
    w_from_codes,
)
from kits.starter.population import sample_codes
from kits.starter.renderer import Avatars, Floats, Renderer

BATCHES = 176  # of 32 images, that the encoder's tower looks at once
JOB = Job(images=320_000, rate=1e-3, batch=128, seed=71)
GENERATED = 6  # images of a step that the generator makes; it is slower than the renderer


def population_rows(rng: np.random.Generator, n: int) -> tuple[Floats, Avatars]:
    """Rows of W+ [n, NUM_WS, W_DIM] that nobody has edited, half style-mixed; what they show."""
    codes = {kind: sample_codes(rng, n, uniform=0.5) for kind in (SHAPE, EXPRESSION, COLOUR)}
    plain = rng.uniform(size=n) < 0.5
    for kind in (EXPRESSION, COLOUR):
        codes[kind][plain] = codes[SHAPE][plain]
    rows = np.empty((n, NUM_WS, W_DIM), dtype=np.float32)
    for kind, numbers in ROWS.items():
        rows[:, list(numbers)] = w_from_codes(codes[kind])[:, None]
    return rows, avatars_from_codes(codes)


def examples_of(world: World, mean: Tensor, seed: int, batch: int = 32) -> Examples:
    """Images and latents of a step."""
    renderer, half = Renderer(), batch // 2

    def examples(step: int) -> tuple[Tensor, Tensor]:
        rng = rng_of(seed, step)
        parts = [population_rows(rng, batch - half), training_rows(rng, half)]
        latents = torch.cat([torch.from_numpy(rows).flatten(1) for rows, _ in parts]) + mean
        images = torch.cat([to_images(renderer.render(avatars).images) for _, avatars in parts])
        count = min(GENERATED, batch)
        generated = torch.from_numpy(rng.choice(batch, count, replace=False))
        with torch.no_grad():
            images[generated] = world.generator.synthesize(latents[generated]).image.clamp(-1, 1)
        return images, latents

    return examples


def train(job: Job, count: int, folder: Path, weights: Path = WEIGHTS) -> InverterHead:
    """Train (or resume) the inverter of the world in `weights` on `count` batches of images."""
    torch.manual_seed(job.seed)
    world = load_starter(weights)
    tower = world.encoder.model.image  # type: ignore[attr-defined]
    mean = world.generator.w_mean.repeat(NUM_WS)  # type: ignore[attr-defined]
    head = InverterHead(feature_count(tower.config), INVERTER_HIDDEN, rows=NUM_WS, w_dim=W_DIM)
    examples = examples_of(world, mean, job.seed)
    return fit_inverter(tower, head, examples, mean, job, folder, count=count)


def write(head: InverterHead, weights: Path) -> dict[str, float]:
    """Write the inverter beside the other weights, and its hash and scores into their record."""
    path = weights / INVERTER
    save_small_inverter(head, load_starter(weights).encoder, path)  # type: ignore[arg-type]
    data, record = path.read_bytes(), read_record(weights)
    record["sha256"][INVERTER] = sha256_of(data)
    record["bytes"][INVERTER] = len(data)
    text = json.dumps(record, indent=2) + "\n"
    write_atomic(weights / RECORD, text.encode())  # loading checks the hash
    record["scores"]["inverter"] = scores = measure(load_starter(weights))
    write_atomic(weights / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    return scores


@torch.no_grad()
def measure(world: World, n: int = 128) -> dict[str, float]:
    """PSNR in dB of avatars that no training saw, drawn again from their latents."""
    assert world.inverter is not None
    _, avatars = population_rows(np.random.default_rng(2_000_000), n)
    images = to_images(Renderer().render(avatars).images)
    again = world.generator.synthesize(world.inverter().latents(images)).image
    values = psnr(again, images)
    return {
        "psnr": round(float(values.median()), 2),
        "psnr 10th percentile": round(float(values.quantile(0.1)), 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the starter world's inverter.")
    parser.add_argument("--work", type=Path, default=cache_folder() / "training")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the world's weights")
    chosen = parser.parse_args(arguments)
    print(write(train(JOB, BATCHES, chosen.work, chosen.out), chosen.out))


if __name__ == "__main__":
    main()
