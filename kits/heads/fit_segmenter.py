"""Trains segmenters on the exact label maps of rendered heads."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from eclipsed.worlds.heads.attributes import REGIONS
from eclipsed.worlds.starter.networks import UNet
from kits.fitting import Job, disturb, to_images
from kits.heads.store import Sampler
from kits.segmenting import fit_unet


def fit_segmenter(
    folder: Path,
    store: Path,
    job: Job,
    widths: tuple[int, int, int],
    *,
    name: str = "segmenter",
    device: str = "cpu",
    compiled: bool = True,
) -> UNet:
    """Train (or resume) a segmenter in `folder`; returns the moving average.

    store: as `store.grow` fills it.
    """
    sampler = Sampler(store, job.batch, job.seed)

    def labelled_at(step: int) -> tuple[Tensor, Tensor]:
        rows, rng = sampler.at(step)
        images = disturb(to_images(rows["image"]), rng, shift=0)
        return images, torch.from_numpy(rows["label"])

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
