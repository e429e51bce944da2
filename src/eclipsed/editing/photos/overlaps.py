"""Of boxes that mean the same, the surest: what detectors call non-maximum suppression."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def without_overlaps(
    boxes: Float[Tensor, "n 4"],
    scores: Float[Tensor, " n"],
    most: float,
    *,
    of_smaller: bool = False,
) -> Int[Tensor, " m"]:
    """Indices of the boxes, surest first, that share at most a fraction with a surer one.

    The fraction is of both boxes together, or `of_smaller` of the smaller one, whose last pixel
    is then counted in.
    """
    left, top, right, bottom = boxes.T
    right, bottom = (right + 1, bottom + 1) if of_smaller else (right, bottom)
    areas = (right - left) * (bottom - top)
    rest, picks = scores.argsort(descending=True, stable=True), []
    while len(rest):
        first, rest = rest[0], rest[1:]
        picks.append(first)
        wide = torch.minimum(right[first], right[rest]) - torch.maximum(left[first], left[rest])
        high = torch.minimum(bottom[first], bottom[rest]) - torch.maximum(top[first], top[rest])
        shared = wide.clamp(min=0) * high.clamp(min=0)
        smaller = torch.minimum(areas[first], areas[rest])
        whole = smaller if of_smaller else areas[first] + areas[rest] - shared
        rest = rest[shared / whole <= most]
    return torch.stack(picks) if picks else torch.empty(0, dtype=torch.long)
