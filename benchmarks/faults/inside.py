"""Faults of the machine itself: its memory, its clock, its signals, and who else works on it."""

from __future__ import annotations

import os
import shutil
import signal
import time
from datetime import UTC, datetime
from functools import partial

from filelock import FileLock

from benchmarks.faults.fault import Fault
from benchmarks.faults.injecting import at, killed_in_save, memory_for, sent
from benchmarks.faults.program import Desk, same_vectors
from eclipsed import directions, worlds
from eclipsed.editing import images
from eclipsed.evaluation import evaluate
from eclipsed.jobs import run as running
from eclipsed.jobs import worker
from eclipsed.search import loop

TRAIN = "train 'bright hair' --method paper --steps 12 -o new.safetensors"
DEFAULT = "train 'bright hair' --steps 1 -o new.safetensors"
EDIT = "edit --seeds 0-39 -d hair.safetensors -o pictures"
BATCH = "batch cards.toml -o out"
_TRAINED = ("new.safetensors", "new.jsonl")
_HALVED = r"Memory ran out with \d+ images at once; from now on it is \d+"
_STOPPED = "eclipsed: Stopped"


def memory() -> list[Fault]:
    """Memory that is too small."""

    def fail() -> None:
        raise MemoryError

    return [
        Fault(
            "a step of training does not fit into memory",
            TRAIN,
            _HALVED,
            code=0,
            inject=memory_for(1),
            alike=same_vectors,
        ),
        Fault(
            "the images that a search looks at do not fit into memory",
            DEFAULT,
            _HALVED,
            code=0,
            inject=memory_for(6),
        ),
        Fault(
            "edited images do not fit into memory at once",
            EDIT,
            _HALVED,
            code=0,
            inject=memory_for(3),
            same=True,
        ),
        Fault(
            "not even one image fits into memory",
            "edit --seed 3 -d hair.safetensors -o new.png",
            "not enough memory for a single image",
            inject=memory_for(0),
        ),
        Fault(
            "memory runs out while a card is read",
            "edit --seed 3 -d hair.safetensors -o new.png",
            "eclipsed: Memory ran out",
            inject=at(directions, "read_bytes", fail),
        ),
    ]


def clocks() -> list[Fault]:
    """Clocks that jump."""

    def jumping() -> None:
        hours = iter(range(10**6, 0, -1))
        time.time = lambda: 3600.0 * next(hours)

        class Back(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override] # noqa: ARG003
                return datetime.fromtimestamp(time.time(), UTC)

        running.datetime = Back  # type: ignore[misc]

    return [
        Fault("the clock jumps back in a training", TRAIN, "", 0, inject=jumping, same=True),
        Fault("the clock jumps back in a batch", BATCH, "", 0, inject=jumping, same=True),
    ]


def stopped() -> list[Fault]:
    """Ctrl-C, other signals, and kill -9."""
    interrupt, end, gone = (
        sent(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    )
    stops = partial(Fault, code=130, says=_STOPPED, same=True)
    kills = partial(Fault, code=-9, says="", may_stay=("*.tmp",), same=True)
    return [
        stops(
            "Ctrl-C while the world is loaded", TRAIN, inject=at(worlds, "load_world", interrupt)
        ),
        stops(
            "Ctrl-C in a step of training",
            TRAIN,
            inject=at(loop, "advance", interrupt, 7),
            may_change=_TRAINED,
        ),
        stops(
            "Ctrl-C while a direction is scored",
            TRAIN,
            inject=at(evaluate, "scored", interrupt),
            may_change=_TRAINED,
        ),
        stops("Ctrl-C between edited images", EDIT, inject=at(images, "save_png", interrupt, 20)),
        stops("Ctrl-C in a save", EDIT, inject=at(os, "fsync", interrupt, 20)),
        stops("Ctrl-C in a batch", BATCH, inject=at(loop, "advance", interrupt, 15)),
        stops(
            "SIGTERM, as systemd and `timeout` send, in a training",
            TRAIN,
            inject=at(loop, "advance", end, 7),
        ),
        stops(
            "the terminal is closed (SIGHUP) in a batch",
            BATCH,
            inject=at(loop, "advance", gone, 15),
        ),
        kills(
            "kill -9 in a step of training",
            TRAIN,
            inject=at(loop, "advance", sent(signal.SIGKILL), 8),
        ),
        kills(
            "kill -9 between edited images",
            EDIT,
            inject=at(images, "save_png", sent(signal.SIGKILL), 20),
        ),
        kills("kill -9 in a save of a training's state", TRAIN, inject=killed_in_save(4)),
        kills("kill -9 in a save of a picture", EDIT, inject=killed_in_save(20)),
        kills("kill -9 in a save of a batch", BATCH, inject=killed_in_save(12)),
    ]


def shared() -> list[Fault]:
    """Others who work on the same files."""

    def no_locks() -> None:
        def acquire(self: FileLock, **_: object) -> None:
            raise NotImplementedError("flock is not there")

        FileLock.acquire = acquire  # type: ignore[assignment]

    def swap() -> None:
        shutil.copy("eyes.safetensors", "hair.safetensors")

    def held(desk: Desk) -> None:
        (desk.here / "out").mkdir()
        _locks.append(FileLock(desk.here / "out" / ".lock"))
        _locks[-1].acquire()

    return [
        Fault("a second batch on the same folder", BATCH, "Another batch is writing", prepare=held),
        Fault("a network's file system without locks", BATCH, "", 0, inject=no_locks, same=True),
        Fault(
            "a card is replaced after a batch was planned",
            "batch pictures.toml -o out",
            "is not what it was when the batch was planned",
            inject=at(worker.Worker, "__call__", swap),
            spoils=("hair.safetensors",),
        ),
    ]


_locks: list[FileLock] = []

FAULTS = [*memory(), *clocks(), *stopped(), *shared()]
