"""e4e's encoder of photos (Tov et al. 2021, arXiv:2102.02766): a face-recognition trunk, IR-SE-50,
and a small head for each row of W+.

Names of parameters are those of the public weights, so they load unchanged. The first row comes
from the coarsest features; the others are what is added to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.shapes import numbered
from eclipsed.checkpoints.weights import fill, fingerprint_of, unfilled
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown

SIZE = 256  # pixels of a side of what it reads
WIDTH = 512  # of a row
# Blocks and channels of the trunk's stages; what the blocks of these numbers give is read.
_STAGES = ((3, 64), (4, 128), (14, 256), (3, 512))
_FINE, _MIDDLE = 6, 20
_MIDDLE_ROW, _FINE_ROW = 3, 7  # the first rows that are read from finer features
_MOST_ROWS = 64


class _Dense(nn.Linear):
    """A linear layer whose weights are kept large and scaled when they are used."""

    def forward(self, x: Float[Tensor, "n i"]) -> Float[Tensor, "n o"]:
        return F.linear(x, self.weight / math.sqrt(self.in_features), self.bias)


class _Squeeze(nn.Module):
    """Channels weighed by what the whole picture holds (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        mean = x.mean(dim=(2, 3), keepdim=True)
        weighed: Tensor = x * torch.sigmoid(self.fc2(F.relu(self.fc1(mean))))
        return weighed


class _Block(nn.Module):
    """A residual block of the trunk."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if inputs == outputs
            else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            _Squeeze(outputs),
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        result: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return result


class _Head(nn.Module):
    """Features → one row: halved until a single place is left."""

    def __init__(self, halvings: int) -> None:
        super().__init__()
        pairs = [
            (nn.Conv2d(WIDTH, WIDTH, 3, 2, padding=1), nn.LeakyReLU()) for _ in range(halvings)
        ]
        self.convs = nn.Sequential(*chain.from_iterable(pairs))
        self.linear = _Dense(WIDTH, WIDTH)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n o"]:
        row: Tensor = self.linear(self.convs(x).flatten(1))
        return row


def _blocks() -> Iterator[_Block]:
    inputs = 64
    for count, outputs in _STAGES:
        for number in range(count):
            yield _Block(inputs, outputs, stride=1 if number else 2)
            inputs = outputs


class E4eNetwork(nn.Module):
    """Images [N, 3, 256, 256] in [-1, 1] → rows [N, rows, 512], before the average is added.

    rows: 18 for generators of 1024 pixels.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        )
        self.body = nn.Sequential(*_blocks())
        halvings = (4 if row < _MIDDLE_ROW else 5 if row < _FINE_ROW else 6 for row in range(rows))
        self.styles = nn.ModuleList(map(_Head, halvings))
        self.latlayer1 = nn.Conv2d(256, WIDTH, 1)
        self.latlayer2 = nn.Conv2d(128, WIDTH, 1)

    def trunk(self, images: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        """Features at 1/4, 1/8 and 1/16 of the images' size."""
        x, kept = self.input_layer(images), {}
        for number, block in enumerate(self.body):
            x = kept[number] = block(x)
            if number not in (_FINE, _MIDDLE):
                del kept[number]
        return kept[_FINE], kept[_MIDDLE], x

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n rows d"]:
        fine, middle, features = self.trunk(images)
        first = self.styles[0](features)
        rows = [first]
        for number, head in enumerate(self.styles):
            if number == _MIDDLE_ROW:
                features = _doubled(features, middle) + self.latlayer1(middle)
            elif number == _FINE_ROW:
                features = _doubled(features, fine) + self.latlayer2(fine)
            if number:
                rows.append(first + head(features))
        return torch.stack(rows, dim=1)


def _doubled(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)


class E4eInverter(nn.Module):
    """e4e's encoder as an inverter (eclipsed.types.Inverter)."""

    average: Tensor

    def __init__(self, network: E4eNetwork, average: Float[Tensor, " w"], *, name: str) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.register_buffer("average", average)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self, SIZE)

    @torch.no_grad()
    def latents(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        images = images.clamp(-1.0, 1.0)
        if images.shape[-2:] != (SIZE, SIZE):
            images = F.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)
        rows: Tensor = self.network(images) + self.average
        return rows.flatten(1)


def load_e4e(path: StrPath, device: str = "cpu") -> E4eInverter:
    """The encoder of an e4e file, as `encoder4editing` writes them; executes nothing in it.

    Raises BadFile, with one sentence, for anything else, and for a file without the average latent
    that codes are added to.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.family != "e4e":
        raise BadFile(
            f"The file {shown(path)} holds no encoder of photos, but a network of kind "
            f"{checkpoint.family}.",
        )
    return inverter_of(checkpoint, name=Path(path).stem).to(device)


def inverter_of(checkpoint: Checkpoint, *, name: str) -> E4eInverter:
    """The encoder of an e4e checkpoint; BadFile where it lacks something."""
    prefix = "encoder."
    tensors = {
        key.removeprefix(prefix): value
        for key, value in checkpoint.tensors.items()
        if key.startswith(prefix)
    }
    rows = len(numbered(tensors, r"styles\.(\d{1,3})\.linear\.weight"))
    if not 1 <= rows <= _MOST_ROWS:
        raise BadFile(f"This e4e encoder has heads for {rows} rows of W+, which makes no sense.")
    with unfilled():
        network = E4eNetwork(rows)
    average = checkpoint.tensors.get("latent_avg")
    if average is None and checkpoint.config.get("start_from_latent_avg", True):
        average = checkpoint.tensors.get("decoder.mapping.w_avg")
    if average is None:
        average = torch.zeros(WIDTH)
    average = average.reshape(-1, average.shape[-1])[0].float().clone()
    if len(average) != WIDTH:
        raise BadFile(
            f"The average latent of this e4e file has {len(average)} numbers, not {WIDTH}."
        )
    network = fill(network, tensors, "e4e encoder")
    return E4eInverter(network, average, name=name).eval().requires_grad_(False)
