from __future__ import annotations

from typing import Any

import pytest
import torch

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.latent_arithmetic import LatentArithmeticConfig, find
from eclipsed.methods.method import rank
from eclipsed.testing import fake_world
from eclipsed.types import Goal
from tests.methods.looking import gain

GOAL = Goal("bright hair", "a person", ("hair",))


def test_the_direction_is_the_difference_of_two_means() -> None:
    world = fake_world()
    (direction,) = find(world, GOAL, LatentArithmeticConfig(fraction=0.1))
    ranking = rank(world, GOAL, "w+")
    latents, order = ranking.pool.latents, ranking.along.argsort()
    expected = latents[order[-102:]].mean(dim=0) - latents[order[:102]].mean(dim=0)
    cosine = torch.cosine_similarity(direction.vector, expected, dim=0)
    assert float(cosine) == pytest.approx(1.0, abs=1e-5)
    assert (direction.method, direction.prompt) == ("latent-arithmetic", "bright hair")


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
def test_it_brings_what_the_prompt_asks_for(space: str) -> None:
    (direction,) = find(fake_world(), GOAL, LatentArithmeticConfig(space=space))  # type: ignore[arg-type]
    assert direction.space == space
    assert gain(fake_world(), direction, "hair") > 0.1


def test_a_generator_with_z_alone_works_in_z() -> None:
    (direction,) = find(fake_world(spaces=("z",)), GOAL, LatentArithmeticConfig())
    assert direction.space == "z"
    assert gain(fake_world(spaces=("z",)), direction, "hair") > 0.1
    with pytest.raises(UnknownName, match="no latent space 'w'"):
        find(fake_world(spaces=("z",)), GOAL, LatentArithmeticConfig(space="w"))


def test_same_call_same_bytes() -> None:
    first, again = (find(fake_world(), GOAL, LatentArithmeticConfig())[0] for _ in range(2))
    assert torch.equal(first.vector, again.vector)
    assert first.unit == again.unit


@pytest.mark.parametrize("settings", [{"fraction": 0.0}, {"fraction": 0.6}])
def test_settings_without_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        LatentArithmeticConfig(**settings)
