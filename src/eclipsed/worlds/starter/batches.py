"""What encoders, segmenters and the oracle are trained on: exact renders, slightly disturbed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.worlds.starter.attributes import GROUPS, HUES, SKIN_NAMES, hue_distances
from eclipsed.worlds.starter.design import avatars_from_codes
from eclipsed.worlds.starter.fitting import Schedule, fit, rng_of
from eclipsed.worlds.starter.networks import Module
from eclipsed.worlds.starter.population import sample_codes
from eclipsed.worlds.starter.renderer import Avatars, Drawing, Renderer

# The judge reads these groups; the last two are bins of continuous attributes.
JUDGED: dict[str, tuple[str, ...]] = {g.name: g.names for g in GROUPS} | {
    "skin": tuple(name for name, _, _ in SKIN_NAMES),
    "background": tuple(name for name, _ in HUES),
}


@dataclass(frozen=True)
class Job:
    """How long one network is trained, and on what batches."""

    images: int
    rate: float
    seed: int
    batch: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= self.images:
            raise ValueError(f"not even one batch: {self}")

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.images // self.batch, self.rate, flat=0.1)


def class_of(avatars: Avatars) -> dict[str, NDArray[np.intp]]:
    """The value shown per judged group, [N] indices into JUDGED."""
    classes = {g.name: avatars.index(g.name) for g in GROUPS}
    edges = np.array([high for _, _, high in SKIN_NAMES])
    classes["skin"] = np.searchsorted(edges, avatars.skin, side="right").clip(0, len(edges) - 1)
    classes["background"] = hue_distances(avatars.background).argmin(axis=1)
    return classes


def draw(renderer: Renderer, seed: int, step: int, n: int) -> tuple[Avatars, Drawing]:
    """Avatars of one training step and their renders; half the population, half uniform."""
    avatars = avatars_from_codes(sample_codes(rng_of(seed, step), n))
    return avatars, renderer.render(avatars)


def to_images(pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, H, W, 3] → float32 [N, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def disturb(images: Tensor, rng: np.random.Generator, *, shift: int) -> Tensor:
    """What a generator might do to images: small shifts, blur, noise, a slight change of colour.

    All images [N, 3, H, W] are shifted alike, by up to `shift` pixels each way.
    """
    n = len(images)
    if shift:
        dy, dx = (int(v) for v in rng.integers(-shift, shift + 1, 2))
        padded = F.pad(images, (shift,) * 4, mode="replicate")
        h, w = images.shape[2:]
        images = padded[:, :, shift + dy : shift + dy + h, shift + dx : shift + dx + w]
    share = torch.from_numpy(
        rng.uniform(0, 0.9, (n, 1, 1, 1)) * (rng.uniform(size=(n, 1, 1, 1)) < 0.5)
    ).float()
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    images = images.lerp(blurred, share)
    gain = torch.from_numpy(1 + rng.normal(0, 0.03, (n, 1, 1, 1))).float()
    tint = torch.from_numpy(rng.normal(0, 0.015, (n, 3, 1, 1))).float()
    noise = torch.from_numpy(rng.normal(0, 1, images.shape).astype(np.float32))
    level = torch.from_numpy(rng.uniform(0, 0.06, (n, 1, 1, 1)).astype(np.float32))
    return images * gain + tint + noise * level


def run(
    module: Module, loss_at: Callable[[int], Tensor], job: Job, folder: Path, name: str
) -> Module:
    """Train with AdamW and keep a moving average; returns the average."""
    average = copy.deepcopy(module).requires_grad_(False)
    optimizer = torch.optim.AdamW(module.parameters(), lr=job.rate, weight_decay=0.02)
    fit(module, loss_at, optimizer, job.schedule, folder=folder, name=name, average=average)
    return average.eval()
