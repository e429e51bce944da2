from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from eclipsed.app.components import MOST, WAYS, components, row_sets
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import World
from tests.fakes import FakeGenerator, OnlyZ


@pytest.mark.parametrize("way", list(WAYS))
def test_components_move_the_chosen_layers_only(world: World, way: str) -> None:
    found = components(world, way, 2, "coarse layers (0–2)")
    assert len(found) == 2
    for direction in found:
        direction.check(world.generator)
        rows = direction.vector.view(4, -1)
        assert bool(rows[:3].any(dim=1).all())
        assert not bool(rows[3].any())
    assert not torch.equal(found[0].vector, found[1].vector)


def test_layers_are_named_by_what_the_generator_has() -> None:
    assert list(row_sets(FakeGenerator())) == [
        "all layers",
        "coarse layers (0–2)",
        "middle layers (3)",
    ]
    assert list(row_sets(OnlyZ())) == ["all layers"]


def test_a_generator_of_z_alone_has_components_too(world: World) -> None:
    other = replace(world, generator=OnlyZ())
    (found,) = components(other, "GANSpace", 1, "all layers")
    assert found.space == "z"


def test_what_does_not_exist_is_a_sentence(world: World) -> None:
    with pytest.raises(UnknownName, match="no way"):
        components(world, "<b>", 1, "all layers")
    with pytest.raises(UnknownName, match="Choose from all layers"):
        components(world, "SeFa", 1, "<b>")
    for count in (0, MOST + 1):
        with pytest.raises(BadSetting):
            components(world, "SeFa", count, "all layers")
