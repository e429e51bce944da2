"""Networks told by the names of their tensors, whatever keys and prefixes these lie under."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from eclipsed.checkpoints import nvidia, rosinality
from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.shapes import numbered, stylegan1_config
from eclipsed.checkpoints.unwrapping import Contents, Part, ambiguous
from eclipsed.checkpoints.weights import tensor_of
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes

_CONFIG_LIMIT = 2**20


def recognise(content: object, folder: Path | None = None) -> Checkpoint | None:
    """The network in a file's content, by the names of tensors; None when no network has such.

    content: what `torch_files.load` gave, or a table of tensors. folder: where the file lies, for
    BigGAN's `config.json` beside it. Raises BadFile for a network that is known but damaged, and
    for several that could be meant.
    """
    contents = Contents.of(content, folder)
    for anchors, read in _KINDS:
        for parts in contents.parts(*anchors):
            fitting = [(part, network) for part in parts if (network := read(part)) is not None]
            if len(fitting) > 1:
                raise ambiguous([part for part, _ in fitting])
            if fitting:
                return fitting[0][1]
    nvidia.refuse_others(contents)
    return None


def _stylegan1(part: Part) -> Checkpoint:
    config = stylegan1_config(part.tensors)
    tensors, average = part.averaged("truncation.avg_latent", config["w_dim"])
    name = "lernapparat's port of StyleGAN"
    return Checkpoint(name, "stylegan1", config, tensors, part.note(average))


def _bisenet(part: Part) -> Checkpoint:
    tensors = part.tensors
    config = {"n_classes": len(tensor_of(tensors, "conv_out.conv_out.weight", "BiSeNet", 4))}
    return Checkpoint("face-parsing.PyTorch's BiSeNet", "bisenet", config, tensors, part.note())


def _dcgan(part: Part) -> Checkpoint | None:
    """A generator's first layer is transposed: [z, channels, 4, 4], then a norm of `channels`."""
    tensors = part.tensors
    first, norm = tensors["main.0.weight"], tensors["main.1.weight"]
    if first.dim() != 4 or norm.shape != first.shape[1:2]:
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
    return Checkpoint("PyTorch's DCGAN", "dcgan", config, tensors, part.note())


# --- BigGAN -------------------------------------------------------------------------------------


def _biggan(part: Part) -> Checkpoint:
    told = _biggan_shapes(part.tensors)
    config = _biggan_config(part.contents.folder, told) or told
    if "layers" not in config:
        raise BadFile(
            "it holds a BigGAN whose blocks are not arranged like those of the public ones",
            "Put its config.json into the same folder.",
        )
    name = "pytorch_pretrained_biggan's BigGAN-deep"
    return Checkpoint(name, "biggan", config, part.tensors, part.note())


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


# Names that tell a network, all of them, and how it is read; the first that is there counts.
_KINDS: tuple[tuple[tuple[str, ...], Callable[[Part], Checkpoint | None]], ...] = (
    (("encoder.input_layer.0.weight",), rosinality.read_e4e),
    (("synthesis.b4.conv1.weight",), nvidia.read_stylegan2),
    (("synthesis.input.freqs",), nvidia.read_stylegan3),
    (rosinality.ANCHORS, rosinality.read_stylegan2),
    (("g_synthesis.torgb.weight",), _stylegan1),
    (("conv_out.conv_out.weight", "cp.conv_avg.conv.weight", "ffm.conv1.weight"), _bisenet),
    (("main.0.weight", "main.1.weight"), _dcgan),
    (("embeddings.weight", "generator.gen_z.bias"), _biggan),
)
