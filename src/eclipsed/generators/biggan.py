"""BigGAN-deep (Brock et al. 2019, arXiv:1809.11096, appendix B) in plain PyTorch ops.

Parameter names are those of huggingface's pytorch_pretrained_biggan. The spectral norms are
divided out once, when the weights are read.

Truncation: the original multiplies z by it and looks its batch statistics up by it, and the two
must agree. Here latents of space z are always the noise before truncation, RandomState(seed)
.randn(z_dim), and `synthesize(z, truncation=t)` does both: it renders t·z with the statistics of t.
So `sample` and `from_z` return z whatever the truncation, as every generator does in space z, and
what the original calls a truncated noise vector is t·z. The original also draws again where
a number of z is beyond ±2; nothing is drawn again here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fill, number, tensor_of, unfilled
from eclipsed.errors import BadFile, BadSetting
from eclipsed.generators.generator import NetworkGenerator, Rendered, Rendering

FAMILY = "BigGAN"


@dataclass(frozen=True)
class BlockSize:
    """A residual block: feature maps inside it and after it, and whether it doubles the size."""

    middle: int
    outputs: int
    up: bool

    def __post_init__(self) -> None:
        if self.middle < 1 or self.outputs < 1:
            raise BadFile("A block of a BigGAN cannot be without feature maps.")


@dataclass(frozen=True)
class AttentionSize:
    """A self-attention layer: feature maps of its keys and of its values."""

    keys: int
    values: int

    def __post_init__(self) -> None:
        if self.keys < 1 or self.values < 1:
            raise BadFile("The self-attention of a BigGAN cannot be without feature maps.")


@dataclass(frozen=True)
class BigGANConfig:
    """Sizes of a BigGAN-deep.

    classes, class_dim: length of a class vector and of its embedding.
    inputs: feature maps at 4×4. layers: what follows. outputs: feature maps of the last
    convolution, of which three are the colours. statistics: for how many truncations from 0 to 1
    there are batch statistics. epsilon: what batch normalisation adds to variances.
    """

    z_dim: int
    classes: int
    class_dim: int
    inputs: int
    layers: tuple[BlockSize | AttentionSize, ...]
    outputs: int
    statistics: int = 51
    epsilon: float = 1e-4

    def __post_init__(self) -> None:
        least = {"z_dim": 1, "classes": 1, "class_dim": 1, "inputs": 1}
        least |= {"outputs": 3, "statistics": 2}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise BadFile(
                    f"A BigGAN cannot have {name} {getattr(self, name)}.",
                    f"It must be at least {low}.",
                )
        width = self.inputs
        for layer in self.layers:
            if isinstance(layer, BlockSize):
                if layer.outputs > width:
                    raise BadFile(
                        f"A block of a BigGAN cannot make {layer.outputs} feature maps of {width}.",
                        "It keeps or drops some.",
                    )
                width = layer.outputs

    @property
    def resolution(self) -> int:
        return 4 << sum(isinstance(layer, BlockSize) and layer.up for layer in self.layers)

    @property
    def c_dim(self) -> int:
        return self.classes

    @property
    def condition_dim(self) -> int:
        """Length of z and class embedding together."""
        return self.z_dim + self.class_dim


class Statistics(nn.Module):
    """Means and variances of a batch normalisation, for truncations from 0 to 1."""

    running_means: Tensor
    running_vars: Tensor

    def __init__(self, channels: int, *, config: BigGANConfig) -> None:
        super().__init__()
        self.epsilon = config.epsilon
        self.register_buffer("running_means", torch.zeros(config.statistics, channels))
        self.register_buffer("running_vars", torch.ones(config.statistics, channels))

    def at(self, truncation: float) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
        """(mean, 1/deviation) at a truncation in [0, 1].

        Between two entries the original mixes with swapped weights, and it rounds towards the
        lower one where truncation / step is not exact. Its images depend on both.
        """
        last = len(self.running_means) - 1
        # In floats, as the original has it: 0.58 / 0.02 is 28.999999999999996.
        part, whole = math.modf(truncation / (1.0 / last))
        low, high = int(whole), min(int(whole) + 1, last)
        mean, variance = (
            table[low] if part == 0 else torch.lerp(table[high], table[low], part)
            for table in (self.running_means, self.running_vars)
        )
        return mean, (variance + self.epsilon).rsqrt()

    def normalised(
        self, x: Tensor, truncation: float, scale: Float[Tensor, "*n c"], offset: Tensor
    ) -> Float[Tensor, "n c h w"]:
        mean, inverse = self.at(truncation)
        gain = scale * inverse
        return x * gain[..., None, None] + (offset - mean * gain)[..., None, None]


class ConditionalNorm(Statistics):
    """Batch normalisation whose gain and shift are linear in z and class embedding."""

    def __init__(self, channels: int, *, config: BigGANConfig) -> None:
        super().__init__(channels, config=config)
        self.scale = nn.Linear(config.condition_dim, channels, bias=False)
        self.offset = nn.Linear(config.condition_dim, channels, bias=False)

    def forward(self, x: Tensor, condition: Float[Tensor, "n c"], truncation: float) -> Tensor:
        return self.normalised(x, truncation, 1 + self.scale(condition), self.offset(condition))


class FinalNorm(Statistics):
    """Batch normalisation with a gain and a shift of its own."""

    def __init__(self, channels: int, *, config: BigGANConfig) -> None:
        super().__init__(channels, config=config)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, truncation: float) -> Tensor:
        return self.normalised(x, truncation, self.weight, self.bias)


class Block(nn.Module):
    """Four normalised convolutions and a shortcut that keeps the first feature maps."""

    def __init__(self, inputs: int, size: BlockSize, *, config: BigGANConfig) -> None:
        super().__init__()
        self.outputs = size.outputs
        self.up = size.up
        self.bn_0 = ConditionalNorm(inputs, config=config)
        self.conv_0 = nn.Conv2d(inputs, size.middle, 1)
        self.bn_1 = ConditionalNorm(size.middle, config=config)
        self.conv_1 = nn.Conv2d(size.middle, size.middle, 3, padding=1)
        self.bn_2 = ConditionalNorm(size.middle, config=config)
        self.conv_2 = nn.Conv2d(size.middle, size.middle, 3, padding=1)
        self.bn_3 = ConditionalNorm(size.middle, config=config)
        self.conv_3 = nn.Conv2d(size.middle, size.outputs, 1)

    def forward(self, x: Tensor, condition: Tensor, truncation: float) -> Tensor:
        shortcut = x[:, : self.outputs]
        x = self.conv_0(self.bn_0(x, condition, truncation).relu())
        x = self.bn_1(x, condition, truncation).relu()
        if self.up:
            shortcut, x = (F.interpolate(part, scale_factor=2) for part in (shortcut, x))
        x = self.conv_1(x)
        x = self.conv_2(self.bn_2(x, condition, truncation).relu())
        x = self.conv_3(self.bn_3(x, condition, truncation).relu())
        return shortcut + x


class Attention(nn.Module):
    """Self-attention over positions; keys and values are pooled to half the size."""

    def __init__(self, channels: int, size: AttentionSize) -> None:
        super().__init__()
        self.snconv1x1_theta = nn.Conv2d(channels, size.keys, 1, bias=False)
        self.snconv1x1_phi = nn.Conv2d(channels, size.keys, 1, bias=False)
        self.snconv1x1_g = nn.Conv2d(channels, size.values, 1, bias=False)
        self.snconv1x1_o_conv = nn.Conv2d(size.values, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        queries = self.snconv1x1_theta(x).flatten(2)
        keys = F.max_pool2d(self.snconv1x1_phi(x), 2).flatten(2)
        values = F.max_pool2d(self.snconv1x1_g(x), 2).flatten(2)
        weights = (queries.transpose(1, 2) @ keys).softmax(dim=2)
        seen = (values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.gamma * self.snconv1x1_o_conv(seen)  # type: ignore[no-any-return]


class Synthesizer(nn.Module):
    """Condition (z and class embedding) → image."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.gen_z = nn.Linear(config.condition_dim, 16 * config.inputs)
        self.layers = nn.ModuleList()
        width = config.inputs
        for size in config.layers:
            if isinstance(size, BlockSize):
                self.layers.append(Block(width, size, config=config))
                width = size.outputs
            else:
                self.layers.append(Attention(width, size))
        self.bn = FinalNorm(width, config=config)
        self.conv_to_rgb = nn.Conv2d(width, config.outputs, 3, padding=1)

    def start(self, condition: Float[Tensor, "n c"]) -> Float[Tensor, "n inputs 4 4"]:
        # The original's linear layer makes channels last.
        return self.gen_z(condition).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)  # type: ignore[no-any-return]

    def forward(
        self,
        condition: Float[Tensor, "n c"],
        truncation: float,
        wanted: frozenset[str] = frozenset(),
    ) -> tuple[Tensor, dict[str, Tensor]]:
        x = self.start(condition)
        features = {"layer_0": x} if "layer_0" in wanted else {}
        for i, layer in enumerate(self.layers, start=1):
            x = layer(x, condition, truncation) if isinstance(layer, Block) else layer(x)
            if f"layer_{i}" in wanted:
                features[f"layer_{i}"] = x
        rgb = self.conv_to_rgb(self.bn(x, truncation).relu())
        return rgb[:, :3].tanh(), features


class BigGAN(NetworkGenerator):
    """A BigGAN-deep generator behind `eclipsed.types.Generator`.

    Spaces: z, before truncation (see the module).
    Features: `layer_0` is the linear layer's output at 4×4, `layer_{k+1}` that of layer k.
    Classes: images are of the class vector `label` [classes], at first that of class 0; `of_class`
    binds another.
    """

    def __init__(self, config: BigGANConfig, *, name: str = "biggan") -> None:
        super().__init__(config, name=name, features=len(config.layers) + 1)
        self.config = config
        self.embeddings = nn.Linear(config.classes, config.class_dim, bias=False)
        self.generator = Synthesizer(config)

    def render(self, parts: Sequence[Tensor], how: Rendering) -> Rendered:
        """The truncation, from 0 to 1, multiplies z and chooses the batch statistics."""
        if not 0 <= how.truncation <= 1:
            raise BadSetting(
                f"A BigGAN has no truncation {how.truncation:g}.", "It must be from 0 to 1."
            )
        assert self.label is not None
        (z,) = parts
        embedding = self.embeddings(self.label.to(self.device)).expand(len(z), -1)
        condition = torch.cat([z * how.truncation, embedding], dim=1)
        return self.generator(condition, how.truncation, how.wanted)  # type: ignore[no-any-return]


def from_checkpoint(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], *, name: str
) -> BigGAN:
    """A frozen float32 generator from tensors under the names of pytorch_pretrained_biggan.

    Sizes are read from the shapes; `config`, the file's own config.json, must have `layers`, whose
    rows begin with whether the block doubles the size, and may have `eps`.
    Raises BadFile when either lacks something or does not fit the other.
    """
    weights = _without_spectral_norm(tensors)
    embedding = tensor_of(weights, "embeddings.weight", FAMILY, dims=2)
    start = tensor_of(weights, "generator.gen_z.weight", FAMILY, dims=2)
    sizes = BigGANConfig(
        z_dim=start.shape[1] - embedding.shape[0],
        classes=embedding.shape[1],
        class_dim=embedding.shape[0],
        inputs=start.shape[0] // 16,
        layers=_layer_sizes(config, weights),
        outputs=len(tensor_of(weights, "generator.conv_to_rgb.bias", FAMILY, dims=1)),
        statistics=len(tensor_of(weights, "generator.bn.running_means", FAMILY, dims=2)),
        epsilon=number(config, "eps", 1e-4, FAMILY),
    )
    with unfilled():
        network = BigGAN(sizes, name=name)
    return fill(network, weights, FAMILY)


def _without_spectral_norm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with `weight` in place of every weight_orig, weight_u and weight_v.

    weight = weight_orig / σ, and σ = u · (weight_orig v) as stored, without a power iteration.
    """
    suffixes = (".weight_orig", ".weight_u", ".weight_v")
    plain = {key: value for key, value in tensors.items() if not key.endswith(suffixes)}
    for base in {key.rpartition(".")[0] for key in tensors.keys() - plain.keys()}:
        weight, u, v = (tensor_of(tensors, base + suffix, FAMILY).float() for suffix in suffixes)
        if weight.dim() < 2:
            raise BadFile(f"The tensor {base + suffixes[0]!r} is no matrix, as a {FAMILY} needs.")
        rows = weight.flatten(1)
        for suffix, vector, length in zip(suffixes[1:], (u, v), rows.shape, strict=True):
            if vector.shape != (length,):
                raise BadFile(
                    f"The tensor {base + suffix!r} has shape {list(vector.shape)}, "
                    f"but this {FAMILY} needs {[length]}."
                )
        plain[f"{base}.weight"] = weight / torch.dot(u, rows @ v)
    return plain


def _layer_sizes(
    config: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> tuple[BlockSize | AttentionSize, ...]:
    matches = (re.match(r"generator\.layers\.(\d{1,3})\.(\w+)", key) for key in weights)
    parts = {(int(match[1]), match[2]) for match in matches if match}
    attentive = {i for i, part in parts if part.startswith("snconv1x1")}
    count = 1 + max((i for i, _ in parts), default=-1)
    doubling = iter(_doubling(config, count - len(attentive)))

    def size(i: int, part: str) -> int:
        return len(tensor_of(weights, f"generator.layers.{i}.{part}.weight", FAMILY, dims=4))

    sizes: list[BlockSize | AttentionSize] = []
    for i in range(count):
        if i in attentive:
            sizes.append(AttentionSize(size(i, "snconv1x1_theta"), size(i, "snconv1x1_g")))
        else:
            sizes.append(BlockSize(size(i, "conv_0"), size(i, "conv_3"), next(doubling)))
    return tuple(sizes)


def _doubling(config: Mapping[str, Any], blocks: int) -> list[bool]:
    rows = config.get("layers")
    if not isinstance(rows, Sequence) or not all(
        isinstance(row, Sequence) and row and isinstance(row[0], bool) for row in rows
    ):
        raise BadFile(
            "The settings of this BigGAN do not say in `layers` which blocks double the size.",
            "Keep its config.json beside the weights.",
        )
    if len(rows) != blocks:
        raise BadFile(
            f"The settings of this BigGAN list {len(rows)} blocks, but its weights have {blocks}.",
            "Keep its own config.json beside the weights.",
        )
    return [row[0] for row in rows]
