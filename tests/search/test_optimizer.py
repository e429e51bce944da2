from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from eclipsed.errors import BadFile, EclipsedError
from eclipsed.search.optimizer import (
    State,
    advance,
    gradient_of,
    initial_state,
    load_state,
    save_state,
)
from eclipsed.search.plan import Calibration, Plan


def quadratic(steps: int = 40) -> Plan:
    """Draws two directions of three numbers towards a point; the second number may not move."""
    aim = torch.tensor([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]])

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        near = (directions - aim).square().sum()
        return {"near": near, "total": near * (1.0 + 0.1 * step)}

    return Plan(
        start=torch.zeros(2, 3),
        trained=torch.tensor([True, False, True]),
        steps=steps,
        rate=lambda step: 0.1 / (1 + step),
        loss=loss,
        finish=lambda vector: Calibration(1.0, (-1.0, 1.0)),
    )


def test_steps_equal_torchs_adam() -> None:
    plan, state = quadratic(), initial_state(torch.zeros(2, 3))
    parameter = torch.zeros(2, 3, requires_grad=True)
    adam = torch.optim.Adam([parameter])
    for step in range(30):
        adam.param_groups[0]["lr"] = plan.rate(step)
        adam.zero_grad()
        (plan.loss(parameter * plan.trained, step)["total"]).backward()
        adam.step()
        state = advance(state, plan)
    assert state.step == 30
    torch.testing.assert_close(state.directions, parameter.detach())


def test_what_may_not_move_stays() -> None:
    state = advance(initial_state(torch.full((2, 3), 0.25)), quadratic())
    assert bool((state.directions[:, 1] == 0.25).all())
    assert bool((state.directions[:, [0, 2]] != 0.25).all())
    assert set(state.losses) == {"near", "total"}


def test_a_rate_per_coordinate_and_a_constraint_are_obeyed() -> None:
    plan = replace(
        quadratic(),
        rate=lambda step: torch.tensor([0.1, 0.1, 0.2]),
        constrain=lambda directions: directions.clamp(-0.05, 0.15),
    )
    state = advance(initial_state(plan.start), plan)
    # Adam's first step is as long as the rate: towards +1 and −1, then clamped.
    torch.testing.assert_close(state.directions[0], torch.tensor([0.1, 0.0, -0.05]))
    torch.testing.assert_close(state.directions[1], torch.tensor([0.1, 0.0, 0.15]))


def test_a_loss_that_is_no_number_stops_with_a_sentence() -> None:
    plan = replace(
        quadratic(), loss=lambda directions, step: {"total": (directions / 0.0).sum().sqrt()}
    )
    with pytest.raises(EclipsedError, match=r"stopped being a number in step 4"):
        gradient_of(plan, plan.start, 3)


def test_a_state_survives_the_disk_bit_for_bit(tmp_path: Path) -> None:
    plan, state = quadratic(), initial_state(torch.randn(2, 3))
    for _ in range(3):
        state = advance(state, plan)
    save_state(tmp_path / "state", state, "training one")
    back = load_state(tmp_path / "state", "training one", plan.start)
    assert isinstance(back, State)
    assert back.step == 3
    for name in ("directions", "first", "second"):
        assert torch.equal(getattr(back, name), getattr(state, name))
    assert load_state(tmp_path / "nothing", "training one", plan.start) is None


def test_a_strangers_or_damaged_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, initial_state(torch.randn(2, 3)), "training one")
    with pytest.raises(BadFile, match="another training"):
        load_state(path, "training two", torch.zeros(2, 3))
    with pytest.raises(BadFile, match="another training"):
        load_state(path, "training one", torch.zeros(1, 3))
    whole = path.read_bytes()
    for broken in (b"", whole[:50], whole[:-1], b"\x80\x04K\x01.", whole.replace(b"step", b"stop")):
        path.write_bytes(broken)
        with pytest.raises(BadFile, match="not a readable"):
            load_state(path, "training one", torch.zeros(2, 3))
    path.write_bytes(safetensors.torch.save({"directions": torch.zeros(2, 3)}))
    with pytest.raises(BadFile, match="not a readable"):
        load_state(path, "training one", torch.zeros(2, 3))
