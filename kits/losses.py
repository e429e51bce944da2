"""Losses that the kits share: of a synthesis network and of an encoder with exact truths."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

COLOUR_BLOCK = 8
CONTRAST_WINDOW = 5
TEXTURE_WINDOW = 8
ORDER_APART = 0.12  # heights that differ by less say nothing about an order
ORDER_PAIRS = 12


def local_contrast(image: Tensor) -> Tensor:
    """How far each pixel is from the mean around it, [N, 3, R, R] → [N, 1, R, R], at most 2."""
    half = CONTRAST_WINDOW // 2
    around = F.avg_pool2d(F.pad(image, [half] * 4, mode="replicate"), CONTRAST_WINDOW, stride=1)
    return (image - around).abs().mean(dim=1, keepdim=True)


def _gabor(orientations: int = 4, wavelength: float = 3.0, size: int = 7) -> Tensor:
    """Even and odd stripes of every orientation, [2·orientations, 1, size, size]."""
    y, x = torch.meshgrid(*[torch.arange(size) - size // 2] * 2, indexing="ij")
    window = torch.exp(-(x.square() + y.square()) / (2 * (wavelength / 2) ** 2))
    filters = []
    for number in range(orientations):
        angle = math.pi * number / orientations
        phase = (x * math.cos(angle) + y * math.sin(angle)) * 2 * math.pi / wavelength
        even, odd = window * phase.cos(), window * phase.sin()
        even = even - window * even.sum() / window.sum()
        filters += [each / each.abs().sum() for each in (even, odd)]
    return torch.stack(filters)[:, None]


_GABOR = _gabor()


def texture_energy(image: Float[Tensor, "n 3 r r"]) -> Float[Tensor, "n 4 s s"]:
    """How strong fine stripes of each of four orientations are, in windows of TEXTURE_WINDOW."""
    grey = image.mean(dim=1, keepdim=True)
    filtered = F.conv2d(F.pad(grey, [3] * 4, mode="replicate"), _GABOR.to(grey))
    energy = (filtered[:, ::2].square() + filtered[:, 1::2].square() + 1e-5).sqrt()
    return F.avg_pool2d(energy, TEXTURE_WINDOW, TEXTURE_WINDOW // 2)


def texture_loss(image: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Difference of the texture's energies, at full and at half size.

    Strands of hair that lie elsewhere than the target's cost nothing if they are as many, as strong
    and as steep, where an error of pixels would prefer none. Shapes as of `reconstruction_loss`.
    """
    loss = image.new_zeros(())
    for _ in range(2):
        apart = (texture_energy(image) - texture_energy(target)).abs().mean(1, keepdim=True)
        pooled = F.avg_pool2d(weight, TEXTURE_WINDOW, TEXTURE_WINDOW // 2)
        loss = loss + (apart * pooled).mean()
        image, target, weight = (F.avg_pool2d(each, 2) for each in (image, target, weight))
    return loss


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


def order_loss(
    logits: Float[Tensor, "n m"],
    height: Float[Tensor, "n m"],
    takes_part: Bool[Tensor, "n m"],
) -> Tensor:
    """Of two images that differ by ORDER_APART in height, the higher should have the higher logit.

    Each image is compared with ORDER_PAIRS others; the mean over a text's pairs, then over texts
    that have any.
    """
    total, count = torch.zeros_like(logits[0]), torch.zeros_like(logits[0])
    for shift in range(1, min(ORDER_PAIRS, len(logits) - 1) + 1):
        rise = height - height.roll(shift, 0)
        counts = (takes_part & takes_part.roll(shift, 0) & (rise.abs() >= ORDER_APART)).float()
        lead = (logits - logits.roll(shift, 0)) * rise.sign()
        total = total + (F.softplus(-lead) * counts).sum(0)
        count = count + counts.sum(0)
    means = total / count.clamp(min=1)
    return means.sum() / (count > 0).sum().clamp(min=1)
