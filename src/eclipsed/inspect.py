"""What a file is, told from its content without executing anything in it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclipsed.checkpoints.mapped import map_file
from eclipsed.directions import Direction, card_facts
from eclipsed.editing.images import load_png
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, hint_for, kind_of, read_toml, refused, shown

if TYPE_CHECKING:
    from eclipsed.editing.photos.latent_file import Inversion
    from eclipsed.foreign import ForeignDirection

_PICTURES = ("a PNG picture", "a JPEG picture", "a WebP picture")
_PICKLES = ("a zip archive or a torch checkpoint", "a Python pickle")
_LONGEST_TEXT = 2**20
_MOST_NUMBERS = 2**24  # of a safetensors file that may hold directions


def describe(path: StrPath) -> dict[str, Any]:
    """What the file says about itself, as plain JSON with a key `kind`.

    card: everything of a direction but its numbers. picture: size, and the recipe that made it or
    None. checkpoint: a network's tensors, and for one that is known its `family`, `config` and what
    it `needs`. directions: those of other tools. arrays: numbers that are no direction, with a
    `note` why. inversion: a photo's latent. encoder, segmenter, world description: what eclipsed
    itself wrote or reads.

    Raises BadFile, with one sentence, for anything else and for what is missing, damaged or
    refused; its name's ending is never asked.
    """
    from eclipsed.checkpoints.numpy_files import MAGIC, is_npz
    from eclipsed.checkpoints.torch_files import is_pickle

    data = map_file(path)
    head = bytes(data[:512])
    words = kind_of(head)
    if words in _PICTURES:
        return _picture(path, words)
    if words == "a safetensors file":
        return _tensors(path)
    if head.startswith(MAGIC) or is_npz(head):
        facts = _numbers(path)
    elif words in _PICKLES or is_pickle(data):
        facts = _network(path)
    else:
        facts = _world_description(path)
    if facts is not None:
        return facts
    raise BadFile(
        f"Cannot show {shown(path)}: it is {words}.",
        hint_for(words)
        or "Give a direction, a picture, a network's checkpoint or a world's TOML file.",
    )


def _picture(path: StrPath, words: str) -> dict[str, Any]:
    picture, recipe = load_png(path)
    return {
        "kind": "picture",
        "format": words.split()[1],
        "width": picture.width,
        "height": picture.height,
        "recipe": recipe,
    }


# --- safetensors --------------------------------------------------------------------------------


def _tensors(path: StrPath) -> dict[str, Any]:
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            slices = [(name, file.get_slice(name)) for name in list(file.keys())]
            names = [
                {"name": name, "shape": list(part.get_shape()), "type": str(part.get_dtype())}
                for name, part in slices
            ]
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise BadFile(
            f"Cannot read {shown(path)}: it is a damaged safetensors file.", "Get it again."
        ) from error
    if "eclipsed" in metadata and [name for name, _ in slices] == ["vector"]:
        return _card(Direction.load(path))
    listed = {
        "kind": "checkpoint",
        "format": "safetensors",
        "tensors": len(names),
        "numbers": sum(prod(entry["shape"]) for entry in names),
        "types": dict(Counter(entry["type"] for entry in names)),
        "metadata": metadata,
        "names": names,
    }
    return _own_part(path, metadata) or _known_tensors(path, metadata, listed)


def _card(direction: Direction) -> dict[str, Any]:
    """A card's facts; the verdict of older ones, which hold none, is told from their scores."""
    from eclipsed.evaluation.verdict import verdict_of_card

    verdict = verdict_of_card(direction)
    facts = {"kind": "card", **card_facts(direction)}
    return facts if verdict is None else {**facts, "verdict": verdict.to_json()}


def _inversion(inversion: Inversion) -> dict[str, Any]:
    """A photo's latent; the losses of its steps are left out."""
    name, fingerprint = inversion.generator_name, inversion.generator_fingerprint
    return {
        "kind": "inversion",
        "photo": dict(inversion.photo),
        "method": inversion.method,
        "space": inversion.space,
        "scores": dict(inversion.scores),
        "tuned": bool(inversion.factors),
        "generator": {"name": name, "fingerprint": fingerprint},
        "notes": list(inversion.notes),
        "needs": f"the generator {name}: give it with --latent",
    }


def _own_part(path: StrPath, metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """An encoder, segmenter or inversion that eclipsed wrote; None for other files."""
    from eclipsed.editing.photos import latent_file
    from eclipsed.segmenters import clusters
    from eclipsed.worlds import small

    if latent_file.KEY in metadata:
        return _inversion(latent_file.Inversion.load(path))
    if clusters.KEY in metadata:
        part = clusters.ClusterSegmenter.load(path)
        generator = {"name": part.generator_name, "fingerprint": part.generator_fingerprint}
        return {
            "kind": "segmenter",
            "format": "clusters of features",
            "name": part.name,
            "regions": list(part.regions),
            "features": list(part.feature_names),
            "generator": generator,
            "needs": f"the generator {part.generator_name}, whose features it tells apart",
        }
    if small.SEGMENTER in metadata:
        segmenter = small.load_small_segmenter(path)
        return {
            "kind": "segmenter",
            "format": "small segmenter",
            "name": segmenter.name,
            "regions": list(segmenter.regions),
            "needs": "a generator of such images as it was fitted to",
        }
    if small.ENCODER in metadata:
        encoder = small.load_small_encoder(path)
        return {
            "kind": "encoder",
            "format": "small encoder",
            "name": encoder.name,
            "size": encoder.size,
            "needs": "the sentence encoder that comes with eclipsed",
        }
    return None


def _known_tensors(
    path: StrPath, metadata: Mapping[str, str], listed: dict[str, Any]
) -> dict[str, Any]:
    """What the tensors are, if they are a known network or directions; else the bare list."""
    from eclipsed.checkpoints.writing import KEY

    try:
        facts = _checkpoint(path)
    except BadFile:
        if KEY in metadata:  # a checkpoint of our own that is damaged, or newer
            raise
    else:
        keys = ("format", "family", "config", "needs", "notes", "images")
        return {**listed, **{key: facts[key] for key in keys if key in facts}}
    shapes = {tuple(entry["shape"]) for entry in listed["names"]}
    # A table of many shapes is no list of directions, and may be far too large to read.
    if len(shapes) == 1 and listed["numbers"] <= _MOST_NUMBERS:
        with suppress(BadFile):
            return _numbers(path) or listed
    return listed


# --- checkpoints --------------------------------------------------------------------------------


def _checkpoint(path: StrPath) -> dict[str, Any]:
    """A network of any known format; BadFile for other files."""
    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.generators.loading import describe_checkpoint

    checkpoint = read_checkpoint(path)
    facts = describe_checkpoint(checkpoint)
    del facts["shapes"]
    try:
        json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadFile(f"Cannot read {shown(path)}: its settings make no sense.") from error
    return {**facts, "names": _listed(checkpoint.tensors)}


def _network(path: StrPath) -> dict[str, Any]:
    """A network of any format, or else the directions that a file of torch.save may hold."""
    from eclipsed.foreign import LIMIT

    try:
        return _checkpoint(path)
    except BadFile:
        # Only small files are read twice.
        facts = _numbers(path) if os.path.getsize(path) <= LIMIT else None
        if facts is None:
            raise
        return facts


def _listed(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, shape and type of arrays or tensors."""
    return [
        {"name": name, "shape": list(a.shape), "type": str(a.dtype).removeprefix("torch.")}
        for name, a in arrays.items()
    ]


# --- directions and arrays ----------------------------------------------------------------------


def _numbers(path: StrPath) -> dict[str, Any] | None:
    """Directions of other tools, or arrays that are none; None for other content."""
    from eclipsed.foreign import read_content, recognise

    content = read_content(path)
    arrays = _arrays(content)
    with refused(path):
        try:
            directions = recognise(content, Path(path).stem)
        except BadFile as error:
            if arrays is None:
                raise
            return {**arrays, "note": error.message}
    return arrays if directions is None else _directions(directions)


def _arrays(content: object) -> dict[str, Any] | None:
    """What arrays a NumPy file holds, or the one tensor of a file of torch.save."""
    import numpy as np
    from torch import Tensor

    if isinstance(content, np.ndarray | Tensor):
        table: dict[str, Any] = {"": content}
    elif isinstance(content, dict) and all(isinstance(v, np.ndarray) for v in content.values()):
        table = content
    else:
        return None
    return {
        "kind": "arrays",
        "format": "PyTorch" if isinstance(content, Tensor) else "NumPy",
        "names": _listed(table),
        "note": "it holds no direction that is known here",
    }


def _directions(directions: Sequence[ForeignDirection]) -> dict[str, Any]:
    from eclipsed.foreign import in_words

    first = directions[0]
    widths = in_words(first.widths)
    return {
        "kind": "directions",
        "format": first.origin,
        "directions": [
            {
                "name": one.name,
                "space": one.space,
                "widths": list(one.widths),
                "unit": one.unit,
                "range": list(one.range),
                "facts": dict(one.facts),
            }
            for one in directions
        ],
        "needs": f"a generator whose space {first.space} has {widths}"
        if first.told
        else f"a generator whose space {first.space} has {widths}, or another space of "
        f"{sum(first.widths)} numbers: the file names none",
    }


# --- worlds -------------------------------------------------------------------------------------


def _world_description(path: StrPath) -> dict[str, Any] | None:
    """What a world's TOML file names; None for other texts, and for no text at all."""
    from eclipsed.worlds.catalogue import Part
    from eclipsed.worlds.own import read_own

    if os.path.getsize(path) > _LONGEST_TEXT:
        return None
    try:
        values, _ = read_toml(path, limit=_LONGEST_TEXT)
    except BadFile:
        return None
    if "generator" not in values:
        return None
    own = read_own(path)
    return {
        "kind": "world description",
        "name": own.name,
        **{key: c.name if isinstance(c, Part) else str(c) for key, c in own.choices.items()},
        "neutral": own.neutral,
        "truncation": own.truncation,
        **({} if own.class_index is None else {"class": own.class_index}),
        "regions": {name: list(words) for name, words in own.regions.items()},
    }
