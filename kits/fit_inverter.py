"""Trains inverters: image → latent of W+, on images whose latents are known.

A kit says where images and their latents come from; what a camera and a crop by hand do to an image
is done here, to all of them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor

from eclipsed.files import write_atomic
from eclipsed.worlds.starter.networks import ImageTower, InverterHead, tower_features
from kits.fitting import Job, disturb, rng_of, run, to_images

# step → images [N, 3, H, W] in [-1, 1] and their latents [N, D].
Examples = Callable[[int], tuple[Tensor, Tensor]]

CHUNK = 16  # batches
TURN, ZOOM, SHIFT = 4.0, 0.05, 0.03  # degrees; fractions of the image: an inexact crop
QUALITY = (30, 96)  # of JPEG


def fit_inverter(
    tower: ImageTower,
    head: InverterHead,
    examples: Examples,
    mean: Float[Tensor, " d"],
    job: Job,
    folder: Path,
    *,
    count: int,
    name: str = "inverter",
) -> InverterHead:
    """Train (or resume) the head of an inverter in `folder`; returns the moving average.

    tower: of the world's encoder, which stays as it is, so that `count` batches of images go
    through it once. mean: the generator's mean latent, which the head starts from.
    """
    features, latents = _looked_at(tower, examples, count, job.seed, folder / f"{name}-features")
    head.mean.copy_(mean)
    head.outer.weight.data.zero_()
    head.outer.bias.data.zero_()
    deviation = (latents.float() - mean).std()

    def loss_at(step: int) -> Tensor:
        rows = torch.from_numpy(rng_of(job.seed + 2, step).integers(len(features), size=job.batch))
        answers = head(features[rows].float())
        return F.smooth_l1_loss(answers / deviation, latents[rows].float() / deviation)

    return run(head, loss_at, job, folder, name)  # type: ignore[return-value]


@torch.no_grad()
def _looked_at(
    tower: ImageTower, examples: Examples, count: int, seed: int, path: Path
) -> tuple[Tensor, Tensor]:
    """Features and latents of `count` batches; kept in a file for each CHUNK of them."""
    parts: list[dict[str, Tensor]] = []
    for first in range(0, count, CHUNK):
        file = path.with_suffix(f".{first}.safetensors")
        if not file.is_file():
            features, latents = [], []
            for step in range(first, min(first + CHUNK, count)):
                images, answers = examples(step)
                images = photographed(images, rng_of(seed + 1, step))
                features.append(tower_features(tower, images).half())
                latents.append(answers)
            path.parent.mkdir(parents=True, exist_ok=True)
            tensors = {"features": torch.cat(features), "latents": torch.cat(latents)}
            write_atomic(file, save(tensors))
        parts.append(load_file(file))
    return (
        torch.cat([part["features"] for part in parts]),
        torch.cat([part["latents"] for part in parts]),
    )


def photographed(
    images: Float[Tensor, "n 3 h w"], rng: np.random.Generator
) -> Float[Tensor, "n 3 h w"]:
    """What a camera does to images, and a crop that is a little off; half keep the crop exact."""
    n = len(images)
    inexact = rng.uniform(size=n) < 0.5
    angle = np.radians(rng.uniform(-TURN, TURN, n)) * inexact
    zoom = 1 + rng.uniform(-ZOOM, ZOOM, n) * inexact
    shift = 2 * rng.uniform(-SHIFT, SHIFT, (n, 2)) * inexact[:, None]
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    rows = np.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], axis=1)
    affine = torch.from_numpy(rows.reshape(n, 2, 3).astype(np.float32))
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    turned = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    images = torch.where(torch.from_numpy(inexact)[:, None, None, None], turned, images)
    images = disturb(images, rng, shift=0).clamp(-1.0, 1.0)
    return torch.stack([_compressed(image, rng) for image in images])


def _compressed(image: Float[Tensor, "3 h w"], rng: np.random.Generator) -> Tensor:
    """Every second image as a JPEG of some quality gives it back."""
    quality = int(rng.integers(*QUALITY))
    if rng.uniform() < 0.5:
        return image
    pixels = ((image + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return to_images(np.array(Image.open(buffer))[None])[0]


def psnr(image: Tensor, target: Tensor) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio in dB of images [N, 3, H, W] in [-1, 1]."""
    error = (image.clamp(-1, 1) - target).square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
    return 10.0 * (math.log10(4.0) - error.log10())
