"""Makes a small world of one's own from nothing: houses, in a few minutes.

    python -m kits.houses.recipe FOLDER            # the weights beside this file
    python -m kits.houses.recipe FOLDER --smoke    # the same path, useless weights

Writes generator, encoder and segmenter, and judge_encoder and judge_segmenter, which only scores
use, as .safetensors; houses.toml, copied from beside this file, makes a world of them:

    eclipsed train "a red roof" --world FOLDER/houses.toml
"""

from __future__ import annotations

import argparse
import copy
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.generators.stylegan2 import StyleGAN2Config, SynthesisNetwork
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.worlds.small import save_small_encoder, save_small_segmenter
from eclipsed.worlds.starter.networks import TextImageModel, TowerConfig, UNet
from kits.fitting import Job, Schedule, channels_last, disturb, fit, rng_of, run
from kits.houses.design import (
    COLOUR,
    SHAPE,
    W_DIM,
    Z_DIM,
    any_codes,
    codes_from_z,
    mapping_tensors,
    shown,
    training_rows,
)
from kits.houses.drawing import GROUPS, REGIONS, SIZE, Floats, render
from kits.houses.phrases import NEUTRAL, SAYINGS, UNRELATED, framed
from kits.losses import local_contrast, pair_loss, reconstruction_loss
from kits.saving import save_generator

CONFIG = StyleGAN2Config(
    resolution=SIZE,
    channels={4: 48, 8: 48, 16: 56, 32: 40, 64: 16},
    z_dim=Z_DIM,
    w_dim=W_DIM,
    mapping_layers=2,
)


@dataclass(frozen=True)
class Sizes:
    """Of an encoder, its image tower and the hidden layer of its text tower, and of a segmenter."""

    tower: TowerConfig
    hidden: int
    unet: tuple[int, int, int]


OWN = Sizes(TowerConfig(widths=(16, 24, 32, 48), head=16, outputs=64, size=SIZE), 128, (12, 20, 28))
# Judges share nothing with the networks that they check: not the seed, not the widths, not even
# the kind of tower.
JUDGES = Sizes(
    TowerConfig(widths=(20, 28, 40, 56), head=12, outputs=48, residual=False, size=SIZE),
    96,
    (16, 24, 32),
)
# Small parts are worth more per pixel than large ones, or they are never learned.
WEIGHTS = {"windows": 3.0, "door": 2.0, "chimney": 3.0, "garden": 1.5}
UNRELATED_PER_STEP = 12  # sentences a step that are true of no house
DETAIL = 4.0  # what the contrast of a pixel to its surroundings adds to its weight
EDGE = 2.0  # what a pixel between two regions weighs more, also where the contrast is small
WORLD = Path(__file__).with_name("houses.toml")


@dataclass(frozen=True)
class Stage:
    """One training of the generator at one resolution."""

    resolution: int
    images: int
    rate: float = 0.05
    batch: int = 16


@dataclass(frozen=True)
class Recipe:
    """How long each network is trained, and how many sentences are read of each saying."""

    stages: tuple[Stage, ...]
    encoder: Job
    segmenter: Job
    judge_encoder: Job
    judge_segmenter: Job
    sentences: int


FULL = Recipe(
    stages=(Stage(16, 16_000), Stage(32, 24_000), Stage(64, 56_000)),
    encoder=Job(images=64_000, rate=3e-3, batch=32, seed=21),
    segmenter=Job(images=8_000, rate=4e-3, batch=32, seed=11),
    judge_encoder=Job(images=40_000, rate=3e-3, batch=32, seed=51),
    judge_segmenter=Job(images=8_000, rate=4e-3, batch=32, seed=41),
    sentences=90,
)
# The whole path in seconds, to test it.
SMOKE = Recipe(
    stages=(Stage(16, 16, batch=8), Stage(64, 8, batch=4)),
    encoder=Job(images=16, rate=3e-3, batch=8, seed=21),
    segmenter=Job(images=16, rate=4e-3, batch=8, seed=11),
    judge_encoder=Job(images=16, rate=3e-3, batch=8, seed=51),
    judge_segmenter=Job(images=16, rate=4e-3, batch=8, seed=41),
    sentences=2,
)


def to_images(pixels: Floats) -> Tensor:
    """[N, H, W, 3] in [0, 1] → [N, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous() * 2 - 1


def some_houses(seed: int, step: int, n: int) -> dict[str, Floats]:
    """Houses to train encoder and segmenter on; half of them as the generator samples them."""
    rng = rng_of(seed, step)
    codes = any_codes(rng, n)
    codes[: n // 2] = codes_from_z(rng.standard_normal((n // 2, Z_DIM)).astype(np.float32))
    return shown({SHAPE: codes, COLOUR: codes})


# --- generator ----------------------------------------------------------------------------------


def generator_batch(stage: Stage, seed: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """One step's rows of W+, images [N, 3, R, R] and weights of their pixels [N, 1, R, R]."""
    rows, houses = training_rows(rng_of(seed, step), stage.batch)
    pixels, regions = render(houses)
    target = to_images(pixels)
    labels = torch.from_numpy(regions).unsqueeze(1)
    weight = torch.tensor([WEIGHTS.get(region, 1.0) for region in REGIONS])[labels]
    near = labels.float()
    edge = F.max_pool2d(near, 3, 1, 1) != -F.max_pool2d(-near, 3, 1, 1)
    weight = weight * (1 + DETAIL * local_contrast(target) + EDGE * edge)
    factor = SIZE // stage.resolution
    return torch.from_numpy(rows), F.avg_pool2d(target, factor), F.avg_pool2d(weight, factor)


def fit_generator(folder: Path, stages: Sequence[Stage], seed: int = 1) -> SynthesisNetwork:
    """Train the synthesis network, resolution after resolution; returns the moving average."""
    torch.manual_seed(seed)
    network = SynthesisNetwork(CONFIG)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.endswith("noise_strength"))  # nothing here is random
    average = copy.deepcopy(network).requires_grad_(False)

    def loss(rows: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            image, _ = network(network.styles(rows), noise="none")
        return reconstruction_loss(image.float(), target, weight, 1.0)

    for number, stage in enumerate(stages):
        network.resolutions = tuple(2**k for k in range(2, stage.resolution.bit_length()))
        parameters = [p for p in network.parameters() if p.requires_grad]
        fit(
            network,
            lambda step, stage=stage, own=seed + number: loss(*generator_batch(stage, own, step)),
            torch.optim.Adam(parameters, lr=stage.rate, betas=(0.9, 0.99)),
            Schedule(stage.images // stage.batch, stage.rate),
            folder=folder,
            name=f"generator-{number}",
            average=average,
        )
    return average.eval()


# --- encoder ------------------------------------------------------------------------------------


def truths(houses: dict[str, Floats]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of SAYINGS are true of each house, and known to be; bool [N, S] each."""
    columns = []
    groups = {group.name: group.values for group in GROUPS}
    for saying in SAYINGS:
        own = [groups[saying.group].index(value) for value in saying.values]
        columns.append(houses[saying.group][:, own].sum(axis=1))
    shares = np.stack(columns, axis=1)
    # Of a house half way between two values neither can be said.
    return shares > 0.5, np.abs(shares - 0.5) > 0.3


def fit_encoder(folder: Path, job: Job, sizes: Sizes, sentences: int) -> TextImageModel:
    """Train an encoder: every step, a phrase of every saying, and some that are true of no house,
    against every image."""
    torch.manual_seed(job.seed)
    network = channels_last(TextImageModel(sizes.tower, sizes.hidden))
    texts = [framed(saying.phrases)[:sentences] for saying in SAYINGS]
    encode = sentence_encoder()
    *bank, always, never = [encode(each) for each in (*texts, list(NEUTRAL), UNRELATED)]

    def loss(images: Tensor, vectors: Tensor, true: Tensor, known: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            image = network.image(images)
        return pair_loss(network.logits(image.float(), network.text(vectors)), true, known)

    def loss_at(step: int) -> Tensor:
        rng = rng_of(job.seed + 1, step)
        torch.manual_seed(job.seed * 1_000_003 + step)  # for dropout
        houses = some_houses(job.seed, step, job.batch)
        true, known = truths(houses)
        rows = [each[int(rng.integers(len(each)))] for each in (*bank, always)]
        rows += [never[int(row)] for row in rng.integers(len(never), size=UNRELATED_PER_STEP)]
        vectors = torch.stack(rows)
        vectors = F.normalize(vectors + 0.02 * torch.randn(vectors.shape), dim=1)
        one = np.ones((job.batch, 1), dtype=bool)
        true = np.concatenate([true, one, *[~one] * UNRELATED_PER_STEP], axis=1)
        known = np.concatenate([known, one, *[one] * UNRELATED_PER_STEP], axis=1)
        images = disturb(to_images(render(houses)[0]), rng, shift=2)
        return loss(images, vectors, torch.from_numpy(true), torch.from_numpy(known))

    return run(network, loss_at, job, folder, f"encoder-{job.seed}")


# --- segmenter ----------------------------------------------------------------------------------


def fit_segmenter(folder: Path, job: Job, sizes: Sizes) -> UNet:
    """Train a segmenter on the renderer's exact regions."""
    torch.manual_seed(job.seed)
    network = channels_last(UNet(sizes.unet, len(REGIONS)))

    def loss(images: Tensor, regions: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(images)
        return F.cross_entropy(logits.float(), regions)

    def loss_at(step: int) -> Tensor:
        pixels, regions = render(some_houses(job.seed, step, job.batch))
        images = disturb(to_images(pixels), rng_of(job.seed + 1, step), shift=0)
        return loss(images, torch.from_numpy(regions))

    return run(network, loss_at, job, folder, f"segmenter-{job.seed}")


# --- all of it ----------------------------------------------------------------------------------


def make(recipe: Recipe, folder: Path) -> None:
    """Train the networks and write the world into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def note(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as work:
        for name, job, sizes in (
            ("segmenter", recipe.segmenter, OWN),
            ("judge_segmenter", recipe.judge_segmenter, JUDGES),
        ):
            note(name)
            segmenter = fit_segmenter(Path(work), job, sizes)
            save_small_segmenter(segmenter, REGIONS, folder / f"{name}.safetensors")
        for name, job, sizes in (
            ("encoder", recipe.encoder, OWN),
            ("judge_encoder", recipe.judge_encoder, JUDGES),
        ):
            note(name)
            encoder = fit_encoder(Path(work), job, sizes, recipe.sentences)
            save_small_encoder(encoder, folder / f"{name}.safetensors")
        note("generator")
        synthesis = fit_generator(Path(work), recipe.stages)
        save_generator(synthesis, mapping_tensors(), folder / "generator.safetensors")
    if folder.resolve() != WORLD.parent:
        shutil.copyfile(WORLD, folder / WORLD.name)
    note("done")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make the world of houses.")
    parser.add_argument("folder", type=Path, help="where the world goes")
    parser.add_argument("--smoke", action="store_true", help="in seconds, with useless weights")
    chosen = parser.parse_args(arguments)
    make(SMOKE if chosen.smoke else FULL, chosen.folder)


if __name__ == "__main__":
    main()
