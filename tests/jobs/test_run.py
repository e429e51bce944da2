from __future__ import annotations

import errno
import json
import os
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from eclipsed.editing.choices import CardChoice
from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import sha256_of
from eclipsed.jobs import run as running
from eclipsed.jobs.batch import Batch
from eclipsed.jobs.engines import Event, serial
from eclipsed.jobs.job import Job, is_done
from eclipsed.jobs.plan import plan
from eclipsed.jobs.run import run
from eclipsed.jobs.worker import Worker
from tests.cli.conftest import save_card
from tests.jobs.fakes import load_fake


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Two stacks on 33 seeds: four jobs."""
    cards = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for card in cards:
        save_card(load_fake("starter"), card)
    stacks = tuple((CardChoice(card, 1.0),) for card in cards)
    return Batch(methods=(), stacks=stacks, seeds=tuple(range(33)))


@pytest.fixture
def jobs(batch: Batch) -> list[Job]:
    return plan(batch, load_fake, "cpu")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def carry_out(jobs: Sequence[Job], out: Path, **options: Any) -> dict[str, Any]:
    return run(jobs, out, lambda todo: serial(todo, Worker(load_fake, out)), **options)


def hashes(out: Path) -> dict[str, str]:
    paths = sorted(out.rglob("*.png"))
    return {str(path.relative_to(out)): sha256_of(path.read_bytes()) for path in paths}


def stopped_after(out: Path, count: int, todo: Sequence[Job]) -> Generator[Event, None, None]:
    """An engine that Ctrl-C ends when it begins one more job."""
    for number, (job, answer) in enumerate(serial(todo, Worker(load_fake, out))):
        if number == 2 * count:
            raise KeyboardInterrupt
        yield job, answer


def test_a_batch_that_was_stopped_goes_on_to_the_same_files(
    jobs: list[Job], out: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(jobs, out, partial(stopped_after, out, 3))
    report = json.loads((out / "report.json").read_text())
    assert (report["done"], report["failed"], report["left"]) == (3, 0, 1)
    report = carry_out(jobs, out)
    assert (report["done"], report["skipped"], report["left"]) == (1, 3, 0)
    assert set(report["results"]) == {job.name for job in jobs}
    carry_out(jobs, tmp_path / "whole")
    assert hashes(out) == hashes(tmp_path / "whole")


def test_one_picture_that_is_missing_or_foreign_makes_its_job_undone(
    jobs: list[Job], out: Path
) -> None:
    carry_out(jobs, out)
    whole = hashes(out)
    first, other = (out / jobs[number].outs[0] for number in (0, 2))
    first.unlink()
    other.write_bytes((out / jobs[1].outs[0]).read_bytes())
    assert [is_done(job, out) for job in jobs] == [False, True, False, True]
    assert carry_out(jobs, out)["done"] == 2
    assert hashes(out) == whole


def test_what_a_killed_writer_left_is_swept_and_nothing_else(jobs: list[Job], out: Path) -> None:
    carry_out(jobs, out)
    left, own = out / "a_1" / f".{'0' * 16}.tmp", out / ".notes.tmp"
    left.write_bytes(b"half")
    own.write_text("mine")
    carry_out(jobs, out)
    assert (left.exists(), own.exists()) == (False, True)


def test_a_log_whose_last_line_was_cut_off_goes_on(jobs: list[Job], out: Path) -> None:
    carry_out(jobs[:1], out)
    with (out / "jobs.jsonl").open("a") as file:
        file.write('{"kind": "end", "id')
    assert carry_out(jobs, out)["done"] == 3
    lines = (out / "jobs.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["start", "end"] * 4


def test_two_batches_do_not_share_a_folder(jobs: list[Job], out: Path) -> None:
    out.mkdir()
    with FileLock(out / ".lock"), pytest.raises(BadSetting, match="Another batch is writing"):
        carry_out(jobs, out)
    assert carry_out(jobs, out)["done"] == 4


def test_a_file_system_without_locks_is_written_to(
    jobs: list[Job], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def acquire(self: FileLock, **_: Any) -> None:
        raise NotImplementedError("no flock")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    assert carry_out(jobs, out)["done"] == 4


def test_a_card_that_is_deleted_or_replaced_fails_its_jobs_only(
    jobs: list[Job], out: Path, tmp_path: Path
) -> None:
    save_card(load_fake("starter"), tmp_path / "a.safetensors", "bright eyes")
    (tmp_path / "b.safetensors").unlink()
    failures = carry_out(jobs, out)["failures"]
    assert len(failures) == 4
    errors = [why["error"] for why in failures.values()]
    assert ["is not what it was" in error for error in errors] == [True, True, False, False]
    assert "there is no such file" in errors[2]
    assert hashes(out) == {}


def test_a_full_disk_ends_it_with_one_sentence_and_old_files_stay(
    jobs: list[Job], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(jobs[:2], out)
    before = hashes(out)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BadFile, match="the disk is full"):
            carry_out(jobs, out)
    assert hashes(out) == before
    assert not list(out.rglob("*.tmp"))
    assert carry_out(jobs, out)["done"] == 2


def test_what_does_not_fit_on_the_disk_is_not_begun(jobs: list[Job], out: Path) -> None:
    with pytest.raises(BadFile, match="The results need about"):
        carry_out(jobs, out, size=1e18)
    assert hashes(out) == {}


def test_a_folder_that_vanishes_ends_it(jobs: list[Job], out: Path, tmp_path: Path) -> None:
    def vanish(job: Job, answer: object) -> None:
        if answer is not None and out.exists():
            out.rename(tmp_path / "gone")

    with pytest.raises(BadFile, match="there is no such file or folder"):
        carry_out(jobs, out, on_event=vanish)
    (tmp_path / "gone").rename(out)
    assert carry_out(jobs, out)["skipped"] == 1


def test_a_folder_that_cannot_be_made(jobs: list[Job], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match="Cannot make the folder"):
        carry_out(jobs, tmp_path / "file" / "out")


def test_a_clock_that_jumps_changes_nothing(
    jobs: list[Job], out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Jumping(running.datetime):
        years = iter((2030, 1971) * 10)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return running.datetime(next(cls.years), 1, 1, tzinfo=tz)

    carry_out(jobs, tmp_path / "whole")
    monkeypatch.setattr(running, "datetime", Jumping)
    carry_out(jobs[:2], out)
    report = carry_out(jobs, out)
    assert (report["done"], report["skipped"]) == (2, 2)
    assert report["seconds"] >= 0.0
    assert hashes(out) == hashes(tmp_path / "whole")


def test_results_that_do_not_arrive_here_are_a_failure(jobs: list[Job], out: Path) -> None:
    out.mkdir()
    elsewhere = out.parent / "elsewhere"
    report = run(jobs, out, lambda todo: serial(todo, Worker(load_fake, elsewhere)))
    assert report["failed"] == 4
    assert all("is not here" in why["error"] for why in report["failures"].values())
