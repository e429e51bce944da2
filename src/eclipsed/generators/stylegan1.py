"""StyleGAN1 (Karras et al. 2019, arXiv:1812.04948) in plain PyTorch ops.

Parameter names are those of lernapparat's port as LELSD keeps it. Only the last toRGB exists
there: the network is the finished one, without the progressive growing of its training.

The noise maps of a network belong to it like its weights, but the port's files leave them out.
They are read as `….epi1.top_epi.noise.noise` and `….epi2.…` [1, 1, r, r]; where a file has none at
all, "const" noise means `noise_maps` of seed 0, the first image's. An average latent of zeros,
which such files have too, is taken as it is: truncation then shrinks w towards zero, as in the
port.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.shapes import numbered, resample_filter
from eclipsed.checkpoints.weights import fill, number, tensor_of, unfilled
from eclipsed.errors import BadFile
from eclipsed.generators.generator import (
    Rendered,
    Rendering,
    StyleGenerator,
    checked_colours,
)
from eclipsed.generators.mapping import Dense, normalize_2nd_moment
from eclipsed.generators.seeds import noise_maps, noise_of
from eclipsed.types import Noise

FAMILY = "StyleGAN1"
# The original trained its upsampling in this form from here up (fused_scale="auto").
FUSED_FROM = 128
# Pixels. The paper's networks stop here, and a small file could fill memory with noise maps.
LARGEST = 1024
_BLUR_TAPS = (1.0, 2.0, 1.0)
_SQRT2 = math.sqrt(2.0)


@dataclass(frozen=True)
class StyleGAN1Config:
    """Sizes of a StyleGAN1.

    channels: resolution → feature maps, for 4, 8, 16, … up to the image's resolution.
    mapping: widths from z to w, so one more than the mapping has layers.
    mapping_multiplier: learning rate multiplier that the mapping was trained with.
    start: height and width of the constant that enters; blocks are named as if it were 4×4.
    colours: channels of the image.
    """

    channels: Mapping[int, int]
    mapping: tuple[int, ...]
    mapping_multiplier: float = 0.01
    start: tuple[int, int] = (4, 4)
    colours: int = 3
    c_dim = 0  # this family has no classes

    def __post_init__(self) -> None:
        if not self.channels or len(self.mapping) < 2:
            raise BadFile("A StyleGAN1 needs at least one block and one mapping layer.")
        if min(*self.channels.values(), *self.mapping) < 1:
            raise BadFile("A StyleGAN1 cannot have a layer without feature maps.")
        sizes = [4 * 2**i for i in range(len(self.channels))]
        if sorted(self.channels) != sizes:
            raise BadFile(
                f"A StyleGAN1 cannot have blocks of {sorted(self.channels)} pixels.",
                "They must be 4, 8, 16, … without a gap.",
            )
        checked_colours(self.colours, FAMILY)
        if min(self.start) < 1 or max(self.size) > LARGEST:
            raise BadFile(f"A StyleGAN1 of {max(self.size)} pixels is too large to be one.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        return tuple(sorted(self.channels))

    @property
    def resolution(self) -> int:
        return max(self.channels)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return self.size_of(self.resolution)

    def size_of(self, block: int) -> tuple[int, int]:
        """(height, width) of what the block of that name makes."""
        return self.start[0] * block // 4, self.start[1] * block // 4

    @property
    def z_dim(self) -> int:
        return self.mapping[0]

    @property
    def w_dim(self) -> int:
        return self.mapping[-1]

    @property
    def num_ws(self) -> int:
        return 2 * len(self.channels)


class MappingNetwork(nn.Module):
    """z → w: z at mean square 1, then dense layers with gain √2 and leaky ReLU."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        widths = config.mapping
        self.depth = len(widths) - 1
        for i in range(self.depth):
            dense = Dense(widths[i], widths[i + 1], multiplier=config.mapping_multiplier)
            dense.weight_gain *= _SQRT2  # not of the bias, so it cannot follow the activation
            self.add_module(f"dense{i}", dense)

    def forward(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n w"]:
        x = normalize_2nd_moment(z)
        for i in range(self.depth):
            x = F.leaky_relu(self.get_submodule(f"dense{i}")(x), 0.2)
        return x


class AverageLatent(nn.Module):
    """The mean of w, which truncation pulls towards."""

    avg_latent: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("avg_latent", torch.zeros(width))


class StyleNetwork(nn.Module):
    """W+ → S: per layer the scales (less 1) of all its channels, then their shifts."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.style_layers = nn.ModuleDict()
        for size in config.resolutions:
            for half in (0, 1):
                lin = Dense(config.mapping[-1], 2 * config.channels[size])
                self.style_layers[f"{size}x{size}_{half}"] = nn.ModuleDict({"lin": lin})

    def forward(self, rows: Float[Tensor, "n rows w"]) -> list[Tensor]:
        layers = self.style_layers.values()
        return [layer["lin"](rows[:, i]) for i, layer in enumerate(layers)]  # type: ignore[index]


class NoiseInput(nn.Module):
    """The network's own map of noise, and the weight of noise in each channel."""

    noise: Tensor

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise", torch.zeros(1, 1, *size))


class Epilogue(nn.Module):
    """What follows every convolution: noise, leaky ReLU, instance norm, scale and shift."""

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.top_epi = nn.ModuleDict({"noise": NoiseInput(channels, size)})

    @property
    def input(self) -> NoiseInput:
        return self.top_epi["noise"]  # type: ignore[return-value]

    def forward(self, x: Tensor, style: Float[Tensor, "n s"], noise: Tensor | None) -> Tensor:
        if noise is not None:
            x = x + self.input.weight[:, None, None] * noise
        # The port's ε; the original's TensorFlow code has 1e-8.
        x = F.instance_norm(F.leaky_relu(x, 0.2), eps=1e-5)
        scale, shift = style[:, :, None, None].chunk(2, dim=1)
        return x * (scale + 1) + shift


class Conv(nn.Module):
    """Equalised-rate convolution, square kernel, the size stays."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, gain: float = _SQRT2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = gain / math.sqrt(inputs * kernel**2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.gain, self.bias, padding=self.weight.shape[2] // 2)


class Blur(nn.Module):
    """A 3×3 filter on each channel."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", resample_filter(_BLUR_TAPS)[None, None])

    def forward(self, x: Tensor) -> Tensor:
        taps = self.kernel.expand(x.shape[1], -1, -1, -1)
        return F.conv2d(x, taps, padding=1, groups=x.shape[1])


class UpConv(nn.Module):
    """Equalised-rate 3×3 convolution to twice the size, blur, bias.

    Doubling every pixel and convolving is one transposed convolution with a 4×4 kernel, the sum of
    four shifted 3×3 ones, and that needs less than half of the work. The original has this fused
    form from 128 pixels up only, where its kernels are those of a transposed convolution; kernels
    of smaller blocks are those of a convolution and are turned here.
    """

    def __init__(self, inputs: int, outputs: int, *, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = _SQRT2 / math.sqrt(inputs * 9)
        self.fused = size >= FUSED_FROM
        self.intermediate = Blur()

    def forward(self, x: Tensor) -> Tensor:
        taps = self.weight if self.fused else self.weight.flip(2, 3)
        taps = F.pad(taps.transpose(0, 1) * self.gain, (1, 1, 1, 1))
        taps = taps[..., 1:] + taps[..., :-1]
        taps = taps[..., 1:, :] + taps[..., :-1, :]
        x = self.intermediate(F.conv_transpose2d(x, taps, stride=2, padding=1))
        return x + self.bias[:, None, None]


class Block(nn.Module):
    """The two layers of one resolution."""

    def __init__(self, inputs: int, outputs: int, *, config: StyleGAN1Config, size: int) -> None:
        super().__init__()
        self.first = size == 4
        if self.first:
            self.const = nn.Parameter(torch.ones(1, outputs, *config.start))
            self.bias = nn.Parameter(torch.zeros(outputs))
            self.conv = Conv(outputs, outputs)
        else:
            self.conv0_up = UpConv(inputs, outputs, size=size)
            self.conv1 = Conv(outputs, outputs)
        self.epi1 = Epilogue(outputs, config.size_of(size))
        self.epi2 = Epilogue(outputs, config.size_of(size))

    def convolve(self, x: Tensor, second: bool) -> Tensor:
        """What a layer hands to its epilogue; the very first one has a constant x and no kernel."""
        if self.first:
            return self.conv(x) if second else x + self.bias[:, None, None]
        return (self.conv1 if second else self.conv0_up)(x)  # type: ignore[no-any-return]


class SynthesisNetwork(nn.Module):
    """Styles → image; `styles` holds one tensor per layer."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict()
        previous = 0
        for size in config.resolutions:
            channels = config.channels[size]
            self.blocks[f"{size}x{size}"] = Block(previous, channels, config=config, size=size)
            previous = channels
        self.torgb = Conv(previous, config.colours, kernel=1, gain=1.0)

    def block(self, size: int) -> Block:
        return self.blocks[f"{size}x{size}"]  # type: ignore[return-value]

    def forward(
        self,
        styles: Sequence[Tensor],
        *,
        noise: Noise = "const",
        wanted: frozenset[str] = frozenset(),
    ) -> tuple[Tensor, dict[str, Tensor]]:
        n = styles[0].shape[0]
        features: dict[str, Tensor] = {}
        x = self.block(4).const.expand(n, -1, -1, -1)
        for layer, style in enumerate(styles):
            block, second = self.block(4 << layer // 2), layer % 2 == 1
            epilogue = block.epi2 if second else block.epi1
            maps = noise_of(noise, epilogue.input.noise, layer, n)
            x = epilogue(block.convolve(x, second), style, maps)
            if f"layer_{layer}" in wanted:
                features[f"layer_{layer}"] = x
        return self.torgb(x), features


class StyleGAN1(StyleGenerator):
    """A StyleGAN1 generator behind `eclipsed.types.Generator`.

    Spaces: z, w, w+ (rows `row_0` …, flattened row by row), s (layers `4x4_0`, `4x4_1`, `8x8_0` …;
    in each the scales less 1 of all channels, then their shifts).
    Features: `layer_k` is what layer k hands on, after row k of W+ has scaled and shifted it.
    """

    def __init__(self, config: StyleGAN1Config, *, name: str = "stylegan1") -> None:
        super().__init__(config, name=name)
        self.config = config
        self.size, self.resolution = config.size, max(config.size)
        self.colours = config.colours
        self.g_mapping = MappingNetwork(config)
        self.truncation = AverageLatent(self.w_dim)
        self.g_style = StyleNetwork(config)
        self.g_synthesis = SynthesisNetwork(config)

    @property
    def w_mean(self) -> Float[Tensor, " w"]:
        return self.truncation.avg_latent

    def w_of(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n w"]:
        return self.g_mapping(z)  # type: ignore[no-any-return]

    def style_widths(self) -> dict[str, int]:
        sizes = self.config.channels
        return {f"{r}x{r}_{half}": 2 * sizes[r] for r in sorted(sizes) for half in (0, 1)}

    def styles_of(self, rows: Float[Tensor, "n rows w"]) -> list[Tensor]:
        return self.g_style(rows)  # type: ignore[no-any-return]

    def render(self, parts: Sequence[Tensor], how: Rendering) -> Rendered:
        return self.g_synthesis(parts, noise=how.noise, wanted=how.wanted)  # type: ignore[no-any-return]


def from_checkpoint(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], *, name: str
) -> StyleGAN1:
    """A frozen float32 generator from tensors under the names of lernapparat's port.

    Sizes are read from the shapes. `config` may hold `mapping_multiplier` (0.01 where absent).
    Filters that are left out are [1, 2, 1]; if every noise map is left out, they are `noise_maps`
    of seed 0. Raises BadFile when a tensor is missing or misshapen.
    """
    mapping = _mapping_widths(tensors)
    const = tensor_of(tensors, "g_synthesis.blocks.4x4.const", FAMILY, dims=4)
    sizes = StyleGAN1Config(
        channels=_channels(tensors),
        mapping=mapping,
        mapping_multiplier=number(config, "mapping_multiplier", 0.01, FAMILY),
        start=(const.shape[2], const.shape[3]),
        colours=len(tensor_of(tensors, "g_synthesis.torgb.weight", FAMILY, dims=4)),
    )
    with unfilled():
        network = StyleGAN1(sizes, name=name)
    buffers = _buffers(sizes, tensors)
    network = fill(network, buffers | dict(tensors), FAMILY)
    if any(key.endswith("noise.noise") for key in buffers):
        network.notes = ("the file lacks its noise maps: maps drawn from seed 0 take their place.",)
    return network


def _channels(tensors: Mapping[str, Tensor]) -> dict[int, int]:
    sizes = numbered(tensors, r"g_synthesis\.blocks\.(\d{1,5})x\1\..*")
    keys = {size: f"g_synthesis.blocks.{size}x{size}.epi1.top_epi.noise.weight" for size in sizes}
    return {size: len(tensor_of(tensors, key, FAMILY, dims=1)) for size, key in keys.items()}


def _mapping_widths(tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
    depth = 1 + max(numbered(tensors, r"g_mapping\.dense(\d{1,3})\..*"), default=0)
    weights = [
        tensor_of(tensors, f"g_mapping.dense{i}.weight", FAMILY, dims=2) for i in range(depth)
    ]
    return (weights[0].shape[1], *(len(weight) for weight in weights))


def _buffers(config: StyleGAN1Config, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What files leave out, under its names."""
    blocks = {size: f"g_synthesis.blocks.{size}x{size}" for size in config.resolutions}
    blur = resample_filter(_BLUR_TAPS)[None, None]
    buffers = {f"{block}.conv0_up.intermediate.kernel": blur for block in blocks.values()}
    maps = {
        f"{block}.epi{half}.top_epi.noise.noise": size
        for size, block in blocks.items()
        for half in (1, 2)
    }
    if not any(key in tensors for key in maps):
        for layer, (key, size) in enumerate(maps.items()):
            buffers[key] = noise_maps(0, layer, 1, config.size_of(size))
    return buffers
