from __future__ import annotations

import pytest
import torch

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.channels import below_median
from eclipsed.methods.method import rank
from eclipsed.methods.stylespace import StyleSpaceConfig, contrast, find, try_out
from eclipsed.search.pool import look_at
from eclipsed.testing import fake_world
from eclipsed.types import Goal
from tests.methods.looking import gain

GOAL = Goal("bright hair", "a person", ("hair",))


def test_contrast_asks_for_far_and_consistent() -> None:
    strays = torch.tensor([[2.0, 2.0, -1.0, 0.1], [2.2, -2.0, -1.1, 0.1], [1.8, 3.0, -0.9, 0.0]])
    theta = contrast(strays)
    torch.testing.assert_close(theta[0], torch.tensor(10.0))
    torch.testing.assert_close(theta[2], torch.tensor(10.0))
    assert float(theta[1]) < 0.5
    assert bool((theta >= 0).all())


def test_each_direction_is_one_channel_and_the_best_comes_first() -> None:
    world = fake_world()
    found = find(world, GOAL, StyleSpaceConfig(candidates=32, count=3))
    moved = [each.vector.nonzero().flatten().tolist() for each in found]
    assert len({place for (place,) in moved}) == len(found) == 3
    # One of the eight images is too bright to change.
    assert all(each.config["inside"] > 0.8 for each in found)
    best = found[0]
    assert moved[0] < [3]  # the hair's colours are the first three numbers of S
    assert (best.method, best.name) == ("stylespace", f"bright hair, {best.config['channel']}")
    assert gain(world, best, "hair") > 0.05
    assert gain(world, best, "hair", -1.0) < -0.05


def test_a_channel_with_the_other_sense_is_turned_round() -> None:
    world = fake_world()
    goal = Goal("dark hair", "a person", ("hair",))
    (direction,) = find(world, goal, StyleSpaceConfig(count=1))
    assert gain(world, direction, "hair") < -0.05


def test_what_changes_elsewhere_is_no_local_channel() -> None:
    world = fake_world()
    ranking = rank(world, GOAL, "s")
    # Half way to the mean no image is so bright that clipping hides the change.
    originals = look_at(ranking.view, GOAL, 0.5 + 0.5 * below_median(ranking, 4))
    hair, mouth = torch.zeros(2, 32)
    hair[0], mouth[16] = 0.1, 0.1
    answer, inside = try_out(ranking, GOAL, originals, hair)
    elsewhere = try_out(ranking, GOAL, originals, mouth)
    assert answer > elsewhere[0]
    assert inside > 0.95
    assert elsewhere[1] < 0.05


def test_without_a_region_every_channel_is_local() -> None:
    world = fake_world()
    (direction,) = find(world, Goal("bright mouth", "a person"), StyleSpaceConfig(count=1))
    assert direction.config["inside"] == pytest.approx(1.0, abs=1e-4)
    assert gain(world, direction, "mouth") > 0.05


def test_same_call_same_bytes() -> None:
    first, again = (find(fake_world(), GOAL, StyleSpaceConfig(count=1))[0] for _ in range(2))
    assert torch.equal(first.vector, again.vector)
    assert first.unit == again.unit


def test_a_generator_without_s_is_refused() -> None:
    with pytest.raises(UnknownName, match="no latent space 's'"):
        find(fake_world(spaces=("z",)), GOAL, StyleSpaceConfig())


@pytest.mark.parametrize(
    "settings", [{"examples": 1}, {"images": 0}, {"count": 0}, {"candidates": 0}]
)
def test_settings_without_sense_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        StyleSpaceConfig(**settings)
