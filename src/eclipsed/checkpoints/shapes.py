"""What the shapes of a network's tensors tell of its architecture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from eclipsed.checkpoints.unpickling import shown_name
from eclipsed.errors import BadFile


def tensors_in(value: object) -> dict[str, Tensor] | None:
    """A dictionary of named tensors, such as a state dict; None for anything else."""
    if not isinstance(value, dict) or not value:
        return None
    found = {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, Tensor)}
    return found if len(found) == len(value) else None


def tensor_of(tensors: Mapping[str, Tensor], name: str, axes: int) -> Tensor:
    """A tensor that must be there and have so many axes; BadFile names it otherwise."""
    if name not in tensors:
        raise BadFile(f"it lacks the tensor {shown_name(name)}")
    found = tensors[name]
    if found.dim() != axes:
        raise BadFile(
            f"its tensor {shown_name(name)} has shape {list(found.shape)}, not {axes} axes"
        )
    return found


def numbered(tensors: Mapping[str, Tensor], pattern: str) -> list[int]:
    """The numbers that stand in the group of `pattern` in the tensors' names, in order."""
    found = (re.fullmatch(pattern, name) for name in tensors)
    return sorted({int(match[1]) for match in found if match})


def resample_filter(taps: Sequence[float]) -> Tensor:
    """StyleGAN2's low-pass filter [T, T] of sum 1 from its one-dimensional taps."""
    row = torch.tensor([float(tap) for tap in taps])
    table = torch.outer(row, row)
    return table / table.sum()


def stylegan2_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The settings of a StyleGAN2 under NVIDIA's names, as far as tensors tell them.

    The clamp and the learning rate multiplier of the mapping leave no trace in them: none, and
    0.01, the original's.
    """
    layers = numbered(tensors, r"mapping\.fc(\d{1,3})\.weight")
    sizes = numbered(tensors, r"synthesis\.b(\d{1,5})\.conv1\.weight")
    if not layers or not sizes or sizes != [4 * 2**i for i in range(len(sizes))]:
        raise BadFile("it holds parts of a StyleGAN2, but blocks or layers are missing")
    first = tensor_of(tensors, "mapping.fc0.weight", 2)
    last = tensor_of(tensors, f"mapping.fc{layers[-1]}.weight", 2)
    classes, embedded = 0, None
    if "mapping.embed.weight" in tensors:
        embedded, classes = tensor_of(tensors, "mapping.embed.weight", 2).shape
    rgb = tensor_of(tensors, f"synthesis.b{sizes[-1]}.torgb.weight", 4)
    return {
        "z_dim": first.shape[1] - (embedded or 0),
        "c_dim": classes,
        "w_dim": last.shape[0],
        "img_resolution": sizes[-1],
        "img_channels": rgb.shape[0],
        "mapping_layers": len(layers),
        "lr_multiplier": 0.01,
        "embed_features": embedded,
        "layer_features": first.shape[0] if len(layers) > 1 else None,
        "architecture": _architecture(tensors, sizes),
        "conv_clamp": None,
        "resample_filter": _taps(tensors),
    }


def _architecture(tensors: Mapping[str, Tensor], sizes: Sequence[int]) -> str:
    if len(sizes) > 1 and f"synthesis.b{sizes[-1]}.skip.weight" in tensors:
        return "resnet"
    every = all(f"synthesis.b{size}.torgb.weight" in tensors for size in sizes)
    return "skip" if every else "orig"


def _taps(tensors: Mapping[str, Tensor]) -> list[float]:
    """The filter's taps: its table is their outer product, divided by its sum."""
    table = tensors.get("synthesis.b4.resample_filter")
    if table is None or table.dim() != 2 or not 0 < table.shape[0] <= 32:
        return [1.0, 3.0, 3.0, 1.0]
    rows = table.double().sum(dim=1)
    taps: list[float] = (rows / rows.abs().min().clamp_min(1e-6)).tolist()
    return taps


def stylegan1_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The settings of a StyleGAN under the names of lernapparat's port."""
    layers = numbered(tensors, r"g_mapping\.dense(\d{1,3})\.weight")
    sizes = numbered(tensors, r"g_synthesis\.blocks\.(\d{1,5})x\1\.epi1\.top_epi\.noise\.weight")
    if not layers or not sizes:
        raise BadFile("it holds parts of a StyleGAN, but blocks or layers are missing")
    return {
        "z_dim": tensor_of(tensors, "g_mapping.dense0.weight", 2).shape[1],
        "w_dim": tensor_of(tensors, f"g_mapping.dense{layers[-1]}.weight", 2).shape[0],
        "img_resolution": sizes[-1],
        "mapping_layers": len(layers),
        "mapping_multiplier": 0.01,
    }
