"""Writes trained networks as the package reads them: safetensors in fp16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from eclipsed.files import write_atomic
from eclipsed.generators.stylegan2 import SynthesisNetwork


def save_generator(
    synthesis: SynthesisNetwork,
    mapping: Mapping[str, NDArray[np.float32]],
    path: Path,
    *,
    half_mapping: bool = False,
) -> None:
    """Write synthesis (fp16) and mapping (fp32); affine biases absorb the mapping's `w_avg`.

    The synthesis was trained on w centred on 0; the written network takes w centred on `w_avg`.
    half_mapping: whether the weights of the mapping are fp16 as well.
    """
    tensors = {
        key: torch.from_numpy(value.copy()).to(
            torch.float16 if half_mapping and key.endswith("weight") else torch.float32
        )
        for key, value in mapping.items()
    }
    centre = tensors["mapping.w_avg"]
    state = synthesis.state_dict()
    for key, value in state.items():
        if key.endswith("resample_filter"):
            continue  # the same in every network
        name = f"synthesis.{key}"
        if not key.endswith("affine.bias"):
            tensors[name] = value.float() if key.endswith("bias") else value.half()
            continue
        # What fp16 makes of the weight is what `centre` will be multiplied with.
        weight = state[key.removesuffix("bias") + "weight"].half().float()
        tensors[name] = value.float() - (weight / weight.shape[1] ** 0.5) @ centre
    _write(tensors, path)


def save_networks(
    networks: Mapping[str, nn.Module], path: Path, more: Mapping[str, Tensor] | None = None
) -> None:
    """Write networks into one file, each under its prefix in fp16; `more` stays as it is."""
    tensors = {
        prefix + key: value.half() if value.is_floating_point() else value
        for prefix, network in networks.items()
        for key, value in network.state_dict().items()
    }
    _write(tensors | dict(more or {}), path)


def _write(tensors: Mapping[str, Tensor], path: Path) -> None:
    whole = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write_atomic(path, save(whole, {"format": "pt"}))
