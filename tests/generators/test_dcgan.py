from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from eclipsed.errors import BadFile
from eclipsed.generators.dcgan import DCGAN, from_checkpoint
from eclipsed.types import Generator


def literal(nz: int = 6, ngf: int = 3) -> nn.Sequential:
    """The network of PyTorch's example, 64×64, written out; statistics as after a training."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.ConvTranspose2d(nz, ngf * 8, 4, 1, 0, bias=False),
        nn.BatchNorm2d(ngf * 8),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 8, ngf * 4, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf * 4),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf * 2),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf, 3, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(8, nz, 1, 1))
        for part in network:
            if isinstance(part, nn.BatchNorm2d):
                part.weight.normal_(1.0, 0.3)
                part.bias.normal_(0.0, 0.3)
    return network.eval()


def named(network: nn.Module) -> dict[str, Tensor]:
    return {f"main.{key}": value for key, value in network.state_dict().items()}


def random_tensors(z_dim: int, channels: tuple[int, ...], seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    widths = (z_dim, *channels, 3)
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        tensors[f"main.{3 * i}.weight"] = torch.randn(inputs, outputs, 4, 4) / inputs**0.5
        if i < len(channels):
            for name in ("weight", "bias", "running_mean", "running_var"):
                tensors[f"main.{3 * i + 1}.{name}"] = torch.rand(outputs) + 0.5
    return tensors


def tiny_generator(seed: int = 0) -> DCGAN:
    return from_checkpoint({}, random_tensors(5, (4, 3, 2), seed), name="tiny")


def test_images_and_features_equal_the_example_written_out() -> None:
    network = literal()
    generator = from_checkpoint({}, named(network), name="example")
    z = torch.randn(3, 6)
    made = generator.synthesize(z, features=generator.feature_names)
    with torch.no_grad():
        expected = z[:, :, None, None]
        for i, part in enumerate(network):
            expected = part(expected.clone())  # the example's ReLU writes into what it is given
            if i % 3 == 2:
                assert torch.equal(made.features[f"layer_{i // 3}"], expected)
    assert torch.equal(made.image, expected)
    assert generator.resolution == 64
    assert generator.feature_names == ("layer_0", "layer_1", "layer_2", "layer_3")


@settings(max_examples=40)
@given(
    z_dim=st.integers(1, 5),
    channels=st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple),
    n=st.integers(1, 3),
)
def test_any_small_network_makes_images(z_dim: int, channels: tuple[int, ...], n: int) -> None:
    generator = from_checkpoint({}, random_tensors(z_dim, channels), name="any")
    assert isinstance(generator, Generator)
    size = 4 * 2 ** len(channels)
    assert (generator.z_dim, generator.resolution) == (z_dim, size)
    made = generator.synthesize(generator.sample(range(n)), features=generator.feature_names)
    assert made.image.shape == (n, 3, size, size)
    assert float(made.image.abs().max()) <= 1
    for i, count in enumerate(channels):
        assert made.features[f"layer_{i}"].shape == (n, count, 4 << i, 4 << i)


def test_z_is_one_random_state_per_seed_and_truncated_where_it_is_rendered() -> None:
    generator = tiny_generator()
    z = torch.from_numpy(np.random.RandomState(7).randn(5)).float()[None]
    for truncation in (0.3, 1.0):
        assert torch.equal(generator.sample([3, 7], truncation=truncation)[1:], z)
        assert torch.equal(generator.from_z(z, truncation=truncation, cutoff=1), z)
        image = generator.synthesize(z, truncation=truncation).image
        assert torch.equal(image, generator.synthesize(truncation * z).image)
    assert torch.equal(generator.convert(z, "z", "z"), z)
    assert [(layer.name, layer.width) for layer in generator.layers("z")] == [("z", 5)]


def test_missing_and_misshapen_tensors_are_named() -> None:
    tensors = random_tensors(5, (4, 3, 2))
    for key in tensors:
        rest = {name: value for name, value in tensors.items() if name != key}
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint({}, rest, name="x")
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint({}, tensors | {key: torch.zeros(1, 2, 1, 2, 1)}, name="x")


def test_counters_of_training_and_foreign_tensors_do_not_matter() -> None:
    tensors = random_tensors(5, (4, 3, 2))
    more = {"main.1.num_batches_tracked": torch.tensor(7), "extra": torch.zeros(2)}
    half = {key: value.half().double() for key, value in tensors.items()}
    generator = from_checkpoint({}, half | more, name="x")
    assert generator.fingerprint == from_checkpoint({}, half, name="x").fingerprint
    assert {value.dtype for value in generator.parameters()} == {torch.float32}


def test_other_networks_are_refused() -> None:
    tensors = random_tensors(5, (4, 3, 2))
    # With biases in its convolutions it would be another network.
    with pytest.raises(BadFile, match=r"no tensor 'main\.3\.bias'"):
        from_checkpoint({}, tensors | {"main.3.bias": torch.zeros(3)}, name="x")
    wide = tensors | {"main.9.weight": torch.zeros(3, 3, 4, 4)}
    with pytest.raises(BadFile, match=r"main\.9\.weight.* needs \[2, 3, 4, 4\]"):
        from_checkpoint({}, wide, name="x")
    with pytest.raises(BadFile, match="feature maps"):
        from_checkpoint({}, {"main.0.weight": torch.zeros(5, 3, 4, 4)}, name="x")
    with pytest.raises(BadFile, match=r"main\.0\.weight"):
        from_checkpoint({}, {}, name="x")
