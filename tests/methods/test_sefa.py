from __future__ import annotations

from typing import Any

import pytest
import torch

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.sefa import SeFaConfig, affine_weights, factorized, find, weights_of
from eclipsed.testing import W_DIM, FakeGenerator, fake_world
from tests.families import GENERATORS
from tests.methods.looking import NO_GOAL


def test_weights_are_those_of_the_affine_layers() -> None:
    torch.manual_seed(5)
    generator = StyleGAN2(StyleGAN2Config(8, {4: 3, 8: 2}, z_dim=4, w_dim=6))
    generator.requires_grad_(False)
    affines = [
        (row, layer.affine.weight if hasattr(layer, "affine") else layer.weight)
        for _, layer, row in generator.synthesis.style_layers()
    ]
    for rows in ((0,), (1,), (0, 2)):
        expected = torch.cat([weight for row, weight in affines if row in rows])
        found = affine_weights(generator, rows)
        assert found.shape == expected.shape
        # The layers multiply them by gains, which the length of a row takes out.
        cosines = torch.cosine_similarity(found, expected, dim=1)
        torch.testing.assert_close(cosines, torch.ones(len(found)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["stylegan1", "stylegan2", "stylegan3"])
def test_moving_w_moves_styles_by_the_weights(family: str) -> None:
    generator = GENERATORS[family]
    rows = tuple(range(len(generator.layers("w+"))))
    weights = affine_weights(generator, rows)
    at, move = generator.sample([1], space="w"), generator.sample([2], space="w")
    change = generator.convert(at + move, "w", "s") - generator.convert(at, "w", "s")
    moving = change[change.abs() > 0]
    torch.testing.assert_close(move @ weights.T, moving[None], rtol=1e-3, atol=1e-5)


def test_directions_are_those_that_unit_rows_lengthen_most() -> None:
    across = torch.tensor([[2.0, 0.0, 0.0]])
    along = torch.tensor([[0.0, 0.1, 0.0], [0.0, 0.0, 9.0], [0.0, 5.0, 0.0], [0.0, 3.0, 0.0]])
    found = factorized(torch.cat([across, across, along]), 2)
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))


def test_every_direction_moves_the_rows_whose_weights_were_read() -> None:
    found = find(fake_world(), NO_GOAL, SeFaConfig(count=2, layers=(0, 1)))
    assert [each.name for each in found] == [
        "component 1 of layers 0-1",
        "component 2 of layers 0-1",
    ]
    first, second = (each.vector.view(4, W_DIM) for each in found)
    assert not first[2:].any()
    assert torch.equal(first[0], first[1])
    assert abs(float(torch.cosine_similarity(first[0], second[0], dim=0))) < 1e-4
    assert {each.method for each in found} == {"sefa"}


def test_without_a_choice_all_sets_of_rows_are_offered() -> None:
    found = find(fake_world(), NO_GOAL, SeFaConfig(count=1))
    names = ["component 1", "component 1 of layers 0-2", "component 1 of layers 3"]
    assert [each.name for each in found] == names


def test_no_more_directions_than_a_latent_has_numbers() -> None:
    assert len(find(fake_world(), NO_GOAL, SeFaConfig(count=50, layers=(0,)))) == W_DIM
    assert weights_of(FakeGenerator(), (0,)).shape == (W_DIM, W_DIM)


def test_a_generator_with_z_alone_is_read_too() -> None:
    found = find(fake_world(spaces=("z",)), NO_GOAL, SeFaConfig(count=2))
    assert [(each.name, each.space) for each in found] == [
        ("component 1", "z"),
        ("component 2", "z"),
    ]


def test_same_call_same_bytes() -> None:
    config = SeFaConfig(count=1, layers=(0,))
    first, again = (find(fake_world(), NO_GOAL, config)[0] for _ in range(2))
    assert torch.equal(first.vector, again.vector)
    assert first.unit == again.unit


def test_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownName, match="no layer 9"):
        find(fake_world(), NO_GOAL, SeFaConfig(layers=(9,)))


@pytest.mark.parametrize("settings", [{"count": 0}, {"layers": (1, 1)}])
def test_settings_without_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        SeFaConfig(**settings)
