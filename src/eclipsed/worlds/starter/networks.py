"""The small networks of the starter world besides the generator: encoder, segmenter, classifier,
inverter.

All but the inverter are used twice: as part of the world, and, with other widths, another
activation and another seed, as a judge that no training sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Images = Float[Tensor, "n 3 h w"]
_COLOURS = 8  # an image's colours are read as a mosaic of so many squares each way


@dataclass(frozen=True)
class TowerConfig:
    """Sizes of an image tower: feature maps at a half to a sixteenth of the images' size, and the
    position-aware head."""

    widths: tuple[int, int, int, int]
    head: int
    outputs: int
    residual: bool = True
    size: int = 128

    def __post_init__(self) -> None:
        if len(self.widths) != 4 or min(self.widths) < 1 or self.head < 1 or self.outputs < 1:
            raise ValueError(f"not an image tower: {self}")
        if self.size < 16 or self.size % 16:
            raise ValueError(f"an image tower's size is not a multiple of 16: {self}")


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs)
    )


class _Stage(nn.Module):
    """Halve the size, then two convolutions, around which a residual tower adds a shortcut."""

    def __init__(self, inputs: int, outputs: int, residual: bool) -> None:
        super().__init__()
        self.down = _conv(inputs, outputs, stride=2)
        self.one = _conv(outputs, outputs)
        self.two = _conv(outputs, outputs) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        act = F.relu if self.two is None else F.silu
        x = act(self.down(x))
        y = act(self.one(x))
        return y if self.two is None else act(x + self.two(y))


class ImageTower(nn.Module):
    """Images [N, 3, size, size] in [-1, 1] → [N, outputs]; reads both what is there and where."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.config = config
        sizes = (3, *config.widths)
        self.stages = nn.ModuleList(
            _Stage(sizes[i], sizes[i + 1], config.residual) for i in range(len(config.widths))
        )
        self.squeeze = nn.Conv2d(config.widths[-1], config.head, 1)
        self.where = nn.Linear(config.head * (config.size // 16) ** 2, config.outputs)
        self.what = nn.Linear(config.widths[-1], config.outputs)

    def maps(self, images: Images) -> Float[Tensor, "n c h16 w16"]:
        x = images.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(x)
        return x

    def forward(self, images: Images) -> Float[Tensor, "n o"]:
        x = self.maps(images)
        where = self.where(self.squeeze(x).flatten(1))
        return where + self.what(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


class TextTower(nn.Module):
    """Frozen sentence vectors [N, 384] → [N, outputs]: a linear map and a two-layer correction."""

    def __init__(self, outputs: int, hidden: int = 512, dropout: float = 0.1) -> None:
        super().__init__()
        self.linear = nn.Linear(384, outputs)
        self.inner = nn.Linear(384, hidden)
        self.outer = nn.Linear(hidden, outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, sentences: Float[Tensor, "n 384"]) -> Float[Tensor, "n o"]:
        hidden = self.dropout(F.gelu(self.inner(sentences * 8)))
        return self.linear(sentences * 8) + self.outer(hidden)  # type: ignore[no-any-return]


class TextImageModel(nn.Module):
    """Both towers and the learned scale and offset of the sigmoid loss (Zhai et al. 2023)."""

    def __init__(self, tower: TowerConfig, hidden: int) -> None:
        super().__init__()
        self.image = ImageTower(tower)
        self.text = TextTower(tower.outputs, hidden)
        self.scale = nn.Parameter(torch.tensor(2.3))
        self.offset = nn.Parameter(torch.tensor(-3.0))

    def logits(
        self, image: Float[Tensor, "n e"], text: Float[Tensor, "m e"]
    ) -> Float[Tensor, "n m"]:
        cosine = F.normalize(image, dim=1) @ F.normalize(text, dim=1).t()
        return cosine * self.scale.exp() + self.offset


class UNet(nn.Module):
    """Images [N, 3, H, W] in [-1, 1] → region logits at full size [N, R, H, W]; H, W count in 8.

    Three scales from half the size down with additive skips; one filter at full size sharpens the
    answer, because the smallest parts are one or two pixels wide.
    """

    def __init__(self, widths: tuple[int, int, int], regions: int) -> None:
        super().__init__()
        a, b, c = widths
        self.enter = _conv(12, a)
        self.left = nn.ModuleList(
            [_conv(a, a), _conv(a, b, stride=2), _conv(b, b), _conv(b, c, stride=2), _conv(c, c)]
        )
        self.bottom = _conv(c, c)
        self.up1, self.right1 = nn.Conv2d(c, b, 1), _conv(b, b)
        self.up2, self.right2 = nn.Conv2d(b, a, 1), _conv(a, a)
        self.coarse = nn.Conv2d(a, 4 * regions, 3, padding=1)
        self.fine = nn.Conv2d(3, regions, 5, padding=2)

    def forward(self, images: Images) -> Float[Tensor, "n r h w"]:
        images = images.contiguous(memory_format=torch.channels_last)
        x = F.silu(self.enter(F.pixel_unshuffle(images, 2)))
        one = F.silu(self.left[0](x)) + x
        two = F.silu(self.left[1](one))
        two = F.silu(self.left[2](two)) + two
        three = F.silu(self.left[3](two))
        three = F.silu(self.left[4](three)) + three
        three = F.silu(self.bottom(three)) + three
        two = two + self.up1(F.interpolate(three, scale_factor=2.0, mode="bilinear"))
        two = F.silu(self.right1(two)) + two
        one = one + self.up2(F.interpolate(two, scale_factor=2.0, mode="bilinear"))
        one = F.silu(self.right2(one)) + one
        return F.pixel_shuffle(self.coarse(one), 2) + self.fine(images)  # type: ignore[no-any-return]


def stage_maps(tower: ImageTower, images: Images) -> tuple[Tensor, ...]:
    """The feature maps of a tower's stages, finest first: [N, C, h, w]."""
    x = images.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
    maps = []
    for stage in tower.stages:
        x = stage(x)
        maps.append(x)
    return tuple(maps)


def features_outside(
    tower: ImageTower, images: Images, hidden: Float[Tensor, "n h w"]
) -> Float[Tensor, "n f"]:
    """What a tower sees where of images, grey where `hidden` is 1."""
    grey = images.clamp(-1, 1) * (1 - hidden.unsqueeze(1))
    return tower.squeeze(tower.maps(grey)).flatten(1)  # type: ignore[no-any-return]


def tower_features(tower: ImageTower, images: Images) -> Float[Tensor, "n f"]:
    """All that a tower knows of images: what is where, how much of everything, and the colours."""
    x = images.contiguous(memory_format=torch.channels_last)
    means = []
    for stage in tower.stages:
        x = stage(x)
        means.append(x.mean(dim=(2, 3)))
    colours = F.adaptive_avg_pool2d(images, _COLOURS).flatten(1)
    return torch.cat([tower.squeeze(x).flatten(1), *means, colours], dim=1)


def feature_count(config: TowerConfig) -> int:
    """How many features `tower_features` gives."""
    return config.head * (config.size // 16) ** 2 + sum(config.widths) + 3 * _COLOURS**2


class InverterHead(nn.Module):
    """Features of an encoder's image tower → latents of W+ [N, rows · w_dim]: the mean latent, and
    what is added to it."""

    mean: Tensor

    def __init__(self, features: int, hidden: int, *, rows: int, w_dim: int) -> None:
        super().__init__()
        self.rows, self.w_dim = rows, w_dim
        self.norm = nn.BatchNorm1d(features, affine=False)
        self.inner = nn.Linear(features, hidden)
        self.outer = nn.Linear(hidden, rows * w_dim)
        self.dropout = nn.Dropout(0.1)
        self.register_buffer("mean", torch.zeros(rows * w_dim))

    def forward(self, features: Float[Tensor, "n f"]) -> Float[Tensor, "n d"]:
        hidden = F.silu(self.inner(self.dropout(self.norm(features))))
        return self.mean + self.outer(self.dropout(hidden))  # type: ignore[no-any-return]


class Classifier(nn.Module):
    """The attribute classifier behind the oracle: one softmax per group."""

    def __init__(self, tower: TowerConfig, groups: Mapping[str, int]) -> None:
        super().__init__()
        self.groups = dict(groups)
        self.tower = ImageTower(tower)
        if tower.outputs != sum(groups.values()):
            raise ValueError("the tower's outputs must be the groups' values, side by side")

    def forward(self, images: Images) -> dict[str, Tensor]:
        logits = self.tower(images).split(list(self.groups.values()), dim=1)
        return dict(zip(self.groups, logits, strict=True))
