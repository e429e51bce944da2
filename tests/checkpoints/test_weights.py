from __future__ import annotations

import pytest
import torch
from torch import nn

from eclipsed.checkpoints import weights
from eclipsed.errors import BadFile


def test_filling_builds_nothing_before_the_shapes_are_known_to_fit() -> None:
    with torch.device("meta"):
        huge = nn.Linear(10**6, 10**6)  # 4 TB
    with pytest.raises(BadFile, match=r"'weight' has shape \[2, 3\], but this Thing needs"):
        weights.fill(huge, {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}, "Thing")


def test_a_filled_network_is_frozen_and_keeps_its_own_dtypes() -> None:
    with torch.device("meta"):
        network = nn.BatchNorm1d(3)
    tensors = {key: torch.ones(3).half() for key in ("weight", "bias", "running_mean")}
    tensors |= {"running_var": torch.ones(3, dtype=torch.float64), "other": torch.ones(1)}
    tensors["num_batches_tracked"] = torch.tensor(4)
    made = weights.fill(network, tensors, "Thing")
    assert not made.training
    assert all(not p.requires_grad for p in made.parameters())
    assert {k: v.dtype for k, v in made.state_dict().items()} == {
        "weight": torch.float32,
        "bias": torch.float32,
        "running_mean": torch.float32,
        "running_var": torch.float32,
        "num_batches_tracked": torch.int64,
    }
    torch.testing.assert_close(made(torch.ones(1, 3)), torch.ones(1, 3))
    with pytest.raises(BadFile, match="lack the tensor 'running_var' of a Thing"):
        weights.fill(
            nn.BatchNorm1d(3), {k: v for k, v in tensors.items() if "var" not in k}, "Thing"
        )


def test_the_layout_of_weights_in_memory_is_no_part_of_a_fingerprint() -> None:
    conv = nn.Conv2d(3, 4, 3)
    tensors = conv.state_dict()
    last = {"weight": tensors["weight"].contiguous(memory_format=torch.channels_last)}
    made = weights.fill(nn.Conv2d(3, 4, 3), tensors | last, "Thing")
    assert made.weight.is_contiguous()
    assert weights.fingerprint_of(made) == weights.fingerprint_of(conv)
    other = weights.fill(nn.Conv2d(3, 4, 3), tensors | {"bias": torch.zeros(4)}, "Thing")
    assert weights.fingerprint_of(other) != weights.fingerprint_of(conv)


def test_settings_are_numbers_or_the_default() -> None:
    config = {"a": 3, "b": None, "c": 0.5, "d": True, "e": "3", "f": -1, "g": 10**400}
    assert weights.whole(config, "a", 7, "Thing") == 3
    assert weights.whole(config, "b", 7, "Thing") == 7
    assert weights.whole(config, "missing", 7, "Thing") == 7
    assert weights.number(config, "a", 7.0, "Thing") == 3.0
    assert weights.number(config, "c", 7.0, "Thing") == 0.5
    assert weights.number(config, "b", 7.0, "Thing") == 7.0
    for key in "cdefg":
        with pytest.raises(BadFile, match=f"'{key}' makes no Thing"):
            weights.whole(config, key, 7, "Thing")
    for key in "defg":
        with pytest.raises(BadFile, match=f"'{key}' makes no Thing"):
            weights.number(config, key, 7.0, "Thing")


def test_tensors_are_asked_for_by_name_and_dimensions() -> None:
    tensors = {"a": torch.zeros(2, 3)}
    assert weights.tensor_of(tensors, "a", "Thing", dims=2) is tensors["a"]
    with pytest.raises(BadFile, match=r"'a' has shape \[2, 3\], but a Thing needs 4 dimensions"):
        weights.tensor_of(tensors, "a", "Thing", dims=4)
    with pytest.raises(BadFile, match="lack the tensor 'b'"):
        weights.tensor_of(tensors, "b", "Thing")


def test_an_unfilled_network_has_shapes_and_keeps_what_is_computed() -> None:
    with weights.unfilled():
        layer = nn.Linear(3, 2)
        drawn = torch.randn(4, 5)
        taps = torch.ones(3, device="cpu") * 2 / 8
        taps.mul_(2)
        nn.init.constant_(counted := torch.zeros(2, device="cpu"), 3.0)
    assert layer.weight.is_meta
    assert (drawn.is_meta, drawn.shape) == (True, (4, 5))
    assert taps.tolist() == [0.5, 0.5, 0.5]
    assert counted.tolist() == [3.0, 3.0]
