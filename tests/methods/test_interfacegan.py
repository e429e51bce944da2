from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.interfacegan import InterFaceGanConfig, boundary, find, separate, without
from eclipsed.testing import W_DIM, fake_world
from eclipsed.types import Goal
from tests.methods.looking import gain

GOAL = Goal("bright hair", "a person", ("hair",))


def test_the_boundary_of_two_points_lies_midway_and_its_margins_at_them() -> None:
    one, other = torch.tensor([[3.0, 1.0]]), torch.tensor([[-1.0, 1.0]])
    normal, offset = separate(one, other, 1e6)
    torch.testing.assert_close(normal, torch.tensor([0.5, 0.0]), rtol=1e-3, atol=1e-4)
    assert float(one[0] @ normal) + offset == pytest.approx(1.0, abs=1e-3)
    assert float(other[0] @ normal) + offset == pytest.approx(-1.0, abs=1e-3)


@settings(max_examples=20)
@given(st.floats(0.01, 100.0), st.integers(0, 100))
def test_the_boundary_is_where_its_cost_has_no_slope(scale: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    positive = scale * (torch.randn(12, 3, generator=random) + 1.0)
    negative = scale * torch.randn(9, 3, generator=random)
    normal, offset = separate(positive, negative, 0.7)
    points = torch.cat([positive, negative]).double()
    labels = torch.tensor([1.0] * 12 + [-1.0] * 9).double()
    size = (points - points.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    plane = torch.cat([normal.double(), torch.tensor([offset]).double()]).requires_grad_()
    short = (1 - labels * (points @ plane[:-1] + plane[-1])).clamp_min(0)
    cost = (size * plane[:-1]).square().sum() / 2 + 0.7 * short.square().sum()
    (slope,) = torch.autograd.grad(cost, plane)
    assert float((slope / torch.tensor([scale] * 3 + [1.0])).abs().max()) < 1e-3


def test_what_remains_is_orthogonal_to_the_others_and_nearest() -> None:
    random = torch.Generator().manual_seed(1)
    normal, one, other = torch.randn(3, 6, generator=random)
    rest = without(normal, [one, other])
    assert abs(float(rest @ one)) < 1e-5
    assert abs(float(rest @ other)) < 1e-5
    taken = torch.stack([one, other], dim=1)
    fit = torch.linalg.lstsq(taken, (normal - rest)[:, None]).solution
    torch.testing.assert_close((taken @ fit)[:, 0], normal - rest)
    assert without(normal, []) is normal


def test_the_normal_answers_the_prompt_and_moves_all_rows_alike() -> None:
    world = fake_world()
    (direction,) = find(world, GOAL, InterFaceGanConfig())
    assert (direction.method, direction.space, direction.prompt) == (
        "interfacegan",
        "w",
        GOAL.prompt,
    )
    assert direction.config["accuracy"] > 0.9
    assert gain(world, direction, "hair") > 0.3
    assert gain(world, direction, "hair", -1.0) < -0.3
    rows = world.generator.convert(direction.vector[None], "w", "w+").unflatten(1, (-1, W_DIM))
    assert bool((rows == rows[:, :1]).all())


def test_same_call_same_bytes_and_another_seed_another_split() -> None:
    world = fake_world()
    first, again, other = (
        find(world, GOAL, InterFaceGanConfig(seed=seed))[0].vector for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_in_w_plus_the_normal_is_that_of_w_repeated() -> None:
    # Every image of the pool repeats its w, so nothing tells the rows apart.
    world = fake_world()
    (rows,) = find(world, GOAL, InterFaceGanConfig(space="w+"))
    (single,) = find(world, GOAL, InterFaceGanConfig(space="w"))
    expected = single.vector.repeat(4)
    assert float(torch.cosine_similarity(rows.vector, expected, dim=0)) > 0.9999


def test_a_condition_is_left_alone() -> None:
    world = fake_world()
    config = InterFaceGanConfig(conditions=("bright mouth",))
    (held,) = find(world, GOAL, config)
    other, _ = boundary(world, Goal("bright mouth", "a person"), "w", config)
    assert abs(float(torch.cosine_similarity(held.vector, other, dim=0))) < 1e-4


def test_a_generator_of_z_alone_is_served_in_z() -> None:
    (direction,) = find(fake_world(spaces=("z",)), GOAL, InterFaceGanConfig())
    assert direction.space == "z"


def test_a_space_that_the_generator_lacks_is_refused() -> None:
    with pytest.raises(UnknownName, match="no latent space 'w'"):
        find(fake_world(spaces=("z",)), GOAL, InterFaceGanConfig(space="w"))


@pytest.mark.parametrize(
    "numbers", [{"fraction": 0.6}, {"fraction": 0.0}, {"penalty": 0.0}, {"seed": -1}]
)
def test_settings_without_sense_are_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match=next(iter(numbers))):
        InterFaceGanConfig(**numbers)
