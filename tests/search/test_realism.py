from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from eclipsed.search import realism
from eclipsed.search.realism import Realism, coverage_of, realism_of, unrealistic
from eclipsed.testing import fake_world
from eclipsed.types import World


@pytest.fixture(scope="module")
def world() -> World:
    return fake_world()


def test_hardly_any_image_of_the_generator_is_unrealistic(world: World) -> None:
    images = world.generator.synthesize(world.generator.sample(list(range(200)))).image
    for regions in ((), ("hair",), ("hair", "mouth")):
        assert float(unrealistic(realism_of(world), images, regions).float().mean()) < 0.15


def test_what_the_generator_never_makes_is_unrealistic(world: World) -> None:
    images = world.generator.synthesize(world.generator.sample(list(range(20)))).image
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    assert bool(unrealistic(realism_of(world), images + 0.5 * noise, ()).all())


def test_a_small_region_is_looked_at_by_itself(world: World) -> None:
    random = torch.Generator().manual_seed(2)
    noise = 0.1 * torch.randn(220, 3, 32, 32, generator=random)
    mask = torch.zeros(32, 32)
    mask[20:23, 12:20] = 1.0
    errors = noise[:200].square().sum(dim=1)
    nothing = torch.zeros(1, 3 * 32 * 32)
    coverage = {"mouth": mask, "hair": 1 - mask}
    realism = Realism(world, nothing[0], nothing, errors, torch.zeros(1, 4), coverage)
    spoiled = noise[200:] + 0.1 * mask
    assert float(unrealistic(realism, spoiled, ("mouth",)).float().mean()) > 0.9
    assert float(unrealistic(realism, spoiled, ("hair",)).float().mean()) < 0.5


def test_coverage_is_where_regions_are(world: World) -> None:
    fitted = realism_of(world)
    assert bool((coverage_of(fitted, ()) == 1.0).all())
    hair = coverage_of(fitted, ("hair",))
    assert hair.shape == fitted.errors.shape[1:]
    assert 0.0 < float(hair.mean()) < 1.0
    both = coverage_of(fitted, ("hair", "mouth"))
    assert bool((both >= hair).all())


def test_a_world_is_fitted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = realism_of(world)
    monkeypatch.setattr(realism, "build_pool", None)
    assert realism_of(replace(world, name="the same")) is fitted
    with pytest.raises(TypeError):
        realism_of(replace(world, truncation=0.5))
