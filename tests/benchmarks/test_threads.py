from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import threads


def test_every_wait_is_timed_quiet_and_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, runs = [False], iter(range(100))

    @contextmanager
    def neighbour() -> Iterator[None]:
        busy[0] = True
        yield
        busy[0] = False

    def train(folder: Path, setting: dict[str, str]) -> float:
        return next(runs) / 100 + (10.0 if busy[0] else 1.0) * (3.0 if setting else 1.0)

    monkeypatch.setattr(threads, "busy_process", neighbour)
    monkeypatch.setattr(threads, "train", train)
    report = threads.measure(3)
    assert json.loads(json.dumps(report)) == report
    assert report["seconds"]["OpenMP's own"]["busy"] == {"median": 30.1, "worst": 30.1}
    assert report["seconds"]["the program's"]["quiet"] == {"median": 1.1, "worst": 1.1}


def test_the_busy_process_ends_with_its_block() -> None:
    with threads.busy_process() as process:
        assert process.poll() is None
    assert process.poll() is not None
