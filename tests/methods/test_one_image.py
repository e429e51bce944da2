from __future__ import annotations

import pytest
import torch

from eclipsed.errors import UnknownName
from eclipsed.generators.spaces import layer_spread
from eclipsed.methods.one_image import descend, rates, start_of
from eclipsed.testing import S_WIDTHS, fake_world


def test_a_start_is_the_image_of_its_seed_in_the_best_space() -> None:
    world = fake_world()
    start = start_of(world, None, 7)
    assert start.view.space == "w+"
    assert torch.equal(start.latent, world.generator.sample([7], truncation=world.truncation)[0])
    only_z = fake_world(spaces=("z",))
    assert start_of(only_z, None, 7).view.space == "z"
    with pytest.raises(UnknownName, match="w\\+"):
        start_of(only_z, "w+", 7)


def test_one_unit_everywhere_is_as_far_as_each_layer_is_wide() -> None:
    world = fake_world()
    start = start_of(world, "s", 7)
    moved = start.moved(torch.ones(1, sum(S_WIDTHS)))[0] - start.latent
    lengths = torch.stack([layer.norm() for layer in moved.split(S_WIDTHS)])
    assert torch.allclose(lengths, layer_spread(world.generator, "s"))


def test_rates_rise_and_fall() -> None:
    found = rates(2.0, 100, rising=0.05, falling=0.25)
    assert len(found) == 100
    assert found[0] == 0.0
    assert found[5:75] == pytest.approx([2.0] * 70)
    assert found[:6] == sorted(found[:6])
    assert found[75:] == sorted(found[75:], reverse=True)
    assert 0.0 < found[-1] < 0.02


def test_descent_takes_one_step_for_each_rate() -> None:
    start = torch.tensor([3.0, -1.0])
    assert torch.equal(descend(lambda x: x.square().sum(dim=1), start, []), start)
    # Adam's first step is as long as its rate, whatever the gradient.
    first = descend(lambda x: x.square().sum(dim=1), start, [0.5])
    assert torch.allclose(first, torch.tensor([2.5, -0.5]), atol=1e-5)
    far = descend(lambda x: x.square().sum(dim=1), start, [0.1] * 200)
    assert far.norm() < 0.1
    assert torch.equal(start, torch.tensor([3.0, -1.0]))
