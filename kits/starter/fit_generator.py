"""Trains the synthesis network to draw what W+ rows say, against exact renders."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.generators.stylegan2 import StyleGAN2Config, SynthesisNetwork
from eclipsed.worlds.starter.attributes import REGIONS
from kits.fitting import Schedule, fit, rng_of, to_images
from kits.losses import local_contrast, reconstruction_loss
from kits.starter.design import W_DIM, training_rows
from kits.starter.population import Z_DIM
from kits.starter.renderer import Renderer

RESOLUTION = 128
# The mapping network is written down (design.mapping_tensors) and has its own sizes.
CONFIG = StyleGAN2Config(
    resolution=RESOLUTION,
    channels={4: 128, 8: 128, 16: 128, 32: 96, 64: 64, 128: 32},
    z_dim=Z_DIM,
    w_dim=W_DIM,
)

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
    """One training at one resolution; a later one at the same resolution is a restart.

    detail: what the contrast of a pixel to its surroundings adds to its weight, as a factor.
    colour: weight of the error of the means over COLOUR_BLOCK² pixels. pushed: see `training_rows`.
    """

    resolution: int
    images: int
    rate: float
    batch: int = 16
    detail: float = 0.0
    colour: float = 0.0
    pushed: float = 0.0

    def __post_init__(self) -> None:
        if self.resolution not in CONFIG.resolutions or not 1 <= self.batch <= self.images:
            raise ValueError(f"not a stage of training: {self}")
        if min(self.detail, self.colour, self.pushed) < 0:
            raise ValueError(f"a weight in a stage of training is negative: {self}")


# The shipped weights.
STAGES: tuple[Stage, ...] = (
    Stage(32, 32_000, 0.05),
    Stage(64, 40_000, 0.05),
    Stage(128, 136_000, 0.05),
    # Strings of hoodies, strands and outlines are few pixels; flat colours are off by a little.
    Stage(128, 96_000, 0.03, detail=5.0, colour=2.0),
    # Directions at strengths of ±2 lead further along one value than mixtures of values do.
    Stage(128, 64_000, 0.02, detail=5.0, colour=2.0, pushed=0.2),
)


def pixel_weights() -> Tensor:
    """Loss weight per region, [R]."""
    return torch.tensor([WEIGHTS.get(region, 1.0) for region in REGIONS])


def batch_at(
    renderer: Renderer, stage: Stage, seed: int, step: int
) -> tuple[Tensor, Tensor, Tensor]:
    """One step's rows [N, NUM_WS, W_DIM], targets [N, 3, R, R] and pixel weights [N, 1, R, R]."""
    rows, avatars = training_rows(rng_of(seed, step), stage.batch, stage.pushed)
    drawing = renderer.render(avatars)
    target = to_images(drawing.images)
    weight = pixel_weights()[torch.from_numpy(drawing.labels).long()].unsqueeze(1)
    edge = torch.ones(1, 1, RESOLUTION, RESOLUTION)
    edge[..., 2:-2, 2:-2] = 0
    weight = weight + (BORDER_WEIGHT - 1) * edge
    if stage.detail:
        weight = weight * (1 + stage.detail * local_contrast(target))
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

    `compiled` uses torch.compile, which needs a C++ compiler on a CPU.
    """
    torch.manual_seed(seed)
    network = SynthesisNetwork(CONFIG).to(device)
    for name, parameter in network.named_parameters():
        # Supervised images leave nothing for noise to explain; the inputs stay, at strength 0.
        parameter.requires_grad_(not name.endswith("noise_strength"))
    average = copy.deepcopy(network).requires_grad_(False)
    renderer = Renderer(RESOLUTION)
    for number, stage in enumerate(stages):
        network.resolutions = tuple(2**k for k in range(2, stage.resolution.bit_length()))
        loss = _loss(network, stage.colour, device, compiled)
        parameters = [p for p in network.parameters() if p.requires_grad]
        fit(
            network,
            partial(_loss_at, loss, renderer, stage, seed + 1000 * number, device),
            torch.optim.Adam(parameters, lr=stage.rate, betas=(0.9, 0.99)),
            Schedule(stage.images // stage.batch, stage.rate),
            folder=folder,
            name=f"generator-{number}",
            average=average,
        )
    average.resolutions = network.resolutions
    return average.eval()


def _loss(
    network: SynthesisNetwork, colour: float, device: str, compiled: bool
) -> Callable[..., Tensor]:
    def loss(rows: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16):
            image, _ = network(network.styles(rows), noise="none")
        return reconstruction_loss(image.float(), target, weight, colour)

    return torch.compile(loss) if compiled else loss


def _loss_at(
    loss: Callable[..., Tensor],
    renderer: Renderer,
    stage: Stage,
    seed: int,
    device: str,
    step: int,
) -> Tensor:
    batch = batch_at(renderer, stage, seed, step)
    return loss(*(tensor.to(device) for tensor in batch))
