"""Trains the oracle: the attribute classifier that judges edits and that no training sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.worlds.starter.attributes import JUDGED
from eclipsed.worlds.starter.networks import Classifier, TowerConfig
from kits.fitting import Job, channels_last, disturb, rng_of, run, to_images
from kits.starter.design import draw
from kits.starter.renderer import Avatars, Drawing, Renderer, class_of

CLEAR = 0.8  # weight from which a blend counts as its strongest value


def fit_oracle(
    folder: Path, job: Job, tower: TowerConfig, *, device: str = "cpu", compiled: bool = True
) -> Classifier:
    """Train (or resume) the oracle in `folder`; returns the moving average.

    One cross-entropy per group, only where the part that carries it shows.
    """
    torch.manual_seed(job.seed)
    network = channels_last(Classifier(tower, {k: len(v) for k, v in JUDGED.items()})).to(device)
    renderer = Renderer()

    def loss(images: Tensor, classes: Tensor, known: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = network(images)
        total = images.new_zeros(())
        for i, group in enumerate(JUDGED):
            each = F.cross_entropy(logits[group].float(), classes[:, i], reduction="none")
            total = total + (each * known[:, i]).mean()
        return total

    step_loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        avatars, drawing = draw(renderer, job.seed, step, job.batch)
        images = disturb(to_images(drawing.images), rng_of(job.seed + 1, step), shift=3)
        classes, known = answers(avatars, drawing)
        return step_loss(images.to(device), classes.to(device), known.to(device))

    return run(network, loss_at, job, folder, "oracle")


def answers(avatars: Avatars, drawing: Drawing) -> tuple[Int[Tensor, "n g"], Float[Tensor, "n g"]]:
    """Per image and group of JUDGED: the value's number, and 1 where it can be told, else 0."""
    classes = class_of(avatars)
    known = np.stack([drawing.visible[g] for g in JUDGED], axis=1).astype(np.float32)
    for i, group in enumerate(JUDGED):
        if group in avatars.weights:
            known[:, i] *= avatars.weights[group].max(axis=1) > CLEAR
    stacked = np.stack([classes[g] for g in JUDGED], axis=1)
    return torch.from_numpy(stacked), torch.from_numpy(known)
