from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from eclipsed.search import realism
from eclipsed.search.realism import Usual, place_of, strange, usual_of
from eclipsed.testing import fake_world
from eclipsed.types import World


@pytest.fixture(scope="module")
def world() -> World:
    return fake_world()


def test_hardly_any_image_of_the_generator_is_strange(world: World) -> None:
    images = world.generator.synthesize(world.generator.sample(list(range(200)))).image
    for regions in ((), ("hair",), ("hair", "mouth")):
        assert float(strange(usual_of(world), images, regions).float().mean()) < 0.15


def test_what_the_generator_never_makes_is_strange(world: World) -> None:
    images = world.generator.synthesize(world.generator.sample(list(range(20)))).image
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    assert bool(strange(usual_of(world), images + 0.5 * noise, ()).all())


def test_a_small_region_is_looked_at_by_itself(world: World) -> None:
    random = torch.Generator().manual_seed(2)
    noise = 0.1 * torch.randn(220, 3, 32, 32, generator=random)
    mask = torch.zeros(32, 32)
    mask[20:23, 12:20] = 1.0
    left = noise[:200].square().sum(dim=1)
    nothing = torch.zeros(1, 3 * 32 * 32)
    found = Usual(
        world, nothing[0], nothing, left, torch.zeros(1, 4), {"mouth": mask, "hair": 1 - mask}
    )
    spoiled = noise[200:] + 0.1 * mask
    assert float(strange(found, spoiled, ("mouth",)).float().mean()) > 0.9
    assert float(strange(found, spoiled, ("hair",)).float().mean()) < 0.5


def test_places_are_where_regions_are(world: World) -> None:
    found = usual_of(world)
    assert bool((place_of(found, ()) == 1.0).all())
    place = place_of(found, ("hair",))
    assert place.shape == found.left.shape[1:]
    assert 0.0 < float(place.mean()) < 1.0
    both = place_of(found, ("hair", "mouth"))
    assert bool((both >= place).all())


def test_a_world_is_looked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual_of(world)
    monkeypatch.setattr(realism, "build_pool", None)
    assert usual_of(replace(world, name="the same")) is found
    with pytest.raises(TypeError):
        usual_of(replace(world, truncation=0.5))
