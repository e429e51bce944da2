"""What a file is, told from its content without executing anything in it."""

from __future__ import annotations

import os
import stat
from collections import Counter
from math import prod
from typing import Any

from eclipsed.directions import Direction, card_facts
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, failure, kind_of, shown
from eclipsed.images import load_png

_PICTURES = ("a PNG picture", "a JPEG picture", "a WebP picture")


def describe(path: StrPath) -> dict[str, Any]:
    """What the file says about itself, as plain JSON with a key `kind`.

    card: everything of a direction but its numbers. picture: size, and the recipe that made it or
    None. checkpoint: what a safetensors file holds. Raises BadFile, with one sentence, for
    anything else and for what is missing or damaged; its name's ending is never asked.
    """
    words = kind_of(_head(path))
    if words in _PICTURES:
        return _picture(path, words)
    if words == "a safetensors file":
        return _tensors(path)
    raise BadFile(
        f"Cannot show {shown(path)}: it is {words}.",
        "Give a direction's card, a picture or a safetensors checkpoint.",
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
            return file.read(32)
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
    return {
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
