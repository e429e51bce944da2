"""Renders made once and read many times: people, pictures and labels in memory-mapped files.

A render costs as much as a step of training, so each serves many steps. The store is a folder of
chunks; every chunk is drawn from its own seed, so several processes can add to one store, and one
that was stopped goes on:

    python -m kits.heads.store --people 50000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eclipsed.cache import cache_folder
from eclipsed.errors import EclipsedError
from eclipsed.worlds.heads.attributes import ATTRIBUTES
from kits.fitting import rng_of
from kits.heads.population import WIDTH, Z_DIM, Floats, centre, values_from_z
from kits.heads.renderer import Drawing, Renderer

RESOLUTION = 128
SAMPLES = 3  # across a pixel; with fewer, strands of hair are ragged and harder to learn
CHUNK = 200
HELD_OUT = 2  # chunks, the first ones: the plain population, for measuring only
PSI = (0.4, 1.4)
REFRESHED = 500  # steps of a training after which it looks for people that were added
_SEED = 5077
_TOGETHER = 20  # people drawn in one call
_STALE = 1800.0  # seconds after which a chunk that was begun counts as given up

Rows = NDArray[Any]  # of type ROW


# One person; label is the region that covers most of a pixel.
ROW = np.dtype(
    [
        ("values", np.float32, (WIDTH,)),
        ("image", np.uint8, (RESOLUTION, RESOLUTION, 3)),
        ("label", np.uint8, (RESOLUTION, RESOLUTION)),
    ]
)


@dataclass(frozen=True)
class People:
    """Rows of type ROW in several memory-mapped chunks."""

    chunks: tuple[Rows, ...]

    def __len__(self) -> int:
        return sum(len(chunk) for chunk in self.chunks)

    def take(self, numbers: NDArray[np.integer]) -> Rows:
        """These people, counted through all chunks."""
        size = len(self.chunks[0])
        return np.stack([self.chunks[n // size][n % size] for n in numbers])

    def values(self) -> Floats:
        """The values of all people, [N, WIDTH]."""
        return np.concatenate([chunk["values"] for chunk in self.chunks])


def people_of(chunk: int, n: int) -> Floats:
    """The values [n, WIDTH] of a chunk's people.

    Beside the population at several truncations, the store holds people as edits make them, of
    whom a few values are anything, and people of whom about half are: rare things are learned too.
    """
    rng = rng_of(_SEED, chunk)
    values = values_from_z(rng.standard_normal((n, Z_DIM)))
    if chunk < HELD_OUT:
        return values
    psi = np.where(rng.uniform(size=(n, 1)) < 0.3, rng.uniform(*PSI, (n, 1)), 1.0)
    values = np.clip(centre() + psi * (values - centre()), 0, 1)
    anything = rng.uniform(size=values.shape)
    ends = rng.uniform(size=values.shape) < 0.25
    anything[ends] = np.round(anything[ends])
    kind = rng.uniform(size=(n, 1))
    share = np.where(kind < 0.4, 0.06, np.where(kind < 0.6, 0.5, 0.0))
    nuisance = np.array([attribute.kind == "nuisance" for attribute in ATTRIBUTES])
    changed = rng.uniform(size=values.shape) < np.where(nuisance, 0.3 * share, share)
    return np.where(changed, anything, values).astype(np.float32)


def default_folder() -> Path:
    """Where this user's store lies."""
    return cache_folder() / "training" / "heads" / "store"


def read(folder: Path, *, held_out: bool = False) -> People:
    """What the store holds so far. Raises EclipsedError where that is nothing."""
    paths = sorted(folder.glob("people-*.npy"))
    chosen = [path for path in paths if (_number(path) < HELD_OUT) == held_out]
    if not chosen:
        raise EclipsedError(
            "The store of rendered heads is still empty.",
            "Fill it with: python -m kits.heads.store --people 50000",
        )
    return People(tuple(np.load(path, mmap_mode="r") for path in chosen))


class Sampler:
    """Random people of a store that may still be growing; repeatable once it is complete."""

    def __init__(self, folder: Path, size: int, seed: int) -> None:
        """size: how many people at once."""
        self.folder, self.size, self.seed = folder, size, seed
        self._people: People | None = None

    def people_at(self, step: int) -> People:
        """Everybody whom a step can draw; the store is looked through again now and then."""
        if self._people is None or step % REFRESHED == 0:
            self._people = read(self.folder)
        return self._people

    def at(self, step: int) -> tuple[Rows, np.random.Generator]:
        """The people of a step, and its random numbers, to go on with."""
        rng, people = rng_of(self.seed, step), self.people_at(step)
        return people.take(rng.integers(len(people), size=self.size)), rng


def grow(folder: Path, people: int, draw: Callable[[Floats], Drawing]) -> None:
    """Draw until the store holds so many people, beside other processes that may do so too."""
    folder.mkdir(parents=True, exist_ok=True)
    for chunk in range(-(-people // CHUNK)):
        path = folder / f"people-{chunk:05d}.npy"
        claim = path.with_suffix(".begun")
        if path.exists() or not _claimed(claim):
            continue
        values = people_of(chunk, CHUNK)
        rows = np.empty(len(values), dtype=ROW)
        for start in range(0, len(values), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            drawing = draw(values[part])
            rows["values"][part], rows["image"][part] = values[part], drawing.images
            rows["label"][part] = drawing.masks.argmax(axis=1)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, rows)
        unfinished.replace(path)
        claim.unlink(missing_ok=True)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("people-"))


def _claimed(claim: Path) -> bool:
    """Whether this process may render a chunk: nobody else began it, or that was long ago."""
    try:
        if time.time() - claim.stat().st_mtime < _STALE:
            return False
        claim.unlink()
    except FileNotFoundError:
        pass
    try:
        claim.open("x").close()
    except FileExistsError:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Render people for the training of heads.")
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, default=default_folder())
    chosen = parser.parse_args(arguments)
    grow(chosen.folder, chosen.people, Renderer(RESOLUTION, SAMPLES).render)
    return 0


if __name__ == "__main__":
    sys.exit(main())
