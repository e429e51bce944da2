from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from eclipsed.errors import BadSetting
from eclipsed.methods.forward import ForwardConfig, find, fitted_on
from eclipsed.testing import FakeGenerator, fake_world, patch_mask
from eclipsed.types import Goal, Synthesis

GOAL = Goal("bright hair", "a person", ("hair",))
CONFIG = ForwardConfig()


class Counting(FakeGenerator):
    """Counts the images it makes."""

    made = 0

    def synthesize(self, latents: Tensor, *rest: Any, **named: Any) -> Synthesis:
        Counting.made += len(latents)
        return super().synthesize(latents, *rest, **named)


@pytest.mark.parametrize(("prompt", "sign"), [("bright hair", 1.0), ("dark hair", -1.0)])
def test_it_does_what_the_words_say_and_touches_no_other_layer(prompt: str, sign: float) -> None:
    world = fake_world()
    (direction,) = find(world, replace(GOAL, prompt=prompt), CONFIG)
    latents = world.generator.sample(list(range(20)))

    def hair(x: Tensor) -> Tensor:
        return (world.generator.synthesize(x).image * patch_mask("hair")).mean(dim=(1, 2, 3))

    rise = hair(latents + direction.scaled()) - hair(latents)
    assert bool((sign * rise > 0.0).all())
    rows = direction.scaled().view(4, -1).norm(dim=1)
    assert float(rows[0]) > 0.0
    assert bool((rows[1:] == 0.0).all())


def test_a_second_prompt_makes_no_image() -> None:
    world = replace(fake_world(), generator=Counting())
    find(world, GOAL, CONFIG)
    before = Counting.made
    assert before > 1_000
    find(world, replace(GOAL, prompt="dark hair"), CONFIG)
    find(replace(world), GOAL, CONFIG)
    assert Counting.made == before
    find(replace(world, truncation=0.5), GOAL, CONFIG)
    assert Counting.made > before


def test_the_length_is_that_of_calibrated_directions() -> None:
    world = fake_world()
    (direction,) = find(world, GOAL, CONFIG)
    fitted = fitted_on(world, CONFIG)
    longest = float(direction.vector.view(4, -1)[0].norm() / fitted.spread[0])
    assert longest == pytest.approx(fitted.length, rel=1e-4)
    assert direction.unit == 1.0


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
def test_every_space_has_one(space: Any) -> None:
    world = fake_world()
    (direction,) = find(world, GOAL, ForwardConfig(space=space))
    direction.check(world.generator)
    assert torch.equal(find(world, GOAL, ForwardConfig(space=space))[0].vector, direction.vector)


def test_without_regions_the_whole_image_may_change() -> None:
    (direction,) = find(fake_world(), replace(GOAL, regions=()), CONFIG)
    assert direction.regions == ()
    assert bool(direction.vector.any())


@pytest.mark.parametrize("changes", [{"ridge": 0.0}, {"leak_penalty": -1.0}, {"layer_length": 1.5}])
def test_numbers_without_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(changes))):
        ForwardConfig(**changes)
