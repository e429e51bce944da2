"""What a file is, told from its content without executing anything in it."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclipsed.directions import Direction, card_facts
from eclipsed.editing.images import load_png
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, failure, kind_of, read_bytes, shown

if TYPE_CHECKING:
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
    `note` why. encoder, segmenter, world description: what eclipsed itself wrote or reads.

    Raises BadFile, with one sentence, for anything else and for what is missing, damaged or
    refused; its name's ending is never asked.
    """
    head = _head(path)
    words = kind_of(head)
    if words in _PICTURES:
        return _picture(path, words)
    if words == "a safetensors file":
        return _tensors(path)
    if _holds_arrays(head):
        found = _numbers(path)
    elif words in _PICKLES or _is_pickle(path):
        found = _network(path)
    else:
        found = _world_description(path)
    if found is not None:
        return found
    raise BadFile(
        f"Cannot show {shown(path)}: it is {words}.",
        "Give a direction, a picture, a network's checkpoint or a world's TOML file.",
    )


def _head(path: StrPath) -> bytes:
    """The first bytes of a regular file; a checkpoint may be far too large to read whole."""
    try:
        # Asked before opening: opening a pipe would wait for ever.
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise BadFile(f"Cannot read {shown(path)}: it is {what}.", "Name a file.")
        with open(path, "rb") as file:
            return file.read(512)
    except (OSError, ValueError) as error:
        raise failure("read", path, error) from error


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
            names = list(file.keys())
            slices = [file.get_slice(name) for name in names]
            shapes = [list(piece.get_shape()) for piece in slices]
            types = [str(piece.get_dtype()) for piece in slices]
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise BadFile(
            f"Cannot read {shown(path)}: it is a damaged safetensors file.", "Get it again."
        ) from error
    if "eclipsed" in metadata and names == ["vector"]:
        return {"kind": "card", **card_facts(Direction.load(path))}
    listed = {
        "kind": "checkpoint",
        "format": "safetensors",
        "tensors": len(names),
        "numbers": sum(prod(shape) for shape in shapes),
        "types": dict(Counter(types)),
        "metadata": metadata,
        "names": [
            {"name": name, "shape": shape, "type": kind}
            for name, shape, kind in zip(names, shapes, types, strict=True)
        ],
    }
    return _own_part(path, metadata) or _known_tensors(path, metadata, listed)


def _own_part(path: StrPath, metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """An encoder or segmenter that eclipsed wrote; None for other files."""
    from eclipsed.segmenters import clusters
    from eclipsed.worlds import small

    if clusters.KEY in metadata:
        found = clusters.ClusterSegmenter.load(path)
        generator = {"name": found.generator_name, "fingerprint": found.generator_fingerprint}
        return {
            "kind": "segmenter",
            "format": "clusters of features",
            "name": found.name,
            "regions": list(found.regions),
            "features": list(found.feature_names),
            "generator": generator,
            "needs": f"the generator {found.generator_name}, whose features it tells apart",
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
    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.checkpoints.writing import KEY
    from eclipsed.generators.loading import describe_checkpoint

    try:
        found = describe_checkpoint(read_checkpoint(path))
    except BadFile:
        if KEY in metadata:  # a checkpoint of our own that is damaged, or newer
            raise
    else:
        known = {key: found[key] for key in ("format", "family", "config", "needs")}
        return {**listed, **_json_only(path, known)}
    shapes = {tuple(entry["shape"]) for entry in listed["names"]}
    # A table of many shapes is no list of directions, and may be far too large to read.
    if len(shapes) == 1 and listed["numbers"] <= _MOST_NUMBERS:
        with suppress(BadFile):
            numbers = _numbers(path)
            return listed if numbers is None else numbers
    return listed


def _json_only(path: StrPath, facts: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadFile(f"Cannot read {shown(path)}: its settings make no sense.") from error
    return facts


# --- checkpoints --------------------------------------------------------------------------------


def _is_pickle(path: StrPath) -> bool:
    from eclipsed.checkpoints.mapped import map_file
    from eclipsed.checkpoints.torch_files import is_pickle

    return is_pickle(map_file(path))


def _network(path: StrPath) -> dict[str, Any]:
    """A network of any format, or else the directions that a file of torch.save may hold."""
    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.foreign import LIMIT
    from eclipsed.generators.loading import describe_checkpoint

    try:
        checkpoint = read_checkpoint(path)
    except BadFile:
        # Only small files are read twice.
        found = _numbers(path) if os.path.getsize(path) <= LIMIT else None
        if found is None:
            raise
        return found
    facts = describe_checkpoint(checkpoint)
    del facts["shapes"]
    return {**_json_only(path, facts), "names": _listed(checkpoint.tensors)}


def _listed(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, shape and type of arrays or tensors."""
    return [
        {"name": name, "shape": list(a.shape), "type": str(a.dtype).removeprefix("torch.")}
        for name, a in arrays.items()
    ]


# --- directions and arrays ----------------------------------------------------------------------


def _holds_arrays(head: bytes) -> bool:
    from eclipsed.checkpoints.numpy_files import MAGIC, is_npz

    return head.startswith(MAGIC) or is_npz(head)


def _numbers(path: StrPath) -> dict[str, Any] | None:
    """Directions of other tools, or arrays that are none; None for other content."""
    from eclipsed.foreign import read_content, recognise

    content = read_content(path)
    arrays = _arrays(content)
    try:
        found = recognise(content, Path(path).stem)
    except BadFile as error:
        if arrays is None:
            raise BadFile(f"Cannot use {shown(path)}: {error.message}.", error.hint) from error
        return {**arrays, "note": error.message}
    return arrays if found is None else _directions(found)


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


def _directions(found: Sequence[ForeignDirection]) -> dict[str, Any]:
    from eclipsed.foreign import in_words

    first = found[0]
    widths = in_words(first.widths)
    needs = f"a generator whose space {first.space} has {widths}"
    if not first.told:
        needs = f"a generator that has {widths} in a space, which the file does not name"
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
            for one in found
        ],
        "needs": needs,
    }


# --- worlds -------------------------------------------------------------------------------------


def _world_description(path: StrPath) -> dict[str, Any] | None:
    """What a world's TOML file names; None for other texts, and for no text at all."""
    from eclipsed.worlds.catalogue import Part
    from eclipsed.worlds.own import read_own

    if os.path.getsize(path) > _LONGEST_TEXT:
        return None
    try:
        values = tomllib.loads(read_bytes(path, limit=_LONGEST_TEXT).decode())
    except (ValueError, RecursionError):
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
        "regions": {name: list(words) for name, words in own.regions.items()},
    }
