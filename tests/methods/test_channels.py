from __future__ import annotations

import pytest
import torch

from eclipsed.errors import UnknownName
from eclipsed.methods.channels import below_median, indices_of, style_channels, style_population
from eclipsed.methods.method import rank
from eclipsed.search.pool import SEEDS
from eclipsed.testing import FakeGenerator, fake_world
from eclipsed.types import Goal
from tests.families import GENERATORS


def test_colour_channels_stay_out_and_places_are_those_of_the_flat_latent() -> None:
    generator = GENERATORS["stylegan2"]
    channels = style_channels(generator)
    assert {channel.layer for channel in channels} == {"b4.conv1", "b8.conv0", "b8.conv1"}
    assert [channel.index for channel in channels] == [0, 1, 4, 5, 6, 7]
    assert channels[3].name == "channel 1 of b8.conv0"
    assert indices_of(channels[2:4], torch.device("cpu")).tolist() == [4, 5]


def test_every_channel_counts_where_nothing_is_called_torgb() -> None:
    assert [channel.index for channel in style_channels(FakeGenerator())] == list(range(32))


def test_a_generator_without_s_is_refused() -> None:
    with pytest.raises(UnknownName, match="no latent space 's'"):
        style_channels(FakeGenerator(spaces=("z",)))


def test_the_population_is_what_methods_look_at() -> None:
    world = fake_world()
    mean, spread = style_population(world)
    styles = world.generator.sample(SEEDS, truncation=world.truncation, space="s")
    torch.testing.assert_close(mean, styles.mean(dim=0))
    torch.testing.assert_close(spread, styles.std(dim=0))


def test_those_that_lack_the_prompt_are_of_the_lower_half_and_spread_over_it() -> None:
    world = fake_world()
    ranking = rank(world, Goal("bright hair", "a person", ("hair",)), "s")
    few = below_median(ranking, 8)
    assert few.shape == (8, 32)
    along = ranking.along[torch.cdist(few, ranking.pool.latents).argmin(dim=1)]
    assert bool((along <= ranking.along.median()).all())
    assert float(along[0]) == float(ranking.along.min())
    assert bool((along.diff() >= 0).all())
    assert float(along[-1]) > float(ranking.along.quantile(0.4))
