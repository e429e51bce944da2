from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from eclipsed.errors import UnknownName
from eclipsed.methods.paper import PaperConfig, draw
from eclipsed.types import World
from reproduction.study import Job
from reproduction.variants import (
    PAPER,
    Variant,
    as_edited,
    card_of,
    config_of,
    draws_of,
    order_of,
    own_seed,
    trained_goal,
)

VARIANT = Variant(label="it", prompt="bright hair")
Z = 8


def test_the_first_training_is_the_preset_s() -> None:
    ours = draws_of(PAPER, None, Z)
    for step in (0, 7, 199):
        own, theirs = ours(step), draw(PaperConfig(), step, z_dim=Z)
        assert torch.equal(own.z, theirs.z)
        assert own.strength == theirs.strength


def test_another_training_has_another_start_other_strengths_and_other_images(
    small: World, job: Job
) -> None:
    configs = [config_of(VARIANT, training) for training in range(2)]
    one, two = (
        draws_of(config, None, Z)(3) for config in configs if isinstance(config, PaperConfig)
    )
    assert not torch.equal(one.z, two.z)
    assert one.strength != two.strength
    cards = [card_of(small, order_of(small, VARIANT, t, job.cards)) for t in range(2)]
    assert not torch.equal(cards[0].vector, cards[1].vector)
    # No image of one training is an image of another: 200 steps stay within the stride.
    assert own_seed(1) - own_seed(0) > PAPER.steps


def test_few_images_are_gone_round() -> None:
    seeds = {place: np.random.RandomState(own_seed(0) + place).randn(Z) for place in range(4)}
    single, four = draws_of(PAPER, 1, Z), draws_of(PAPER, 4, Z)
    for step in (0, 5):
        for row in single(step).z:
            np.testing.assert_allclose(row, seeds[0], rtol=1e-6)
    np.testing.assert_allclose(torch.cat([four(0).z, four(1).z]), list(seeds.values()), rtol=1e-6)
    assert torch.equal(four(0).z, four(2).z)
    # The single image is the first that fresh draws begin with.
    np.testing.assert_allclose(draws_of(PAPER, None, Z)(0).z[0], seeds[0], rtol=1e-6)


def test_everything_that_decides_the_result_is_in_the_card_s_name(small: World, job: Job) -> None:
    others = (
        VARIANT,
        replace(VARIANT, images=1),
        replace(VARIANT, expand=3),
        replace(VARIANT, chooser="none"),
        replace(VARIANT, config=replace(PAPER, local_weight=0.2)),
        replace(VARIANT, prompt="dark hair"),
    )
    names = {order_of(small, each, t, job.cards).card for each in others for t in range(2)}
    assert len(names) == 2 * len(others)
    same = replace(VARIANT, label="x", layers=(1,), strengths=(5.0,), fixed=True, own=True)
    alike = (VARIANT, same, replace(VARIANT, within=True))
    paths = {order_of(small, each, 0, job.cards).card for each in alike}
    assert len(paths) == 1


def test_regions_are_chosen_as_the_variant_says(small: World) -> None:
    assert trained_goal(small, VARIANT).regions == ("hair",)
    assert trained_goal(small, replace(VARIANT, chooser="none")).regions == ()
    said = trained_goal(
        small, replace(VARIANT, prompt="a person with bright hair", expand=2)
    ).prompt
    assert said.count("bright hair") == 2


def test_layers_and_fixed_strengths(small: World, job: Job) -> None:
    direction = card_of(small, order_of(small, VARIANT, 0, job.cards))
    generator = small.generator
    some = as_edited(generator, direction, replace(VARIANT, layers=(1,)))
    rows = some.vector.view(4, -1)
    assert torch.equal(rows[1], direction.vector.view(4, -1)[1])
    assert rows[[0, 2, 3]].abs().sum() == 0.0
    assert as_edited(generator, direction, VARIANT) is direction
    assert as_edited(generator, direction, replace(VARIANT, fixed=True)).unit == 1.0
    for end, kept in ((0.25, 0.25), (3.0, 1.0)):
        ranged = replace(direction, unit=2.0, range=(-1.0, end))
        within = as_edited(generator, ranged, replace(VARIANT, within=True))
        assert within.unit == 2.0 * kept
    flat = replace(VARIANT, config=replace(PAPER, space="w"))
    wide = card_of(small, order_of(small, flat, 0, job.cards))
    told = as_edited(generator, wide, replace(flat, layers=(2,)))
    assert told.space == "w+"
    assert torch.equal(told.vector.view(4, -1)[2], wide.vector)
    with pytest.raises(UnknownName, match="no layer 4"):
        as_edited(generator, direction, replace(VARIANT, layers=(4,)))
