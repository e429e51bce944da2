from __future__ import annotations

import torch
from torch.nn import functional as F

from kits.segmenting import label_loss

REGIONS = 7


def test_label_loss_is_small_where_labels_are_right() -> None:
    labels = torch.randint(0, REGIONS, (2, 16, 16), generator=torch.Generator().manual_seed(1))
    right = 20 * F.one_hot(labels, REGIONS).permute(0, 3, 1, 2).float()
    assert float(label_loss(right, labels)) < 0.02
    assert float(label_loss(right.roll(1, dims=1), labels)) > 2
    assert float(label_loss(torch.zeros_like(right), labels)) > 2


def test_a_small_region_counts_like_a_large_one() -> None:
    """Two pixels that are missed cost as much as half of a picture."""
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[0, :8], labels[0, 15, :2] = 1, 2
    right = 20 * F.one_hot(labels, 3).permute(0, 3, 1, 2).float()
    without = right.clone()
    without[0, :, 15, :2] = torch.tensor([20.0, 0.0, 0.0])[:, None]
    assert float(label_loss(without, labels)) > float(label_loss(right, labels)) + 0.2
