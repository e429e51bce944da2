"""How the kits measure networks against exact truth, whatever world they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eclipsed.worlds.starter.models import StarterSegmenter

BATCH = 32


@torch.no_grad()
def batched(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """What a function makes of tensors of equal length, BATCH rows at a time."""
    parts = zip(*(tensor.split(BATCH) for tensor in tensors), strict=True)
    return torch.cat([function(*part) for part in parts])


def mean_of(values: Iterable[float | None] | NDArray[np.generic], digits: int = 3) -> float | None:
    """The mean of what can be known: None does not count, and nothing at all is None."""
    if not isinstance(values, np.ndarray):
        values = np.array([value for value in values if value is not None])
    return round(float(values.mean()), digits) if values.size else None


def intersection_over_union(
    segmenter: StarterSegmenter, images: Tensor, labels: NDArray[np.uint8]
) -> dict[str, float | None]:
    """IoU per region over the pixels of all images together, and the mean of the regions."""
    guess = batched(segmenter.labels, images).numpy()
    scores: dict[str, float | None] = {}
    for i, name in enumerate(segmenter.regions):
        either = int(((guess == i) | (labels == i)).sum())
        both = int(((guess == i) & (labels == i)).sum())
        scores[name] = round(both / either, 3) if either else None
    return scores | {"mean": mean_of(scores.values())}
