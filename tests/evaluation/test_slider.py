from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.evaluation import slider
from eclipsed.evaluation.scores import SLIDER

STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def line(*points: float) -> list[tuple[Tensor]]:
    """Feature maps of one channel pair whose direction turns by so many radians."""
    return [(torch.tensor([math.cos(p), math.sin(p)]).view(1, 2, 1, 1),) for p in points]


def test_a_straight_even_way_is_perfect() -> None:
    even = torch.tensor([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    steps = torch.ones(1, 4)
    assert slider.delta(steps, torch.full((1, 3), 2.0)).item() == 0.0
    assert slider.linearity(even.abs(), STRENGTHS).item() == pytest.approx(1.0)
    parts = slider.steps_of(even)
    assert parts.tolist() == [[0.25] * 4]
    assert slider.csm(parts).item() == slider.mid(parts).item() == 0.0


def test_a_jump_and_a_step_back_show() -> None:
    jump = slider.steps_of(torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]]))
    assert slider.mid(jump).item() == pytest.approx(1 - 1 / 4)
    assert slider.csm(jump).item() == pytest.approx(math.sqrt(3) / 4)
    back = slider.steps_of(torch.tensor([[0.0, 1.0, 0.0, 1.0, 1.0]]))
    assert back.min().item() == -1.0
    assert slider.mid(back).item() > slider.mid(jump).item()


def test_there_and_back_is_a_detour() -> None:
    steps, double = torch.tensor([[1.0, 1.0, 1.0, 1.0]]), torch.tensor([[2.0, 0.5, 2.0]])
    assert slider.delta(steps, double).item() == pytest.approx(3.0)


def test_what_never_moves_has_no_shape() -> None:
    still = torch.zeros(1, 4)
    assert slider.delta(still, still[:, :3]).isnan().all()
    assert slider.steps_of(torch.zeros(1, 5)).isnan().all()
    columns = slider.slider_columns(torch.zeros(1, 5), line(0, 0, 0, 0, 0), STRENGTHS)
    assert columns["projection_range"].item() == 0.0
    assert all(columns[name].isnan().all() for name in ("delta", "linearity", "csm", "mid"))


def test_what_cannot_be_told_is_left_out() -> None:
    assert slider.slider_columns(None, [(), (), (), (), ()], STRENGTHS) == {}
    only = slider.slider_columns(torch.arange(5.0)[None], [()] * 5, STRENGTHS)
    assert set(only) == {"csm", "mid", "projection_range"}
    assert set(slider.slider_columns(torch.arange(5.0)[None], line(*STRENGTHS), STRENGTHS)) == set(
        SLIDER
    )


@given(st.lists(st.floats(-3.0, 3.0), min_size=5, max_size=5))
def test_distances_are_a_metric_so_no_detour_is_negative(points: list[float]) -> None:
    start, steps, double = slider.distances(line(*points), 2)
    assert start[0, 2].item() == 0.0
    detours = slider.delta(steps, double)
    assert bool((detours.isnan() | (detours >= -1e-3)).all())


def test_a_measured_attribute_is_followed_where_it_has_room() -> None:
    """A beard that nobody has at 0 cannot shrink at −1, and a full one cannot grow at 2."""
    strengths = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    levels = torch.tensor(
        [
            [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            [0.0, 0.01, 0.0, 0.5, 1.0, 1.0],
            [0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
            [0.3, 0.3, 0.3, 0.3, 0.3, 0.3],
            [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
            [0.2, 0.2, 0.2, 0.2, 0.9, 0.9],
        ]
    )
    r = slider.level_linearity(levels, strengths)
    torch.testing.assert_close(r[:3], torch.tensor([1.0, 1.0, -1.0]), atol=1e-4, rtol=0)
    assert r[3:5].isnan().all()
    assert 0.5 < float(r[5]) < 0.9
