"""DCGAN (Radford et al. 2016, arXiv:1511.06434), as PyTorch's examples lay it out.

Parameter names are those of that example: `main.0` … in a sequence of transposed convolution,
batch normalisation and ReLU, ended by a transposed convolution and tanh.

Latents of space z are the noise before truncation, as for every generator: `synthesize(z,
truncation=t)` renders t·z. The original has no truncation, which is t = 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eclipsed.checkpoints.shapes import numbered
from eclipsed.checkpoints.weights import fill, tensor_of, unfilled
from eclipsed.errors import BadFile
from eclipsed.generators.generator import (
    NetworkGenerator,
    Rendered,
    Rendering,
    checked_colours,
)

FAMILY = "DCGAN"
# Convolution, normalisation, activation.
_STRIDE = 3


@dataclass(frozen=True)
class DCGANConfig:
    """Sizes of a DCGAN generator.

    channels: feature maps at 4×4, 8×8, … below the image's resolution. colours: channels of the
    image.
    """

    z_dim: int
    channels: tuple[int, ...]
    colours: int = 3
    c_dim = 0  # this family has no classes

    def __post_init__(self) -> None:
        if self.z_dim < 1 or not self.channels or min(self.channels) < 1:
            raise BadFile(
                f"A DCGAN cannot have {self.z_dim} numbers in z and {self.channels} feature maps."
            )
        checked_colours(self.colours, FAMILY)

    @property
    def resolution(self) -> int:
        return 4 << len(self.channels)


class DCGAN(NetworkGenerator):
    """A DCGAN generator behind `eclipsed.types.Generator`.

    Spaces: z, before truncation (see the module).
    Features: `layer_k` is what the k-th ReLU hands on; `layer_0` is 4×4, each next one twice that.
    """

    def __init__(self, config: DCGANConfig, *, name: str = "dcgan") -> None:
        super().__init__(config, name=name, features=len(config.channels))
        self.config = config
        self.colours = config.colours
        parts: list[nn.Module] = []
        width = config.z_dim
        for i, channels in enumerate(config.channels):
            parts += [_up(width, channels, first=i == 0), nn.BatchNorm2d(channels), nn.ReLU()]
            width = channels
        self.main = nn.Sequential(*parts, _up(width, config.colours), nn.Tanh())

    def render(self, parts: Sequence[Tensor], how: Rendering) -> Rendered:
        x = (parts[0] * how.truncation)[:, :, None, None]
        features: dict[str, Tensor] = {}
        for i, module in enumerate(self.main):
            x = module(x)
            layer, step = divmod(i, _STRIDE)
            if step == _STRIDE - 1 and f"layer_{layer}" in how.wanted:
                features[f"layer_{layer}"] = x
        return x, features


def from_checkpoint(
    config: Mapping[str, Any],  # noqa: ARG001 - the shapes tell everything
    tensors: Mapping[str, Tensor],
    *,
    name: str,
) -> DCGAN:
    """A frozen float32 generator from tensors under the names of PyTorch's example.

    Sizes are read from the shapes. Raises BadFile when a tensor is missing or misshapen, or there
    is one more, which would mean another network.
    """
    with unfilled():
        network = DCGAN(_config_of(tensors), name=name)
    known = network.state_dict().keys()
    unknown = sorted(key for key in tensors if key.startswith("main.") and key not in known)
    if unknown:
        raise BadFile(f"A DCGAN has no tensor {unknown[0]!r}.", "This is another network.")
    # They count steps of training, which changes no image; older files lack them.
    counters = {key: torch.tensor(0) for key in known if key.endswith("num_batches_tracked")}
    return fill(network, dict(tensors) | counters, FAMILY)


def _config_of(tensors: Mapping[str, Tensor]) -> DCGANConfig:
    last = max(numbered(tensors, r"main\.(\d{1,3})\.weight"), default=0)
    # Upwards, because what follows the last weight of a normalisation is a convolution.
    depth = 1 + math.ceil(last / _STRIDE)
    weights = [
        tensor_of(tensors, f"main.{_STRIDE * i}.weight", FAMILY, dims=4) for i in range(depth)
    ]
    height, width = weights[0].shape[2:]
    if height != width:
        scale = 2 ** (depth - 1)
        raise BadFile(
            f"The images of this DCGAN are {height * scale} by {width * scale} pixels.",
            "Only square ones are supported.",
        )
    channels = [weight.shape[1] for weight in weights]
    return DCGANConfig(weights[0].shape[0], tuple(channels[:-1]), channels[-1])


def _up(inputs: int, outputs: int, *, first: bool = False) -> nn.ConvTranspose2d:
    """Twice the size, or from 1×1 to 4×4."""
    stride, padding = (1, 0) if first else (2, 1)
    return nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)
