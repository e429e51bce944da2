"""Checkpoints of our own: a safetensors file whose one metadata string says what the network is.

The string is JSON: format, family, config, and a checksum of the tensors, which safetensors lacks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, write_atomic

FORMAT = 1
KEY = "eclipsed_checkpoint"


def write_checkpoint(checkpoint: Checkpoint, path: StrPath) -> None:
    """Write a checkpoint, whole or not at all; tensors keep their types, and reading gives back
    the same.

    Raises BadFile when the place cannot be written, or the settings are not plain JSON.
    """
    # Copies, because a safetensors file holds no two tensors that share memory.
    tensors = {name: value.contiguous().clone() for name, value in checkpoint.tensors.items()}
    facts: dict[str, Any] = {
        "format": FORMAT,
        "family": checkpoint.family,
        "config": dict(checkpoint.config),
        "sha256": checksum(tensors),
    }
    try:
        text = json.dumps(facts, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadFile(f"The settings of this network cannot be written, {error}.") from error
    write_atomic(path, safetensors.torch.save(tensors, metadata={KEY: text}))


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the names, types, shapes and bytes of all tensors, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().contiguous()
        digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
