"""StyleGAN2 files of rosinality's port, and e4e's, which carry such a network as their decoder.

Two layouts: the converter's {g_ema, latent_avg, …} and the training's {g, d, g_ema, args, …}, which
has no average latent. Names become those of stylegan2-ada-pytorch; between the two nothing is
flipped or rescaled but the filters, which the port keeps multiplied by 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.shapes import (
    numbered,
    resample_filter,
    stylegan2_config,
    tensor_of,
    tensors_in,
)
from eclipsed.errors import BadFile

# How many latents an average that a file lacks is made from.
AVERAGED = 4096
_GRID = 2.0**20
# Mappings are 512 wide; a file that claims more would fill the memory with its average.
_WIDEST = 4096
_MOST_TAPS = 32


def recognise(content: object) -> Checkpoint | None:
    """The averaged generator of rosinality's files, or the networks of e4e's; None for others."""
    if not isinstance(content, dict):
        return None
    state = tensors_in(content.get("g_ema"))
    if state is not None and is_rosinality(state):
        average = content.get("latent_avg")
        tensors, config = to_nvidia(state, average if isinstance(average, Tensor) else None)
        layout = "training" if average is None else "converter"
        return Checkpoint(
            f"rosinality's PyTorch file, {layout} layout", "stylegan2", config, tensors
        )
    state = tensors_in(content.get("state_dict"))
    if state is not None and any(name.startswith("encoder.input_layer.") for name in state):
        return _e4e(state, content)
    return None


def recognise_tensors(tensors: Mapping[str, Tensor]) -> Checkpoint | None:
    """A StyleGAN2 whose tensors bear rosinality's names, without anything around them."""
    if not is_rosinality(tensors):
        return None
    renamed, config = to_nvidia(tensors, tensors.get("latent_avg"))
    return Checkpoint("tensors under rosinality's names", "stylegan2", config, renamed)


def is_rosinality(tensors: Mapping[str, Tensor]) -> bool:
    return "input.input" in tensors and "conv1.conv.weight" in tensors


def to_nvidia(
    state: Mapping[str, Tensor], average: Tensor | None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors under NVIDIA's names, settings) of a state dict of rosinality's generator.

    average: the mean latent [w] or one row of it for each layer [rows, w]. Where the file has none,
    the mean of AVERAGED mapped latents of fixed seeds takes its place, and the settings say so
    under `averaged_seeds`.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        new = _renamed(name, value)
        if new is not None:
            tensors[new[0]] = new[1].contiguous()
    _add_filters(tensors, state)
    config = stylegan2_config(tensors)
    if average is None:
        average = average_latent(tensors)
        config["averaged_seeds"] = AVERAGED
    tensors["mapping.w_avg"] = average.reshape(-1, average.shape[-1])[0].clone()
    return tensors, config


_PARTS = {
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "conv.weight": "weight",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}


def _renamed(name: str, value: Tensor) -> tuple[str, Tensor] | None:
    """NVIDIA's name and shape of one tensor; None for filters and what NVIDIA lacks."""
    if name == "input.input":
        return "synthesis.b4.const", value[0]
    if match := re.fullmatch(r"style\.(\d{1,3})\.(weight|bias)", name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}", value
    if match := re.fullmatch(r"noises\.noise_(\d{1,2})", name):
        return f"{_convolution(int(match[1]) - 1)}.noise_const", value[0, 0]
    match = re.fullmatch(r"(conv1|to_rgb1|(convs|to_rgbs)\.(\d{1,2}))\.(.+)", name)
    if match is None or match[4] not in _PARTS:
        return None
    index = -1 if match[3] is None else int(match[3])
    colour = match[1].startswith("to_rgb")
    place = f"synthesis.b{2 ** (index + 3)}.torgb" if colour else _convolution(index)
    return f"{place}.{_PARTS[match[4]]}", _reshaped(match[4], value)


def _convolution(index: int) -> str:
    """NVIDIA's name of convolution `index` of `convs`; -1 is the one before them."""
    return f"synthesis.b{2 ** ((index + 6) // 2)}.conv{index % 2}"


def _reshaped(part: str, value: Tensor) -> Tensor:
    if part == "conv.weight":
        return value[0]
    if part == "noise.weight":
        return value.reshape(())
    return value.reshape(-1) if part == "bias" else value


def _add_filters(tensors: dict[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """NVIDIA's network has its one filter in every layer, the port where it is used."""
    name = next((name for name in state if name.endswith(("blur.kernel", "upsample.kernel"))), None)
    table = resample_filter([1, 3, 3, 1]) if name is None else tensor_of(state, name, 2) / 4
    if table.shape[0] > _MOST_TAPS or table.shape[1] > _MOST_TAPS:
        raise BadFile("it holds a filter whose size makes no sense")
    for size in numbered(tensors, r"synthesis\.b(\d{1,5})\.conv1\.weight"):
        for place in ("", "conv1.") if size == 4 else ("", "conv0.", "conv1."):
            tensors[f"synthesis.b{size}.{place}resample_filter"] = table.clone()


def average_latent(tensors: Mapping[str, Tensor], multiplier: float = 0.01) -> Tensor:
    """The mean [w] of the mapped latents of seeds 0 … AVERAGED − 1, from NVIDIA's mapping weights.

    In float64 and rounded to a grid of 2⁻²⁰, so that every machine finds the same numbers.
    """
    layers = numbered(tensors, r"mapping\.fc(\d{1,3})\.weight")
    weights = [tensor_of(tensors, f"mapping.fc{layer}.weight", 2) for layer in layers]
    if not weights or max(max(weight.shape) for weight in weights) > _WIDEST:
        raise BadFile("it holds a mapping whose layers make no sense")
    width = weights[0].shape[1]
    rows = [np.random.RandomState(seed).randn(width) for seed in range(AVERAGED)]
    x = torch.from_numpy(np.stack(rows))
    x = x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
    for layer, weight in zip(layers, weights, strict=True):
        bias = tensor_of(tensors, f"mapping.fc{layer}.bias", 1).double() * multiplier
        scaled = weight.double() * (multiplier / math.sqrt(weight.shape[1]))
        x = F.leaky_relu(F.linear(x, scaled, bias), 0.2) * math.sqrt(2.0)
    return ((x.mean(dim=0) * _GRID).round() / _GRID).float()


# --- e4e ----------------------------------------------------------------------------------------

_OPTIONS = ("encoder_type", "dataset_type", "stylegan_size", "start_from_latent_avg")


def _e4e(state: Mapping[str, Tensor], content: Mapping[object, object]) -> Checkpoint:
    """An encoder, mostly with its decoder and the latent that its codes are added to."""
    tensors = {name: value for name, value in state.items() if name.startswith("encoder.")}
    options = content.get("opts")
    options = options if isinstance(options, dict) else {}
    config: dict[str, Any] = {
        name: options[name]
        for name in _OPTIONS
        if isinstance(options.get(name), str | int) and len(str(options[name])) < 100
    }
    average = content.get("latent_avg")
    if isinstance(average, Tensor):
        tensors["latent_avg"] = average
    else:
        average = None
    decoder = {
        name.removeprefix("decoder."): value
        for name, value in state.items()
        if name.startswith("decoder.")
    }
    if decoder:
        renamed, numbers = to_nvidia(decoder, average)
        tensors.update({f"decoder.{name}": value for name, value in renamed.items()})
        config.update(numbers)
    return Checkpoint("e4e's PyTorch file", "e4e", config, tensors)


def decoder_of(checkpoint: Checkpoint) -> Checkpoint:
    """The StyleGAN2 inside an e4e checkpoint; BadFile where the file left it out."""
    tensors = {
        name.removeprefix("decoder."): value
        for name, value in checkpoint.tensors.items()
        if name.startswith("decoder.")
    }
    if not tensors:
        raise BadFile("This e4e file holds an encoder without its generator.")
    config = {name: value for name, value in checkpoint.config.items() if name not in _OPTIONS}
    return Checkpoint(f"{checkpoint.format}, its decoder", "stylegan2", config, tensors)
