"""What the names and shapes of a network's tensors tell of its architecture; renaming by rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from eclipsed.checkpoints.unpickling import shown_name
from eclipsed.checkpoints.weights import tensor_of
from eclipsed.errors import BadFile

# Pattern of a tensor's name, its new name, and what is done to its numbers.
Rules = tuple[tuple[str, str | Callable[[re.Match[str]], str], Callable[[Tensor], Tensor]], ...]


def unchanged(value: Tensor) -> Tensor:
    """For rules that only rename."""
    return value


def renamed(tensors: Mapping[str, Tensor], rules: Rules, unused: str) -> dict[str, Tensor]:
    """Every tensor under its new name, contiguous.

    unused: the pattern of names that are left out. Raises BadFile for one that no rule knows.
    """
    result = {}
    for name, value in tensors.items():
        for pattern, target, change in rules:
            match = re.fullmatch(pattern, name)
            if match:
                new = match.expand(target) if isinstance(target, str) else target(match)
                result[new] = change(value).contiguous()
                break
        else:
            if not re.fullmatch(unused, name):
                raise BadFile(f"it holds the variable {shown_name(name)}, which is not known here")
    return result


def numbered(tensors: Mapping[str, Tensor], pattern: str) -> list[int]:
    """The numbers that stand in the group of `pattern` in the tensors' names, in order."""
    matches = (re.fullmatch(pattern, name) for name in tensors)
    return sorted({int(match[1]) for match in matches if match})


def resample_filter(taps: Sequence[float]) -> Tensor:
    """StyleGAN2's low-pass filter [T, T] of sum 1 from its one-dimensional taps."""
    row = torch.tensor([float(tap) for tap in taps])
    table = torch.outer(row, row)
    return table / table.sum()


def mapping_sizes(tensors: Mapping[str, Tensor], family: str) -> dict[str, Any]:
    """The settings of NVIDIA's mapping network.

    Half a layer counts as one, so that the half that is missing gets named. BadFile for a missing
    or misshapen tensor.
    """
    layers = max(numbered(tensors, r"mapping\.fc(\d{1,3})\.(?:weight|bias)"), default=0) + 1
    first = tensor_of(tensors, "mapping.fc0.weight", family, dims=2)
    last = tensor_of(tensors, f"mapping.fc{layers - 1}.weight", family, dims=2)
    embedded, classes = None, 0
    if "mapping.embed.weight" in tensors or "mapping.embed.bias" in tensors:
        embedded, classes = tensor_of(tensors, "mapping.embed.weight", family, dims=2).shape
    return {
        "z_dim": first.shape[1] - (embedded or 0),
        "c_dim": classes,
        "w_dim": last.shape[0],
        "mapping_layers": layers,
        "layer_features": first.shape[0] if layers > 1 else None,
        "embed_features": embedded,
    }


def stylegan2_config(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The settings of a StyleGAN2 under NVIDIA's names, as far as tensors tell them.

    The clamp and the learning rate multiplier of the mapping leave no trace in them: none, and
    0.01, the original's. Only resnet blocks have shortcuts, and only skip makes colours at every
    resolution.
    """
    sizes = numbered(tensors, r"synthesis\.b(\d{1,5})\..*")
    complete = sizes == [4 * 2**i for i in range(len(sizes))]
    if not sizes or not complete or not numbered(tensors, r"mapping\.fc(\d{1,3})\..*"):
        raise BadFile("These are parts of a StyleGAN2, but blocks or layers are missing.")
    for size in sizes:
        tensor_of(tensors, f"synthesis.b{size}.conv1.weight", "StyleGAN2", dims=4)
    rgb = tensor_of(tensors, f"synthesis.b{sizes[-1]}.torgb.weight", "StyleGAN2", dims=4)
    if any(".skip." in name for name in tensors):
        architecture = "resnet"
    else:
        coloured = any(name.startswith("synthesis.b4.torgb.") for name in tensors)
        architecture = "skip" if coloured else "orig"
    return {
        **mapping_sizes(tensors, "StyleGAN2"),
        "img_resolution": sizes[-1],
        "img_channels": rgb.shape[0],
        "lr_multiplier": 0.01,
        "architecture": architecture,
        "conv_clamp": None,
        "resample_filter": _taps(tensors),
    }


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
        "z_dim": tensor_of(tensors, "g_mapping.dense0.weight", "StyleGAN1", 2).shape[1],
        "w_dim": len(tensor_of(tensors, f"g_mapping.dense{layers[-1]}.weight", "StyleGAN1", 2)),
        "img_resolution": sizes[-1],
        "mapping_layers": len(layers),
        "mapping_multiplier": 0.01,
    }
