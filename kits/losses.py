"""Losses that the kits share: of a synthesis network and of an encoder with exact truths."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

COLOUR_BLOCK = 8
CONTRAST_WINDOW = 5


def local_contrast(image: Tensor) -> Tensor:
    """How far each pixel is from the mean around it, [N, 3, R, R] → [N, 1, R, R], at most 2."""
    half = CONTRAST_WINDOW // 2
    around = F.avg_pool2d(F.pad(image, [half] * 4, mode="replicate"), CONTRAST_WINDOW, stride=1)
    return (image - around).abs().mean(dim=1, keepdim=True)


def reconstruction_loss(
    image: Tensor, target: Tensor, weight: Tensor, colour: float = 0.0
) -> Tensor:
    """Weighted L1 of the image, of its horizontal and vertical differences and of its means.

    image, target [N, 3, R, R] in [-1, 1]; weight [N, 1, R, R]; `colour` weighs the means over
    blocks of COLOUR_BLOCK² pixels.
    """
    error = image - target
    loss = (error.abs() * weight).mean()
    loss = loss + (error.diff(dim=3).abs() * weight[..., 1:]).mean()
    loss = loss + (error.diff(dim=2).abs() * weight[..., 1:, :]).mean()
    if colour:
        loss = loss + colour * F.avg_pool2d(error, COLOUR_BLOCK).abs().mean()
    return loss


def pair_loss(
    logits: Float[Tensor, "n m"],
    true: Bool[Tensor, "n m"],
    known: Bool[Tensor, "n m"],
    undecided: float = 0.0,
) -> Tensor:
    """Sigmoid loss; per text, true and false images weigh the same.

    Unknown pairs weigh nothing, or `undecided` of a known one: they are then drawn to even odds,
    so that what hides a part does not speak for or against it.
    """
    yes, no = (true & known).float(), (~true & known).float()
    hit = (F.softplus(-logits) * yes).sum(0) / yes.sum(0).clamp(min=1)
    miss = (F.softplus(logits) * no).sum(0) / no.sum(0).clamp(min=1)
    loss = (hit + miss).mean()
    if undecided:
        even = 0.5 * (F.softplus(logits) + F.softplus(-logits)) * ~known
        loss = loss + undecided * (even.sum(0) / (~known).sum(0).clamp(min=1)).mean()
    return loss
