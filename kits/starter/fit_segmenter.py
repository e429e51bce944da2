"""Trains segmenters on the exact label maps of avatars."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.networks import UNet
from kits.fitting import Job, disturb, rng_of, to_images
from kits.segmenting import fit_unet
from kits.starter.design import draw
from kits.starter.renderer import Renderer


def fit_segmenter(
    folder: Path,
    job: Job,
    widths: tuple[int, int, int],
    *,
    name: str = "segmenter",
    device: str = "cpu",
    compiled: bool = True,
) -> UNet:
    """Train (or resume) a segmenter in `folder`; returns the moving average."""
    renderer = Renderer()

    def labelled_at(step: int) -> tuple[Tensor, Tensor]:
        _, drawing = draw(renderer, job.seed, step, job.batch)
        images = disturb(to_images(drawing.images), rng_of(job.seed + 1, step), shift=0)
        return images, torch.from_numpy(drawing.labels)

    return fit_unet(
        folder,
        job,
        widths,
        len(REGIONS),
        labelled_at,
        name=name,
        device=device,
        compiled=compiled,
    )
