from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.generators.loading import describe_checkpoint
from tests.checkpoints import making
from tests.checkpoints.making import saved
from tests.checkpoints.test_nvidia import written


def test_a_checkpoint_can_be_described(tmp_path: Path) -> None:
    state = making.dcgan_state()
    state["main.1.bias"] = state["main.1.bias"].half()
    path = written(tmp_path, saved(state))
    expected = {
        "kind": "checkpoint",
        "format": "PyTorch's DCGAN",
        "family": "dcgan",
        "config": {"nz": 5, "ngf": 2, "nc": 3, "img_resolution": 8},
        "tensors": 4,
        "numbers": 260,
        "types": {"float32": 3, "float16": 1},
        "shapes": {name: list(value.shape) for name, value in state.items()},
        "needs": "a small generator: it has the latent space z only, but this file cannot be used: "
        "The weights lack the tensor 'main.1.running_mean' of a DCGAN.",
        "notes": [],
    }
    assert describe_checkpoint(read_checkpoint(path)) == expected
    state |= {"main.1.running_mean": torch.zeros(2), "main.1.running_var": torch.ones(2)}
    assert describe_checkpoint(read_checkpoint(written(tmp_path, saved(state)))) == expected | {
        "tensors": 6,
        "numbers": 264,
        "types": {"float32": 5, "float16": 1},
        "shapes": {name: list(value.shape) for name, value in state.items()},
        "needs": "a small generator: it has the latent space z only",
        "images": {"height": 8, "width": 8, "channels": 3},
    }


@pytest.mark.parametrize("name", sorted(making.FILES))
def test_descriptions_are_plain_json(tmp_path: Path, name: str) -> None:
    found = describe_checkpoint(read_checkpoint(written(tmp_path, making.FILES[name]())))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    unknown = describe_checkpoint(Checkpoint("x", "who", {}, {}))
    assert unknown["needs"] == "a network that this version has no use for"
