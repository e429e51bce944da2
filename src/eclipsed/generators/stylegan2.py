"""StyleGAN2 (Karras et al. 2020, arXiv:1912.04958) in plain PyTorch ops.

Parameter names are NVIDIA's (stylegan2-ada-pytorch), so official weights load unchanged. The
modulated convolution scales activations instead of weights (equal in real arithmetic), which
needs no compiled op and no per-image weights and halves the backward pass of a frozen network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.shapes import stylegan2_config
from eclipsed.checkpoints.weights import fill, fingerprint_of, number, tensor_of, unfilled, whole
from eclipsed.errors import BadFile
from eclipsed.generators.generator import (
    Rendered,
    Rendering,
    StyleGenerator,
    checked_colours,
)
from eclipsed.generators.mapping import Dense, MappingNetwork, average_latent
from eclipsed.generators.seeds import noise_maps, noise_of
from eclipsed.types import Noise

Architecture = Literal["skip", "resnet", "orig"]
ARCHITECTURES: tuple[Architecture, ...] = ("skip", "resnet", "orig")
FILTER_TAPS = (1.0, 3.0, 3.0, 1.0)
_FAMILY = "StyleGAN2"
_NO_AVERAGE = (
    "the file has no average latent, which truncation pulls towards: the mean of thousands of "
    "mapped seeds takes its place."
)
_SQRT2 = math.sqrt(2.0)
_SLOPE = 0.2  # of leaky ReLU below 0
# NVIDIA keeps filters of at least so many taps as a row, shorter ones as a square.
_SEPARABLE_TAPS = 8
_MOST_TAPS = 64
# Pixels of a side. Public networks end at 1024, and a small file could fill memory with noise maps.
LARGEST = 4096
_STRIP = 2**19  # numbers that stay in a processor's cache


@dataclass(frozen=True)
class StyleGAN2Config:
    """Sizes and variants of a StyleGAN2.

    channels: resolution → feature maps, from 4 up to `resolution` in powers of two.
    mapping_layers, mapping_width: the fully connected layers from z to w.
    conv_clamp: activations are clamped to ±conv_clamp where set (NVIDIA's fp16 models: 256).
    c_dim, embed_width: length of the class vector (0: no classes) and of its embedding.
    architecture: "skip" adds up a colour image from every resolution; "resnet" and "orig" make
    colours at the last only, "resnet" with a shortcut around every block.
    resample_filter: taps of the low-pass filter used when doubling the size.
    start: height and width of the constant that enters; blocks are named as if it were 4×4.
    colours: channels of the image.
    """

    resolution: int
    channels: Mapping[int, int]
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    mapping_width: int | None = None
    mapping_multiplier: float = 0.01
    conv_clamp: float | None = None
    c_dim: int = 0
    embed_width: int | None = None
    architecture: Architecture = "skip"
    resample_filter: tuple[float, ...] = FILTER_TAPS
    start: tuple[int, int] = (4, 4)
    colours: int = 3

    def __post_init__(self) -> None:
        if self.resolution < 4 or self.resolution & (self.resolution - 1):
            raise BadFile(
                f"A StyleGAN2 cannot have resolution {self.resolution}.",
                "It must be 4, 8, 16, … pixels.",
            )
        missing = [r for r in self.resolutions if r not in self.channels]
        if missing:
            raise BadFile(f"No channel count for resolutions {missing} of this StyleGAN2.")
        if min(self.z_dim, self.w_dim, self.mapping_layers, *self.channels.values()) < 1:
            raise BadFile("A layer of this StyleGAN2 has no width at all.")
        checked_colours(self.colours, _FAMILY)
        if min(self.start) < 1 or max(self.size) > LARGEST:
            raise BadFile(f"Images of {self.size} pixels make no StyleGAN2.")
        total = sum(self.resample_filter)
        if len(self.resample_filter) > _MOST_TAPS or not math.isfinite(total) or total == 0:
            raise BadFile("The resample_filter of this StyleGAN2 is not a low-pass filter.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        return tuple(2**k for k in range(2, int(math.log2(self.resolution)) + 1))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return self.size_of(self.resolution)

    def size_of(self, block: int) -> tuple[int, int]:
        """(height, width) of what the block of that name makes."""
        return self.start[0] * block // 4, self.start[1] * block // 4

    @property
    def num_ws(self) -> int:
        return 2 * len(self.resolutions)


def _filter(taps: Sequence[float]) -> Tensor:
    """The low-pass filter as NVIDIA stores it, summing to 1: a square, or a row of many taps."""
    table = torch.tensor(taps, device="cpu")  # numbers, even in a network that is yet unfilled
    if len(taps) < _SEPARABLE_TAPS:
        table = torch.outer(table, table)
    return table / table.sum()


def _square(stored: Tensor) -> Float[Tensor, "k k"]:
    """A stored filter for use between samples that are half zeros in both axes: times 4."""
    return (stored if stored.dim() == 2 else torch.outer(stored, stored)) * 4


def _double(x: Float[Tensor, "n c h w"], stored: Tensor) -> Tensor:
    """Twice the size: zeros between the samples, then the low-pass filter (NVIDIA's upsample2d)."""
    taps = len(stored)
    # What the full convolution makes too much of; a filter of one tap lacks a sample in front.
    before, after = taps // 2 - 1, (taps + 1) // 2 - 1
    both = max(min(before, after), 0)
    kernel = _square(stored).to(x.dtype).expand(x.shape[1], 1, -1, -1)
    x = F.conv_transpose2d(x, kernel, stride=2, padding=both, groups=x.shape[1])
    return _pad(x, both - before, both - after)


def _smooth(x: Float[Tensor, "n c h w"], stored: Tensor) -> Tensor:
    """The low-pass filter that follows a transposed 3×3 convolution of stride 2."""
    taps = len(stored)
    return _correlate(x, _square(stored).flip(0, 1), (taps + 1) // 2 - 1, taps // 2 - 1)


def _smooth_back(gradient: Float[Tensor, "n c h w"], stored: Tensor) -> Tensor:
    """The gradient of `_smooth` with respect to x."""
    taps = len(stored)
    # The whole correlation, of which the forward pass used what its padding allowed.
    return _correlate(gradient, _square(stored), taps - (taps + 1) // 2, taps - taps // 2)


def _correlate(x: Float[Tensor, "n c h w"], filter_: Tensor, before: int, after: int) -> Tensor:
    """Every channel with one filter, and so many zeros before and after it in both axes."""
    both = max(min(before, after), 0)
    kernel = filter_.to(x.dtype).expand(x.shape[1], 1, -1, -1)
    return F.conv2d(_pad(x, before - both, after - both), kernel, padding=both, groups=x.shape[1])


def _pad(x: Tensor, before: int, after: int) -> Tensor:
    """Zeros on both sides of both axes; negative numbers cut off. No copy where there are none."""
    return F.pad(x, (before, after, before, after)) if before or after else x


def _dot(x: Float[Tensor, "n c h w"], other: Tensor) -> Float[Tensor, "n c"]:
    """Σ x · other over all positions, in float32 and without a tensor of all products.

    Fresh memory costs many times as much as a product, so it goes in strips of rows.
    """
    total = torch.zeros(x.shape[:2], device=x.device)
    rows = max(1, _STRIP // (x.shape[0] * x.shape[1] * x.shape[3]))
    pairs = zip(x.split(rows, dim=2), other.expand_as(x).split(rows, dim=2), strict=True)
    for one, two in pairs:
        total += (one.float() * two).sum(dim=(2, 3))
    return total


class _FrozenConv(torch.autograd.Function):
    """A styled convolution whose weights are not trained, in few passes over memory.

    y = clamp(lrelu(demod · conv(style · x) + bias + noise)); conv doubles the size where there are
    `taps`. Only x and y are stored for the backward pass. x, weight and y may be bfloat16; the
    rest, and the sums over positions, are float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        style: Tensor,
        demod: Tensor,
        weight: Tensor,
        bias: Tensor,
        noise: Tensor | None,
        taps: Tensor | None,
        clamp: float | None,
    ) -> Tensor:
        # Cast first: a product of two dtypes takes many times as long.
        y = _convolve(x * style.to(x.dtype)[:, :, None, None], weight, taps)
        y.mul_(demod.to(y.dtype)[:, :, None, None]).add_(bias.to(y.dtype)[:, None, None])
        if noise is not None:
            y.add_(noise.to(y.dtype))
        F.leaky_relu_(y, _SLOPE)
        if clamp is not None:
            y.clamp_(-clamp, clamp)
        ctx.save_for_backward(x, style, demod, weight, bias, noise, taps, y)
        ctx.clamp = clamp
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, style, demod, weight, bias, noise, taps, y = ctx.saved_tensors
        above = gradients[0]
        if ctx.clamp is not None:
            above = above.masked_fill(y.abs() >= ctx.clamp, 0.0)
        below = torch.ops.aten.leaky_relu_backward(above, y, _SLOPE, True)
        for_demod = None
        if ctx.needs_input_grad[2]:
            # below · (what the activation was given) is above · y, as its slope cancels out.
            whole = _dot(above, y) - bias * _dot(below, bias.new_ones(1))
            if noise is not None:
                whole -= _dot(below, noise)
            for_demod = whole / demod
        back = _convolve_back(below.mul_(demod.to(y.dtype)[:, :, None, None]), weight, taps)
        for_style = _dot(back, x) if ctx.needs_input_grad[1] else None
        for_x = back.mul_(style.to(x.dtype)[:, :, None, None]) if ctx.needs_input_grad[0] else None
        return for_x, for_style, for_demod, None, None, None, None, None


def _convolve(x: Tensor, weight: Tensor, taps: Tensor | None) -> Tensor:
    """3×3 convolution; with the taps of a low-pass filter, at twice the size."""
    if taps is None:
        return F.conv2d(x, weight, padding=1)
    return _smooth(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), taps)


def _convolve_back(gradient: Tensor, weight: Tensor, taps: Tensor | None) -> Tensor:
    """The gradient of `_convolve` with respect to x."""
    if taps is None:
        return F.conv2d(gradient, weight.transpose(0, 1).flip(2, 3), padding=1)
    return F.conv2d(_smooth_back(gradient, taps), weight.transpose(0, 1), stride=2)


class StyledConv(nn.Module):
    """3×3 modulated, demodulated convolution, noise, bias, leaky ReLU; `up` doubles the size."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        config: StyleGAN2Config,
        size: int,
        up: bool,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.affine = Dense(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(config.size_of(size)))
        self.register_buffer("resample_filter", _filter(config.resample_filter))
        self.up = up
        self.gain = _SQRT2 * gain
        self.clamp = None if config.conv_clamp is None else config.conv_clamp * gain

    def forward(self, x: Tensor, style: Float[Tensor, "n i"], noise: Tensor | None) -> Tensor:
        with torch.autocast(style.device.type, enabled=False):
            style = style.float()
            demod = (style.square() @ self.weight.square().sum(dim=(2, 3)).t() + 1e-8).rsqrt()
            if x.dtype == torch.float16:
                # Its numbers end at 65504. The sum is the same whatever styles are divided by.
                most = style.abs().amax(dim=1, keepdim=True).clamp_min(1e-8)
                most = most * math.sqrt(self.weight[0].numel())
                style, demod = style / most, demod * most
        if noise is not None:
            noise = noise * self.noise_strength
        if not self.weight.requires_grad:
            return self._frozen(x, style, demod, noise)
        x = x * style.to(x.dtype)[:, :, None, None]
        x = _convolve(x, self.weight, self.resample_filter if self.up else None)
        x = x * demod.to(x.dtype)[:, :, None, None]
        if noise is not None:
            x = x + noise.to(x.dtype)
        x = F.leaky_relu(x + self.bias.to(x.dtype)[:, None, None], _SLOPE) * self.gain
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)

    def _frozen(self, x: Tensor, style: Tensor, demod: Tensor, noise: Tensor | None) -> Tensor:
        """The same for weights that are not trained; leaky ReLU lets the gain pass before it."""
        return _FrozenConv.apply(  # type: ignore[no-untyped-call, no-any-return]
            x,
            style,
            demod * self.gain,
            self.weight.to(x.dtype),
            self.bias * self.gain,
            None if noise is None else noise * self.gain,
            self.resample_filter if self.up else None,
            self.clamp,
        )


class ToRGB(nn.Module):
    """1×1 modulated convolution to colour, not demodulated; styles carry NVIDIA's weight gain."""

    def __init__(self, inputs: int, *, config: StyleGAN2Config) -> None:
        super().__init__()
        self.affine = Dense(config.w_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(config.colours, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.colours))
        self.weight_gain = 1 / math.sqrt(inputs)
        self.clamp = config.conv_clamp

    def style(self, w: Float[Tensor, "n w"]) -> Float[Tensor, "n i"]:
        return self.affine(w) * self.weight_gain  # type: ignore[no-any-return]

    def forward(self, x: Tensor, style: Float[Tensor, "n i"]) -> Tensor:
        # One small matrix per image spares a pass over x that would scale it.
        mix = self.weight[:, :, 0, 0] * style[:, None]
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        flat = (pixels @ mix.transpose(1, 2).to(x.dtype)).float() + self.bias
        rgb: Tensor = flat.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        return rgb if self.clamp is None else rgb.clamp(-self.clamp, self.clamp)


class Shortcut(nn.Module):
    """What a resnet block adds to its convolutions: a 1×1 convolution at twice the size."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, *, config: StyleGAN2Config) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.register_buffer("resample_filter", _filter(config.resample_filter))
        self.weight_gain = math.sqrt(0.5 / inputs)

    def forward(self, x: Tensor) -> Tensor:
        return _double(F.conv2d(x, self.weight * self.weight_gain), self.resample_filter)


class Block(nn.Module):
    """All layers of one resolution."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, *, config: StyleGAN2Config, size: int) -> None:
        super().__init__()
        self.first = size == 4
        resnet = config.architecture == "resnet" and not self.first
        self.register_buffer("resample_filter", _filter(config.resample_filter))
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, *config.start))
        else:
            self.conv0 = StyledConv(inputs, outputs, config=config, size=size, up=True)
        gain = math.sqrt(0.5) if resnet else 1.0
        self.conv1 = StyledConv(outputs, outputs, config=config, size=size, up=False, gain=gain)
        coloured = config.architecture == "skip" or size == config.resolution
        self.torgb = ToRGB(outputs, config=config) if coloured else None
        self.skip = Shortcut(inputs, outputs, config=config) if resnet else None

    def convolutions(self) -> tuple[tuple[str, StyledConv], ...]:
        """(name, convolution), in order."""
        last = ("conv1", self.conv1)
        return (last,) if self.first else (("conv0", self.conv0), last)

    def upsample(self, rgb: Tensor) -> Tensor:
        return _double(rgb, self.resample_filter)


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
            for name, conv in block.convolutions():
                entries.append((f"b{size}.{name}", conv.affine, row))
                row += 1
            if block.torgb is not None:
                entries.append((f"b{size}.torgb", block.torgb, row))
        return entries

    def styles(self, ws: Float[Tensor, "n rows w"]) -> list[Tensor]:
        return [
            (source.style(ws[:, row]) if isinstance(source, ToRGB) else source(ws[:, row]))
            for _, source, row in self.style_layers()
        ]

    def forward(
        self,
        styles: Sequence[Tensor],
        *,
        noise: Noise = "const",
        wanted: frozenset[str] = frozenset(),
        stop: int | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        entry = iter(styles)
        n = styles[0].shape[0]
        x = self.block(4).const.expand(n, -1, -1, -1)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        x = x.contiguous(memory_format=torch.channels_last)
        features = {"layer_0": x} if "layer_0" in wanted else {}
        count = 0
        rgb: Tensor | None = None
        for size in self.resolutions:
            block = self.block(size)
            entering = x
            for _, conv in block.convolutions():
                maps = noise_of(noise, conv.noise_const, count, n)
                x = conv(x, next(entry), maps)
                count += 1
                if f"layer_{count}" in wanted:
                    features[f"layer_{count}"] = x
            if block.skip is not None:
                x = block.skip(entering) + x
            if block.torgb is not None:
                add = block.torgb(x, next(entry))
                rgb = add if rgb is None else block.upsample(rgb) + add
            if size == stop:
                break
        assert rgb is not None
        return rgb, features


class StyleGAN2(StyleGenerator):
    """A StyleGAN2 generator behind `eclipsed.types.Generator`.

    Spaces: z, w, w+ (rows `row_0` …, flattened row by row), s (affine outputs in network order;
    toRGB entries after multiplication with NVIDIA's weight gain 1/√channels).
    Features: `layer_0` is the constant, `layer_{k+1}` the output of convolution k; in a resnet
    block before the shortcut is added.
    Classes: z is mapped for the class vector `label` [c_dim], at first that of class 0; `of_class`
    binds another. Latents of w, w+ and s already carry their class.
    """

    def __init__(self, config: StyleGAN2Config, *, name: str = "stylegan2") -> None:
        super().__init__(config, name=name)
        self.config = config
        self.size, self.resolution = config.size, max(config.size)
        if config.architecture == "skip" and config.start == (4, 4):
            self.stops = config.resolutions[:-1]
        self.colours = config.colours
        self.mapping = MappingNetwork(
            z_dim=config.z_dim,
            w_dim=config.w_dim,
            layers=config.mapping_layers,
            c_dim=config.c_dim,
            width=config.mapping_width,
            embed_width=config.embed_width,
            multiplier=config.mapping_multiplier,
        )
        self.synthesis = SynthesisNetwork(config)

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, Tensor], config: StyleGAN2Config, *, name: str = "stylegan2"
    ) -> StyleGAN2:
        """A frozen float32 generator from tensors under NVIDIA's names.

        Tensors it has no use for are ignored; filters that are not there are those of the config,
        noise maps those of seed 0, which its notes say. Raises BadFile when another one is missing,
        or one is misshapen.
        """
        with unfilled():
            network = cls(config, name=name)
        filters = {
            key: _filter(config.resample_filter)
            for key in network.state_dict()
            if key.endswith("resample_filter")
        }
        absent = {
            key: noise_maps(0, layer, 1, (own.shape[0], own.shape[1]))[0, 0]
            for layer, (key, own) in enumerate(network.noise_consts())
            if key not in tensors
        }
        network = fill(network, filters | absent | dict(tensors), _FAMILY)
        if absent:
            network.notes = (
                f"the file lacks {len(absent)} of its noise maps: maps drawn from seed 0 take "
                "their place.",
            )
        return network

    def noise_consts(self) -> list[tuple[str, Tensor]]:
        """(name, noise map) of every convolution, in order."""
        return [
            (f"synthesis.b{size}.{name}.noise_const", conv.noise_const)
            for size in self.config.resolutions
            for name, conv in self.synthesis.block(size).convolutions()
        ]

    def style_widths(self) -> dict[str, int]:
        return {
            name: (source.affine if isinstance(source, ToRGB) else source).weight.shape[0]
            for name, source, _ in self.synthesis.style_layers()
        }

    def styles_of(self, rows: Float[Tensor, "n rows w"]) -> list[Tensor]:
        return self.synthesis.styles(rows)

    def render(self, parts: Sequence[Tensor], how: Rendering) -> Rendered:
        return self.synthesis(  # type: ignore[no-any-return]
            parts, noise=how.noise, wanted=how.wanted, stop=how.stop
        )


def from_checkpoint(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], *, name: str
) -> StyleGAN2:
    """The generator of a checkpoint: tensors under NVIDIA's names and what shapes do not tell.

    config may hold z_dim, c_dim, w_dim, img_resolution, mapping_layers, layer_features,
    embed_features, lr_multiplier, architecture, conv_clamp and resample_filter; what is absent or
    None is read from the tensors, or is NVIDIA's default; other keys are ignored. Where the file
    lacks `mapping.w_avg`, the mean of mapped seeds stands in for it.

    Raises BadFile, with one sentence, for settings and tensors that make no StyleGAN2.
    """
    sizes = _config_of(config, tensors)
    if "mapping.w_avg" in tensors:
        network = StyleGAN2.from_tensors(tensors, sizes, name=name)
        if config.get("averaged_seeds"):
            network.notes += (_NO_AVERAGE,)
        return network
    network = StyleGAN2.from_tensors(
        {**tensors, "mapping.w_avg": torch.zeros(sizes.w_dim)}, sizes, name=name
    )
    # Taken before the average, whose last digits depend on the machine that computes it.
    network.weights_sha256 = fingerprint_of(network)
    network.mapping.w_avg.copy_(average_latent(network.mapping, sizes.z_dim, sizes.c_dim))
    network.notes += (_NO_AVERAGE,)
    return network


def _config_of(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> StyleGAN2Config:
    defaults = stylegan2_config(tensors)

    def size(key: str) -> int:
        return whole(config, key, defaults[key] or 0, _FAMILY)

    resolution, clamp = size("img_resolution"), config.get("conv_clamp")
    const = tensor_of(tensors, "synthesis.b4.const", _FAMILY, dims=3)
    # The noise map, if it is there, so that a constant which does not fit the rest gets named.
    entering = tensors.get("synthesis.b4.conv1.noise_const", const)
    colours = next(key for key in tensors if key.endswith(".torgb.weight"))
    channels = {
        r: len(tensor_of(tensors, f"synthesis.b{r}.conv1.weight", _FAMILY, dims=4))
        for r in (2**k for k in range(2, max(resolution.bit_length(), 3)))
    }
    return StyleGAN2Config(
        resolution=resolution,
        channels=channels,
        z_dim=size("z_dim"),
        w_dim=size("w_dim"),
        mapping_layers=size("mapping_layers"),
        mapping_width=size("layer_features") or None,
        mapping_multiplier=number(config, "lr_multiplier", 0.01, _FAMILY),
        conv_clamp=None if clamp is None else number(config, "conv_clamp", 0.0, _FAMILY),
        c_dim=size("c_dim"),
        embed_width=size("embed_features") or None,
        architecture=_architecture(config.get("architecture") or defaults["architecture"]),
        resample_filter=_taps(config, tensors),
        start=(entering.shape[-2], entering.shape[-1]) if entering.dim() > 1 else (4, 4),
        colours=len(tensor_of(tensors, colours, _FAMILY, dims=4)),
    )


def _architecture(name: object) -> Architecture:
    for known in ARCHITECTURES:
        if name == known:
            return known
    raise BadFile(
        "The file's setting 'architecture' makes no StyleGAN2.",
        f"It must be one of {', '.join(ARCHITECTURES)}.",
    )


def _taps(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[float, ...]:
    """The filter's taps: those of a stored one, else the setting, else NVIDIA's default."""
    stored = tensors.get("synthesis.b4.resample_filter")
    if stored is not None and stored.dim() in (1, 2):
        rows = stored.float() if stored.dim() == 1 else stored.float().sum(dim=1)
        return tuple(rows.tolist())
    given = config.get("resample_filter")
    if given is None:
        return FILTER_TAPS
    if not isinstance(given, list | tuple) or not all(_is_tap(tap) for tap in given):
        raise BadFile(f"The file's setting 'resample_filter' makes no {_FAMILY}.")
    return tuple(float(tap) for tap in given)


def _is_tap(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 2**31
