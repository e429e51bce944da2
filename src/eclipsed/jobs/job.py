"""A job: a plain value that says what is done, under an id of everything that decides its result.

A job is done where its files exist and name its id, so that on any engine, after any crash, a job
is carried out once in effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from eclipsed.types import World

VERSION = 2  # of all jobs: to be raised when the same job comes to mean other bytes
# Where a file's metadata stand, so that ten thousand pictures are looked through in a second.
_HEAD = 2**16


@runtime_checkable
class Task(Protocol):
    """What a job does in a world; frozen, and of plain values only."""

    @property
    def kind(self) -> str:
        """Of which jobs it takes as long as: "train default", "edit", "photo"."""

    def identity(self, world: World) -> str:
        """SHA-256 over everything that decides the files; EclipsedError for what cannot be done."""

    def carry_out(self, world: World, place: Place) -> Mapping[str, Any]:
        """Write the files, each whole; what is worth telling of them, as JSON."""


@dataclass(frozen=True)
class Job:
    """id: of the task in its world. outs: its files that name the id, relative to the batch's
    folder; others: those that cannot, which are written before."""

    id: str
    world: str
    task: Task
    outs: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What to call it."""
        return self.outs[0] if len(self.outs) == 1 else f"{self.outs[0]} … {self.outs[-1]}"


@dataclass(frozen=True)
class Place:
    """Where a job writes: its files, and a folder for the state of one that is cut short."""

    folder: Path
    job: Job

    @property
    def outs(self) -> tuple[Path, ...]:
        return tuple(self.folder / out for out in self.job.outs)

    @property
    def others(self) -> tuple[Path, ...]:
        return tuple(self.folder / out for out in self.job.others)

    @property
    def work(self) -> Path:
        return self.folder / ".work" / self.job.id[:16]


@dataclass(frozen=True)
class Answer:
    """What became of a job. error: one sentence, empty where it was done; hint: what to do.

    size: bytes of its files. lost: whether its process ended before it could say more.
    """

    error: str = ""
    hint: str = ""
    seconds: float = 0.0
    size: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    lost: bool = False


Work = Callable[[Job], Answer]


def is_done(job: Job, folder: Path) -> bool:
    """Whether all its files are there and name its id."""
    there = all((folder / out).is_file() for out in job.others)
    return there and all(_names(folder / out, job.id.encode()) for out in job.outs)


def _names(path: Path, id_: bytes) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return id_ in file.read(_HEAD)
    return False
