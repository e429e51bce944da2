"""StyleGAN2 (Karras et al. 2020, arXiv:1912.04958) in plain PyTorch ops, skip architecture.

Parameter names are NVIDIA's (stylegan2-ada-pytorch), so official weights load unchanged. The
modulated convolution scales activations instead of weights (equal in real arithmetic), which
needs no compiled op and no per-image weights and halves the backward pass of a frozen network.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.errors import BadFile, UnknownName
from eclipsed.types import SPACES, Layer, Noise, Space, Synthesis

FILTER_TAPS = (1.0, 3.0, 3.0, 1.0)
_SQRT2 = math.sqrt(2.0)


@dataclass(frozen=True)
class StyleGAN2Config:
    """Sizes of a skip-architecture StyleGAN2.

    channels: resolution → feature maps, from 4 up to `resolution` in powers of two.
    mapping_layers, mapping_width: the fully connected layers from z to w.
    conv_clamp: activations are clamped to ±conv_clamp where set (NVIDIA's fp16 models: 256).
    """

    resolution: int
    channels: Mapping[int, int]
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    mapping_width: int | None = None
    mapping_multiplier: float = 0.01
    conv_clamp: float | None = None

    def __post_init__(self) -> None:
        if self.resolution < 4 or self.resolution & (self.resolution - 1):
            raise BadFile(
                f"A StyleGAN2 cannot have resolution {self.resolution}.",
                "It must be 4, 8, 16, … pixels.",
            )
        missing = [r for r in self.resolutions if r not in self.channels]
        if missing:
            raise BadFile(f"No channel count for resolutions {missing} of this StyleGAN2.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        return tuple(2**k for k in range(2, int(math.log2(self.resolution)) + 1))

    @property
    def num_ws(self) -> int:
        return 2 * len(self.resolutions)


def normalize_2nd_moment(z: Float[Tensor, "n z"]) -> Float[Tensor, "n z"]:
    """Scale every row to mean square 1."""
    return z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Dense(nn.Module):
    """Equalised-rate linear layer; `multiplier` is NVIDIA's lr_multiplier."""

    def __init__(
        self, inputs: int, outputs: int, *, multiplier: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / multiplier))
        self.weight_gain = multiplier / math.sqrt(inputs)
        self.bias_gain = multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)


class MappingNetwork(nn.Module):
    """z → w: normalisation, then dense layers with leaky ReLU and gain √2."""

    w_avg: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        width = config.mapping_width or config.w_dim
        sizes = [config.z_dim, *[width] * (config.mapping_layers - 1), config.w_dim]
        self.depth = config.mapping_layers
        for i in range(self.depth):
            dense = Dense(sizes[i], sizes[i + 1], multiplier=config.mapping_multiplier)
            self.add_module(f"fc{i}", dense)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n w"]:
        x = normalize_2nd_moment(z.float())
        for i in range(self.depth):
            x = F.leaky_relu(self.get_submodule(f"fc{i}")(x), 0.2) * _SQRT2
        return x


def _filter() -> Tensor:
    taps = torch.tensor(FILTER_TAPS)
    taps = torch.outer(taps, taps)
    return taps / taps.sum()


def _activate(x: Tensor, bias: Tensor, clamp: float | None) -> Tensor:
    x = F.leaky_relu(x + bias.to(x.dtype)[:, None, None], 0.2) * _SQRT2
    return x if clamp is None else x.clamp(-clamp, clamp)


class StyledConv(nn.Module):
    """3×3 modulated, demodulated convolution, noise, bias, leaky ReLU; `up` doubles the size."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self, inputs: int, outputs: int, *, config: StyleGAN2Config, size: int, up: bool
    ) -> None:
        super().__init__()
        self.affine = Dense(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.register_buffer("resample_filter", _filter())
        self.up = up
        self.clamp = config.conv_clamp

    def forward(self, x: Tensor, style: Float[Tensor, "n i"], noise: Noise) -> Tensor:
        demod = (style.square() @ self.weight.square().sum(dim=(2, 3)).t() + 1e-8).rsqrt()
        x = x * style.to(x.dtype)[:, :, None, None]
        if self.up:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            taps = (self.resample_filter * 4).flip(0, 1).to(x.dtype).expand(x.shape[1], 1, -1, -1)
            x = F.conv2d(x, taps, padding=1, groups=x.shape[1])
        else:
            x = F.conv2d(x, self.weight, padding=1)
        x = x * demod.to(x.dtype)[:, :, None, None]
        if noise == "const":
            x = x + (self.noise_const * self.noise_strength).to(x.dtype)
        return _activate(x, self.bias, self.clamp)


class ToRGB(nn.Module):
    """1×1 modulated convolution to colour, not demodulated; styles carry NVIDIA's weight gain."""

    def __init__(self, inputs: int, *, config: StyleGAN2Config) -> None:
        super().__init__()
        self.affine = Dense(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.weight_gain = 1 / math.sqrt(inputs)
        self.clamp = config.conv_clamp

    def style(self, w: Float[Tensor, "n w"]) -> Float[Tensor, "n i"]:
        return self.affine(w) * self.weight_gain  # type: ignore[no-any-return]

    def forward(self, x: Tensor, style: Float[Tensor, "n i"]) -> Tensor:
        rgb = F.conv2d(x * style.to(x.dtype)[:, :, None, None], self.weight).float()
        rgb = rgb + self.bias[:, None, None]
        return rgb if self.clamp is None else rgb.clamp(-self.clamp, self.clamp)


class Block(nn.Module):
    """All layers of one resolution."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, *, config: StyleGAN2Config, size: int) -> None:
        super().__init__()
        self.first = size == 4
        self.register_buffer("resample_filter", _filter())
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, 4, 4))
        else:
            self.conv0 = StyledConv(inputs, outputs, config=config, size=size, up=True)
        self.conv1 = StyledConv(outputs, outputs, config=config, size=size, up=False)
        self.torgb = ToRGB(outputs, config=config)

    def upsample(self, rgb: Tensor) -> Tensor:
        taps = (self.resample_filter * 4).expand(3, 1, -1, -1)
        return F.conv_transpose2d(rgb, taps, stride=2, padding=1, groups=3)


class SynthesisNetwork(nn.Module):
    """Styles → image. `styles` holds one tensor per entry of S, in network order."""

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.resolutions = config.resolutions
        previous = 0
        for size in config.resolutions:
            block = Block(previous, config.channels[size], config=config, size=size)
            self.add_module(f"b{size}", block)
            previous = config.channels[size]

    def block(self, size: int) -> Block:
        return self.get_submodule(f"b{size}")  # type: ignore[return-value]

    def style_layers(self) -> list[tuple[str, Dense | ToRGB, int]]:
        """(name, the affine or toRGB that makes it, its row of W+) of every entry of S."""
        entries: list[tuple[str, Dense | ToRGB, int]] = []
        row = 0
        for size in self.resolutions:
            block = self.block(size)
            for name in ("conv1",) if block.first else ("conv0", "conv1"):
                entries.append((f"b{size}.{name}", getattr(block, name).affine, row))
                row += 1
            entries.append((f"b{size}.torgb", block.torgb, row))
        return entries

    def styles(self, ws: Float[Tensor, "n rows w"]) -> list[Tensor]:
        return [
            (made.style(ws[:, row]) if isinstance(made, ToRGB) else made(ws[:, row]))
            for _, made, row in self.style_layers()
        ]

    def forward(
        self,
        styles: Sequence[Tensor],
        *,
        noise: Noise = "const",
        wanted: frozenset[str] = frozenset(),
    ) -> tuple[Tensor, dict[str, Tensor]]:
        entry = iter(styles)
        n = styles[0].shape[0]
        x = self.block(4).const.expand(n, -1, -1, -1)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        x = x.contiguous(memory_format=torch.channels_last)
        kept: dict[str, Tensor] = {}
        count = 0

        def keep(x: Tensor) -> None:
            nonlocal count
            if f"layer_{count}" in wanted:
                kept[f"layer_{count}"] = x
            count += 1

        keep(x)
        rgb: Tensor | None = None
        for size in self.resolutions:
            block = self.block(size)
            for conv in (block.conv1,) if block.first else (block.conv0, block.conv1):
                x = conv(x, next(entry), noise)
                keep(x)
            add = block.torgb(x, next(entry))
            rgb = add if rgb is None else block.upsample(rgb) + add
        assert rgb is not None
        return rgb, kept


class StyleGAN2(nn.Module):
    """A StyleGAN2 generator behind `eclipsed.types.Generator`.

    Spaces: z, w, w+ (rows `row_0` …, flattened row by row), s (affine outputs in network order;
    toRGB entries after multiplication with NVIDIA's weight gain 1/√channels).
    Features: `layer_0` is the constant, `layer_{k+1}` the output of convolution k.
    """

    def __init__(self, config: StyleGAN2Config, *, name: str = "stylegan2") -> None:
        super().__init__()
        self.config = config
        self.name = name
        self.resolution = config.resolution
        self.z_dim = config.z_dim
        self.w_dim = config.w_dim
        self.num_ws = config.num_ws
        self.mapping = MappingNetwork(config)
        self.synthesis = SynthesisNetwork(config)
        self.feature_names = tuple(f"layer_{i}" for i in range(self.num_ws))
        self._fingerprint = ""

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, Tensor], config: StyleGAN2Config, *, name: str = "stylegan2"
    ) -> StyleGAN2:
        """A frozen float32 generator from tensors under NVIDIA's names.

        Tensors it has no use for are ignored. Raises BadFile when one is missing or misshapen.
        """
        with torch.device("meta"):
            network = cls(config, name=name)
        state = {key: value.float() for key, value in tensors.items()}
        for key, value in network.state_dict().items():
            if key.endswith("resample_filter") and key not in state:
                state[key] = _filter()
            if key not in state:
                raise BadFile(f"The weights lack the tensor {key!r} of a StyleGAN2.")
            if state[key].shape != value.shape:
                found, expected = list(state[key].shape), list(value.shape)
                raise BadFile(
                    f"The tensor {key!r} has shape {found}, but this StyleGAN2 needs {expected}."
                )
        known = network.state_dict().keys()
        network.load_state_dict({k: v for k, v in state.items() if k in known}, assign=True)
        return network.eval().requires_grad_(False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and bytes of every tensor, computed once."""
        if not self._fingerprint:
            digest = hashlib.sha256()
            for key, value in sorted(self.state_dict().items()):
                digest.update(key.encode())
                digest.update(value.detach().cpu().contiguous().numpy().tobytes())
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    @property
    def device(self) -> torch.device:
        return self.mapping.w_avg.device

    def layers(self, space: Space) -> tuple[Layer, ...]:
        if space == "z":
            return (Layer("z", self.z_dim),)
        if space == "w":
            return (Layer("w", self.w_dim),)
        if space == "w+":
            return tuple(Layer(f"row_{i}", self.w_dim) for i in range(self.num_ws))
        if space == "s":
            return tuple(
                Layer(name, (made.affine if isinstance(made, ToRGB) else made).weight.shape[0])
                for name, made, _ in self.synthesis.style_layers()
            )
        raise UnknownName(
            f"There is no latent space {space!r}.", f"Choose one of {', '.join(SPACES)}."
        )

    def sample(self, seeds: Sequence[int], truncation: float = 0.7, space: Space = "w+") -> Tensor:
        """Latents [N, D]: z = RandomState(seed).randn(z_dim) for each seed, then `from_z`."""
        rows = [np.random.RandomState(seed).randn(self.z_dim) for seed in seeds]
        z = torch.from_numpy(np.stack(rows)).float().to(self.device)
        return self.from_z(z, truncation=truncation, space=space)

    def from_z(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, space: Space = "w+"
    ) -> Tensor:
        """z [N, z_dim] → latents [N, D] float32; `cutoff` truncates only the first rows of W+."""
        if space == "z":
            return z
        self.layers(space)
        w = self.mapping(z)
        if space == "w":
            return self.mapping.w_avg.lerp(w, truncation)
        rows = w.unsqueeze(1).repeat(1, self.num_ws, 1)
        rows[:, :cutoff] = self.mapping.w_avg.lerp(rows[:, :cutoff], truncation)
        return self.convert(rows.flatten(1), "w+", space)

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Tensor:
        """Latents of one space in a later one (z → w → w+ → s); UnknownName for the way back."""
        order = list(SPACES)
        self.layers(source)
        self.layers(target)
        if order.index(source) > order.index(target):
            raise UnknownName(
                f"Latents of space {source} cannot be turned back into space {target}.",
                f"The order is {' → '.join(SPACES)}.",
            )
        if source == target:
            return latents
        if source == "z":
            return self.from_z(latents, truncation=truncation, space=target)
        if source == "w":
            return self.convert(latents.repeat(1, self.num_ws), "w+", target)
        rows = latents.unflatten(1, (self.num_ws, self.w_dim))
        return torch.cat(self.synthesis.styles(rows), dim=1)

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "w+",
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        """Latents [N, D] → image [N, 3, R, R] and the features asked for.

        Raises UnknownName for a feature this network lacks.
        """
        unknown = sorted(set(features) - set(self.feature_names))
        if unknown:
            raise UnknownName(
                f"This generator has no feature {unknown[0]!r}.",
                f"It has {self.feature_names[0]} to {self.feature_names[-1]}.",
            )
        styles = self.convert(latents, space, "s", truncation=truncation)
        widths = [layer.width for layer in self.layers("s")]
        image, kept = self.synthesis(
            styles.split(widths, dim=1), noise=noise, wanted=frozenset(features)
        )
        return Synthesis(image=image, features=kept)
