"""Trains the oracle: the network that reads every attribute off a head, and judges edits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.search.pool import fast_bfloat16
from eclipsed.worlds.heads.visibility import visible
from eclipsed.worlds.starter.networks import ImageTower, TowerConfig
from kits.fitting import Job, channels_last, disturb, run, to_images
from kits.heads.population import Floats
from kits.heads.store import Rows, Sampler

EXACT = 0.05  # an error below this counts by its square, one beyond by its size
_ALONE = 0.05  # of the range: nothing varies so little that it would count for more


def fit_oracle(
    folder: Path,
    store: Path,
    job: Job,
    tower: TowerConfig,
    *,
    device: str = "cpu",
    compiled: bool = True,
) -> ImageTower:
    """Train (or resume) the oracle in `folder`; returns the moving average.

    Its outputs are the attributes' values. store: as `store.grow` fills it.
    """
    torch.manual_seed(job.seed)
    network = channels_last(ImageTower(tower)).to(device)
    sampler = Sampler(store, job.batch, job.seed)
    weights = attribute_weights(sampler.people_at(0).values()).to(device)

    half = fast_bfloat16(torch.device(device))

    def loss(images: Tensor, values: Tensor, told: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            guess = network(images)
        return regression_loss(guess.float(), values, told, weights)

    step_loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def loss_at(step: int) -> Tensor:
        rows, rng = sampler.at(step)
        images = disturb(to_images(rows["image"]), rng, shift=2)
        values, told = answers(rows)
        return step_loss(images.to(device), values.to(device), told.to(device))

    return run(network, loss_at, job, folder, "oracle")


def answers(rows: Rows) -> tuple[Float[Tensor, "n k"], Bool[Tensor, "n k"]]:
    """The values of people, and which of them can be told from their pictures."""
    values = torch.from_numpy(rows["values"])
    return values, visible(values, torch.from_numpy(rows["label"]))


def attribute_weights(values: Floats) -> Float[Tensor, " k"]:
    """What an error of each attribute counts: what few people have counts as much as what varies
    among all of them."""
    spread = torch.from_numpy(values).sub(torch.from_numpy(values).mean(0)).abs().mean(0)
    return 1 / spread.clamp(min=_ALONE)


def regression_loss(
    guess: Float[Tensor, "n k"],
    values: Float[Tensor, "n k"],
    told: Bool[Tensor, "n k"],
    weights: Float[Tensor, " k"],
) -> Tensor:
    """Huber's loss of what can be told, weighted by attribute; an attribute counts by its mean."""
    each = F.smooth_l1_loss(guess, values, reduction="none", beta=EXACT) * told
    return (weights * each.sum(0) / told.sum(0).clamp(min=1)).mean()
