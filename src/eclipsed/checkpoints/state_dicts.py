"""Bare tables of named tensors, as most other projects save them: the names tell the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from eclipsed.checkpoints import rosinality
from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.shapes import numbered, stylegan1_config, stylegan2_config, tensors_in
from eclipsed.checkpoints.weights import tensor_of
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes

_CONFIG_LIMIT = 2**20
# Under which key a file may keep the table, and what its names may be prefixed with.
_WRAPPERS = ("netG_state_dict", "state_dict", "g_ema")
_PREFIXES = ("module.", "netG.", "")


def recognise(content: object, folder: Path | None = None) -> Checkpoint | None:
    """The network whose tensors these are, by their names; None when no network here has such.

    folder: where the file lies, for BigGAN's `config.json` beside it.
    """
    tables = [content]
    if isinstance(content, dict):
        tables += [content[key] for key in _WRAPPERS if key in content]
    for table in tables:
        tensors = tensors_in(table)
        if tensors is not None:
            return recognise_tensors(tensors, folder)
    return None


def recognise_tensors(
    tensors: Mapping[str, Tensor], folder: Path | None = None
) -> Checkpoint | None:
    """As `recognise`, for a table of tensors alone."""
    prefix = next(p for p in _PREFIXES if all(name.startswith(p) for name in tensors))
    tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return _network_of(tensors) or _biggan(tensors, folder)


def _network_of(tensors: Mapping[str, Tensor]) -> Checkpoint | None:
    """The network that names tell, without the help of a file beside it."""
    if "synthesis.b4.conv1.weight" in tensors:
        config = stylegan2_config(tensors)
        return Checkpoint("tensors under NVIDIA's names", "stylegan2", config, tensors)
    if "synthesis.input.freqs" in tensors:
        raise BadFile(
            "it holds the tensors of a StyleGAN3 without its settings, which tensors do not tell",
            "Give NVIDIA's .pkl, or a file that this program wrote from it.",
        )
    if rosinality.is_rosinality(tensors):
        tensors, config = rosinality.to_nvidia(tensors, tensors.get("latent_avg"))
        return Checkpoint("tensors under rosinality's names", "stylegan2", config, tensors)
    if "g_synthesis.torgb.weight" in tensors:
        config = stylegan1_config(tensors)
        return Checkpoint("lernapparat's port of StyleGAN", "stylegan1", config, tensors)
    if all(any(name.startswith(part) for name in tensors) for part in ("cp.", "ffm.", "conv_out.")):
        config = {"n_classes": len(tensor_of(tensors, "conv_out.conv_out.weight", "BiSeNet", 4))}
        return Checkpoint("face-parsing.PyTorch's BiSeNet", "bisenet", config, tensors)
    return _dcgan(tensors)


def _dcgan(tensors: Mapping[str, Tensor]) -> Checkpoint | None:
    """A generator's first layer is transposed: [z, channels, 4, 4], then a norm of `channels`."""
    first, norm = tensors.get("main.0.weight"), tensors.get("main.1.weight")
    if first is None or norm is None or first.dim() != 4 or norm.shape != first.shape[1:2]:
        return None
    layers = numbered(tensors, r"main\.(\d{1,3})\.weight")
    convolutions = [i for i in layers if tensors[f"main.{i}.weight"].dim() == 4]
    last = tensors[f"main.{convolutions[-1]}.weight"]
    config = {
        "nz": first.shape[0],
        "ngf": last.shape[0],
        "nc": last.shape[1],
        "img_resolution": 4 * 2 ** (len(convolutions) - 1),
    }
    return Checkpoint("PyTorch's DCGAN", "dcgan", config, tensors)


# --- BigGAN -------------------------------------------------------------------------------------


def _biggan(tensors: Mapping[str, Tensor], folder: Path | None) -> Checkpoint | None:
    if "embeddings.weight" not in tensors or "generator.gen_z.bias" not in tensors:
        return None
    told = _biggan_shapes(tensors)
    config = _biggan_config(folder, told) or told
    if "layers" not in config:
        raise BadFile(
            "it holds a BigGAN whose blocks are not arranged like those of the public ones",
            "Put its config.json into the same folder.",
        )
    return Checkpoint("pytorch_pretrained_biggan's BigGAN-deep", "biggan", config, tensors)


def _biggan_config(folder: Path | None, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings beside the file, if they are of this network."""
    path = None if folder is None else folder / "config.json"
    if path is None or not path.is_file():
        return None
    try:
        settings = json.loads(read_bytes(path, limit=_CONFIG_LIMIT))
    except (ValueError, RecursionError) as error:
        raise BadFile("the config.json beside it is damaged") from error
    same = isinstance(settings, dict) and all(
        settings.get(name) == told[name] for name in ("z_dim", "num_classes", "n_stats")
    )
    if not same or not _is_layers(settings.get("layers")):
        return None
    names = ("output_dim", *told, "layers", "attention_layer_position", "eps")
    return {name: settings[name] for name in names if name in settings}


def _is_layers(layers: object) -> bool:
    return isinstance(layers, list) and all(
        isinstance(layer, list) and len(layer) == 3 and all(isinstance(x, int) for x in layer)
        for layer in layers
    )


def _biggan_shapes(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the shapes tell; `layers` only where blocks come in pairs, as in the public networks.

    Which blocks double the size leaves no trace in the shapes: in every public BigGAN-deep it is
    the second of each pair.
    """
    width, classes = tensor_of(tensors, "embeddings.weight", "BigGAN", 2).shape
    channels = tensor_of(tensors, "generator.conv_to_rgb.bias", "BigGAN", 1).shape[0]
    inputs = numbered(tensors, r"generator\.layers\.(\d{1,3})\.conv_0\.bias")
    attention = numbered(tensors, r"generator\.layers\.(\d{1,3})\.gamma")
    told: dict[str, Any] = {
        "z_dim": width,
        "class_embed_dim": width,
        "num_classes": classes,
        "n_stats": tensor_of(tensors, "generator.bn.running_means", "BigGAN", 2).shape[0],
        "channel_width": channels,
    }
    if len(inputs) % 2 or not inputs or len(attention) != 1 or not channels:
        return told
    layers = []
    for position, index in enumerate(inputs):
        block = f"generator.layers.{index}"
        before = tensor_of(tensors, f"{block}.bn_0.running_means", "BigGAN", 2).shape[1]
        after = tensor_of(tensors, f"{block}.conv_3.bias", "BigGAN", 1).shape[0]
        layers.append([position % 2 == 1, before // channels, after // channels])
    return {
        **told,
        "output_dim": 4 * 2 ** (len(inputs) // 2),
        "layers": layers,
        "attention_layer_position": attention[0],
        "eps": 1e-4,
    }
