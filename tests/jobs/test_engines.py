from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from eclipsed.editing.choices import CardChoice
from eclipsed.files import sha256_of
from eclipsed.jobs.batch import Batch
from eclipsed.jobs.engines import Pool, Processes, serial, shared_out
from eclipsed.jobs.job import Answer, Job, is_done
from eclipsed.jobs.plan import plan
from eclipsed.jobs.worker import Worker
from tests.cli.conftest import save_card
from tests.jobs.fakes import DyingWorker, load_fake


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """A training and pictures; worker processes keep their caches here too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save_card(load_fake("starter"), tmp_path / "hair.safetensors")
    stacks = ((CardChoice(tmp_path / "hair.safetensors", 1.0),),)
    pictures = plan(Batch(methods=(), stacks=stacks, seeds=tuple(range(70))), load_fake, "cpu")
    cards = plan(Batch(prompts=("bright hair",), methods=("paper",), steps=1), load_fake, "cpu")
    return cards + pictures


def hashes(folder: Path, jobs: Sequence[Job]) -> dict[str, str]:
    return {out: sha256_of((folder / out).read_bytes()) for job in jobs for out in job.outs}


def carry_out(jobs: Sequence[Job], pool: Pool) -> dict[str, Answer]:
    return {job.name: answer for job, answer in shared_out(jobs, pool, 2) if answer is not None}


def test_every_engine_writes_the_same_bytes(jobs: list[Job], tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("serial", "processes")]
    for folder in folders:
        folder.mkdir()
    events = list(serial(jobs, Worker(load_fake, folders[0])))
    assert [answer is None for _, answer in events] == [True, False] * len(jobs)
    pool = Processes(partial(Worker, load_fake, folders[1], threads=1))
    answers = carry_out(jobs, pool)
    assert [answer.error for answer in answers.values()] == [""] * len(jobs)
    assert hashes(folders[1], jobs) == hashes(folders[0], jobs)


@pytest.mark.skipif(find_spec("ray") is None, reason="the extra cluster is not installed")
def test_ray_writes_the_same_bytes(jobs: list[Job], tmp_path: Path) -> None:
    from eclipsed.jobs.on_ray import RayPool

    folders = [tmp_path / name for name in ("serial", "ray")]
    for folder in folders:
        folder.mkdir()
    list(serial(jobs, Worker(load_fake, folders[0])))
    answers = carry_out(
        jobs, RayPool(partial(Worker, load_fake, folders[1], threads=1), "ray", 2, 1, 0)
    )
    assert [answer.error for answer in answers.values()] == [""] * len(jobs)
    assert hashes(folders[1], jobs) == hashes(folders[0], jobs)


def test_a_worker_that_dies_costs_its_job_a_repetition(jobs: list[Job], tmp_path: Path) -> None:
    answers = carry_out(jobs[1:], Processes(partial(DyingWorker, tmp_path, 1)))
    assert [answer.error for answer in answers.values()] == [""] * 3
    assert all(is_done(job, tmp_path) for job in jobs[1:])


def test_a_job_that_kills_every_worker_is_given_up(jobs: list[Job], tmp_path: Path) -> None:
    answers = carry_out(jobs[1:], Processes(partial(DyingWorker, tmp_path, 99, "seed-32")))
    assert [answer.lost for answer in answers.values()].count(True) == 1
    assert sum(is_done(job, tmp_path) for job in jobs) == 2


def test_closing_ends_the_workers(jobs: list[Job], tmp_path: Path) -> None:
    pool = Processes(partial(Worker, load_fake, tmp_path, threads=1))
    events = shared_out(jobs[1:], pool, 2)
    next(events)
    processes = [process for process, _ in pool._workers.values()]
    events.close()
    assert processes
    assert not any(process.is_alive() for process in processes)
