"""NVIDIA's .pkl files of stylegan2-ada-pytorch and stylegan3: the averaged generator in them.

A file is {G, D, G_ema, …} of modules that carry the source text of their own program. That text is
never looked at: a module's tensors lie in its `_parameters` and `_buffers`, and its `_init_kwargs`
say how it was built. What those leave open has the originals' defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.unpickling import Record
from eclipsed.errors import BadFile

_MODULE = "torch_utils.persistence"
# The deepest tensor of a generator lies five modules down; the largest has some 300.
_DEEPEST = 32
_MOST_TENSORS = 20_000

_ARGUMENTS = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")

STYLEGAN2_DEFAULTS: dict[str, Any] = {
    "architecture": "skip",
    "conv_clamp": None,
    "resample_filter": [1, 3, 3, 1],
}
STYLEGAN3_DEFAULTS: dict[str, Any] = {
    "channel_base": 32768,
    "channel_max": 512,
    "num_layers": 14,
    "num_critical": 2,
    "first_cutoff": 2,
    "first_stopband": 2**2.1,
    "last_stopband_rel": 2**0.3,
    "margin_size": 10,
    "output_scale": 0.25,
    "num_fp16_res": 4,
    "conv_kernel": 3,
    "filter_size": 6,
    "lrelu_upsampling": 2,
    "use_radial_filters": False,
    "conv_clamp": 256,
    "magnitude_ema_beta": 0.999,
}
_MAPPING_DEFAULTS: dict[str, Any] = {
    "lr_multiplier": 0.01,
    "embed_features": None,
    "layer_features": None,
}


def recognise(content: object) -> Checkpoint | None:
    """The generator `G_ema` of a file of NVIDIA's, or None when it is something else.

    Raises BadFile when the file is NVIDIA's but holds no generator that is known.
    """
    if not isinstance(content, dict) or not _is_module(content.get("G_ema")):
        return None
    generator = content["G_ema"]
    tensors = dict(_tensors(generator))
    kwargs = _arguments(generator)
    if "synthesis.input.freqs" in tensors:
        return Checkpoint("NVIDIA PyTorch pickle", "stylegan3", _stylegan3_config(kwargs), tensors)
    if "synthesis.b4.conv1.weight" in tensors:
        clamp = _attribute(generator, ("synthesis", "b4", "conv1"), "conv_clamp")
        config = _stylegan2_config(kwargs, clamp)
        return Checkpoint("NVIDIA PyTorch pickle", "stylegan2", config, tensors)
    raise BadFile("its G_ema is neither a StyleGAN2 nor a StyleGAN3")


def _is_module(value: object) -> bool:
    return isinstance(value, Record) and value.module == _MODULE


def _part(record: Record, name: str) -> Mapping[str, object]:
    """One of the dictionaries that hold a module's contents."""
    if not isinstance(record.state, dict) or not isinstance(record.state.get(name), dict):
        raise BadFile(f"its module {record.name[:40]!r} has no {name}")
    part: Mapping[str, object] = record.state[name]
    return part


def _tensors(generator: Record) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of all that a state dict of this module would hold."""
    waiting = [("", generator, 0)]
    count = 0
    while waiting:
        prefix, module, depth = waiting.pop()
        for part in ("_parameters", "_buffers"):
            for name, value in _part(module, part).items():
                count += 1
                if isinstance(value, Tensor):
                    yield f"{prefix}{name}", value
        for name, child in _part(module, "_modules").items():
            if isinstance(child, Record):
                waiting.append((f"{prefix}{name}.", child, depth + 1))
        if depth > _DEEPEST or count + len(waiting) > _MOST_TENSORS:
            raise BadFile("its modules are nested deeper than in any genuine file")


def _attribute(module: Record, path: tuple[str, ...], name: str) -> object:
    """A module's own attribute, which settles what its arguments left to defaults."""
    for step in path:
        child = _part(module, "_modules").get(step)
        if not isinstance(child, Record):
            return None
        module = child
    return module.state.get(name) if isinstance(module.state, dict) else None


def _arguments(generator: Record) -> dict[str, object]:
    """What the generator was built with, by name."""
    state = generator.state if isinstance(generator.state, dict) else {}
    given = state.get("_init_args") or ()
    if not isinstance(given, list | tuple):
        raise BadFile("its G_ema does not say how it was built")
    return {**dict(zip(_ARGUMENTS, given, strict=False)), **_nested(state, "_init_kwargs")}


def _nested(kwargs: Mapping[str, object], name: str) -> dict[str, object]:
    """The arguments that were handed on to a part of the generator."""
    nested = kwargs.get(name) or {}
    if not isinstance(nested, dict):
        raise BadFile("its G_ema does not say how it was built")
    return nested


def _common(kwargs: Mapping[str, object], mapping_layers: int) -> dict[str, Any]:
    mapping = _nested(kwargs, "mapping_kwargs")
    config: dict[str, Any] = {}
    for name in _ARGUMENTS:
        value = kwargs.get(name)
        if type(value) is not int or value < 0:
            raise BadFile(f"its G_ema does not say what its {name} is")
        config[name] = value
    config["mapping_layers"] = _plain(mapping.get("num_layers", mapping_layers))
    for name, default in _MAPPING_DEFAULTS.items():
        config[name] = _plain(mapping.get(name, default))
    return config


def _stylegan2_config(kwargs: Mapping[str, object], clamp: object) -> dict[str, Any]:
    """clamp: what the modules themselves say; stylegan3's StyleGAN2 has other defaults."""
    nested = _nested(kwargs, "synthesis_kwargs")
    settings = {**STYLEGAN2_DEFAULTS, "conv_clamp": clamp, **kwargs, **nested}
    config = {name: _plain(settings[name]) for name in STYLEGAN2_DEFAULTS}
    if isinstance(config["conv_clamp"], int):
        config["conv_clamp"] = float(config["conv_clamp"])
    return {**_common(kwargs, mapping_layers=8), **config}


def _stylegan3_config(kwargs: Mapping[str, object]) -> dict[str, Any]:
    settings = {**STYLEGAN3_DEFAULTS, **kwargs}
    return {
        **_common(kwargs, mapping_layers=2),
        **{name: _plain(settings[name]) for name in STYLEGAN3_DEFAULTS},
    }


def _plain(value: object) -> Any:
    """A number, a word, nothing, or a short list of numbers; BadFile for anything else."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and len(value) < 100:
        return value
    if isinstance(value, list | tuple) and len(value) < 100:
        return [_plain(item) for item in value if isinstance(item, int | float)]
    raise BadFile("its G_ema was built with something that is neither a number nor a word")
