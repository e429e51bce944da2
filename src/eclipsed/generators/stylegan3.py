"""StyleGAN3, -T and -R (Karras et al. 2021, arXiv:2106.12423), in plain PyTorch ops.

Parameter names are NVIDIA's, so official weights load unchanged. Layers are continuous signals:
every nonlinearity works at a raised sampling rate between two low-pass filters, so that details
move with the content instead of sticking to pixels. As in StyleGAN2, the modulated convolution
scales activations instead of weights.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.shapes import mapping_sizes
from eclipsed.checkpoints.weights import fill, number, tensor_of, unfilled, whole
from eclipsed.errors import BadFile
from eclipsed.generators.generator import (
    Rendered,
    Rendering,
    StyleGenerator,
    checked_colours,
)
from eclipsed.generators.mapping import Dense, MappingNetwork

_FAMILY = "StyleGAN3"
_LAYER = re.compile(r"(synthesis\.L([0-9]{1,3})_([0-9]{1,5})_[0-9]{1,5})\.")


@dataclass(frozen=True)
class StyleGAN3Config:
    """Sizes and design of a StyleGAN3; the names and defaults are those of NVIDIA's -T.

    channels: outputs of every layer, `num_layers` + 1 numbers; the last are the colours. The
    Fourier features that enter have as many channels as the first layer puts out.
    num_critical: how many layers at the end are critically sampled.
    first_cutoff, first_stopband, last_stopband_rel: cutoff and stopband frequencies of the first
    layer, and the last stopband as a multiple of the last cutoff (Section 3.2).
    margin_size: pixels that the inner layers have on each side beyond the canvas.
    conv_kernel, use_radial_filters: 3 and False for -T; 1 and True for -R.
    conv_clamp: activations are clamped to ±conv_clamp where set.
    """

    resolution: int
    channels: tuple[int, ...]
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    mapping_layers: int = 2
    mapping_multiplier: float = 0.01
    num_critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband_rel: float = 2**0.3
    margin_size: int = 10
    output_scale: float = 0.25
    conv_kernel: int = 3
    filter_size: int = 6
    lrelu_upsampling: int = 2
    use_radial_filters: bool = False
    conv_clamp: float | None = 256.0

    def __post_init__(self) -> None:
        if not 8 <= self.resolution <= 2**16:
            raise BadFile(
                f"A StyleGAN3 cannot have resolution {self.resolution}.", "It must be at least 8."
            )
        counts = (self.z_dim, self.w_dim, self.mapping_layers, *self.channels)
        factors = (self.conv_kernel, self.filter_size, self.lrelu_upsampling)
        if min(*counts, *factors) < 1 or max(factors) > 64 or self.margin_size < 0:
            raise BadFile("A size of this StyleGAN3 makes no sense.")
        checked_colours(self.channels[-1] if self.channels else 0, _FAMILY)
        if not 0 <= self.num_critical < self.num_layers:
            raise BadFile(
                f"A StyleGAN3 of {self.num_layers} layers cannot have {self.num_critical} "
                "critically sampled ones."
            )
        if not 0 < self.first_cutoff < self.first_stopband <= self.resolution:
            raise BadFile("The first cutoff and stopband of this StyleGAN3 make no sense.")
        if self.first_stopband < 1 or not 1 <= self.last_stopband_rel <= self.resolution:
            raise BadFile("The stopbands of this StyleGAN3 make no sense.")

    @property
    def num_layers(self) -> int:
        return len(self.channels) - 1

    @property
    def num_ws(self) -> int:
        return self.num_layers + 2


# What a file may set: a whole number where the default is one, else any positive number.
_SETTINGS = (
    *("num_critical", "first_cutoff", "first_stopband", "last_stopband_rel", "margin_size"),
    *("output_scale", "conv_kernel", "filter_size", "lrelu_upsampling"),
)


@dataclass(frozen=True)
class Signal:
    """The continuous signal between two layers, and the grid that samples it.

    size: samples along each side, margin included. rate: samples per canvas. cutoff, half_width:
    where the low-pass filter's transition begins, and half of how long it is; in cycles per canvas.
    """

    size: int
    channels: int
    rate: float
    cutoff: float
    half_width: float


def signals(config: StyleGAN3Config) -> tuple[Signal, ...]:
    """What each layer puts out: cutoffs and stopbands grow geometrically (Section 3.2).

    The first is also the signal of the Fourier features.
    """
    last_cutoff = config.resolution / 2
    last_stopband = last_cutoff * config.last_stopband_rel
    result = []
    for i, channels in enumerate(config.channels):
        progress = min(i / (config.num_layers - config.num_critical), 1.0)
        cutoff = config.first_cutoff * (last_cutoff / config.first_cutoff) ** progress
        stopband = config.first_stopband * (last_stopband / config.first_stopband) ** progress
        rate = 2.0 ** math.ceil(math.log2(min(stopband * 2, config.resolution)))
        inner = i < config.num_layers - 1
        size = int(rate) + 2 * config.margin_size if inner else config.resolution
        result.append(Signal(size, channels, rate, cutoff, max(stopband, rate / 2) - cutoff))
    return tuple(result)


def lowpass(
    taps: int, *, cutoff: float, width: float, rate: float, radial: bool = False
) -> Float[Tensor, "*k k"]:
    """A Kaiser-windowed low-pass filter that sums to 1: [taps], or [taps, taps] when radial.

    `width` is that of the transition band; `rate` the sampling rate, in the same unit. The window's
    shape is Kaiser's (1974) for the attenuation that so many taps reach over this width; the ideal
    filter is a sinc, or, with circular symmetry, a jinc (Appendix C).
    """
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95
    window = np.kaiser(taps, _kaiser_beta(attenuation))
    position = (np.arange(taps) - (taps - 1) / 2) / rate
    if radial:
        radius = torch.from_numpy(np.pi * np.hypot(position[:, None], position[None, :]))
        radius = radius.clamp_min(1e-9)  # at 0 the limit of J₁(2·c·r) / r is c
        ideal = torch.special.bessel_j1(2 * cutoff * radius) / radius
        table = ideal * torch.from_numpy(np.outer(window, window))
    else:
        table = torch.from_numpy(np.sinc(2 * cutoff * position) * window)
    normalized: Tensor = table / table.sum()
    return normalized.float()


def _lowpass_of(signal: Signal, taps: int, rate: float, *, radial: bool) -> Tensor | None:
    """The filter that keeps what the signal can hold; None, as NVIDIA has it, for a single tap."""
    if taps == 1:
        return None
    width = signal.half_width * 2
    return lowpass(taps, cutoff=signal.cutoff, width=width, rate=rate, radial=radial)


def _kaiser_beta(attenuation: float) -> float:
    """The shape of a Kaiser window that reaches this attenuation, in dB (Kaiser 1974)."""
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21:
        return 0.5842 * math.pow(attenuation - 21, 0.4) + 0.07886 * (attenuation - 21)
    return 0.0


def _raise_rate(
    x: Float[Tensor, "n c h w"], stored: Tensor | None, factor: int, padding: tuple[int, int]
) -> Tensor:
    """`factor` times as many samples: zeros between them, `padding` around, then the filter.

    Along a side of s samples the result has s·factor + padding − taps + 1.
    """
    taps = x.new_ones(1) if stored is None else stored.to(x.dtype)
    # The full convolution has this much too much on each side, or too little where it is negative.
    front, back = len(taps) - 1 - padding[0], len(taps) - factor - padding[1]
    both = max(min(front, back), 0)
    if stored is not None or factor > 1:
        down, across = _both_axes(taps * factor, x.shape[1])
        x = F.conv_transpose2d(x, down, stride=(factor, 1), padding=(both, 0), groups=x.shape[1])
        x = F.conv_transpose2d(x, across, stride=(1, factor), padding=(0, both), groups=x.shape[1])
        front, back = front - both, back - both
    return F.pad(x, (-front, -back, -front, -back)) if front or back else x


def _lower_rate(x: Float[Tensor, "n c h w"], stored: Tensor | None, factor: int) -> Tensor:
    """The filter, a row for both axes or a square, then every `factor`-th sample."""
    if stored is None:
        return x[:, :, ::factor, ::factor]
    if stored.dim() == 2:
        square = stored.flip(0, 1).to(x.dtype).expand(x.shape[1], 1, -1, -1)
        return F.conv2d(x, square, stride=factor, groups=x.shape[1])
    down, across = _both_axes(stored.flip(0).to(x.dtype), x.shape[1])
    x = F.conv2d(x, down, stride=(factor, 1), groups=x.shape[1])
    return F.conv2d(x, across, stride=(1, factor), groups=x.shape[1])


def _both_axes(
    taps: Float[Tensor, " k"], channels: int
) -> tuple[Float[Tensor, "c 1 k 1"], Float[Tensor, "c 1 1 k"]]:
    """One filter for a depthwise convolution down the columns, and for one along the rows."""
    return taps.view(-1, 1).expand(channels, 1, -1, -1), taps.expand(channels, 1, 1, -1)


class SynthesisInput(nn.Module):
    """w → Fourier features on a grid, moved by what w says and by the user's `transform`.

    transform: buffer [3, 3], the inverse of the matrix that moves the image, in canvas units;
    it applies after the learned rotation and translation.
    """

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, signal: Signal, *, w_dim: int) -> None:
        super().__init__()
        self.signal = signal
        n = signal.channels
        # Uniform in the disc of radius `cutoff`, for the sake of networks that are not loaded.
        angles, radii = torch.rand(n) * 2 * math.pi, torch.rand(n).sqrt() * signal.cutoff
        self.weight = nn.Parameter(torch.randn(n, n))
        self.affine = Dense(w_dim, 4)
        self.register_buffer("transform", torch.eye(3))
        self.register_buffer("freqs", torch.stack([angles.cos(), angles.sin()], 1) * radii[:, None])
        self.register_buffer("phases", torch.rand(n) - 0.5)

    def forward(self, style: Float[Tensor, "n 4"]) -> Float[Tensor, "n c s s"]:
        """`style` is cosine and sine of the rotation (of any length) and the translation."""
        cosine, sine, right, down = (style / style[:, :2].norm(dim=1, keepdim=True)).unbind(1)
        zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
        rotation = _matrices([[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, one]])
        shift = _matrices([[one, zero, -right], [zero, one, -down], [zero, zero, one]])
        moved = rotation @ shift @ self.transform
        phases = self.phases + (self.freqs @ moved[:, :2, 2:]).squeeze(2)
        freqs = self.freqs @ moved[:, :2, :2]
        # Frequencies that a zoom pushes beyond what the grid can hold fade out.
        signal = self.signal
        room = signal.rate / 2 - signal.cutoff
        loud = (1 - (freqs.norm(dim=2) - signal.cutoff) / room).clamp(0, 1)
        at = (torch.arange(signal.size, device=freqs.device) + 0.5 - signal.size / 2) / signal.rate
        across, along = freqs[:, None, None, :, 0], freqs[:, None, None, :, 1]
        turns = at[None, None, :, None] * across + at[None, :, None, None] * along
        waves = torch.sin((turns + phases[:, None, None]) * (2 * math.pi)) * loud[:, None, None]
        mixed: Tensor = waves @ (self.weight / math.sqrt(signal.channels)).t()
        # Channels stay the innermost axis in memory, which the convolutions that follow like.
        return mixed.permute(0, 3, 1, 2)


def _matrices(rows: Sequence[Sequence[Tensor]]) -> Float[Tensor, "n 3 3"]:
    return torch.stack([torch.stack(list(row), dim=1) for row in rows], dim=1)


class SynthesisLayer(nn.Module):
    """Modulated convolution, then bias and leaky ReLU at a raised rate between two filters.

    The last layer of a network turns to colours: no demodulation, no ReLU, a 1×1 kernel.
    """

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(
        self,
        entering: Signal,
        leaving: Signal,
        *,
        config: StyleGAN3Config,
        colours: bool,
        critical: bool,
    ) -> None:
        super().__init__()
        kernel = 1 if colours else config.conv_kernel
        rate = max(entering.rate, leaving.rate) * (1 if colours else config.lrelu_upsampling)
        self.up, self.down = round(rate / entering.rate), round(rate / leaving.rate)
        up_taps = 1 if colours or self.up == 1 else config.filter_size * self.up
        down_taps = 1 if colours or self.down == 1 else config.filter_size * self.down
        radial = config.use_radial_filters and not critical
        self.affine = Dense(config.w_dim, entering.channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(leaving.channels, entering.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(leaving.channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        self.register_buffer("up_filter", _lowpass_of(entering, up_taps, rate, radial=False))
        self.register_buffer("down_filter", _lowpass_of(leaving, down_taps, rate, radial=radial))
        # So much that the result has `leaving.size` samples around the same centre.
        total = (leaving.size - 1) * self.down + 1 + up_taps + down_taps - 2
        total -= (entering.size + kernel - 1) * self.up
        front = (total + self.up) // 2
        self.padding = (front, total - front)
        self.colours = colours
        self.clamp = config.conv_clamp

    def forward(self, x: Tensor, style: Float[Tensor, "n i"]) -> Tensor:
        weight: Tensor = self.weight
        if self.colours:
            style = style / math.sqrt(weight[0].numel())
        else:
            weight = weight * weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
            style = F.normalize(style, dim=1) * math.sqrt(style.shape[1])
        gained = style * self.magnitude_ema.rsqrt()
        x = x * gained.to(x.dtype)[:, :, None, None]
        x = F.conv2d(x, weight, padding=weight.shape[-1] - 1)
        if not self.colours:
            demod = (style.square() @ weight.square().sum(dim=(2, 3)).t() + 1e-8).rsqrt()
            x = x * demod.to(x.dtype)[:, :, None, None]
        x = x + self.bias.to(x.dtype)[:, None, None]
        x = _raise_rate(x, self.up_filter, self.up, self.padding)
        if not self.colours:
            x = F.leaky_relu(x, 0.2) * math.sqrt(2.0)
        if self.clamp is not None:
            x = x.clamp(-self.clamp, self.clamp)
        return _lower_rate(x, self.down_filter, self.down)


class SynthesisNetwork(nn.Module):
    """Styles → image. `styles` holds one tensor per entry of S: the input's, then each layer's."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        leaves = signals(config)
        self.input = SynthesisInput(leaves[0], w_dim=config.w_dim)
        self.layer_names: list[str] = []
        self.output_scale = config.output_scale
        for i, leaving in enumerate(leaves):
            layer = SynthesisLayer(
                leaves[max(i - 1, 0)],
                leaving,
                config=config,
                colours=i == config.num_layers,
                critical=i >= config.num_layers - config.num_critical,
            )
            self.layer_names.append(f"L{i}_{leaving.size}_{leaving.channels}")
            self.add_module(self.layer_names[-1], layer)

    def affines(self) -> list[tuple[str, Dense]]:
        """(name, affine) of every entry of S; row i of W+ makes the i-th."""
        return [
            ("input", self.input.affine),
            *((name, self.layer(name).affine) for name in self.layer_names),
        ]

    def layer(self, name: str) -> SynthesisLayer:
        return self.get_submodule(name)  # type: ignore[return-value]

    def styles(self, ws: Float[Tensor, "n rows w"]) -> list[Tensor]:
        # Few numbers, of which a turn or shift of the whole image hangs: at full precision.
        with torch.autocast(ws.device.type, enabled=False):
            return [affine(ws[:, row].float()) for row, (_, affine) in enumerate(self.affines())]

    def forward(
        self, styles: Sequence[Tensor], *, wanted: frozenset[str] = frozenset()
    ) -> tuple[Tensor, dict[str, Tensor]]:
        device = styles[0].device.type
        # The phases of fine waves need every digit.
        with torch.autocast(device, enabled=False):
            x = self.input(styles[0].float())
        if torch.is_autocast_enabled(device):
            x = x.to(torch.get_autocast_dtype(device))
        features = {"layer_0": x} if "layer_0" in wanted else {}
        for i, (name, style) in enumerate(zip(self.layer_names, styles[1:], strict=True), start=1):
            x = self.layer(name)(x, style)
            if f"layer_{i}" in wanted:
                features[f"layer_{i}"] = x
        return x.float() * self.output_scale, features


class StyleGAN3(StyleGenerator):
    """A StyleGAN3 generator behind `eclipsed.types.Generator`; it has no noise.

    Spaces: z, w, w+ (row 0 drives the input, row k+1 layer k; flattened row by row), s (affine
    outputs: the input's four numbers, then each layer's; the last, of the layer that makes colours,
    before NVIDIA's weight gain).
    Features: `layer_0` is the Fourier features, `layer_{k+1}` the output of layer k.
    Classes: as in StyleGAN2, `label` [c_dim] is at first that of class 0; `of_class` binds another.
    `synthesis.input.transform` [3, 3] moves the image; see `SynthesisInput`.
    """

    def __init__(self, config: StyleGAN3Config, *, name: str = "stylegan3") -> None:
        super().__init__(config, name=name)
        self.config = config
        self.colours = config.channels[-1]
        self.mapping = MappingNetwork(
            z_dim=config.z_dim,
            w_dim=config.w_dim,
            layers=config.mapping_layers,
            c_dim=config.c_dim,
            multiplier=config.mapping_multiplier,
        )
        self.synthesis = SynthesisNetwork(config)

    def style_widths(self) -> dict[str, int]:
        return {name: affine.weight.shape[0] for name, affine in self.synthesis.affines()}

    def styles_of(self, rows: Float[Tensor, "n rows w"]) -> list[Tensor]:
        return self.synthesis.styles(rows)

    def render(self, parts: Sequence[Tensor], how: Rendering) -> Rendered:
        return self.synthesis(parts, wanted=how.wanted)  # type: ignore[no-any-return]


def from_checkpoint(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], *, name: str
) -> StyleGAN3:
    """The generator of a checkpoint: tensors under NVIDIA's names, and NVIDIA's settings.

    config may hold img_resolution, lr_multiplier, num_critical, first_cutoff, first_stopband,
    last_stopband_rel, margin_size, output_scale, conv_kernel, filter_size, lrelu_upsampling,
    use_radial_filters and conv_clamp; what is absent is read from the tensors, or is NVIDIA's
    default; other keys are ignored. Filters that the file holds are used as they are, others are
    designed.

    Raises BadFile, with one sentence, for settings and tensors that make no StyleGAN3.
    """
    with unfilled():
        network = StyleGAN3(_config_of(config, tensors), name=name)
    filters = {key: value for key, value in network.state_dict().items() if key.endswith("_filter")}
    return fill(network, filters | dict(tensors), _FAMILY)


def _config_of(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> StyleGAN3Config:
    sizes = mapping_sizes(tensors, _FAMILY)
    layers = _in_order({int(m[2]): m for key in tensors if (m := _LAYER.match(key))})
    kernels = [tensor_of(tensors, f"{layer[1]}.weight", _FAMILY, dims=4) for layer in layers]

    defaults: dict[str, Any] = {each.name: each.default for each in fields(StyleGAN3Config)}
    defaults["conv_kernel"] = kernels[0].shape[-1]
    settings: dict[str, Any] = {
        name: (whole if isinstance(defaults[name], int) else number)(
            config, name, defaults[name], _FAMILY
        )
        for name in _SETTINGS
    }
    radial = config.get("use_radial_filters")
    if radial is None:
        down = tensors.get(f"{layers[0][1]}.down_filter")
        radial = down is not None and down.dim() == 2
    unclamped = "conv_clamp" in config and config["conv_clamp"] is None
    return StyleGAN3Config(
        resolution=whole(config, "img_resolution", int(layers[-1][3]), _FAMILY),
        channels=tuple(kernel.shape[0] for kernel in kernels),
        **{key: sizes[key] for key in ("z_dim", "c_dim", "w_dim", "mapping_layers")},
        mapping_multiplier=number(config, "lr_multiplier", 0.01, _FAMILY),
        use_radial_filters=bool(radial),
        conv_clamp=None if unclamped else number(config, "conv_clamp", 256.0, _FAMILY),
        **settings,
    )


def _in_order(layers: Mapping[int, re.Match[str]]) -> list[re.Match[str]]:
    """The layers in order; BadFile where one is missing between the first and the last."""
    missing = set(range(max(layers, default=0) + 1)) - set(layers)
    if missing:
        raise BadFile(f"The weights lack layer L{min(missing)} of a StyleGAN3.")
    return [layers[i] for i in range(len(layers))]
