"""Pillow's resize in torch, one matrix per axis: differentiable, or exact to the byte.

Pillow widens its kernel when it shrinks a picture, so nothing aliases, and resizes the columns
first, then the rows, with values rounded to bytes after each. `resize` leaves the rounding out and
keeps gradients; `resize_bytes` is Pillow's own result. (From version 13 on Pillow begins with the
rows of some pictures, mostly tall ones, which changes their bytes by up to ten levels; the
networks were trained before.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Kernel = Literal["bilinear", "bicubic"]

_REACH: dict[Kernel, float] = {"bilinear": 1.0, "bicubic": 2.0}
# Pillow computes on bytes with weights that are multiples of this.
_STEP = 2.0**-22


def _bilinear(x: Tensor) -> Tensor:
    return 1.0 - x


def _bicubic(x: Tensor) -> Tensor:
    """Keys' cubic convolution kernel (1981) with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return torch.where(x < 1.0, near, far)


@lru_cache(maxsize=64)
def resize_matrix(source: int, target: int, kernel: Kernel) -> Float[Tensor, "t s"]:
    """What each of `target` pixels takes of each of `source` pixels, float64 [target, source]."""
    scale = source / target
    width = max(scale, 1.0)
    centres = (torch.arange(target, dtype=torch.float64) + 0.5) * scale
    pixels = torch.arange(source, dtype=torch.float64) + 0.5
    distance = (pixels - centres[:, None]).abs() / width
    weights = (_bilinear if kernel == "bilinear" else _bicubic)(distance)
    weights = weights * (distance < _REACH[kernel])
    return weights / weights.sum(dim=1, keepdim=True)


@lru_cache(maxsize=16)
def _byte_matrix(source: int, target: int, kernel: Kernel) -> Float[Tensor, "t s"]:
    whole = resize_matrix(source, target, kernel) / _STEP
    return (whole + 0.5 * whole.sign()).trunc() * _STEP


def resize(
    images: Float[Tensor, "n c h w"], size: tuple[int, int], kernel: Kernel
) -> Float[Tensor, "n c t u"]:
    """Images in [-1, 1] at another (height, width); what lies beyond is clipped, as bytes are.

    Differentiable; within 1.5/255 of Pillow's bytes, which it does not round to.
    """
    # Half precision would lose more than the rounding to bytes does.
    with torch.autocast(images.device.type, enabled=False):
        images = images.float().clamp(-1.0, 1.0)
        if images.shape[3] != size[1]:
            columns = resize_matrix(images.shape[3], size[1], kernel).to(images)
            images = (images @ columns.t()).clamp(-1.0, 1.0)
        if images.shape[2] != size[0]:
            rows = resize_matrix(images.shape[2], size[0], kernel).to(images)
            images = (rows @ images).clamp(-1.0, 1.0)
        return images


@torch.no_grad()
def to_bytes(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Images in [-1, 1] as whole numbers 0 … 255, still float32."""
    return ((images.float() + 1.0) * 127.5).round().clamp(0.0, 255.0)


@torch.no_grad()
def resize_bytes(
    pixels: Float[Tensor, "n c h w"], size: tuple[int, int], kernel: Kernel
) -> Float[Tensor, "n c t u"]:
    """Whole numbers 0 … 255 at another (height, width), equal to Pillow's; no gradient."""
    # Every product is a multiple of Pillow's step, so sums in float64 are exact.
    exact = pixels.double()
    if pixels.shape[3] != size[1]:
        columns = _byte_matrix(pixels.shape[3], size[1], kernel).to(exact)
        exact = (exact @ columns.t() + 0.5).floor().clamp(0.0, 255.0)
    if pixels.shape[2] != size[0]:
        rows = _byte_matrix(pixels.shape[2], size[0], kernel).to(exact)
        exact = (rows @ exact + 0.5).floor().clamp(0.0, 255.0)
    return exact.float()
