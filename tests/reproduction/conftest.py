"""Studies small enough for tests: the fake world, and trainings of two steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

import eclipsed
from eclipsed.search.plan import Plan
from eclipsed.types import World
from reproduction import training
from reproduction.sweeps import Claim, Pair, Study, Variant
from tests.bench.conftest import world

__all__ = ["world"]

PAPER = eclipsed.config_for("paper-scaled")
BRIGHT = Variant(label="bright", prompt="bright hair", config=PAPER, strengths=(1.0, -1.0))
FREE = replace(BRIGHT, label="free", config=replace(PAPER, local_weight=0.0))
OWN = replace(BRIGHT, label="own", images=1, own=True, strengths=(1.0,))
STUDY = Study(
    title="Small",
    says="Something.",
    notes="Two steps.",
    trainings=2,
    seeds=3,
    measures=("similarity", "success", "locality", "leakage", "unrealistic"),
    variants=(BRIGHT, FREE, OWN),
    pairs=(Pair(what="With against without", first="bright", second="free", paper=(0.2, 0.1)),),
    claims=(Claim(what="It comes", variant="bright", measure="success"),),
)


@pytest.fixture
def small(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The fake world with a judge; every training of the paper's ends after two steps."""
    paper_plan = training.paper_plan

    def short(*arguments: object) -> Plan:
        return replace(paper_plan(*arguments), steps=2)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "paper_plan", short)
    return world
