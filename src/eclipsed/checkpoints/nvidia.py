"""StyleGAN2 and 3 under NVIDIA's names: the modules of its pickles, and bare tables of tensors.

A .pkl is {G, D, G_ema, …} of modules that carry the source text of their own program; others save
one module alone, as pivotal tuning does. That text is never looked at: a module's tensors lie in
its `_parameters` and `_buffers`, and its `_init_kwargs` say how it was built. What those leave open
has the originals' defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.shapes import stylegan2_config
from eclipsed.checkpoints.unpickling import Record
from eclipsed.checkpoints.unwrapping import Contents, Part, module_part
from eclipsed.errors import BadFile

_FORMAT = "NVIDIA PyTorch pickle"

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


def read_stylegan2(part: Part) -> Checkpoint:
    """A StyleGAN2, by what its module says or else by its shapes."""
    if part.module is None:
        name, config = "tensors under NVIDIA's names", stylegan2_config(part.tensors)
    else:
        clamp = _attribute(part.module, ("synthesis", "b4", "conv1"), "conv_clamp")
        name, config = _FORMAT, _stylegan2_config(_arguments(part.module), clamp)
    tensors, average = part.averaged("mapping.w_avg", config["w_dim"])
    return Checkpoint(name, "stylegan2", config, tensors, part.note(average))


def read_stylegan3(part: Part) -> Checkpoint:
    """A StyleGAN3, by what its module says; BadFile for a bare table, which does not tell it."""
    if part.module is None:
        raise BadFile(
            "it holds the tensors of a StyleGAN3 without its settings, which tensors do not tell",
            "Give NVIDIA's .pkl, or a file that this program wrote from it.",
        )
    config = _stylegan3_config(_arguments(part.module))
    return Checkpoint(_FORMAT, "stylegan3", config, part.tensors, part.note())


def refuse_others(contents: Contents) -> None:
    """Raise BadFile for a file of NVIDIA's modules none of which is a known generator."""
    if contents.modules:
        raise BadFile("what it holds of NVIDIA's is neither a StyleGAN2 nor a StyleGAN3")


def _attribute(module: Record, path: tuple[str, ...], name: str) -> object:
    """A module's own attribute, which settles what its arguments left to defaults."""
    for step in path:
        child = module_part(module, "_modules").get(step)
        if not isinstance(child, Record):
            return None
        module = child
    return module.state.get(name) if isinstance(module.state, dict) else None


def _arguments(generator: Record) -> dict[str, object]:
    """What the generator was built with, by name."""
    state = generator.state if isinstance(generator.state, dict) else {}
    given = state.get("_init_args") or ()
    if not isinstance(given, list | tuple):
        raise BadFile("its generator does not say how it was built")
    return {**dict(zip(_ARGUMENTS, given, strict=False)), **_nested(state, "_init_kwargs")}


def _nested(kwargs: Mapping[str, object], name: str) -> dict[str, object]:
    """The arguments that were handed on to a part of the generator."""
    nested = kwargs.get(name) or {}
    if not isinstance(nested, dict):
        raise BadFile("its generator does not say how it was built")
    return nested


def _common(kwargs: Mapping[str, object], mapping_layers: int) -> dict[str, Any]:
    mapping = _nested(kwargs, "mapping_kwargs")
    config: dict[str, Any] = {}
    for name in _ARGUMENTS:
        value = kwargs.get(name)
        if type(value) is not int or value < 0:
            raise BadFile(f"its generator does not say what its {name} is")
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
    raise BadFile("its generator was built with something that is neither a number nor a word")
