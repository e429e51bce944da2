"""Who carries jobs out: this process, several of this machine, or those of Ray.

A pool holds workers by number; each has one job at a time. What dies with its worker is given to
another one, since a job that is done twice gives the same file.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any, Protocol, runtime_checkable

from eclipsed.jobs.job import Answer, Job, Work

Make = Callable[[], Work]
# A job, and what became of it; None when it begins.
Event = tuple[Job, Answer | None]
# So often may a job's worker die before the job is given up.
_CHANCES = 3
_LOST = Answer(
    f"Its process ended {_CHANCES} times before it was done, perhaps for want of memory.",
    "Try again with fewer --workers.",
    lost=True,
)


@runtime_checkable
class Pool(Protocol):
    """Workers 0, 1, …; a dead one is replaced."""

    def send(self, number: int, job: Job) -> None:
        """Give a job to a worker that has none."""

    def receive(self) -> tuple[int, Answer | None]:
        """Wait for a worker's answer; None where it died."""

    def close(self) -> None:
        """End all workers, also in the middle of a job."""


def serial(jobs: Sequence[Job], work: Work) -> Generator[Event, None, None]:
    """One after another, in this process."""
    for job in jobs:
        yield job, None
        yield job, work(job)


def shared_out(jobs: Sequence[Job], pool: Pool, workers: int) -> Generator[Event, None, None]:
    """Among the workers of a pool, which is closed at the end, whatever ends it."""
    waiting, idle = deque(jobs), list(range(min(workers, len(jobs))))
    doing: dict[int, Job] = {}
    lost: Counter[str] = Counter()
    try:
        while waiting or doing:
            while idle and waiting:
                number, job = idle.pop(), waiting.popleft()
                pool.send(number, job)
                doing[number] = job
                yield job, None
            number, answer = pool.receive()
            job = doing.pop(number)
            idle.append(number)
            if answer is None:
                lost[job.id] += 1
                if lost[job.id] < _CHANCES:
                    waiting.appendleft(job)
                    continue
                answer = _LOST
            yield job, answer
    finally:
        pool.close()


class Processes:
    """Processes of this machine, started when they first get a job."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._workers: dict[int, tuple[Any, Connection]] = {}
        self._busy: set[int] = set()

    def send(self, number: int, job: Job) -> None:
        worker = self._workers.get(number)
        if worker is None or not worker[0].is_alive():
            self._start(number)
        self._busy.add(number)
        with suppress(OSError):  # it died just now, which `receive` finds out
            self._workers[number][1].send(job)

    def receive(self) -> tuple[int, Answer | None]:
        numbers = {id(self._workers[number][1]): number for number in self._busy}
        ready = wait([self._workers[number][1] for number in self._busy])[0]
        number = numbers[id(ready)]
        self._busy.remove(number)
        try:
            return number, self._workers[number][1].recv()
        except (EOFError, OSError):
            process, ours = self._workers.pop(number)
            process.join()
            ours.close()
            return number, None

    def close(self) -> None:
        for process, ours in self._workers.values():
            process.terminate()
            ours.close()
        for process, _ in self._workers.values():
            process.join()
        self._workers.clear()

    def _start(self, number: int) -> None:
        context = get_context("spawn")  # a fork would share torch's threads and locks
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._make), daemon=True)
        process.start()
        theirs.close()
        self._workers[number] = process, ours


def _serve(connection: Connection, make: Make) -> None:
    """A worker process: answers jobs until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this one
    Thread(target=_end_with_parent, daemon=True).start()
    work = make()
    with suppress(EOFError, OSError):
        while True:
            connection.send(work(connection.recv()))


def _end_with_parent() -> None:
    """A parent that was killed cannot say so; what goes on would get in the next one's way."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
