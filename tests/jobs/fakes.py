"""The fake world by its name, for worker processes too, which import this module."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from eclipsed.errors import UnknownName
from eclipsed.jobs.job import Answer, Job
from eclipsed.jobs.worker import Worker
from eclipsed.testing import fake_world
from eclipsed.types import World


def load_fake(name: str, device: str = "cpu") -> World:
    if name != "starter":
        raise UnknownName(f"There is no world '{name}'.", "Choose starter.")
    return fake_world()


class DyingWorker:
    """Kills its own process at its first job of each name in `deaths`, and works after that."""

    def __init__(self, folder: Path, deaths: int, name: str = "") -> None:
        self._folder, self._deaths, self._name = folder, deaths, name

    def __call__(self, job: Job) -> Answer:
        for number in range(self._deaths):
            mark = self._folder / f"{job.id[:8]}-{number}.died"
            if self._name in job.name and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return Worker(load_fake, self._folder, threads=1)(job)
