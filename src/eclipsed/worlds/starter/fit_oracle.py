"""Trains the oracle: the attribute classifier that judges edits and that no training sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.worlds.starter.batches import JUDGED, Job, class_of, disturb, draw, run, to_images
from eclipsed.worlds.starter.fitting import rng_of
from eclipsed.worlds.starter.networks import Classifier, TowerConfig
from eclipsed.worlds.starter.renderer import Renderer


def fit_oracle(folder: Path, job: Job, tower: TowerConfig, *, compiled: bool = True) -> Classifier:
    """One cross-entropy per group, only where the part that carries it shows."""
    torch.manual_seed(job.seed)
    network, renderer = Classifier(tower, {k: len(v) for k, v in JUDGED.items()}), Renderer()
    network.to(memory_format=torch.channels_last)

    def loss(images: Tensor, classes: Tensor, known: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(images)
        total = images.new_zeros(())
        for i, group in enumerate(JUDGED):
            each = F.cross_entropy(logits[group].float(), classes[:, i], reduction="none")
            total = total + (each * known[:, i]).mean()
        return total

    step_loss = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        avatars, drawing = draw(renderer, job.seed, step, job.batch)
        images = disturb(to_images(drawing.images), rng_of(job.seed + 1, step), shift=3)
        classes = class_of(avatars)
        known = np.stack([drawing.visible[g] for g in JUDGED], axis=1).astype(np.float32)
        for i, group in enumerate(JUDGED):
            if group in avatars.weights:
                known[:, i] *= avatars.weights[group].max(axis=1) > 0.8
        stacked = torch.from_numpy(np.stack([classes[g] for g in JUDGED], axis=1))
        return step_loss(images, stacked, torch.from_numpy(known))

    average = run(network, loss_at, job, folder, "oracle")
    assert isinstance(average, Classifier)
    return average
