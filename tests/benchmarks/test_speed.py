from __future__ import annotations

import json

import pytest

from benchmarks import speed
from eclipsed import worlds
from eclipsed.methods import registry
from eclipsed.testing import fake_world


def test_the_bench_measures_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = registry.config_for
    monkeypatch.setattr(registry, "config_for", lambda method, **_: real(method, steps=1))
    monkeypatch.setattr(worlds, "load_world", lambda *_: fake_world())
    monkeypatch.setattr(speed, "REPEATS", 1)
    report = speed.measure()
    assert json.loads(json.dumps(report)) == report
    assert {"train, method default", "edit one image"} <= set(report["seconds"])


def test_the_median_leaves_the_first_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, durations = [0.0], iter([100.0, 1.0, 7.0, 2.0])

    def job() -> None:
        clock[0] += next(durations)

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    assert speed.seconds(job, repeats=3) == 2.0
