"""Carries out jobs one after another: loads a world once and keeps what its jobs have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from eclipsed import cache
from eclipsed.errors import BadFile, EclipsedError, unexpected
from eclipsed.jobs.job import Answer, Job, Place
from eclipsed.jobs.plan import Load
from eclipsed.types import World


@dataclass(eq=False)
class Worker:
    """A function job → answer, which an engine makes anew in each of its processes.

    load: how a world is had. folder: the batch's. threads: of torch, None for as many as there are.
    """

    load: Load
    folder: Path
    device: str = "cpu"
    threads: int | None = None
    _worlds: dict[str, World] = field(default_factory=dict)

    def __call__(self, job: Job) -> Answer:
        """The answer, also where the job fails; only KeyboardInterrupt gets out."""
        began = time.monotonic()
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        try:
            place, world = Place(self.folder, job), self._world(job.world)
            if job.task.identity(world) != job.id:
                raise BadFile(
                    "What the job is made of is not what it was when the batch was planned, or "
                    "this worker's torch or device is of another kind.",
                    "The same command plans anew.",
                )
            facts = job.task.carry_out(world, place)
            size = sum(path.stat().st_size for path in (*place.outs, *place.others))
        except EclipsedError as error:
            return Answer(error.message, error.hint, time.monotonic() - began)
        except OSError as error:
            return Answer(f"The system refused: {error}.", seconds=time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - one job's end is not that of the others
            said = unexpected(error)
            return Answer(said.message, said.hint, time.monotonic() - began)
        return Answer(seconds=time.monotonic() - began, size=size, facts=facts)

    def _world(self, name: str) -> World:
        """One at a time, so that a batch of several worlds needs the memory of one."""
        if name not in self._worlds:
            self._worlds.clear()
            cache.forget()
            self._worlds[name] = self.load(name, self.device)
        return self._worlds[name]
