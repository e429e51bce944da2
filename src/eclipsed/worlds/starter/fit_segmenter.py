"""Trains segmenters on exact label maps."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.batches import Job, disturb, draw, run, to_images
from eclipsed.worlds.starter.fitting import rng_of
from eclipsed.worlds.starter.networks import UNet
from eclipsed.worlds.starter.renderer import Renderer


def fit_segmenter(
    folder: Path,
    job: Job,
    widths: tuple[int, int, int],
    *,
    name: str = "segmenter",
    compiled: bool = True,
) -> UNet:
    """Cross-entropy plus soft Dice on exact label maps."""
    torch.manual_seed(job.seed)
    network, renderer = UNet(widths, len(REGIONS)).to(memory_format=torch.channels_last), Renderer()

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(images)
        logits = logits.float()
        entropy = F.cross_entropy(logits, labels)
        chance = logits.softmax(dim=1)
        truth = F.one_hot(labels, len(REGIONS)).permute(0, 3, 1, 2).float()
        both = (chance * truth).sum(dim=(0, 2, 3))
        either = (chance + truth).sum(dim=(0, 2, 3))
        return entropy + (1 - (2 * both + 1) / (either + 1)).mean()

    step_loss = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        _, drawing = draw(renderer, job.seed, step, job.batch)
        images = disturb(to_images(drawing.images), rng_of(job.seed + 1, step), shift=0)
        return step_loss(images, torch.from_numpy(drawing.labels).long())

    average = run(network, loss_at, job, folder, name)
    assert isinstance(average, UNet)
    return average
