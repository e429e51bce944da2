from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from eclipsed.errors import EclipsedError, UnknownName
from eclipsed.generators.biggan import BigGAN
from eclipsed.generators.dcgan import DCGAN, DCGANConfig
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.components import (
    choices,
    features_at,
    first_feature,
    first_weights,
    oriented,
    spread_over,
    title,
)
from eclipsed.testing import FakeGenerator
from tests.families import GENERATORS

ONLY_Z = FakeGenerator(spaces=("z",))


def test_rows_are_offered_as_a_whole_and_in_three_parts() -> None:
    sizes = {4: 2, 8: 2, 16: 2, 32: 2, 64: 2}
    generator = StyleGAN2(StyleGAN2Config(64, sizes, z_dim=2, w_dim=2))
    assert choices(generator, None) == (
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        (0, 1, 2),
        (3, 4, 5, 6),
        (7, 8, 9),
    )
    assert choices(FakeGenerator(), None) == ((0, 1, 2, 3), (0, 1, 2), (3,))
    assert choices(ONLY_Z, None) == ((0,),)


def test_rows_that_are_given_are_taken() -> None:
    assert choices(FakeGenerator(), (3, 1)) == ((1, 3),)
    with pytest.raises(UnknownName, match="no layer 4"):
        choices(FakeGenerator(), (0, 4))
    with pytest.raises(UnknownName, match="no layer 1"):
        choices(ONLY_Z, (1,))


def test_a_row_is_repeated_where_it_should_be() -> None:
    row = torch.arange(1.0, 9.0)
    spread = spread_over(FakeGenerator(), row, (0, 2)).view(4, 8)
    assert torch.equal(spread, torch.stack([row, 0 * row, row, 0 * row]))
    assert torch.equal(spread_over(ONLY_Z, row, (0,)), row)


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ((0, 1, 2, 3), "component 3"),
        ((0, 1, 2), "component 3 of layers 0-2"),
        ((1,), "component 3 of layers 1"),
        ((0, 2, 3), "component 3 of layers 0,2-3"),
    ],
)
def test_components_are_called_by_number_and_rows(rows: tuple[int, ...], name: str) -> None:
    assert title(3, FakeGenerator(), rows) == name


def test_the_greatest_number_of_a_component_is_positive() -> None:
    given = torch.tensor([[0.1, -0.9], [0.8, -0.2]])
    expected = torch.tensor([[-0.1, 0.9], [0.8, -0.2]])
    assert torch.equal(oriented(given), expected)
    assert torch.equal(oriented(-given), expected)


def test_the_first_feature_that_is_not_constant_is_found() -> None:
    assert first_feature(ONLY_Z) == "layer_1"
    assert first_feature(GENERATORS["dcgan"]) == "layer_0"


def test_a_generator_whose_features_are_all_constant_is_refused() -> None:
    constant = replace(ONLY_Z, feature_names=("layer_0",))
    with pytest.raises(EclipsedError, match="depends on its latent"):
        first_feature(constant)


def test_features_of_many_latents_come_in_order() -> None:
    z = ONLY_Z.sample(range(20))
    features = features_at(ONLY_Z, z, "layer_1")
    alone = ONLY_Z.synthesize(z[17:18], features=["layer_1"]).features["layer_1"]
    torch.testing.assert_close(features[17], alone.flatten())


def test_weights_of_a_linear_layer_are_those_of_the_network() -> None:
    generator = GENERATORS["biggan"]
    assert isinstance(generator, BigGAN)
    weight = generator.generator.gen_z.weight[:, : generator.z_dim].detach()
    # The network makes channels last.
    expected = weight.unflatten(0, (4, 4, -1)).permute(2, 0, 1, 3).flatten(0, 2)
    torch.testing.assert_close(first_weights(generator), expected, rtol=1e-3, atol=1e-4)


def test_a_relu_behind_the_layer_does_no_harm() -> None:
    torch.manual_seed(3)
    generator = DCGAN(DCGANConfig(5, (6, 4))).eval().requires_grad_(False)
    norm = generator.main[1]
    assert isinstance(norm, torch.nn.BatchNorm2d)
    norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 1.0]))
    norm.bias.copy_(torch.randn(6))
    first = generator.main[0].weight  # z, channels, 4, 4
    assert isinstance(first, torch.Tensor)
    found = F.normalize(first_weights(generator), dim=1)
    expected = F.normalize(first.flatten(1).T, dim=1)
    cosines = (found * expected).sum(dim=1).abs()
    torch.testing.assert_close(cosines, torch.ones_like(cosines), rtol=0, atol=1e-3)
