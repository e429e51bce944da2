"""Carries a plan out in a folder: skips what is done, logs, and reports what became of each job.

The folder holds the results, `jobs.jsonl` (a line when a job begins and when it ends) and
`report.json`. Only the results themselves decide what is done.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from eclipsed.bench.records import Records, read_records
from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import disk, failure, make_folder, shown, write_atomic
from eclipsed.jobs.engines import Event
from eclipsed.jobs.job import Answer, Job, is_done

LOG, REPORT = "jobs.jsonl", "report.json"
_LOCK = ".lock"
_CUT_SHORT = re.compile(r"\.[0-9a-f]{16}\.tmp")  # what a killed `write_atomic` leaves behind

Engine = Callable[[Sequence[Job]], Generator[Event, None, None]]


def run(
    jobs: Sequence[Job],
    folder: Path,
    engine: Engine,
    *,
    size: float = 0.0,
    fail_fast: bool = False,
    on_event: Callable[[Job, Answer | None], None] = lambda *_: None,
) -> dict[str, Any]:
    """Carry out the jobs that are not done; the report, which lies in the folder too.

    engine: carries some jobs out, telling when each begins and ends; it is told to stop by closing
    it. size: bytes that the jobs are expected to take. fail_fast: whether the first failure ends
    it. on_event: told what the engine tells.

    The report is {out, jobs, done, skipped, failed, left, seconds, results, failures}. Raises
    BadFile where the folder cannot be written or has no room, BadSetting where another batch is
    writing to it, KeyboardInterrupt after Ctrl-C, with the report written.
    """
    began = time.monotonic()
    make_folder(folder)
    with _alone(folder):
        _sweep(folder)
        todo = [job for job in jobs if not is_done(job, folder)]
        _check_room(folder, size if todo else 0.0)
        path = folder / LOG
        log = read_records(path) if path.exists() else Records(path)
        ended: dict[str, Answer] = {}
        try:
            with closing(engine(todo)) as events:
                for job, answer in events:
                    _note(log, job, answer)
                    if answer is not None:
                        ended[job.id] = answer = _seen(job, answer, folder)
                    on_event(job, answer)
                    if fail_fast and answer is not None and answer.error:
                        break
        finally:
            facts = _report(jobs, todo, ended, log, folder)
            facts["seconds"] = round(time.monotonic() - began, 2)
            write_atomic(folder / REPORT, (json.dumps(facts, indent=2) + "\n").encode())
        if not facts["failed"] and not facts["left"]:
            shutil.rmtree(folder / ".work", ignore_errors=True)
    return facts


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One batch at a time writes to a folder; the system releases a dead one's lock."""
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        hint = "Wait for it, or give another folder with -o."
        raise BadSetting(f"Another batch is writing to {shown(folder)}.", hint) from error
    except OSError as error:
        raise failure("write", folder / _LOCK, error) from error
    except NotImplementedError:  # a network's file system without locks
        yield
        return
    with lock:
        yield


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed left behind, which no name of a result has."""
    with disk("read", folder):
        left = [path for path in folder.rglob(".*.tmp") if _CUT_SHORT.fullmatch(path.name)]
    for path in left:
        path.unlink(missing_ok=True)


def _check_room(folder: Path, size: float) -> None:
    with disk("read", folder):
        free = shutil.disk_usage(folder).free
    if size > free:
        needed, there = (f"{count / 2**20:,.0f} MiB" for count in (size, free))
        message = f"The results need about {needed}, and {shown(folder)} has {there} free."
        raise BadFile(message, "Free some space, or give another folder with -o.")


def _note(log: Records, job: Job, answer: Answer | None) -> None:
    facts: dict[str, Any] = {"id": job.id, "name": job.name, "at": datetime.now(UTC).isoformat()}
    if answer is None:
        log.add(kind="start", **facts)
        return
    failure = {"error": answer.error, "hint": answer.hint} if answer.error else {}
    done = {"size": answer.size, "facts": dict(answer.facts)} if not answer.error else {}
    log.add(kind="end", **facts, seconds=answer.seconds, **failure, **done)


def _seen(job: Job, answer: Answer, folder: Path) -> Answer:
    """A result that another machine wrote has to arrive here."""
    if answer.error or is_done(job, folder):
        return answer
    message = f"{shown(folder / job.outs[-1])} was written by a worker and is not here."
    return Answer(message, "Give a folder that all machines share.", answer.seconds)


def _report(
    jobs: Sequence[Job],
    todo: Sequence[Job],
    ended: dict[str, Answer],
    log: Records,
    folder: Path,
) -> dict[str, Any]:
    failures = {
        job.name: {"error": answer.error, "hint": answer.hint}
        for job in todo
        if (answer := ended.get(job.id)) is not None and answer.error
    }
    # Of those that are done, also by an earlier run.
    last = {row["id"]: row for row in log.of("end") if "error" not in row}
    waiting = {job.id for job in todo if job.id not in ended or ended[job.id].error}
    results = {
        job.name: {"id": job.id, "seconds": row.get("seconds"), **row.get("facts", {})}
        for job in jobs
        if job.id not in waiting
        for row in (last.get(job.id, {}),)
    }
    done = len(todo) - len(waiting)
    return {
        "out": str(folder),
        "jobs": len(jobs),
        "done": done,
        "skipped": len(jobs) - len(todo),
        "failed": len(failures),
        "left": len(waiting) - len(failures),
        "seconds": 0.0,
        "results": results,
        "failures": failures,
    }
