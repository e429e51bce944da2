from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eclipsed.methods import composite
from eclipsed.methods.composite import apart, plan_parts
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.training import train_direction
from eclipsed.search import calibration
from eclipsed.search.loop import finish
from eclipsed.search.optimizer import advance, initial_state
from eclipsed.search.plan import Calibration, Plan
from eclipsed.testing import W_DIM, fake_world, patch_mask
from eclipsed.types import Goal

HAIR, MOUTH = (
    Goal("bright hair", "a person", ("hair",)),
    Goal("a dark mouth", "a person", ("mouth",)),
)
GOAL = Goal("bright hair and a dark mouth", "a person", ("hair", "mouth"), parts=(HAIR, MOUTH))
QUICK = DefaultConfig(steps=6, pool=256, originals=24, pixel_weight=1.0, half=False)


def test_it_is_the_sum_of_what_each_change_becomes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # Images bear each of them and their sum.
    monkeypatch.setattr(calibration, "range_of", lambda *_: (-2.0, 2.0))
    world = fake_world()
    alone = [train_direction(world, goal, QUICK) for goal in (HAIR, MOUTH)]
    together = train_direction(world, GOAL, QUICK)
    expected = alone[0].scaled() + alone[1].scaled()
    # The loss is the mean over changes; Adam's ε, which is not scaled with it, is all that differs.
    torch.testing.assert_close(together.scaled(), expected, atol=1e-3, rtol=1e-3)
    assert together.unit == 1.0
    assert (together.prompt, together.regions) == (GOAL.prompt, GOAL.regions)
    told = together.config["changes"]
    assert [one["prompt"] for one in told] == ["bright hair", "a dark mouth"]
    layers = [set(one.config["trained_layers"]) for one in alone]
    assert [set(one["trained_layers"]) for one in told] == layers
    assert set(together.config["trained_layers"]) == layers[0] | layers[1]


def test_both_changes_are_made_and_nothing_else() -> None:
    world = fake_world()
    direction = train_direction(world, GOAL, replace(QUICK, steps=12))
    latents = world.generator.sample(list(range(30)))
    images = [world.generator.synthesize(latents + s * direction.scaled()).image for s in (0, 1)]
    change = images[1] - images[0]
    for name, sign in (("hair", 1.0), ("mouth", -1.0)):
        mask = patch_mask(name)
        moved = sign * (change * mask).sum(dim=(1, 2, 3)) / (3.0 * mask.sum())
        assert float(moved.min()) > 0.15
    rows = direction.scaled().view(4, W_DIM).norm(dim=1)
    assert int((rows > 0.0).sum()) == 2


@pytest.mark.parametrize(
    ("shape", "colour", "elsewhere", "right"),
    [
        ((0, 1), (3,), 0.2, True),
        ((0, 1), (1, 2), 0.2, False),  # the same layers decide both
        ((0, 1), (3,), 0.9, False),  # its colour lies elsewhere
    ],
)
def test_a_colour_is_told_from_a_shape_by_layers_and_place(
    shape: tuple[int, ...], colour: tuple[int, ...], elsewhere: float, right: bool
) -> None:
    def plan(layers: tuple[int, ...]) -> Plan:
        return Plan(
            start=torch.zeros(1, 4),
            trained=torch.tensor([layer in layers for layer in range(4)]),
            steps=1,
            rate=lambda _: 0.1,
            loss=lambda directions, _: {"pixels": directions.sum() + elsewhere},
            finish=lambda _: Calibration(1.0, (-1.0, 1.0)),
        )

    assert apart(plan(shape), plan(colour)) == right


def test_what_is_not_apart_is_trained_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    pair = (HAIR, replace(HAIR, prompt="dark hair"))
    goal = Goal("bright curly hair", "a person", ("hair",), shape_and_colour=pair)
    monkeypatch.setattr(composite, "apart", lambda *_: True)
    told = plan_parts(world, goal, QUICK).facts["changes"]
    assert [one["prompt"] for one in told] == ["bright hair", "dark hair"]
    monkeypatch.setattr(composite, "apart", lambda *_: False)
    plan = plan_parts(world, goal, QUICK)
    assert plan.start.shape[0] == 1
    assert "changes" not in plan.facts


def test_a_training_that_is_cut_goes_on(tmp_path: Path) -> None:
    world = fake_world()
    plan = plan_parts(world, GOAL, QUICK)
    assert plan.start.shape[0] == 2
    state = initial_state(plan.start)
    while state.step < plan.steps:
        state = advance(state, plan)
    (whole,) = finish(world, GOAL, QUICK, plan, state)
    stops = iter([False] * 5 + [True])
    cut = train_direction(world, GOAL, QUICK, work=tmp_path, stop=lambda: next(stops))
    assert cut.config["interrupted"]
    again = train_direction(world, GOAL, QUICK, work=tmp_path)
    assert torch.equal(again.vector, whole.vector)
