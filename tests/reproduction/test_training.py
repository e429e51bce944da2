from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eclipsed.errors import UnknownName
from eclipsed.methods.paper import PaperConfig, draw
from eclipsed.types import World
from reproduction import training
from reproduction.training import as_edited, draws_of, own_seed, trained
from tests.reproduction.conftest import BRIGHT, PAPER

Z = 8
assert isinstance(PAPER, PaperConfig)


def test_the_first_training_is_the_preset_s() -> None:
    ours = draws_of(PAPER, None, Z)
    for step in (0, 7, 199):
        own, theirs = ours(step), draw(PaperConfig(), step, z_dim=Z)
        assert torch.equal(own.z, theirs.z)
        assert own.strength == theirs.strength


def test_another_training_has_another_start_other_strengths_and_other_images(
    small: World, tmp_path: Path
) -> None:
    one, two = (draws_of(replace(PAPER, seed=PAPER.seed + t), None, Z)(3) for t in range(2))
    assert not torch.equal(one.z, two.z)
    assert one.strength != two.strength
    first, second = (trained(small, BRIGHT, t, tmp_path) for t in range(2))
    assert not torch.equal(first.vector, second.vector)
    # No image of one training is an image of another: 200 steps stay within the stride.
    assert own_seed(1) - own_seed(0) > PAPER.steps


def test_few_images_are_cycled_through() -> None:
    seeds = {index: np.random.RandomState(own_seed(0) + index).randn(Z) for index in range(4)}
    single, four = draws_of(PAPER, 1, Z), draws_of(PAPER, 4, Z)
    for step in (0, 5):
        for row in single(step).z:
            np.testing.assert_allclose(row, seeds[0], rtol=1e-6)
    np.testing.assert_allclose(torch.cat([four(0).z, four(1).z]), list(seeds.values()), rtol=1e-6)
    assert torch.equal(four(0).z, four(2).z)
    # The single image is the first of the fresh draws.
    np.testing.assert_allclose(draws_of(PAPER, None, Z)(0).z[0], seeds[0], rtol=1e-6)


def test_everything_that_decides_the_result_has_a_card_of_its_own(
    small: World, tmp_path: Path
) -> None:
    others = (
        BRIGHT,
        replace(BRIGHT, images=1),
        replace(BRIGHT, config=replace(PAPER, local_weight=0.2)),
        replace(BRIGHT, prompt="dark hair"),
    )
    for variant in others:
        trained(small, variant, 0, tmp_path)
    trained(small, BRIGHT, 1, tmp_path)
    trained(small, replace(BRIGHT, label="x", layers=(1,), fixed=True, own=True), 0, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(others) + 1


def test_a_card_that_is_there_is_not_trained_again(
    small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    direction = trained(small, BRIGHT, 0, tmp_path)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(training, "run", never)
    assert torch.equal(trained(small, BRIGHT, 0, tmp_path).vector, direction.vector)


def test_layers_and_fixed_strengths(small: World, tmp_path: Path) -> None:
    direction = trained(small, BRIGHT, 0, tmp_path)
    generator = small.generator
    some = as_edited(generator, direction, replace(BRIGHT, layers=(1,)))
    rows = some.vector.view(4, -1)
    assert torch.equal(rows[1], direction.vector.view(4, -1)[1])
    assert rows[[0, 2, 3]].abs().sum() == 0.0
    assert as_edited(generator, direction, BRIGHT) is direction
    assert as_edited(generator, direction, replace(BRIGHT, fixed=True)).unit == 1.0
    for end, factor in ((0.25, 0.25), (3.0, 1.0)):
        ranged = replace(direction, unit=2.0, range=(-1.0, end))
        assert as_edited(generator, ranged, replace(BRIGHT, within=True)).unit == 2.0 * factor
    flat = replace(BRIGHT, config=replace(PAPER, space="w"))
    wide = trained(small, flat, 0, tmp_path)
    split = as_edited(generator, wide, replace(flat, layers=(2,)))
    assert split.space == "w+"
    assert torch.equal(split.vector.view(4, -1)[2], wide.vector)
    with pytest.raises(UnknownName, match="no layer 4"):
        as_edited(generator, direction, replace(BRIGHT, layers=(4,)))
