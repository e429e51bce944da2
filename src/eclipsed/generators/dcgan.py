"""DCGAN (Radford et al. 2016, arXiv:1511.06434), as PyTorch's examples lay it out.

Parameter names are those of that example: `main.0` … in a sequence of transposed convolution,
batch normalisation and ReLU, ended by a transposed convolution and tanh.

Latents of space z are the noise before truncation, as for every generator: `synthesize(z,
truncation=t)` renders t·z. The original has no truncation, which is t = 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eclipsed.errors import BadFile
from eclipsed.generators import spaces
from eclipsed.generators.frozen import (
    check_features,
    fill,
    fingerprint_of,
    tensor_of,
)
from eclipsed.types import Layer, Noise, Space, Synthesis

FAMILY = "DCGAN"
# Convolution, normalisation, activation.
_STRIDE = 3


@dataclass(frozen=True)
class DCGANConfig:
    """Sizes of a DCGAN generator.

    channels: feature maps at 4×4, 8×8, … below the image's resolution.
    """

    z_dim: int
    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.z_dim < 1 or not self.channels or min(self.channels) < 1:
            raise BadFile(
                f"A DCGAN cannot have {self.z_dim} numbers in z and {self.channels} feature maps."
            )

    @property
    def resolution(self) -> int:
        return 4 << len(self.channels)


class DCGAN(nn.Module):
    """A DCGAN generator behind `eclipsed.types.Generator`.

    Spaces: z, before truncation (see the module).
    Features: `layer_k` is what the k-th ReLU hands on; `layer_0` is 4×4, each next one twice that.
    """

    def __init__(self, config: DCGANConfig, *, name: str = "dcgan") -> None:
        super().__init__()
        self.config = config
        self.name = name
        self.resolution = config.resolution
        self.z_dim = config.z_dim
        self.feature_names = tuple(f"layer_{i}" for i in range(len(config.channels)))
        parts: list[nn.Module] = []
        width = config.z_dim
        for i, channels in enumerate(config.channels):
            parts += [_up(width, channels, first=i == 0), nn.BatchNorm2d(channels), nn.ReLU()]
            width = channels
        self.main = nn.Sequential(*parts, _up(width, 3), nn.Tanh())
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and bytes of every tensor, computed once."""
        if not self._fingerprint:
            self._fingerprint = fingerprint_of(self)
        return self._fingerprint

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def layers(self, space: Space) -> tuple[Layer, ...]:
        return spaces.z_layers(self.z_dim, space)

    def sample(self, seeds: Sequence[int], truncation: float = 0.7, space: Space = "z") -> Tensor:
        """z [N, z_dim]: RandomState(seed).randn(z_dim) for each seed, truncated in `synthesize`."""
        return spaces.sample(self, seeds, truncation, space)

    def from_z(
        self,
        z: Tensor,
        truncation: float = 1.0,  # noqa: ARG002 - z is truncated where it is rendered
        cutoff: int | None = None,  # noqa: ARG002 - there are no rows
        space: Space = "z",
    ) -> Tensor:
        """z itself."""
        return self.convert(z, "z", space)

    def convert(
        self,
        latents: Tensor,
        source: Space,
        target: Space,
        truncation: float = 1.0,  # noqa: ARG002 - z is truncated where it is rendered
    ) -> Tensor:
        """The latents themselves; UnknownName for any space but z."""
        return spaces.z_itself(latents, source, target)

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "z",
        noise: Noise = "const",  # noqa: ARG002 - there is none
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        """z [N, z_dim] → image [N, 3, R, R] in [-1, 1] and the features asked for.

        Raises UnknownName for a feature or space this network lacks.
        """
        check_features(features, self.feature_names)
        x = (self.convert(latents, space, "z") * truncation)[:, :, None, None]
        kept: dict[str, Tensor] = {}
        for i, part in enumerate(self.main):
            x = part(x)
            layer, place = divmod(i, _STRIDE)
            if place == _STRIDE - 1 and f"layer_{layer}" in features:
                kept[f"layer_{layer}"] = x
        return Synthesis(image=x, features=kept)


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
    made = _config_of(tensors)
    with torch.device("meta"):
        network = DCGAN(made, name=name)
    known = network.state_dict().keys()
    strange = sorted(key for key in tensors if key.startswith("main.") and key not in known)
    if strange:
        raise BadFile(f"A DCGAN has no tensor {strange[0]!r}.", "This is another network.")
    # They count steps of training, which changes no image; older files lack them.
    counters = {key: torch.tensor(0) for key in known if key.endswith("num_batches_tracked")}
    return fill(network, dict(tensors) | counters, FAMILY)


def _config_of(tensors: Mapping[str, Tensor]) -> DCGANConfig:
    found = (re.fullmatch(r"main\.(\d{1,3})\.weight", key) for key in tensors)
    last = max((int(match[1]) for match in found if match), default=0)
    # Upwards, because what follows the last weight of a normalisation is a convolution.
    depth = 1 + math.ceil(last / _STRIDE)
    weights = [
        tensor_of(tensors, f"main.{_STRIDE * i}.weight", FAMILY, dims=4) for i in range(depth)
    ]
    return DCGANConfig(
        z_dim=weights[0].shape[0], channels=tuple(weight.shape[1] for weight in weights[:-1])
    )


def _up(inputs: int, outputs: int, *, first: bool = False) -> nn.ConvTranspose2d:
    """Twice the size, or from 1×1 to 4×4."""
    stride, padding = (1, 0) if first else (2, 1)
    return nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)
