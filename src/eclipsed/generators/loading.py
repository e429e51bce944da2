"""A file becomes a generator, whatever family it is of."""

from __future__ import annotations

import logging
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.rosinality import decoder_of
from eclipsed.checkpoints.unpickling import damage
from eclipsed.checkpoints.unwrapping import unused_note
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown
from eclipsed.generators.generator import NetworkGenerator
from eclipsed.types import resolve_device

_log = logging.getLogger(__name__)
_ALPHA = "its images have an alpha channel: they are laid on white."
_NO_USE = "a network that this version has no use for"
_NOTHING = "a generator: it needs nothing else to make images"
# Family → what it needs, in words for people. The module of that name in this package builds it:
# `from_checkpoint(config, tensors, name=…)`.
FAMILIES: dict[str, str] = {
    "stylegan2": _NOTHING,
    "stylegan3": _NOTHING,
    "stylegan1": _NOTHING,
    "biggan": "a generator of many classes: it needs a class to make an image of",
    "dcgan": "a small generator: it has the latent space z only",
}
_OTHERS = {
    "bisenet": "a segmenter of faces: it needs a generator of faces beside it",
    "e4e": "an encoder of photos into latents: it needs a generator of the same layout",
}


def load_generator(
    path: StrPath, device: str = "cpu", precision: str = "float32"
) -> NetworkGenerator:
    """The generator of a checkpoint file of any format that `read_checkpoint` knows.

    What a user should know of the file, such as that it lacks its noise maps, is in the generator's
    `notes` and is logged as warnings, which Python prints on stderr unless it is told otherwise.

    Of an e4e file that is its decoder. precision: "float32", or "bfloat16" or "float16" for images
    that are computed in half precision (`NetworkGenerator.in_precision`). device: as
    `types.resolve_device` reads it. Executes nothing in the file.

    Raises BadFile, with one sentence, for a file that is missing, damaged, refused, or holds
    another kind of network, and BadSetting for another precision or device.
    """
    device = resolve_device(device)
    checkpoint = read_checkpoint(path)
    if checkpoint.family == "e4e":
        checkpoint = decoder_of(checkpoint)
    if checkpoint.family not in FAMILIES:
        raise BadFile(
            f"The file {shown(path)} holds no generator, but a network of kind {checkpoint.family}."
        )
    network = build(checkpoint, name=Path(path).stem, device=device)
    for note in network.notes:
        _log.warning("%s: %s", shown(path), note)
    return network.in_precision(precision)


def build(checkpoint: Checkpoint, *, name: str, device: str = "cpu") -> NetworkGenerator:
    """The checkpoint's network, frozen, float32; its notes say what of the file is not used."""
    family = import_module(f"eclipsed.generators.{checkpoint.family}")
    network: NetworkGenerator = family.from_checkpoint(
        checkpoint.config, checkpoint.tensors, name=name
    )
    own = network.state_dict()
    unused = unused_note([key for key in checkpoint.tensors if key not in own])
    alpha = (_ALPHA,) if network.colours == 4 else ()
    network.notes = (*network.notes, *alpha, *checkpoint.notes, *unused)
    return network.to(device)


def describe_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that can be said about a checkpoint without its numbers, as plain JSON.

    needs: what sort of network it is, and what it needs, in words, or why it cannot be used. types:
    element type → how many tensors have it. shapes: name → shape. notes: what a user should know.
    images: height, width and channels of a generator's images.
    """
    tensors, needs = checkpoint.tensors, FAMILIES | _OTHERS
    types = Counter(str(value.dtype).removeprefix("torch.") for value in tensors.values())
    return {
        "kind": "checkpoint",
        "format": checkpoint.format,
        "family": checkpoint.family,
        "config": dict(checkpoint.config),
        "tensors": len(tensors),
        "numbers": sum(value.numel() for value in tensors.values()),
        "types": dict(types),
        "shapes": {name: list(value.shape) for name, value in tensors.items()},
        **_built(checkpoint, needs.get(checkpoint.family, _NO_USE)),
    }


def _built(checkpoint: Checkpoint, needs: str) -> dict[str, Any]:
    """What only the finished generator tells: its images, its notes, and whether it is one."""
    try:
        part = decoder_of(checkpoint) if checkpoint.family == "e4e" else checkpoint
        if part.family not in FAMILIES:
            return {"needs": needs, "notes": list(checkpoint.notes)}
        with damage():
            network = build(part, name="")
    except BadFile as error:
        words = f"{needs}, but this file cannot be used: {error}"
        return {"needs": words, "notes": list(checkpoint.notes)}
    height, width = network.size
    return {
        "needs": needs,
        "images": {"height": height, "width": width, "channels": network.colours},
        "notes": list(network.notes),
    }
