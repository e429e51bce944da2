"""Trains the synthesis network of heads to draw what W+ rows say, against exact renders."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.generators.stylegan2 import Noise, StyleGAN2Config, SynthesisNetwork
from eclipsed.search.pool import fast_bfloat16
from eclipsed.worlds.heads.attributes import REGIONS
from kits.fitting import Schedule, channels_last, fit
from kits.heads.design import GROUP_WIDTH, codes_from_values, pushed
from kits.heads.population import Z_DIM
from kits.heads.store import RESOLUTION, Sampler
from kits.losses import local_contrast, reconstruction_loss, texture_loss

# The network in training takes codes of one group per row; design.written_out makes it take w.
CONFIG = StyleGAN2Config(
    resolution=RESOLUTION,
    channels={4: 192, 8: 224, 16: 160, 32: 96, 64: 48, 128: 32},
    z_dim=Z_DIM,
    w_dim=GROUP_WIDTH,
)

# Small parts are worth more per pixel than large ones, or they are never learned.
WEIGHTS = {
    "background": 0.6,
    "ears": 1.5,
    "nose": 2.5,
    "lips": 4.0,
    "mouth": 5.0,
    "eyes": 6.0,
    "brows": 5.0,
    "hair": 1.2,
    "beard": 1.5,
    "glasses": 3.0,
    "earrings": 3.0,
}
# What has strands, and what the errors of its pixels count for where its texture is trained.
STRANDS, STRANDS_WEIGHT = ("hair", "beard"), 0.3
TEXTURE_ELSEWHERE = 0.2  # of the weight of the strands' texture
# Styles that hardly depend on the code at first are learned faster than random ones unlearned.
STYLE_START = 0.3


@dataclass(frozen=True)
class Stage:
    """One training at one resolution; a later one at the same resolution is a restart.

    detail: what the contrast of a pixel to its surroundings adds to its weight, as a factor.
    colour: weight of the error of the means over blocks, see `reconstruction_loss`. texture: weight
    of `texture_loss`, which lets the noise maps in: strands need something to grow from.
    """

    resolution: int
    images: int
    rate: float
    batch: int = 16
    detail: float = 0.0
    colour: float = 1.0
    texture: float = 0.0

    def __post_init__(self) -> None:
        if self.resolution not in CONFIG.resolutions or not 1 <= self.batch <= self.images:
            raise ValueError(f"not a stage of training: {self}")
        if min(self.detail, self.colour, self.texture) < 0:
            raise ValueError(f"a weight in a stage of training is negative: {self}")


# Every stage ends in a falling rate, so whatever was reached when time is up can be used.
STAGES: tuple[Stage, ...] = (
    Stage(32, 20_000, 0.02),
    Stage(64, 64_000, 0.02),
    Stage(128, 64_000, 0.02),
    Stage(128, 36_000, 0.015, detail=3.0),
    Stage(128, 32_000, 0.012, detail=2.0, texture=8.0),
)


def pixel_weights() -> Tensor:
    """Loss weight per region, [R]."""
    return torch.tensor([WEIGHTS.get(region, 1.0) for region in REGIONS])


class Batches:
    """Batches of a stage, from a store that may still be growing.

    A run is repeatable once the store is complete.
    """

    def __init__(self, folder: Path, stage: Stage, seed: int, device: str) -> None:
        self.stage, self.device = stage, device
        self.sampler = Sampler(folder, stage.batch, seed)
        self.weights = pixel_weights().to(device)
        self.strands = torch.tensor([REGIONS.index(name) for name in STRANDS], device=device)

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One step's codes [N, NUM_WS, GROUP_WIDTH], targets [N, 3, R, R], weights of pixels and
        where strands are, [N, 1, R, R] both."""
        rows, rng = self.sampler.at(step)
        codes = torch.from_numpy(codes_from_values(pushed(rng, rows["values"])))
        image = torch.from_numpy(rows["image"]).to(self.device)
        target = image.permute(0, 3, 1, 2).float() / 127.5 - 1
        label = torch.from_numpy(rows["label"]).to(self.device).long()
        strands = torch.isin(label, self.strands).float().unsqueeze(1)
        weight = self.weights[label].unsqueeze(1)
        if self.stage.texture:
            weight = weight * (1 - (1 - STRANDS_WEIGHT) * strands)
        if self.stage.detail:
            weight = weight * (1 + self.stage.detail * local_contrast(target))
        if target.shape[-1] > self.stage.resolution:
            factor = target.shape[-1] // self.stage.resolution
            target, weight, strands = (
                F.avg_pool2d(each, factor) for each in (target, weight, strands)
            )
        return codes.to(self.device), target.contiguous(), weight, strands


def new_networks(seed: int, device: str) -> tuple[SynthesisNetwork, SynthesisNetwork]:
    """A random network and a copy for its moving average, all noise at strength 0."""
    torch.manual_seed(seed)
    network = channels_last(SynthesisNetwork(CONFIG)).to(device)
    for name, parameter in network.named_parameters():
        if name.endswith("affine.weight"):
            parameter.data.mul_(STYLE_START)
        # Exact images leave nothing for noise to explain until texture alone counts.
        parameter.requires_grad_(not name.endswith("noise_strength"))
    return network, copy.deepcopy(network).requires_grad_(False)


def fit_generator(
    folder: Path,
    store: Path,
    *,
    seed: int = 1,
    stages: Sequence[Stage] = STAGES,
    device: str = "cpu",
    compiled: bool = True,
) -> SynthesisNetwork:
    """Train (or resume) all stages in `folder`; returns the averaged synthesis network.

    store: as `store.grow` fills it. `compiled` uses torch.compile, which needs a C++ compiler on
    a CPU.
    """
    network, average = new_networks(seed, device)
    for number, stage in enumerate(stages):
        network.resolutions = tuple(2**k for k in range(2, stage.resolution.bit_length()))
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.requires_grad_(stage.texture > 0)
        loss = _loss(network, stage, device, compiled)
        batches = Batches(store, stage, seed + 1000 * number, device)
        parameters = [p for p in network.parameters() if p.requires_grad]
        fit(
            network,
            partial(_loss_at, loss, batches),
            torch.optim.Adam(parameters, lr=stage.rate, betas=(0.9, 0.99)),
            Schedule(stage.images // stage.batch, stage.rate),
            folder=folder,
            name=f"generator-{number}",
            average=average,
        )
    average.resolutions = network.resolutions
    return average.eval()


def _loss(
    network: SynthesisNetwork, stage: Stage, device: str, compiled: bool
) -> Callable[..., Tensor]:
    half = fast_bfloat16(torch.device(device))

    def loss(codes: Tensor, target: Tensor, weight: Tensor, strands: Tensor) -> Tensor:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            noise: Noise = "const" if stage.texture else "none"
            image, _ = network(network.styles(codes), noise=noise)
        image = image.float()
        total = reconstruction_loss(image, target, weight, stage.colour)
        if stage.texture:
            where = TEXTURE_ELSEWHERE + (1 - TEXTURE_ELSEWHERE) * strands
            total = total + stage.texture * texture_loss(image, target, where)
        return total

    return torch.compile(loss) if compiled else loss


def _loss_at(loss: Callable[..., Tensor], batches: Batches, step: int) -> Tensor:
    return loss(*batches.at(step))
