from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.worlds.starter.models import StarterSegmenter
from eclipsed.worlds.starter.networks import UNet
from kits.measuring import intersection_over_union, mean_of

REGIONS = ("background", "hair", "hat", "mouth")


def test_a_mean_of_what_is_known() -> None:
    assert mean_of([1.0, None, 2.0]) == 1.5
    assert mean_of([None]) is None
    assert mean_of([]) is None
    assert mean_of(np.array([True, False, False]), 2) == 0.33


class Tracing(StarterSegmenter):
    """Gives back the labels that it was made with."""

    def __init__(self, labels: np.ndarray) -> None:
        super().__init__(UNet((2, 2, 2), len(REGIONS)), regions=REGIONS)
        self.known = torch.from_numpy(labels).long()

    def labels(self, images: Tensor) -> Tensor:
        return self.known


def scores_of(guess: np.ndarray, labels: np.ndarray) -> dict[str, float | None]:
    return intersection_over_union(Tracing(guess), torch.zeros(len(labels), 3, 8, 8), labels)


def test_intersection_over_union() -> None:
    labels = np.zeros((2, 8, 8), np.uint8)
    labels[:, :2], labels[:, 2:4], labels[1, 4] = 1, 2, 3
    assert scores_of(labels, labels) == dict.fromkeys([*REGIONS, "mean"], 1.0)
    half = labels.copy()
    half[:, 2] = 0
    scores = scores_of(half, labels)
    assert scores["hat"] == pytest.approx(0.5)
    assert scores["mouth"] == 1


def test_a_region_that_nobody_shows_or_finds_has_no_number() -> None:
    labels = np.zeros((1, 8, 8), np.uint8)
    scores = scores_of(labels, labels)
    assert scores["hat"] is None
    assert scores["mean"] == 1
