"""Directions that need no prompt, found once a world and kept in the user's cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path

from eclipsed.directions import Direction
from eclipsed.errors import BadFile
from eclipsed.files import write_atomic
from eclipsed.search.pool import fast_bfloat16
from eclipsed.types import World

# Changed whenever the same settings come to mean other directions.
_VERSION = 1
_COUNT = "count"


def kept(
    world: World,
    method: str,
    config: Any,
    regions: Sequence[str],
    make: Callable[[], list[Direction]],
) -> list[Direction]:
    """What `make` returns, from the cache where this world, method and config have been asked
    before. Kept for encoders that have a fingerprint only; a cache that is damaged is made anew.
    """
    folder = _folder(world, method, config, regions)
    if folder is None:
        return make()
    found = _read(folder)
    if found is None:
        found = make()
        # A cache that cannot be written costs time, not the directions.
        with contextlib.suppress(BadFile, OSError):
            _write(folder, found)
    return found


def _folder(world: World, method: str, config: Any, regions: Sequence[str]) -> Path | None:
    encoder = getattr(world.encoder, "fingerprint", None)
    if encoder is None:
        return None
    generator = world.generator
    facts: list[Any] = [_VERSION, method, asdict(config), list(regions), encoder]
    facts += [generator.fingerprint, world.segmenter.name, world.truncation]
    facts += [fast_bfloat16(generator.device), generator.device.type, torch.__version__]
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    return user_cache_path("eclipsed") / "found" / f"{method}-{name}"


def _read(folder: Path) -> list[Direction] | None:
    try:
        count = int((folder / _COUNT).read_text())
        return [Direction.load(_card(folder, i)) for i in range(count)]
    except (OSError, ValueError, BadFile):
        return None  # not there yet, or damaged


def _write(folder: Path, found: Sequence[Direction]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, direction in enumerate(found):
        direction.save(_card(folder, i))
    # Last, so that a folder that was cut short does not count.
    write_atomic(folder / _COUNT, str(len(found)).encode())


def _card(folder: Path, index: int) -> Path:
    return folder / f"{index}.safetensors"
