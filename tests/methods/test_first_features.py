from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from eclipsed.errors import EclipsedError
from eclipsed.generators.biggan import BigGAN
from eclipsed.generators.dcgan import DCGAN, DCGANConfig
from eclipsed.methods.first_features import features_at, first_feature, first_weights
from eclipsed.testing import FakeGenerator
from tests.families import GENERATORS

ONLY_Z = FakeGenerator(spaces=("z",))


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
