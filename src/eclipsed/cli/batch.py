"""The verb for many prompts or many images: batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.progress import batch_progress

if TYPE_CHECKING:
    from eclipsed.jobs.engines import Event
    from eclipsed.jobs.job import Answer, Job
    from eclipsed.jobs.plan import Load

_MOST_WORKERS = 1_024


def parse_engine(text: str) -> str:
    """ "ray", or "ray://HOST[:PORT]"."""
    if text != "ray" and not (text.startswith("ray://") and text.removeprefix("ray://")):
        raise typer.BadParameter(f"{text!r} is neither ray nor ray://HOST.")
    return text


def batch(
    jobs: Annotated[
        Path, typer.Argument(metavar="JOBS.toml", help="What to do: docs/scale.md has examples.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="The folder of results.")],
    workers: Annotated[
        int,
        typer.Option(min=1, max=_MOST_WORKERS, help="How many processes share the jobs."),
    ] = 1,
    on: Annotated[
        str | None,
        typer.Option(
            parser=parse_engine,
            metavar="ray|ray://HOST",
            help="Let Ray run the workers, here or on a cluster.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and how long it takes.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast/--keep-going", help="Whether the first failure ends it.")
    ] = False,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Train many prompts, or edit many images or photos.

    Results lie in the folder under names that can be read; the same command skips what is done,
    and goes on after Ctrl-C, a crash or a power cut. jobs.jsonl says when each job began and
    ended, report.json what became of it.
    """
    options.check_folder(out)

    from eclipsed import worlds
    from eclipsed.jobs import costs
    from eclipsed.jobs.batch import read_batch
    from eclipsed.jobs.job import is_done
    from eclipsed.jobs.plan import plan
    from eclipsed.jobs.run import run
    from eclipsed.types import resolve_device

    asked, where = read_batch(jobs, options.parse_card), resolve_device(device)
    is_serial = on is None and workers == 1
    load = lru_cache(1)(worlds.load_world) if is_serial else worlds.load_world
    planned = plan(asked, load, where)
    todo = [job for job in planned if not is_done(job, out)]
    cost, unknown = costs.total(todo, workers, where)
    facts = {
        "out": str(out),
        "jobs": len(planned),
        "skipped": len(planned) - len(todo),
        "workers": workers,
        "expected_seconds": None if cost is None else round(cost.seconds, 1),
        "expected_bytes": None if cost is None else round(cost.size),
        "not_estimated": unknown,
    }
    if dry_run:
        console.result(facts, _plan_words, as_json=as_json)
        return
    console.note(_plan_words(facts))
    ended: list[tuple[Job, Answer]] = []
    engine = partial(_carried_out, load, out.absolute(), where, workers, on)
    try:
        with batch_progress(len(todo)) as show:

            def on_event(job: Job, answer: Answer | None) -> None:
                if answer is not None:
                    ended.append((job, answer))
                show(job.name, None if answer is None else (answer.error, answer.seconds))

            size = 0.0 if cost is None else cost.size
            report = run(planned, out, engine, size=size, fail_fast=fail_fast, on_event=on_event)
    except KeyboardInterrupt:
        done = sum(not answer.error for _, answer in ended)
        message = f"Stopped after {done} of {len(todo)} jobs, whose results are kept in {out}."
        raise console.Stopped(message, "The same command goes on from there.") from None
    finally:
        costs.learn(ended, where)
    console.result(report, _words, as_json=as_json)
    if report["failed"] or report["left"]:
        raise typer.Exit(console.COULD_NOT)


def _carried_out(
    load: Load, folder: Path, device: str, workers: int, on: str | None, jobs: Sequence[Job]
) -> Generator[Event, None, None]:
    """The jobs by this process, by several, or by Ray; the cores are shared evenly."""
    import torch

    from eclipsed.jobs.engines import Processes, serial, shared_out
    from eclipsed.jobs.worker import Worker

    if not jobs:
        return
    if on is None and workers == 1:
        yield from serial(jobs, Worker(load, folder, device))
        return
    cores = max(1, torch.get_num_threads() // workers)
    make = partial(Worker, load, folder, device, cores)
    if on is None:
        yield from shared_out(jobs, Processes(make), workers)
        return
    from eclipsed.jobs.on_ray import RayPool

    gpus = int(device.startswith("cuda"))
    yield from shared_out(jobs, RayPool(make, on, workers, cores, gpus), workers)


def _plan_words(facts: console.Facts) -> str:
    from eclipsed.files import in_bytes

    todo = facts["jobs"] - facts["skipped"]
    words = f"{facts['jobs']} jobs, {facts['skipped']} of them done before"
    if not todo:
        return f"{words}."
    if facts["expected_seconds"] is None:
        return f"{words}; how long the others take, nobody knows before the first."
    workers = "1 worker" if facts["workers"] == 1 else f"{facts['workers']} workers"
    size = in_bytes(facts["expected_bytes"])
    but = f", without {facts['not_estimated']} that nobody knows" if facts["not_estimated"] else ""
    time = duration(facts["expected_seconds"])
    return f"{words}; the others take about {time} on {workers} and {size}{but}."


def duration(seconds: float) -> str:
    """For people: 40 s, 12 min, 3.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"


def _words(report: console.Facts) -> str:
    counts = ", ".join(f"{report[key]} {key}" for key in ("done", "skipped", "failed", "left"))
    lines = [f"{report['out']}: {counts} of {report['jobs']} jobs in {report['seconds']:.1f} s"]
    failures: dict[str, Any] = report["failures"]
    for name, why in failures.items():
        lines.append(f"  {name}: {why['error']} {why['hint']}".rstrip())
    return "\n".join(lines)
