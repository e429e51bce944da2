"""A folder of a built-in world's weights: its record, and networks read from its files, checked.

The record says which files there are, with their hashes, how they were made and what was measured.
Weights are safetensors in fp16.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from eclipsed.checkpoints.weights import fill
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes, read_tensors, sha256_of, shown
from eclipsed.worlds.catalogue import WORLDS

RECORD = "world.json"
FORMAT = 1
GENERATOR, ENCODER, SEGMENTER, JUDGES = FILES = (
    "generator.safetensors",
    "encoder.safetensors",
    "segmenter.safetensors",
    "judges.safetensors",
)
INVERTER = "inverter.safetensors"  # may be missing: photos are then inverted step by step
DETECTOR = "detector.safetensors"  # may be missing: photos are then cut in the middle
REMAKE = "Reinstall eclipsed or remake it with `make starter`."
_MOST_BYTES = 64 * 2**20

Network = TypeVar("Network", bound=nn.Module)


def read_record(folder: Path, remake: str = REMAKE) -> dict[str, Any]:
    """What `world.json` in a folder of weights says.

    remake: what to do about a missing or damaged file. Raises BadFile for a record that is.
    """
    path = folder / RECORD
    if not path.is_file():
        raise BadFile(f"There is no world in {shown(folder)}: {RECORD} is missing.", remake)
    try:
        record: dict[str, Any] = json.loads(read_bytes(path, limit=_MOST_BYTES))
        newer = record["format"] > FORMAT
        whole = newer or all(isinstance(record["sha256"][name], str) for name in FILES)
    except (ValueError, KeyError, TypeError):
        newer = whole = False
    if newer:
        raise BadFile(f"The world in {shown(folder)} is of a newer format.", "Upgrade eclipsed.")
    if not whole:
        raise BadFile(f"The record {shown(path)} is damaged.", remake)
    return record


def world_of(folder: Path) -> str:
    """The name of the built-in world whose weights lie in a folder; raises as `read_record`.

    The starter's record does not name it.
    """
    name = read_record(folder).get("world", "starter")
    if name not in WORLDS:
        raise BadFile(f"The world in {shown(folder)} is none of this version.", "Upgrade eclipsed.")
    return str(name)


def check_files(
    folder: Path, names: Sequence[str], record: Mapping[str, Any], remake: str = REMAKE
) -> None:
    """Raise BadFile where one of the files of a folder is missing or not the recorded one."""
    for name in names:
        path = folder / name
        if not path.is_file():
            raise BadFile(f"The weights file {shown(path)} is missing.", remake)
        if sha256_of(read_bytes(path, limit=_MOST_BYTES)) != record["sha256"].get(name):
            raise BadFile(f"The weights file {shown(path)} is not the one {RECORD} names.", remake)


def read_networks(path: Path, remake: str = REMAKE) -> dict[str, Tensor]:
    """The tensors of a file of weights; BadFile where it is damaged."""
    data = read_bytes(path, limit=_MOST_BYTES)
    try:
        return read_tensors(data)[0]
    except BadFile:
        raise BadFile(f"The weights file {shown(path)} is damaged.", remake) from None


def filled(
    network: Network,
    tensors: Mapping[str, Tensor],
    path: Path,
    prefix: str = "",
    remake: str = REMAKE,
) -> Network:
    """The network with those tensors of the file at `path` whose names begin with `prefix`, frozen.

    Raises BadFile where one is missing or misshapen.
    """
    own = {key.removeprefix(prefix): v for key, v in tensors.items() if key.startswith(prefix)}
    try:
        return fill(network, own, "network of the world")
    except BadFile as error:
        raise BadFile(
            f"The weights file {shown(path)} does not hold what this version needs. "
            f"{error.message}",
            remake,
        ) from error
