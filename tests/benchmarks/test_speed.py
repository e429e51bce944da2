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
    found = speed.measure()
    assert json.loads(json.dumps(found)) == found
    assert {"train, method default", "edit one image"} <= set(found["seconds"])
    assert all(value >= 0.0 for value in found["seconds"].values())


def test_the_median_leaves_the_first_run_out() -> None:
    runs: list[int] = []
    assert speed.seconds(lambda: runs.append(1), repeats=3) < 0.1
    assert len(runs) == 4
