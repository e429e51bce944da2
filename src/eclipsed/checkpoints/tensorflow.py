"""The old TensorFlow pickles of StyleGAN and StyleGAN2: (G, D, Gs) of dnnlib's Network.

A Network is plain data, the program text in it aside, which is never looked at: static arguments
and named variables, its own and those of its components. Gs, the averaged generator, is taken.
StyleGAN2 comes out under the names of stylegan2-ada-pytorch, StyleGAN under those of lernapparat's
port, as each project's own conversion has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.shapes import (
    Rules,
    renamed,
    resample_filter,
    stylegan1_config,
    stylegan2_config,
    unchanged,
)
from eclipsed.checkpoints.unpickling import Record
from eclipsed.errors import BadFile

_NETWORK = ("dnnlib.tflib.network", "Network")
_MOST_NETWORKS = 16
_STYLEGAN1, _STYLEGAN2 = 3, 4


def recognise(content: object) -> Checkpoint | None:
    """The averaged generator of a TensorFlow pickle, or None when it is something else.

    Raises BadFile when it is one, but of another network or version.
    """
    if not isinstance(content, tuple) or len(content) != 3 or not _is_network(content[2]):
        return None
    network = content[2]
    version = _field(network, "version", int)
    settings = _field(network, "static_kwargs", dict)
    variables = _variables(network)
    if version >= _STYLEGAN2:
        tensors, config = _stylegan2(variables, settings)
        return Checkpoint("TensorFlow pickle of StyleGAN2", "stylegan2", config, tensors)
    if version == _STYLEGAN1:
        tensors, config = _stylegan1(variables, settings)
        return Checkpoint("TensorFlow pickle of StyleGAN", "stylegan1", config, tensors)
    raise BadFile(f"it is a TensorFlow pickle of version {version}, older than StyleGAN's")


def _is_network(value: object) -> bool:
    return isinstance(value, Record) and (value.module, value.name) == _NETWORK


def _field(network: Record, name: str, kind: type) -> Any:
    value = network.state.get(name) if isinstance(network.state, dict) else None
    if not isinstance(value, kind):
        raise BadFile(f"it is a TensorFlow pickle without {name}")
    return value


def _variables(network: Record) -> dict[str, Tensor]:
    """Name → numbers; those of a component begin with the component's name."""
    variables: dict[str, Tensor] = {}
    waiting = [("", network)]
    for _ in range(_MOST_NETWORKS):
        if not waiting:
            return variables
        prefix, network = waiting.pop()
        for name, value in _field(network, "variables", list):
            if not isinstance(name, str) or not isinstance(value, np.ndarray | float | int):
                raise BadFile("it is a TensorFlow pickle with variables that make no sense")
            variables[prefix + name] = torch.from_numpy(np.array(value, dtype=np.float32))
        for name, component in _field(network, "components", dict).items():
            if _is_network(component):
                waiting.append((f"{prefix}{name}/", component))
    raise BadFile("it has more networks inside each other than any genuine file")


def _convolution(value: Tensor) -> Tensor:
    return value.permute(3, 2, 0, 1)


def _flipped(value: Tensor) -> Tensor:
    return value.flip(0, 1).permute(3, 2, 0, 1)


# --- StyleGAN2 ----------------------------------------------------------------------------------

_LAYER = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb"}


def _layer(match: re.Match[str]) -> str:
    return f"synthesis.b{match['size']}.{_LAYER[match['layer']]}"


def _noise_const(match: re.Match[str]) -> str:
    index = int(match[1])
    size, layer = 2 ** ((index + 1) // 2 + 2), "conv1" if index % 2 == 0 else "conv0"
    return f"synthesis.b{size}.{layer}.noise_const"


_AT = r"synthesis/(?P<size>\d{1,5})x(?P=size)/"
_STYLED = _AT + r"(?P<layer>Conv|Conv0_up|Conv1|ToRGB)/"
_STYLEGAN2_RULES: Rules = (
    (r"dlatent_avg", r"mapping.w_avg", unchanged),
    (r"mapping/LabelEmbed/weight", r"mapping.embed.weight", Tensor.t),
    (r"mapping/LabelEmbed/bias", r"mapping.embed.bias", unchanged),
    (r"mapping/Dense(\d{1,3})/weight", r"mapping.fc\1.weight", Tensor.t),
    (r"mapping/Dense(\d{1,3})/bias", r"mapping.fc\1.bias", unchanged),
    (r"synthesis/noise(\d{1,2})", _noise_const, lambda value: value[0, 0]),
    (r"synthesis/4x4/Const/const", r"synthesis.b4.const", lambda value: value[0]),
    (_AT + r"(?P<layer>Conv0_up)/weight", lambda m: f"{_layer(m)}.weight", _flipped),
    (_AT + r"(?P<layer>Conv|Conv1|ToRGB)/weight", lambda m: f"{_layer(m)}.weight", _convolution),
    (_AT + r"Skip/weight", r"synthesis.b\g<size>.skip.weight", _flipped),
    (_STYLED + r"mod_weight", lambda m: f"{_layer(m)}.affine.weight", Tensor.t),
    (_STYLED + r"mod_bias", lambda m: f"{_layer(m)}.affine.bias", lambda value: value + 1),
    (_STYLED + r"(?P<rest>noise_strength|bias)", lambda m: f"{_layer(m)}.{m['rest']}", unchanged),
)


def _stylegan2(
    variables: Mapping[str, Tensor], settings: Mapping[str, object]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = renamed(variables, _STYLEGAN2_RULES, unused=r"lod")
    low_pass = resample_filter(_taps(settings, "resample_kernel", [1, 3, 3, 1]))
    clamp = settings.get("conv_clamp")
    for name in list(tensors):
        layer = re.fullmatch(r"(synthesis\.b\d+)\.(conv[01]|skip)\.weight", name)
        if layer:
            tensors[f"{layer[1]}.{layer[2]}.resample_filter"] = low_pass.clone()
            tensors[f"{layer[1]}.resample_filter"] = low_pass.clone()
    config = stylegan2_config(tensors)
    config["lr_multiplier"] = _number(settings, "mapping_lrmul", 0.01)
    config["conv_clamp"] = None if clamp is None else _number(settings, "conv_clamp", 0.0)
    return tensors, config


def _taps(settings: Mapping[str, object], name: str, default: list[float]) -> list[float]:
    taps = settings.get(name) or default
    if not isinstance(taps, list | tuple) or len(taps) > 32:
        raise BadFile(f"its {name} makes no sense")
    return [float(tap) for tap in taps if isinstance(tap, int | float)]


def _number(settings: Mapping[str, object], name: str, default: float) -> float:
    value = settings.get(name, default)
    if not isinstance(value, int | float):
        raise BadFile(f"its {name} is not a number")
    return float(value)


# --- StyleGAN -----------------------------------------------------------------------------------


def _half(layer: str) -> int:
    """0 for the first convolution of a block, or the constant in its place; 1 for the second."""
    return 0 if layer in ("Const", "Conv0_up") else 1


_ANY = _AT + r"(?P<layer>Const|Conv|Conv0_up|Conv1)/"
_PORT_LAYER = {"Conv": "conv.", "Conv0_up": "conv0_up.", "Conv1": "conv1.", "Const": ""}


def _block(match: re.Match[str]) -> str:
    return f"g_synthesis.blocks.{match['size']}x{match['size']}"


def _port_layer(match: re.Match[str]) -> str:
    return f"{_block(match)}.{_PORT_LAYER[match['layer']]}"


def _style_name(match: re.Match[str]) -> str:
    size = match["size"]
    return f"g_style.style_layers.{size}x{size}_{_half(match['layer'])}.lin.{match['rest']}"


def _noise_weight(match: re.Match[str]) -> str:
    return f"{_block(match)}.epi{_half(match['layer']) + 1}.top_epi.noise.weight"


def _noise_map(match: re.Match[str]) -> str:
    index = int(match[1])
    size = 4 * 2 ** (index // 2)
    return f"g_synthesis.blocks.{size}x{size}.epi{index % 2 + 1}.top_epi.noise.noise"


_STYLEGAN1_RULES: Rules = (
    (r"dlatent_avg", r"truncation.avg_latent", unchanged),
    (r"mapping/Dense(\d{1,3})/weight", r"g_mapping.dense\1.weight", Tensor.t),
    (r"mapping/Dense(\d{1,3})/bias", r"g_mapping.dense\1.bias", unchanged),
    (r"synthesis/noise(\d{1,2})", _noise_map, unchanged),
    (r"synthesis/ToRGB_lod0/weight", r"g_synthesis.torgb.weight", _convolution),
    (r"synthesis/ToRGB_lod0/bias", r"g_synthesis.torgb.bias", unchanged),
    (r"synthesis/4x4/Const/const", r"g_synthesis.blocks.4x4.const", unchanged),
    (_ANY + r"weight", lambda m: f"{_port_layer(m)}weight", _convolution),
    (_ANY + r"bias", lambda m: f"{_port_layer(m)}bias", unchanged),
    (_ANY + r"Noise/weight", _noise_weight, unchanged),
    (_ANY + r"StyleMod/(?P<rest>weight)", _style_name, Tensor.t),
    (_ANY + r"StyleMod/(?P<rest>bias)", _style_name, unchanged),
)


def _stylegan1(
    variables: Mapping[str, Tensor], settings: Mapping[str, object]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    unused = r"(synthesis/)?lod|synthesis/ToRGB_lod[1-9]\d*/.*"
    tensors = renamed(variables, _STYLEGAN1_RULES, unused)
    blur = resample_filter(_taps(settings, "blur_filter", [1, 2, 1]))[None, None]
    for name in list(tensors):
        if name.endswith(".conv0_up.weight"):
            tensors[name.replace(".weight", ".intermediate.kernel")] = blur.clone()
    config = stylegan1_config(tensors)
    config["mapping_multiplier"] = _number(settings, "mapping_lrmul", 0.01)
    return tensors, config
