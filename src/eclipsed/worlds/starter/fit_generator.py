"""Trains the synthesis network to draw what W+ rows say, against exact renders."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.generators.stylegan2 import StyleGAN2Config, SynthesisNetwork
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.design import NUM_WS, W_DIM, training_rows
from eclipsed.worlds.starter.fitting import Schedule, fit, rng_of
from eclipsed.worlds.starter.population import Z_DIM
from eclipsed.worlds.starter.renderer import Renderer

RESOLUTION = 128
CHANNELS = {4: 128, 8: 128, 16: 128, 32: 96, 64: 64, 128: 32}

# Small parts are worth more per pixel than large ones, or they are never learned.
WEIGHTS = {
    "mouth": 5.0,
    "eyes": 6.0,
    "brows": 6.0,
    "glasses": 3.0,
    "beard": 1.5,
    "hair": 1.2,
    "hat": 1.2,
}
BORDER_WEIGHT = 2.0


@dataclass(frozen=True)
class Stage:
    """One training at one resolution."""

    resolution: int
    images: int
    rate: float
    batch: int = 16


# The shipped weights; a stage at the same resolution is a restart at a lower rate.
STAGES: tuple[Stage, ...] = (
    Stage(32, 32_000, 0.05),
    Stage(64, 40_000, 0.05),
    Stage(128, 160_000, 0.05),
)


def generator_config(mapping_width: int) -> StyleGAN2Config:
    """Sizes of the starter generator."""
    return StyleGAN2Config(
        resolution=RESOLUTION,
        channels=CHANNELS,
        z_dim=Z_DIM,
        w_dim=W_DIM,
        mapping_layers=3,
        mapping_width=mapping_width,
    )


def pixel_weights() -> Tensor:
    """Loss weight per region, [R]."""
    return torch.tensor([WEIGHTS.get(region, 1.0) for region in REGIONS])


def reconstruction_loss(image: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted L1 of the image and of its horizontal and vertical differences.

    image, target [N, 3, R, R] in [-1, 1]; weight [N, 1, R, R].
    """
    error = image - target
    loss = (error.abs() * weight).mean()
    loss = loss + (error.diff(dim=3).abs() * weight[..., 1:]).mean()
    return loss + (error.diff(dim=2).abs() * weight[..., 1:, :]).mean()


def batch_at(
    renderer: Renderer, stage: Stage, seed: int, step: int, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """rows [N, NUM_WS, W_DIM], target [N, 3, R, R] and per-pixel weight [N, 1, R, R] of one step."""
    rows, avatars = training_rows(rng_of(seed, step), stage.batch)
    drawing = renderer.render(avatars)
    target = torch.from_numpy(drawing.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    weight = weights[torch.from_numpy(drawing.labels).long()].unsqueeze(1)
    edge = torch.ones(1, 1, RESOLUTION, RESOLUTION)
    edge[..., 2:-2, 2:-2] = 0
    weight = weight + (BORDER_WEIGHT - 1) * edge
    if stage.resolution < RESOLUTION:
        factor = RESOLUTION // stage.resolution
        target, weight = F.avg_pool2d(target, factor), F.avg_pool2d(weight, factor)
    return torch.from_numpy(rows), target, weight


def fit_generator(
    folder: Path,
    *,
    seed: int = 1,
    stages: Sequence[Stage] = STAGES,
    device: str = "cpu",
    compiled: bool = True,
) -> SynthesisNetwork:
    """Train (or resume) all stages in `folder`; returns the averaged synthesis network.

    `compiled` uses torch.compile, which needs a C++ compiler on CPU.
    """
    torch.manual_seed(seed)
    network = SynthesisNetwork(generator_config(W_DIM)).to(device)
    for parameter_name, parameter in network.named_parameters():
        # Supervised images leave nothing for noise to explain; the inputs stay, at strength 0.
        parameter.requires_grad_(not parameter_name.endswith("noise_strength"))
    average = copy.deepcopy(network).requires_grad_(False)
    renderer, weights = Renderer(RESOLUTION), pixel_weights()
    for number, stage in enumerate(stages):
        parameters = [p for p in network.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(parameters, lr=stage.rate, betas=(0.9, 0.99))
        network.resolutions = tuple(2**k for k in range(2, stage.resolution.bit_length()))
        loss = _loss(network, device, compiled)

        def loss_at(
            step: int,
            stage: Stage = stage,
            number: int = number,
            loss: Callable[..., Tensor] = loss,
        ) -> Tensor:
            batch = batch_at(renderer, stage, seed + 1000 * number, step, weights)
            return loss(*(t.to(device) for t in batch))

        fit(
            network,
            loss_at,
            optimizer,
            Schedule(stage.images // stage.batch, stage.rate),
            folder=folder,
            name=f"generator-{number}",
            average=average,
        )
    average.resolutions = network.resolutions
    return average.eval()


def _loss(network: SynthesisNetwork, device: str, compiled: bool) -> Callable[..., Tensor]:
    def loss(rows: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16):
            image, _ = network(network.styles(rows), noise="none")
        return reconstruction_loss(image.float(), target, weight)

    return torch.compile(loss) if compiled else loss


def held_out(
    n: int, seed: int = 99
) -> tuple[Tensor, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Rows [n, NUM_WS, W_DIM] never trained on and their exact renders [n, R, R, 3]."""
    rows, avatars = training_rows(np.random.default_rng([seed, 0]), n)
    assert rows.shape[1] == NUM_WS
    return torch.from_numpy(rows), Renderer(RESOLUTION).render(avatars).images
