"""What was computed once: on disk from run to run, and in memory within one.

This module alone reads and writes it. A result lies under a key of everything that decides it. A
file that is missing or damaged is computed again, and a folder that cannot be written costs time.
A world may bring results along, which are read first, so that all users of it begin alike.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

import platformdirs
import torch
from safetensors.torch import save
from torch import Tensor

from eclipsed.directions import Direction, card_facts, from_card
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes, read_tensors, write_atomic
from eclipsed.types import World

Network = Literal["generator", "encoder", "segmenter"]
NETWORKS: tuple[Network, ...] = get_args(Network)
Result = TypeVar("Result")
_LIMIT = 2**32  # bytes of a file
_REMEMBERED = 8  # results in memory


@dataclass(frozen=True)
class Key:
    """kind: what the result is, the name of its folder. digest: SHA-256 of all that decides it.

    shipped: where the result lies if it came with its world. That name leaves out torch's version,
    which decides no more than the rounding of a float32.
    """

    kind: str
    digest: str
    shipped: Path | None = None

    @property
    def path(self) -> Path:
        return cache_folder() / self.kind / f"{self.digest[:24]}.safetensors"

    @property
    def known(self) -> bool:
        """Whether the result need not be computed."""
        return any(path.is_file() for path in (self.shipped, self.path) if path is not None)


def cache_folder() -> Path:
    """Where this user's files lie that can be computed or downloaded again."""
    return platformdirs.user_cache_path("eclipsed")


def key_of(
    world: World,
    kind: str,
    version: int,
    networks: Sequence[Network],
    truncation: float,
    half: bool,
    facts: Sequence[Any],
) -> Key:
    """The key of what these networks of a world decide, together with `facts` (plain JSON).

    version: of the computation, to be raised when its algorithm or a constant of it changes.
    half: whether the networks may count in bfloat16.
    """
    prints = {name: getattr(world, name).fingerprint for name in networks}
    numbers = [truncation, half, str(world.generator.device)]

    def digest(*more: str) -> str:
        text = json.dumps([kind, version, prints, [*numbers, *more], *facts])
        return hashlib.sha256(text.encode()).hexdigest()

    shipped = None
    if world.shipped is not None:
        shipped = world.shipped / "results" / kind / f"{digest()[:24]}.safetensors"
    return Key(kind, digest(torch.__version__), shipped)


@contextlib.contextmanager
def asked_for() -> Iterator[list[Key]]:
    """The keys of all tensors that are asked for meanwhile, to ship those or to miss some."""
    keys: list[Key] = []
    _listening.append(keys)
    try:
        yield keys
    finally:
        _listening.remove(keys)


_listening: list[list[Key]] = []


def cached_tensors(key: Key, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors by name, from the disk (then on the CPU) where they were computed before."""
    for keys in _listening:
        keys.append(key)
    with contextlib.suppress(BadFile):
        return _read(key)[0]
    tensors = compute()
    _write(key, tensors)
    return tensors


def cached_directions(key: Key, compute: Callable[[], list[Direction]]) -> list[Direction]:
    """Directions, from the disk where they were computed before."""
    with contextlib.suppress(BadFile, KeyError, ValueError):
        tensors, texts = _read(key)
        cards = json.loads(texts["cards"])
        return [from_card(tensors[str(number)], card) for number, card in enumerate(cards)]
    directions = compute()
    cards = json.dumps([card_facts(direction) for direction in directions])
    vectors = {str(number): direction.vector for number, direction in enumerate(directions)}
    _write(key, vectors, {"cards": cards})
    return directions


def cached_bytes(key: Key) -> bytes | None:
    """A file's bytes that were kept under a key; None where there are none that can be read."""
    with contextlib.suppress(BadFile):
        return read_bytes(key.path, limit=_LIMIT)
    return None


def keep_bytes(key: Key, data: bytes) -> None:
    """Keep a file's bytes under a key; where that cannot be, nothing is kept."""
    with contextlib.suppress(BadFile, OSError):
        key.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(key.path, data)


def _read(key: Key) -> tuple[dict[str, Tensor], dict[str, str]]:
    if key.shipped is not None:
        with contextlib.suppress(BadFile):
            return read_tensors(read_bytes(key.shipped, limit=_LIMIT))
    return read_tensors(read_bytes(key.path, limit=_LIMIT))


def _write(key: Key, tensors: dict[str, Tensor], texts: dict[str, str] | None = None) -> None:
    with contextlib.suppress(BadFile, OSError):
        key.path.parent.mkdir(parents=True, exist_ok=True)
        on_cpu = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        write_atomic(key.path, save(on_cpu, texts))


_memory: OrderedDict[Key, Any] = OrderedDict()  # what was asked for last
_lock = threading.Lock()


def remembered(key: Key, compute: Callable[[], Result]) -> Result:
    """A result that this process computed before, if it was asked for not long ago."""
    with _lock:
        if key in _memory:
            _memory.move_to_end(key)
            return cast("Result", _memory[key])
    result = compute()
    with _lock:
        _memory[key] = result
        while len(_memory) > _REMEMBERED:
            _memory.popitem(last=False)
    return result


def forget() -> None:
    """Empty the memory; the disk stays as it is."""
    with _lock:
        _memory.clear()
