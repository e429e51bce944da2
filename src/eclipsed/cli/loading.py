"""What several verbs load: a world on a device, cards, and a place to write to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from eclipsed.cli.options import CardChoice, DeviceName
from eclipsed.errors import BadFile, EclipsedError

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.types import Generator, World


def open_world(name: str, device: DeviceName) -> World:
    """The world by name or folder; raises EclipsedError for cuda where there is none."""
    from eclipsed import worlds

    return worlds.load_world(name, device_name(device))


def open_generator(path: Path, device: DeviceName) -> Generator:
    """The generator of a file alone; raises EclipsedError for cuda where there is none."""
    from eclipsed.generators.loading import load_generator

    return load_generator(path, device_name(device))


def device_name(device: DeviceName) -> str:
    """The device that a choice means; raises EclipsedError for cuda where there is none."""
    import torch

    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise EclipsedError("There is no CUDA device here.", "Use --device cpu or auto.")
    return ("cuda" if has_gpu else "cpu") if device == "auto" else device


def open_cards(choices: Iterable[CardChoice], world: World) -> list[Direction]:
    """The cards, each checked against the world's generator."""
    from eclipsed.directions import Direction

    directions = [Direction.load(choice.path) for choice in choices]
    for direction in directions:
        direction.check(world.generator)
    return directions


def check_place(path: Path) -> None:
    """Raise BadFile where a file could not be written, before minutes are spent on making it."""
    from eclipsed.files import shown

    folder = path.parent
    if path.is_dir():
        raise BadFile(f"Cannot write {shown(path)}: it is a folder.", "Name a file.")
    if not folder.is_dir():
        raise BadFile(
            f"Cannot write {shown(path)}: there is no folder {shown(folder)}.", "Make it first."
        )
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise BadFile(
            f"Cannot write {shown(path)}: permission is denied.", "Choose another place for -o."
        )


def make_folder(path: Path) -> None:
    """Make a folder for pictures unless it is there; raises BadFile where it cannot be made."""
    from eclipsed.files import failure

    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise failure("make the folder", path, error) from error
