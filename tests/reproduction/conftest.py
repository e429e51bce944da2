"""Studies small enough for tests: the fake world, and trainings of two steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eclipsed.search.plan import Plan
from eclipsed.types import Goal, World
from reproduction import study, variants
from reproduction.study import Job
from tests.bench.conftest import silent_world, world

__all__ = ["silent_world", "world"]

STEPS = 2


@pytest.fixture
def small(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The fake world with a judge that draws; every training ends after two steps."""

    def short(plan: Plan) -> Plan:
        return replace(plan, steps=STEPS)

    real_paper, real_default = variants.paper_plan, variants.make_plan

    def paper_plan(*arguments: object) -> Plan:
        return short(real_paper(*arguments))  # type: ignore[arg-type]

    def make_plan(world: World, goal: Goal, config: variants.TrainConfig) -> Plan:
        return short(real_default(world, goal, config))

    monkeypatch.setattr(variants, "paper_plan", paper_plan)
    monkeypatch.setattr(variants, "make_plan", make_plan)
    return world


@pytest.fixture
def job(small: World, tmp_path: Path) -> Job:
    """A job without rows: two trainings, three images."""
    folder = tmp_path / "study"
    (folder / study.CARDS).mkdir(parents=True)
    return Job(
        world=small,
        records=study.open_records(folder / "own", {"study": "own"}),
        cards=folder / study.CARDS,
        trainings=2,
        seeds=3,
        note=lambda _: None,
    )
