from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.one_image import start_of
from eclipsed.methods.styleclip_optimization import (
    STYLECLIP_OPTIMIZATION,
    StyleclipOptimizationConfig,
    find,
)
from eclipsed.testing import fake_world
from eclipsed.types import Goal

BRIGHT = Goal("bright hair", "a person", ("hair",))
QUICK = StyleclipOptimizationConfig(image=5, steps=60, near_weight=0.001)


def found(**changes: float) -> tuple[Direction, Tensor]:
    """What is found on the fake world, and how similar text and image are before and after."""
    world = fake_world()
    (direction,) = find(world, BRIGHT, replace(QUICK, **changes))
    latent = start_of(world, "w+", 5).latent
    images = world.generator.synthesize(torch.stack([latent, latent + direction.scaled()])).image
    text = world.encoder.encode_text([BRIGHT.prompt])[0]
    return direction, world.encoder.encode_image(images.clamp(-1.0, 1.0)) @ text


def test_the_image_comes_nearer_to_the_text() -> None:
    direction, similar = found()
    assert float(similar[1]) > float(similar[0]) + 0.1
    assert (direction.unit, direction.range) == (1.0, (0.0, 1.0))
    assert direction.name == "bright hair, image 5"
    assert direction.method == STYLECLIP_OPTIMIZATION.name


def test_each_weight_holds_it_back() -> None:
    free, freely = found(near_weight=0.0, identity_weight=0.0)
    near, _ = found(near_weight=0.05, identity_weight=0.0)
    assert near.vector.norm() < 0.5 * free.vector.norm()
    _, same = found(near_weight=0.0, identity_weight=5.0)
    assert float(same[1]) < float(freely[1]) - 0.05


def test_the_same_call_gives_the_same_vector() -> None:
    assert torch.equal(found(steps=5)[0].vector, found(steps=5)[0].vector)


def test_it_works_in_z_where_there_is_nothing_else() -> None:
    only_z = fake_world(spaces=("z",))
    assert find(only_z, BRIGHT, replace(QUICK, steps=2))[0].space == "z"
    with pytest.raises(UnknownName):
        find(only_z, BRIGHT, replace(QUICK, space="w+"))


@pytest.mark.parametrize(
    "changes",
    [{"image": -1}, {"steps": 0}, {"rate": -0.1}, {"near_weight": -1.0}, {"identity_weight": -1.0}],
)
def test_settings_without_sense_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        replace(QUICK, **changes)
