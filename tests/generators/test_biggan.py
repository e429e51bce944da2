from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from eclipsed.errors import BadFile, BadSetting
from eclipsed.generators.biggan import (
    Attention,
    AttentionSize,
    BigGAN,
    BigGANConfig,
    Block,
    BlockSize,
    Statistics,
    from_checkpoint,
)
from eclipsed.types import Generator, weights_of
from tests.golden import assert_near, golden_arrays, golden_case, golden_file

TRUNCATIONS = ("0.06", "0.4", "0.405", "0.58", "0.7", "1.0")


def golden_generator() -> BigGAN:
    files = golden_case("biggan")["files"]
    config = json.loads(golden_file(files["config"]).read_text())
    tensors = torch.load(golden_file(files["weights"]), weights_only=True)
    return from_checkpoint(config, tensors, name="golden")


def golden_io() -> dict[str, Tensor]:
    return golden_arrays(golden_case("biggan")["files"]["io"])


def images(generator: BigGAN, z: Tensor, classes: Tensor, truncation: float) -> Tensor:
    """Image i is of z[i] as the original takes it, after truncation, and of class i."""
    return torch.cat(
        [
            generator.of_class(label)
            .synthesize(row[None] / truncation, truncation=truncation)
            .image
            for row, label in zip(z, classes, strict=True)
        ]
    )


@pytest.mark.parametrize("tag", TRUNCATIONS)
def test_images_equal_the_original(tag: str) -> None:
    io = golden_io()
    z = io["in.z_trunc0.4" if tag == "0.4" else "in.z"]
    made = images(golden_generator(), z, io["in.class"], float(tag))
    assert_near(made, io[f"out.image.trunc{tag}"])


def test_images_of_mixed_classes_equal_the_original() -> None:
    io = golden_io()
    made = images(golden_generator(), io["in.z"], io["in.class_soft"], 1.0)
    assert_near(made, io["out.image.soft_class.trunc1.0"])


def test_embedding_and_features_equal_the_original() -> None:
    io = golden_io()
    generator = golden_generator().of_class(io["in.class"][0])
    assert_near(generator.embeddings(generator.label)[None], io["feat.embedding"])
    normalised: list[Tensor] = []
    generator.generator.bn.register_forward_hook(lambda _m, _i, out: normalised.append(out))
    made = generator.synthesize(
        io["in.z"][:1] / 0.4, truncation=0.4, features=generator.feature_names
    )
    compared = {key.split(".")[1]: value for key, value in io.items() if "feat.layer" in key}
    assert sorted(compared) == list(generator.feature_names)
    for name, expected in compared.items():
        assert_near(made.features[name], expected)
    assert_near(normalised[0], io["feat.final_bn"])


def test_blocks_equal_the_original_where_each_has_a_z_of_its_own() -> None:
    io = golden_io()
    generator = golden_generator()
    network = generator.generator
    embedding = generator.embeddings(io["in.class"][:1])
    conditions = [torch.cat([row[None], embedding], dim=1) for row in io["in.ws"][0]]
    x = network.start(conditions.pop(0))
    for layer in network.layers:
        x = layer(x, conditions.pop(0), 0.4) if isinstance(layer, Block) else layer(x)
    image = network.conv_to_rgb(network.bn(x, 0.4).relu())[:, :3].tanh()
    assert_near(image, io["out.image.ws.trunc0.4"])
    assert len(conditions) == 1  # the original's last row drives nothing


def test_statistics_are_looked_up_as_in_the_original() -> None:
    lookup = golden_case("biggan")["batch_norm_lookup"]
    statistics = numbered_statistics(51)
    for truncation, entry in lookup.items():
        start, part = entry["start"], entry["coef"]
        expected = start * part + (start + 1) * (1 - part) if part else start
        mean, _ = statistics.at(float(truncation))
        torch.testing.assert_close(mean, torch.tensor([float(expected)]))
    assert len(lookup) == 6


# --- without the golden data --------------------------------------------------------------------

LAYERS = (BlockSize(3, 8, False), BlockSize(2, 4, True), AttentionSize(2, 3), BlockSize(2, 4, True))


def tiny_config(**changes: Any) -> BigGANConfig:
    numbers: dict[str, Any] = {"z_dim": 5, "classes": 4, "class_dim": 3, "inputs": 8}
    numbers |= {"layers": LAYERS, "outputs": 4, "statistics": 6}
    return BigGANConfig(**{**numbers, **changes})


def settings_of(config: BigGANConfig) -> dict[str, Any]:
    """What config.json says of the blocks."""
    blocks = [layer for layer in config.layers if isinstance(layer, BlockSize)]
    return {"layers": [[block.up, 1, 1] for block in blocks]}


def random_tensors(config: BigGANConfig, seed: int = 0) -> dict[str, Tensor]:
    """Random weights, statistics and gains; everything under a spectral norm has one."""
    torch.manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for key, value in BigGAN(config).state_dict().items():
        if key.endswith(".weight") and value.dim() > 1 and key != "embeddings.weight":
            v = F.normalize(torch.randn(value[0].numel()), dim=0)
            # About the direction that W turns v to, so that u · W v is far from 0.
            u = 3 * F.normalize(value.flatten(1) @ v, dim=0)
            tensors |= {f"{key}_orig": value, f"{key}_u": u, f"{key}_v": v}
        else:
            tensors[key] = value + 0.3 * torch.rand_like(value)
    return tensors


def tiny_generator(seed: int = 0, **changes: Any) -> BigGAN:
    config = tiny_config(**changes)
    return from_checkpoint(settings_of(config), random_tensors(config, seed), name="tiny")


def numbered_statistics(count: int) -> Statistics:
    """Mean k in row k, variance (k + 1)²."""
    statistics = Statistics(1, config=tiny_config(statistics=count, epsilon=1e-12))
    statistics.running_means.copy_(torch.arange(count)[:, None])
    statistics.running_vars.copy_(torch.arange(1, count + 1)[:, None].square())
    return statistics


@settings(max_examples=40)
@given(
    inputs=st.integers(1, 5),
    blocks=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=4),
    attention=st.integers(0, 4),
    z_dim=st.integers(1, 4),
    class_dim=st.integers(1, 4),
    n=st.integers(1, 3),
)
def test_any_small_network_makes_images(
    inputs: int,
    blocks: list[tuple[int, bool]],
    attention: int,
    z_dim: int,
    class_dim: int,
    n: int,
) -> None:
    layers: list[BlockSize | AttentionSize] = [BlockSize(m, inputs, up) for m, up in blocks]
    if attention < len(layers):
        layers.insert(attention, AttentionSize(1, 2))
    generator = tiny_generator(
        inputs=inputs, layers=tuple(layers), z_dim=z_dim, class_dim=class_dim, outputs=3
    )
    assert isinstance(generator, Generator)
    assert generator.config.layers == tuple(layers)
    assert generator.z_dim == z_dim
    assert generator.resolution == 4 * 2 ** sum(up for _, up in blocks)
    made = generator.synthesize(generator.sample(range(n)), features=generator.feature_names)
    assert made.image.shape == (n, 3, generator.resolution, generator.resolution)
    assert float(made.image.abs().max()) <= 1
    assert len(made.features) == len(layers) + 1
    size = 4
    for i, layer in enumerate(layers):
        size *= 2 if isinstance(layer, BlockSize) and layer.up else 1
        assert made.features[f"layer_{i + 1}"].shape == (n, inputs, size, size)


def test_z_is_one_random_state_per_seed_and_truncated_where_it_is_rendered() -> None:
    generator = tiny_generator()
    z = torch.from_numpy(np.random.RandomState(7).randn(5)).float()[None]
    for truncation in (0.3, 1.0):
        assert torch.equal(generator.sample([3, 7], truncation=truncation)[1:], z)
        assert torch.equal(generator.from_z(z, truncation=truncation, cutoff=1), z)
    assert torch.equal(generator.convert(z, "z", "z"), z)
    assert [(layer.name, layer.width) for layer in generator.layers("z")] == [("z", 5)]
    # layer_0 has no statistics, so it shows that z is multiplied; the image that they change too.
    first = [
        generator.synthesize(row, truncation=truncation, features=("layer_0",))
        for row, truncation in ((z, 0.5), (0.5 * z, 1.0))
    ]
    torch.testing.assert_close(first[0].features["layer_0"], first[1].features["layer_0"])
    assert not torch.allclose(first[0].image, first[1].image)


@pytest.mark.parametrize(
    ("truncation", "mean"),
    # Between two rows the nearer one counts less: 0.25 of the way from 2 to 3 is 2.75.
    [(0.0, 0.0), (0.2, 1.0), (0.45, 2.75), (0.5, 2.5), (0.85, 4.75), (1.0, 5.0)],
)
def test_statistics_between_two_rows_are_mixed_with_swapped_weights(
    truncation: float, mean: float
) -> None:
    found, inverse = numbered_statistics(6).at(truncation)
    torch.testing.assert_close(found, torch.tensor([mean]), rtol=1e-5, atol=1e-5)
    low = int(mean)
    variance = (low + 1) ** 2 + (mean - low) * ((low + 2) ** 2 - (low + 1) ** 2)
    torch.testing.assert_close(inverse, torch.tensor([variance**-0.5]), rtol=1e-5, atol=1e-5)


@given(count=st.integers(2, 100))
def test_every_row_of_statistics_can_be_asked_for(count: int) -> None:
    statistics = numbered_statistics(count)
    found = [float(statistics.at(row / (count - 1))[0]) for row in range(count)]
    assert found[0] == 0
    # Rounding may choose the row below or above, as it does in the original.
    assert all(abs(x - row) < 1.001 for row, x in enumerate(found))


@pytest.mark.parametrize("truncation", [-0.1, 1.1, float("nan"), float("inf")])
def test_truncations_without_statistics_are_refused(truncation: float) -> None:
    generator = tiny_generator()
    with pytest.raises(BadSetting, match="from 0 to 1"):
        generator.synthesize(generator.sample([1]), truncation=truncation)


def test_classes_are_bound_to_a_generator() -> None:
    generator = tiny_generator()
    z = generator.sample([1])
    image = generator.synthesize(z).image
    third = generator.of_class(2)
    assert torch.equal(generator.of_class(0).synthesize(z).image, image)
    assert not torch.equal(third.synthesize(z).image, image)
    assert torch.equal(generator.synthesize(z).image, image)
    assert weights_of(third.fingerprint) == generator.fingerprint
    assert third.embeddings.weight is generator.embeddings.weight
    assert torch.equal(third.label, torch.tensor([0.0, 0.0, 1.0, 0.0]))
    again = generator.of_class(torch.eye(4)[2])
    assert torch.equal(again.synthesize(z).image, third.synthesize(z).image)
    mixed = generator.of_class([0.5, 0.0, 0.5, 0.0]).synthesize(z).image
    assert not torch.equal(mixed, image)


@pytest.mark.parametrize("which", [-1, 4, [1.0, 0.0], [float("nan"), 0.0, 0.0, 0.0]])
def test_classes_that_there_are_not_are_refused(which: int | Sequence[float]) -> None:
    with pytest.raises(BadSetting, match="class"):
        tiny_generator().of_class(which)


def test_attention_looks_at_all_positions() -> None:
    torch.manual_seed(0)
    attention = Attention(6, AttentionSize(2, 3))
    with torch.no_grad():
        attention.gamma.fill_(0.7)
        x = torch.randn(1, 6, 4, 4)
        query = attention.snconv1x1_theta(x)[0]
        key = F.max_pool2d(attention.snconv1x1_phi(x), 2)[0].flatten(1)
        value = F.max_pool2d(attention.snconv1x1_g(x), 2)[0].flatten(1)
        seen = torch.zeros(1, 3, 4, 4)
        for i in range(4):
            for j in range(4):
                seen[0, :, i, j] = value @ (query[:, i, j] @ key).softmax(dim=0)
        expected = x + 0.7 * attention.snconv1x1_o_conv(seen)
        torch.testing.assert_close(attention(x), expected)


def test_spectral_norms_are_divided_out() -> None:
    config = tiny_config()
    tensors = random_tensors(config)
    generator = from_checkpoint(settings_of(config), tensors, name="tiny")
    key = "generator.layers.0.conv_1.weight"
    weight, u, v = (tensors[key + suffix] for suffix in ("_orig", "_u", "_v"))
    sigma = u @ weight.reshape(len(weight), -1) @ v
    torch.testing.assert_close(generator.state_dict()[key], weight / sigma)
    # Weights without the norm are taken as they are.
    again = from_checkpoint(settings_of(config), generator.state_dict(), name="again")
    assert again.fingerprint == generator.fingerprint


def test_missing_and_misshapen_tensors_are_named() -> None:
    config = tiny_config(layers=LAYERS[1:3])
    told, tensors = settings_of(config), random_tensors(config)
    for key in tensors:
        rest = {name: value for name, value in tensors.items() if name != key}
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint(told, rest, name="x")
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint(told, tensors | {key: torch.tensor(1.0)}, name="x")
        # A weight is known by its name without the norm once that is divided out.
        name = repr(key.removesuffix("_orig")).rstrip("'")
        with pytest.raises(BadFile, match=re.escape(name)):
            from_checkpoint(told, tensors | {key: torch.zeros(1, 2, 1, 2, 1)}, name="x")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "do not say in `layers`"),
        ({"layers": 3}, "do not say in `layers`"),
        ({"layers": [[], [], []]}, "do not say in `layers`"),
        ({"layers": [[1, 2, 3]] * 3}, "do not say in `layers`"),
        ({"layers": [[True, 1, 1]]}, "list 1 blocks, but its weights have 3"),
        ({"layers": [[False, 1, 1]] * 3, "eps": -1}, "'eps'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(told: dict[str, Any], words: str) -> None:
    with pytest.raises(BadFile, match=words):
        from_checkpoint(told, random_tensors(tiny_config()), name="x")


def test_epsilon_is_that_of_the_settings() -> None:
    config = tiny_config()
    tensors = random_tensors(config)
    z = torch.randn(1, 5)
    made = [
        from_checkpoint(settings_of(config) | more, tensors, name="x").synthesize(z).image
        for more in ({}, {"eps": 1e-4}, {"eps": 0.5})
    ]
    assert torch.equal(made[0], made[1])
    assert not torch.allclose(made[0], made[2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"z_dim": 0}, "z_dim 0"),
        ({"inputs": 0}, "inputs 0"),
        ({"outputs": 2}, "outputs 2.*at least 3"),
        ({"statistics": 1}, "statistics 1.*at least 2"),
        ({"layers": (BlockSize(2, 9, False),)}, "9 feature maps of 8"),
    ],
)
def test_sizes_that_no_biggan_has_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadFile, match=words):
        tiny_config(**changes)


def test_layers_without_feature_maps_are_refused() -> None:
    for make in (lambda: BlockSize(0, 1, False), lambda: AttentionSize(1, 0)):
        with pytest.raises(BadFile, match="without feature maps"):
            make()
