"""Worlds: a generator with the encoder and the segmenter that go with it, assembled by name.

Only this package assembles; everything else is handed what it needs.
"""

from __future__ import annotations

from pathlib import Path

from eclipsed.errors import UnknownName
from eclipsed.types import World

WORLDS: dict[str, str] = {
    "starter": "avatars of 128×128 pixels, made by this project; offline, with exact judges",
}


def load_world(name_or_path: str | Path = "starter", device: str = "cpu") -> World:
    """The world by name, or from a folder of starter weights as `make starter` writes it.

    Raises UnknownName for a name that is neither, BadFile for weights that are missing or damaged.
    """
    from eclipsed.worlds.starter.world import WEIGHTS, load_starter

    if name_or_path == "starter":
        return load_starter(WEIGHTS, device)
    folder = Path(name_or_path)
    if folder.is_dir():
        return load_starter(folder, device)
    raise UnknownName(
        f"There is no world {str(name_or_path)!r}.",
        f"Choose {', '.join(WORLDS)}, or give a folder of weights.",
    )
