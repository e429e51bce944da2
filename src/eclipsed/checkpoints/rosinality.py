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
    Rules,
    numbered,
    renamed,
    resample_filter,
    stylegan2_config,
    unchanged,
)
from eclipsed.checkpoints.unwrapping import Contents, Part, row_of
from eclipsed.checkpoints.weights import tensor_of
from eclipsed.errors import BadFile

# Names that tell such a network, bare.
ANCHORS = ("input.input", "conv1.conv.weight")
# How many latents an average that a file lacks is made from.
AVERAGED = 4096
_GRID = 2.0**20
_MULTIPLIER = 0.01  # the learning rate multiplier of the mapping, which shapes do not tell
# Mappings are 512 wide; a file that claims more would fill the memory with its average.
_WIDEST = 4096
_MOST_TAPS = 32
_BARE = "tensors under rosinality's names"
_FILTERS = ("blur.kernel", "upsample.kernel")


def read_stylegan2(part: Part) -> Checkpoint:
    """The generator of a file of rosinality's, or of others who keep its names."""
    average = part.average(_width(part.tensors))
    tensors, config = to_nvidia(part.without(average), average)
    layout = "training" if average is None else "converter"
    wrapped = "g_ema" in part.prefix
    name = f"rosinality's PyTorch file, {layout} layout" if wrapped else _BARE
    notes = (*_lacking(part.tensors), *part.note(average))
    return Checkpoint(name, "stylegan2", config, tensors, notes)


def _width(state: Mapping[str, Tensor]) -> int | None:
    """How many numbers w has; None where the mapping is missing, which is refused later."""
    layers = numbered(state, r"style\.(\d{1,3})\.weight")
    return len(state[f"style.{layers[-1]}.weight"]) if layers else None


def _lacking(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    if any(name.endswith(_FILTERS) for name in state):
        return ()
    return ("the file has no low-pass filters: those of [1, 3, 3, 1] take their place.",)


def to_nvidia(
    state: Mapping[str, Tensor], average: Tensor | None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors under NVIDIA's names, settings) of a state dict of rosinality's generator.

    average: the mean latent [w] or one row of it for each layer [rows, w]. Where the file has none,
    the mean of AVERAGED mapped latents of fixed seeds takes its place, and the settings say so
    under `averaged_seeds`.
    """
    tensors = renamed(state, _RULES, unused=r"(?s).*")
    _add_filters(tensors, state)
    config = stylegan2_config(tensors)
    if average is None:
        average = average_latent(tensors)
        config["averaged_seeds"] = AVERAGED
    tensors["mapping.w_avg"] = row_of(average)
    return tensors, config


def _convolution(index: int) -> str:
    """NVIDIA's name of convolution `index` of `convs`; -1 is the one before them."""
    return f"synthesis.b{2 ** ((index + 6) // 2)}.conv{index % 2}"


def _dense(match: re.Match[str]) -> str:
    return f"mapping.fc{int(match[1]) - 1}.{match[2]}"


def _layer(match: re.Match[str]) -> str:
    index = -1 if match["index"] is None else int(match["index"])
    colour = match["layer"].startswith("to_rgb")
    return f"synthesis.b{2 ** (index + 3)}.torgb" if colour else _convolution(index)


def _affine(match: re.Match[str]) -> str:
    return f"{_layer(match)}.affine.{match[3]}"


def _scalar(value: Tensor) -> Tensor:
    return value.reshape(())


def _noise_const(match: re.Match[str]) -> str:
    return f"{_convolution(int(match[1]) - 1)}.noise_const"


_IN_LAYER = r"(?P<layer>conv1|to_rgb1|(?:convs|to_rgbs)\.(?P<index>\d{1,2}))\."
_RULES: Rules = (
    (r"input\.input", r"synthesis.b4.const", lambda value: value[0]),
    (r"style\.(\d{1,3})\.(weight|bias)", _dense, unchanged),
    (r"noises\.noise_(\d{1,2})", _noise_const, lambda value: value[0, 0]),
    (_IN_LAYER + r"conv\.modulation\.(weight|bias)", _affine, unchanged),
    (_IN_LAYER + r"conv\.weight", lambda m: f"{_layer(m)}.weight", lambda value: value[0]),
    (_IN_LAYER + r"noise\.weight", lambda m: f"{_layer(m)}.noise_strength", _scalar),
    (_IN_LAYER + r"activate\.bias", lambda m: f"{_layer(m)}.bias", unchanged),
    (_IN_LAYER + r"bias", lambda m: f"{_layer(m)}.bias", Tensor.flatten),
    # Filters are added again below; what else there is stays, to be named as not used.
    (r"(?s)(?!.*\.kernel$).*", r"\g<0>", unchanged),
)


def _add_filters(tensors: dict[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """NVIDIA's network has its one filter in every layer, the port where it is used."""
    name = next((name for name in state if name.endswith(_FILTERS)), None)
    table = resample_filter([1, 3, 3, 1])
    if name is not None:
        table = tensor_of(state, name, "StyleGAN2", 2) / 4
    if table.shape[0] > _MOST_TAPS or table.shape[1] > _MOST_TAPS:
        raise BadFile("it holds a filter whose size makes no sense")
    for size in numbered(tensors, r"synthesis\.b(\d{1,5})\.conv1\.weight"):
        for layer in ("", "conv1.") if size == 4 else ("", "conv0.", "conv1."):
            tensors[f"synthesis.b{size}.{layer}resample_filter"] = table.clone()


def average_latent(tensors: Mapping[str, Tensor]) -> Tensor:
    """The mean [w] of the mapped latents of seeds 0 … AVERAGED − 1, from NVIDIA's mapping weights.

    In float64 and rounded to a grid of 2⁻²⁰, so that every machine finds the same numbers.
    """
    layers = numbered(tensors, r"mapping\.fc(\d{1,3})\.weight")
    weights = [tensor_of(tensors, f"mapping.fc{layer}.weight", "StyleGAN2", 2) for layer in layers]
    if not weights or max(max(weight.shape) for weight in weights) > _WIDEST:
        raise BadFile("it holds a mapping whose layers make no sense")
    width = weights[0].shape[1]
    rows = [np.random.RandomState(seed).randn(width) for seed in range(AVERAGED)]
    x = torch.from_numpy(np.stack(rows))
    x = x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
    for layer, weight in zip(layers, weights, strict=True):
        bias = tensor_of(tensors, f"mapping.fc{layer}.bias", "StyleGAN2", 1).double() * _MULTIPLIER
        scaled = weight.double() * (_MULTIPLIER / math.sqrt(weight.shape[1]))
        x = F.leaky_relu(F.linear(x, scaled, bias), 0.2) * math.sqrt(2.0)
    return ((x.mean(dim=0) * _GRID).round() / _GRID).float()


# --- e4e ----------------------------------------------------------------------------------------

_OPTIONS = ("encoder_type", "dataset_type", "stylegan_size", "start_from_latent_avg")


def read_e4e(part: Part) -> Checkpoint:
    """An encoder, mostly with its decoder and the latent that its codes are added to."""
    tensors = {n: value for n, value in part.tensors.items() if n.startswith("encoder.")}
    options = part.contents.options
    config: dict[str, Any] = {
        name: options[name]
        for name in _OPTIONS
        if isinstance(options.get(name), str | int) and len(str(options[name])) < 100
    }
    contents = Contents({n: v for n, v in part.tensors.items() if n.startswith("decoder.")})
    decoder = next(contents.parts(*ANCHORS), (None,))[0]
    average = part.average(None if decoder is None else _width(decoder.tensors))
    if average is not None:
        tensors["latent_avg"] = average
    if decoder is not None:
        renamed, numbers = to_nvidia(decoder.tensors, average)
        tensors.update({f"decoder.{name}": value for name, value in renamed.items()})
        config.update(numbers)
    notes = part.note(average, ("encoder.", "decoder." if decoder is None else decoder.prefix))
    return Checkpoint("e4e's PyTorch file", "e4e", config, tensors, notes)


def _decoder_in(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "decoder."
    return {n.removeprefix(prefix): value for n, value in tensors.items() if n.startswith(prefix)}


def decoder_of(checkpoint: Checkpoint) -> Checkpoint:
    """The StyleGAN2 inside an e4e checkpoint; BadFile where the file left it out."""
    tensors = _decoder_in(checkpoint.tensors)
    if not tensors:
        raise BadFile("This e4e file holds an encoder without its generator.")
    config = {name: value for name, value in checkpoint.config.items() if name not in _OPTIONS}
    return Checkpoint(f"{checkpoint.format}, its decoder", "stylegan2", config, tensors)
