"""Trains segmenters on exact label maps, whatever world they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.search.pool import fast_bfloat16
from eclipsed.worlds.starter.networks import UNet
from kits.fitting import Job, channels_last, run

# Images [N, 3, H, W] in [-1, 1] and the region number of every pixel [N, H, W], of one step.
LabelledAt = Callable[[int], tuple[Tensor, Tensor]]


def fit_unet(
    folder: Path,
    job: Job,
    widths: tuple[int, int, int],
    regions: int,
    labelled_at: LabelledAt,
    *,
    name: str,
    device: str = "cpu",
    compiled: bool = True,
) -> UNet:
    """Train (or resume) a segmenter in `folder`; returns the moving average."""
    torch.manual_seed(job.seed)
    network = channels_last(UNet(widths, regions)).to(device)

    half = fast_bfloat16(torch.device(device))

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            logits = network(images)
        return label_loss(logits.float(), labels)

    step_loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        images, labels = labelled_at(step)
        return step_loss(images.to(device), labels.long().to(device))

    return run(network, loss_at, job, folder, name)


def label_loss(logits: Float[Tensor, "n r h w"], labels: Int[Tensor, "n h w"]) -> Tensor:
    """Cross-entropy, plus soft Dice, in which a region counts the same however small it is."""
    entropy = F.cross_entropy(logits, labels)
    chance = logits.softmax(dim=1)
    truth = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).float()
    both = (chance * truth).sum(dim=(0, 2, 3))
    either = (chance + truth).sum(dim=(0, 2, 3))
    return entropy + (1 - (2 * both + 1) / (either + 1)).mean()
