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
from torch import Tensor

from eclipsed.worlds.starter.networks import InverterNetwork
from kits.fitting import Job, channels_last, disturb, rng_of, run, to_images

# step → images [N, 3, H, W] in [-1, 1] and their latents [N, D].
Examples = Callable[[int], tuple[Tensor, Tensor]]

TURN, ZOOM, SHIFT = 4.0, 0.05, 0.03  # degrees; fractions of the image: an inexact crop
QUALITY = (30, 96)  # of JPEG


def fit_inverter(
    network: InverterNetwork,
    examples: Examples,
    mean: Float[Tensor, " d"],
    job: Job,
    folder: Path,
    *,
    name: str = "inverter",
) -> InverterNetwork:
    """Train (or resume) an inverter in `folder`; returns the moving average.

    mean: the generator's mean latent, which the network starts from.
    """
    network.mean.copy_(mean)
    network.out.weight.data.zero_()
    network.out.bias.data.zero_()

    def loss_at(step: int) -> Tensor:
        images, latents = examples(step)
        images = photographed(images, rng_of(job.seed + 1, step))
        return F.smooth_l1_loss(network(images), latents)

    return run(channels_last(network), loss_at, job, folder, name)  # type: ignore[return-value]


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
