"""What training minimises: losses as plain functions of tensors.

The first half is the paper's (eCLIPsed; localization and correlation come from LELSD,
arXiv:2111.12583) and equals the original code; the second half belongs to method default.
Nothing here knows generators, encoders or segmenters: images, features, masks and embeddings come
in, numbers come out.

Masks are float [N, H, W] in [0, 1]. Features are layer name → [N, C, h, w], any size per layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

ClipNorm = Literal["encoder", "batch"]
Distance = Literal["l2", "l1", "cosine"]
MaskMix = Literal["average", "union", "intersection"]
Mode = Literal["foreground", "background"]

# The original enlarges the image by this factor (nearest) before it pools to the encoder's size.
ENLARGEMENT = 8
_STRIP = 2**19  # numbers that stay in a processor's cache


@lru_cache(maxsize=16)
def pooling_matrix(
    source: int, target: int, enlargement: int = ENLARGEMENT
) -> Float[Tensor, "t s"]:
    """Nearest enlargement and adaptive average pooling of one axis, as one matrix [target, source].

    Both steps are linear and separable, so `A @ image @ A.T` equals the original's chain without
    its image of enlargement² times the pixels.
    """
    large = source * enlargement
    matrix = torch.zeros(target, source, dtype=torch.float64)
    for row in range(target):
        first, last = row * large // target, -(-(row + 1) * large // target)
        for pixel in range(first, last):
            matrix[row, pixel // enlargement] += 1.0 / (last - first)
    return matrix.float()


def resize_for_encoder(images: Float[Tensor, "n c h w"], size: int) -> Float[Tensor, "n c t t"]:
    """Images [N, C, H, W] → [N, C, size, size], as the original brings them to CLIP's size."""
    rows = pooling_matrix(images.shape[2], size).to(images)
    columns = pooling_matrix(images.shape[3], size).to(images)
    return rows @ images @ columns.t()


def encoder_pixels(
    images: Float[Tensor, "n 3 h w"],
    *,
    size: int,
    norm: ClipNorm,
    mean: Sequence[float],
    std: Sequence[float],
) -> Float[Tensor, "n 3 t t"]:
    """Images in [-1, 1] → the pixels that the paper hands to the encoder.

    They are clamped, so that saturated pixels get no gradient, and resized. `norm` "encoder" then
    applies the encoder's own mean and std of the [0, 1] image; "batch" uses the statistics of this
    batch, as the original code does (its images then depend on each other).
    """
    pixels = resize_for_encoder(images.clamp(-1.0, 1.0), size)
    if norm == "batch":
        return F.batch_norm(pixels, None, None, training=True)
    middle = pixels.new_tensor(mean)[:, None, None]
    spread = pixels.new_tensor(std)[:, None, None]
    return ((pixels + 1.0) / 2.0 - middle) / spread


def clip_loss(images: Float[Tensor, "n e"], text: Float[Tensor, " e"]) -> Float[Tensor, ""]:
    """The paper's text loss: mean of 1 − cos(image embedding, text embedding), in [0, 2]."""
    return (1.0 - F.cosine_similarity(images, text.expand_as(images), dim=1)).mean()


def combine_masks(
    before: Float[Tensor, "n h w"], after: Float[Tensor, "n h w"], how: MaskMix
) -> Float[Tensor, "n h w"]:
    """One mask from the region before and after the edit; the paper averages."""
    if how == "average":
        return (before + after) / 2.0
    if how == "union":
        return torch.maximum(before, after)
    return torch.minimum(before, after)


def cascade_masks(
    mask: Float[Tensor, "n h w"], sizes: Sequence[tuple[int, int]]
) -> list[Float[Tensor, "n h2 w2"]]:
    """The mask at the size of every layer, in the order of `sizes`.

    As in the original, each is resized (bilinear, corners aligned) from the next later layer's, not
    from the segmentation; only where a size equals the segmentation's is it the segmentation again.
    """
    current = mask[:, None]
    result: list[Tensor] = []
    for size in reversed(sizes):
        if size == tuple(mask.shape[1:]):
            current = mask[:, None]
        elif size != tuple(current.shape[2:]):
            current = F.interpolate(current, size=size, mode="bilinear", align_corners=True)
        result.append(current[:, 0])
    return result[::-1]


class _SquaredChange(torch.autograd.Function):
    """Mean over channels of (after − before)²; its gradient needs nothing but the two."""

    @staticmethod
    def forward(ctx: Any, before: Tensor, after: Tensor) -> Tensor:
        ctx.save_for_backward(before, after)
        # Strips of rows: memory for all differences at once costs more than computing them.
        rows = max(1, _STRIP // (after.shape[0] * after.shape[1] * after.shape[3]))
        pairs = zip(before.split(rows, dim=2), after.split(rows, dim=2), strict=True)
        changes = [(new - old).square_().mean(dim=1, dtype=torch.float32) for old, new in pairs]
        return torch.cat(changes, dim=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        before, after = ctx.saved_tensors
        change = after - before
        change *= (gradients[0][:, None] * (2.0 / change.shape[1])).to(change.dtype)
        negative = -change if ctx.needs_input_grad[0] else None
        return negative, change if ctx.needs_input_grad[1] else None


def feature_change(
    before: Float[Tensor, "n c h w"], after: Float[Tensor, "n c h w"], distance: Distance
) -> Float[Tensor, "n h w"]:
    """How much each position of a feature map changed, [N, H, W] ≥ 0."""
    if distance == "l2":
        squared: Tensor = _SquaredChange.apply(before, after)  # type: ignore[no-untyped-call]
        return squared
    if distance == "l1":
        return (before - after).abs().mean(dim=1)
    return 1.0 - F.cosine_similarity(before, after, dim=1)


def fraction_inside(
    change: Float[Tensor, "n h w"], mask: Float[Tensor, "n h w"]
) -> Float[Tensor, " n"]:
    """Fraction of the change inside the mask, per image, in [0, 1]; 0 where nothing changed."""
    return (change * mask).sum(dim=(1, 2)) / (change.sum(dim=(1, 2)) + 1e-6)


def localization_loss(
    before: Mapping[str, Float[Tensor, "n _ _ _"]],
    after: Mapping[str, Float[Tensor, "n _ _ _"]],
    mask: Float[Tensor, "n h w"],
    *,
    distance: Distance = "l2",
    weights: Sequence[float] | None = None,
    mode: Mode = "foreground",
) -> Float[Tensor, ""]:
    """LELSD's localization: minus the fraction of each layer's change inside the mask, in [-1, 0].

    before, after: features of the same layers, in network order; only `after` carries gradient.
    weights: one per layer, normalised here; None weighs all alike. `mode` "background" asks for
    changes outside the mask instead.
    """
    masks = cascade_masks(mask, [(x.shape[2], x.shape[3]) for x in after.values()])
    scale = torch.ones(len(after)) if weights is None else torch.tensor(list(weights))
    scale = scale / scale.sum()
    total = mask.new_zeros(mask.shape[0])
    for name, weight, layer_mask in zip(after, scale.tolist(), masks, strict=True):
        wanted = layer_mask if mode == "foreground" else 1.0 - layer_mask
        change = feature_change(before[name].detach(), after[name], distance)
        total = total + weight * fraction_inside(change, wanted)
    return -total.mean()


def correlation_loss(directions: Float[Tensor, "k d"], widths: Sequence[int]) -> Float[Tensor, ""]:
    """LELSD's penalty on directions that resemble each other, as its code computes it; 0 for one.

    Mean of |cosine − identity| over all pairs of the K directions, averaged over the layers, whose
    widths cut the flat vectors [K, D].
    """
    if directions.shape[0] == 1:
        return directions.new_zeros(())
    identity = torch.eye(directions.shape[0]).to(directions)
    layers = [F.normalize(x, dim=1) for x in directions.split(list(widths), dim=1)]
    return torch.stack([(x @ x.t() - identity).abs().mean() for x in layers]).mean()


# Moves of an embedding (of length 1) shorter than this count as noise rather than as an answer.
NOISE = 0.1


def alignment(
    moves: Float[Tensor, "n e"], text: Float[Tensor, " e"], noise: float = NOISE
) -> Float[Tensor, " n"]:
    """How much of what embeddings moved is what the text asks for, per image, in (-1, 1).

    moves: image embeddings after minus before [N, E]. text: the direction [E] from the neutral
    text's embedding to the prompt's. It is the directional cosine of StyleGAN-NADA
    (arXiv:2108.00946), made small for moves that are not longer than the noise: it rises until an
    edit has reached the prompt, and then stops or falls, because from there on other things change.
    """
    aligned: Tensor = (moves @ text) / ((moves.norm(dim=1) + noise) * text.norm())
    return aligned


def pixel_change(
    before: Float[Tensor, "n c h w"], after: Float[Tensor, "n c h w"]
) -> Float[Tensor, "n h w"]:
    """Mean |difference| over the colours, [N, H, W], of the images as shown: in [-1, 1]."""
    return (before.clamp(-1.0, 1.0) - after.clamp(-1.0, 1.0)).abs().mean(dim=1)


def cap_norms(
    vector: Float[Tensor, "k d"], widths: Sequence[int], caps: Sequence[float]
) -> Float[Tensor, "k d"]:
    """Vectors [K, D] with every layer's norm brought down to its cap where it exceeds it."""
    layers = vector.split(list(widths), dim=1)
    capped = [
        x * (cap / x.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1.0)
        for x, cap in zip(layers, caps, strict=True)
    ]
    return torch.cat(capped, dim=1)
