"""A pool of Ray actors, on this machine's cores or on a cluster. Ray is an extra."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, redirect_stdout
from functools import partial
from typing import Any

from eclipsed.errors import BadSetting, MissingExtra, install_command
from eclipsed.jobs.engines import Make
from eclipsed.jobs.job import Answer, Job

LOCAL = "ray"
# Answers are small, and nothing else passes through Ray's store; this is the least it takes.
_STORE = 80 * 2**20
# By default Ray sends home how it is used, and gives a busy machine half a minute to start it.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_agent_register_timeout_ms": "300000",
}


class _Actor:
    """One worker; what it loads stays in its process."""

    def __init__(self, make: Make) -> None:
        self._work = make()

    def do(self, job: Job) -> Answer:
        return self._work(job)


class RayPool:
    """Actors, each replaced when it dies.

    address: "ray" for a Ray of this machine alone, which ends with the pool; "ray://HOST[:PORT]"
    for a cluster that is there. cores: of each worker; gpus: likewise.

    Raises MissingExtra without Ray, BadSetting for a cluster that does not answer.
    """

    def __init__(self, make: Make, address: str, workers: int, cores: int, gpus: int) -> None:
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import ray
        except ImportError as error:
            message = "Ray is not installed."
            raise MissingExtra(message, f"Run {install_command('cluster')}") from error
        self._ray = ray
        # Ray prints what it thinks of its workers, where a result is meant to stand.
        self._aside = ExitStack()
        self._aside.enter_context(redirect_stdout(sys.stderr))
        options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        if address == LOCAL:
            options |= {"num_cpus": workers * cores, "include_dashboard": False}
            options["object_store_memory"] = _STORE
        else:
            options["address"] = address
        try:
            ray.init(**options)
        except Exception as error:  # what does not start is a plain Exception
            self._aside.close()
            reason = str(error).strip().split("\n")[0].removesuffix(".")
            where, hint = "", "Wait until this machine is less busy, or do without --on."
            if address != LOCAL:
                where, hint = (
                    f" at {address}",
                    "Check the address, and RAY_AUTH_TOKEN if it has one.",
                )
            raise BadSetting(f"Ray does not answer{where}: {reason}.", hint) from error
        actor = ray.remote(num_cpus=cores, num_gpus=gpus)(_Actor)
        self._new = partial(actor.remote, make)
        self._actors = [self._new() for _ in range(workers)]
        self._doing: dict[Any, int] = {}

    def send(self, number: int, job: Job) -> None:
        self._doing[self._actors[number].do.remote(job)] = number

    def receive(self) -> tuple[int, Answer | None]:
        ready, _ = self._ray.wait(list(self._doing), num_returns=1)
        number = self._doing.pop(ready[0])
        try:
            answer: Answer = self._ray.get(ready[0])
        except self._ray.exceptions.RayError:
            # A new one, as Ray refuses the jobs of an actor that it is still restarting.
            self._ray.kill(self._actors[number])
            self._actors[number] = self._new()
            return number, None
        return number, answer

    def close(self) -> None:
        for actor in self._actors:
            self._ray.kill(actor)
        self._ray.shutdown()
        self._aside.close()
