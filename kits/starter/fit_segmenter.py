"""Trains segmenters on exact label maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.networks import UNet
from kits.fitting import Job, channels_last, disturb, rng_of, run, to_images
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
    torch.manual_seed(job.seed)
    network, renderer = channels_last(UNet(widths, len(REGIONS))).to(device), Renderer()

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = network(images)
        return label_loss(logits.float(), labels)

    step_loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        _, drawing = draw(renderer, job.seed, step, job.batch)
        images = disturb(to_images(drawing.images), rng_of(job.seed + 1, step), shift=0)
        return step_loss(images.to(device), torch.from_numpy(drawing.labels).long().to(device))

    return run(network, loss_at, job, folder, name)


def label_loss(logits: Float[Tensor, "n r h w"], labels: Int[Tensor, "n h w"]) -> Tensor:
    """Cross-entropy, plus soft Dice, in which a region counts the same however small it is."""
    entropy = F.cross_entropy(logits, labels)
    chance = logits.softmax(dim=1)
    truth = F.one_hot(labels, len(REGIONS)).permute(0, 3, 1, 2).float()
    both = (chance * truth).sum(dim=(0, 2, 3))
    either = (chance + truth).sum(dim=(0, 2, 3))
    return entropy + (1 - (2 * both + 1) / (either + 1)).mean()
