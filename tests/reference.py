"""One training step of the paper, written down literally and slowly: the frozen reference.

The fast path must give the same losses and the same gradient. Nothing here is clever on purpose:
convolutions modulate their weights per image and run as grouped convolutions, images are enlarged
eight times and pooled, every layer's features are kept, masks are resized from layer to layer, the
encoder's parameters carry gradients. Only tensors and parameters are shared with the package, no
function of it. Left out is what the original computes and never uses: the segmenter's auxiliary
heads, and pictures for the eye.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eclipsed.generators.stylegan2 import StyleGAN2


@dataclass(frozen=True)
class Step:
    """The losses of a step and the gradient of their total with respect to the direction."""

    clip: Tensor
    localization: Tensor
    total: Tensor
    gradient: Tensor


def modulated_conv(
    x: Tensor, weight: Tensor, style: Tensor, *, up: bool, demodulate: bool, taps: Tensor | None
) -> Tensor:
    """Fused modulated convolution: a set of weights for every image, one group each."""
    n, inputs = x.shape[:2]
    outputs, _, size, _ = weight.shape
    weights = weight[None] * style[:, None, :, None, None]
    if demodulate:
        norm = (weights.square().sum(dim=(2, 3, 4)) + 1e-8).rsqrt()
        weights = weights * norm[:, :, None, None, None]
    x = x.reshape(1, n * inputs, *x.shape[2:])
    if up:
        assert taps is not None
        swapped = weights.transpose(1, 2).reshape(n * inputs, outputs, size, size)
        x = F.conv_transpose2d(x, swapped, stride=2, groups=n)
        blur = (taps * 4).flip(0, 1).expand(x.shape[1], 1, -1, -1)
        x = F.conv2d(x, blur, padding=1, groups=x.shape[1])
    else:
        weights = weights.reshape(n * outputs, inputs, size, size)
        x = F.conv2d(x, weights, padding=size // 2, groups=n)
    return x.reshape(n, outputs, *x.shape[2:])


def affine(dense: nn.Module, w: Tensor) -> Tensor:
    weight, bias = dense.get_parameter("weight"), dense.get_parameter("bias")
    return F.linear(w, weight / math.sqrt(weight.shape[1]), bias)


def styled_conv(conv: nn.Module, x: Tensor, w: Tensor, *, up: bool) -> Tensor:
    style = affine(conv.get_submodule("affine"), w)
    taps = conv.get_buffer("resample_filter")
    weight = conv.get_parameter("weight")
    x = modulated_conv(x, weight, style, up=up, demodulate=True, taps=taps)
    x = x + conv.get_buffer("noise_const") * conv.get_parameter("noise_strength")
    x = x + conv.get_parameter("bias")[None, :, None, None]
    return F.leaky_relu(x, 0.2) * math.sqrt(2.0)


def to_rgb(torgb: nn.Module, x: Tensor, w: Tensor) -> Tensor:
    weight = torgb.get_parameter("weight")
    style = affine(torgb.get_submodule("affine"), w) / math.sqrt(weight.shape[1])
    x = modulated_conv(x, weight, style, up=False, demodulate=False, taps=None)
    return x + torgb.get_parameter("bias")[None, :, None, None]


def synthesize(generator: StyleGAN2, ws: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Image [N, 3, R, R] and the features of all convolutions, from rows [N, rows, w]."""
    features: list[Tensor] = []
    network = generator.synthesis
    x = network.get_submodule("b4").get_parameter("const").repeat(ws.shape[0], 1, 1, 1)
    image: Tensor | None = None
    row = 0
    for size in generator.config.resolutions:
        block = network.get_submodule(f"b{size}")
        if size > 4:
            x = styled_conv(block.get_submodule("conv0"), x, ws[:, row], up=True)
            features.append(x)
            row += 1
        x = styled_conv(block.get_submodule("conv1"), x, ws[:, row], up=False)
        features.append(x)
        row += 1
        add = to_rgb(block.get_submodule("torgb"), x, ws[:, row])
        if image is not None:
            taps = (block.get_buffer("resample_filter") * 4).expand(3, 1, -1, -1)
            image = F.conv_transpose2d(image, taps, stride=2, padding=1, groups=3)
        image = add if image is None else image + add
    assert image is not None
    return image, features


def encoder_pixels(image: Tensor, size: int, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """The paper's way to the encoder's size: eight times as large, then pooled."""
    large = F.interpolate(image.clamp(-1, 1), scale_factor=8, mode="nearest")
    pooled = F.adaptive_avg_pool2d(large, size)
    middle = torch.tensor(mean)[None, :, None, None]
    return ((pooled + 1) / 2 - middle) / torch.tensor(std)[None, :, None, None]


def localization(before: list[Tensor], after: list[Tensor], mask: Tensor) -> Tensor:
    current = mask[:, None]
    masks: list[Tensor] = []
    for x in reversed(after):
        size = x.shape[2:]
        if size == mask.shape[1:]:
            current = mask[:, None]
        elif current.shape[2:] != size:
            current = F.interpolate(current, size=size, mode="bilinear", align_corners=True)
        masks.insert(0, current)
    total = torch.zeros(mask.shape[0])
    for old, new, layer_mask in zip(before, after, masks, strict=True):
        change = (old.detach() - new).square().mean(dim=1, keepdim=True)
        inside = (change * layer_mask).sum(dim=(1, 2, 3))
        total = total + inside / (change.sum(dim=(1, 2, 3)) + 1e-6) / len(after)
    return -total.mean()


def step(
    generator: StyleGAN2,
    *,
    encode: Callable[[Tensor], Tensor],
    size: int,
    mean: Sequence[float],
    std: Sequence[float],
    segment: Callable[[Tensor], Tensor],
    text: Tensor,
    direction: Tensor,
    latents: Tensor,
    strength: float,
    local_weight: float,
) -> Step:
    """One step in W+.

    encode: normalised pixels [N, 3, size, size] → embeddings of length 1. segment: images
    [N, 3, R, R] → the region's masks [N, R, R]. text: [E]. direction: [D]. latents: [N, D].
    """
    direction = direction.clone().requires_grad_()
    rows = generator.num_ws
    with torch.no_grad():
        old_image, before = synthesize(generator, latents.unflatten(1, (rows, -1)))
    moved = latents + strength * direction[None]
    new_image, after = synthesize(generator, moved.unflatten(1, (rows, -1)))
    with torch.no_grad():
        old, new = segment(old_image), segment(new_image)
    clip = (1 - encode(encoder_pixels(new_image, size, mean, std)) @ text).mean()
    local = localization(before, after, (old + new) / 2)
    total = clip + local_weight * local
    total.backward()
    assert direction.grad is not None
    return Step(clip.detach(), local.detach(), total.detach(), direction.grad)
