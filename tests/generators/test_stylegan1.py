from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile, BadSetting
from eclipsed.generators.seeds import noise_maps
from eclipsed.generators.stylegan1 import (
    StyleGAN1,
    StyleGAN1Config,
    UpConv,
    from_checkpoint,
)
from eclipsed.types import Generator, Noise, Space
from tests.golden import assert_golden, golden_arrays, golden_case, golden_file

SPACES: tuple[Space, ...] = ("z", "w", "w+", "s")


def golden_io() -> dict[str, Tensor]:
    return golden_arrays(golden_case("stylegan1")["files"]["io"])


def golden_port() -> dict[str, Tensor]:
    """The file of the port: no noise maps, and an average latent of zeros."""
    path = golden_file(golden_case("stylegan1")["files"]["file"])
    tensors: dict[str, Tensor] = torch.load(path, weights_only=True)
    return tensors


def golden_original() -> dict[str, Tensor]:
    """The TensorFlow file that the port's was made of, which has both."""
    path = golden_file(golden_case("stylegan1")["files"]["tf_file"])
    return dict(read_checkpoint(path).tensors)


def near(actual: Tensor, expected: Tensor) -> None:
    assert_golden(actual, expected, rtol=2e-4, scale=2e-4)


def test_w_styles_and_images_without_noise_equal_the_original() -> None:
    io = golden_io()
    generator = from_checkpoint({}, golden_port(), name="port")
    w = generator.from_z(io["in.z"], space="w")
    # The port repeats w 18 times whatever the resolution.
    near(w.expand(18, -1)[None], io["out.w"])
    near(generator.synthesize(w, "w", noise="none").image, io["out.image.zero_noise"])

    layers = generator.layers("s")
    styles = generator.convert(io["in.wplus"].flatten(1), "w+", "s")
    for i, style in enumerate(styles.split([layer.width for layer in layers], dim=1)):
        near(style, io[f"wplus.style.{i}"].flatten(1))


def test_truncation_equals_the_original() -> None:
    io = golden_io()
    average = {"truncation.avg_latent": io["dlatent_avg"]}
    generator = from_checkpoint({}, golden_port() | average, name="port")
    w = generator.from_z(io["in.z"], truncation=0.7, space="w")
    near(w.expand(18, -1)[None], io["out.w.psi0.7"])


def test_images_and_features_with_the_files_noise_equal_the_original() -> None:
    io = golden_io()
    generator = from_checkpoint({}, golden_original(), name="original")
    for tag, psi in (("", 1.0), (".psi0.7", 0.7)):
        image = generator.synthesize(generator.from_z(io["in.z"], truncation=psi)).image
        near(image, io[f"out.image.file_noise{tag}"])

    made = generator.synthesize(io["in.wplus"].flatten(1), features=generator.feature_names)
    near(made.image, io["wplus.image.file_noise"])
    compared = [key for key in io if key.endswith(".stylized")]
    for key in compared:
        near(made.features[key.split(".")[1]], io[key])
    assert len(compared) == 10


def test_a_file_without_the_average_is_truncated_towards_zero_as_in_the_port() -> None:
    io, original = golden_io(), golden_original()
    maps = {key: value for key, value in original.items() if key.endswith("noise.noise")}
    assert len(maps) == 12
    generator = from_checkpoint({}, golden_port() | maps, name="port")
    image = generator.synthesize(generator.from_z(io["in.z"], truncation=0.7)).image
    near(image, io["out.image.file_noise.psi0.7_port_without_average"])


# --- without the golden data --------------------------------------------------------------------

CHANNELS = {4: 6, 8: 5, 16: 4}


def tiny_tensors(seed: int = 0, **changes: Any) -> dict[str, Tensor]:
    """Random weights, 16×16; biases and noise weights are not zero, so that swaps would show."""
    torch.manual_seed(seed)
    config = StyleGAN1Config(**{"channels": CHANNELS, "mapping": (10, 7, 8), **changes})
    return {
        key: value if key.endswith("kernel") else value + 0.3 * torch.randn_like(value)
        for key, value in StyleGAN1(config).state_dict().items()
    }


def tiny_generator(seed: int = 0, **changes: Any) -> StyleGAN1:
    return from_checkpoint({}, tiny_tensors(seed, **changes), name="tiny")


@settings(max_examples=40)
@given(
    channels=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    n=st.integers(1, 3),
)
def test_any_small_network_makes_images(channels: list[int], widths: list[int], n: int) -> None:
    sizes = {4 << i: count for i, count in enumerate(channels)}
    generator = tiny_generator(channels=sizes, mapping=tuple(widths))
    assert isinstance(generator, Generator)
    assert (generator.z_dim, generator.w_dim) == (widths[0], widths[-1])
    assert generator.resolution == 2 << len(channels)
    latents = generator.sample(range(n))
    assert latents.shape == (n, 2 * len(channels) * widths[-1])
    made = generator.synthesize(latents, features=generator.feature_names)
    assert made.image.shape == (n, 3, generator.resolution, generator.resolution)
    assert bool(made.image.isfinite().all())
    for i, name in enumerate(generator.feature_names):
        size = 4 << i // 2
        assert made.features[name].shape == (n, sizes[size], size, size)


def test_w_depends_on_the_direction_of_z_only() -> None:
    generator = tiny_generator()
    z = generator.sample([1], space="z")
    torch.testing.assert_close(
        generator.from_z(3 * z, space="w"), generator.from_z(z, space="w"), rtol=1e-4, atol=1e-6
    )


def test_the_mapping_has_its_gain_before_the_bias() -> None:
    tensors = tiny_tensors(mapping=(10, 8))
    generator = from_checkpoint({"mapping_multiplier": 0.1}, tensors, name="tiny")
    z = torch.randn(2, 10)
    unit = z / z.square().mean(dim=1, keepdim=True).sqrt()
    weight, bias = tensors["g_mapping.dense0.weight"], tensors["g_mapping.dense0.bias"]
    expected = F.leaky_relu(unit @ weight.t() * (0.1 * (2 / 10) ** 0.5) + 0.1 * bias, 0.2)
    torch.testing.assert_close(generator.from_z(z, space="w"), expected)
    default = from_checkpoint({}, tensors, name="tiny").from_z(z, space="w")
    torch.testing.assert_close(default, expected / 10)


def test_styles_are_named_after_the_layers_they_drive() -> None:
    widths = {layer.name: layer.width for layer in tiny_generator().layers("s")}
    assert widths == {f"{r}x{r}_{half}": 2 * CHANNELS[r] for r in CHANNELS for half in (0, 1)}


def test_a_style_is_the_scale_less_one_then_the_shift() -> None:
    generator = tiny_generator()
    styles = generator.sample([1], space="s")
    styles[:, :12] = torch.cat([torch.full((6,), 2.0), torch.arange(6.0)])
    made = generator.synthesize(styles, "s", features=("layer_0",)).features["layer_0"]
    torch.testing.assert_close(made.mean(dim=(0, 2, 3)), torch.arange(6.0), rtol=1e-4, atol=1e-4)
    deviation = made.std(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(deviation, torch.full((6,), 3.0), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("row", range(6))
def test_a_row_of_wplus_changes_its_layer_and_what_follows(row: int) -> None:
    generator = tiny_generator()
    names = generator.feature_names
    latents = generator.sample([5])
    moved = latents.clone()
    moved[:, 8 * row : 8 * (row + 1)] += 1.0
    before, after = (generator.synthesize(x, features=names) for x in (latents, moved))
    same = [torch.equal(before.features[n], after.features[n]) for n in names]
    assert same == [index < row for index in range(6)]
    assert not torch.equal(before.image, after.image)


def test_upsampling_is_doubled_pixels_convolved_and_blurred() -> None:
    up, fused = UpConv(3, 2, size=8), UpConv(3, 2, size=128)
    with torch.no_grad():
        up.bias.copy_(torch.tensor([0.5, -1.0]))
        fused.bias.copy_(up.bias)
        fused.weight.copy_(up.weight.flip(2, 3))
        x = torch.randn(2, 3, 5, 5)
        gain = (2 / 27) ** 0.5
        literal = F.conv2d(F.interpolate(x, scale_factor=2), up.weight * gain, padding=1)
        taps = torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 1.0])) / 16
        literal = F.conv2d(literal, taps.expand(2, 1, 3, 3), padding=1, groups=2)
        literal = literal + up.bias[:, None, None]
        torch.testing.assert_close(up(x), literal, rtol=1e-4, atol=1e-5)
        # From 128 pixels up the trained kernel is that of a transposed convolution.
        torch.testing.assert_close(fused(x), literal, rtol=1e-4, atol=1e-5)


def test_noise_is_constant_absent_or_seeded() -> None:
    generator = tiny_generator()
    latents = generator.sample([1, 2])
    choices: tuple[Noise, ...] = ("const", "none", 3, 4)
    images = [generator.synthesize(latents, noise=noise).image for noise in choices]
    for i, image in enumerate(images):
        assert torch.equal(image, generator.synthesize(latents, noise=choices[i]).image)
        assert all(not torch.equal(image, other) for other in images[:i])
    # Seeded maps differ from image to image, and do not depend on how many there are.
    alike = latents[:1].repeat(2, 1)
    first, second = generator.synthesize(alike, noise=3).image
    assert not torch.allclose(first, second)
    torch.testing.assert_close(generator.synthesize(alike[:1], noise=3).image[0], first)
    with pytest.raises(BadSetting, match="-1 is not a seed"):
        generator.synthesize(latents, noise=-1)


def test_maps_of_layers_differ() -> None:
    maps = torch.cat([noise_maps(5, layer, 2, 4) for layer in range(3)]).flatten(1)
    assert len(maps.unique(dim=0)) == 6


def test_a_file_without_noise_maps_gets_those_of_seed_0() -> None:
    tensors = tiny_tensors()
    maps = [key for key in tensors if key.endswith("noise.noise")]
    assert len(maps) == 6
    bare = {key: value for key, value in tensors.items() if key not in maps}
    generator = from_checkpoint({}, bare, name="bare")
    latents = generator.sample([1])
    image = generator.synthesize(latents).image
    assert torch.equal(image, generator.synthesize(latents, noise=0).image)
    assert generator.fingerprint == from_checkpoint({}, bare, name="bare").fingerprint
    with pytest.raises(BadFile, match=re.escape(maps[2])):
        from_checkpoint({}, bare | {key: tensors[key] for key in maps if key != maps[2]}, name="x")


def test_missing_and_misshapen_tensors_are_named() -> None:
    tensors = tiny_tensors()
    for key in tensors:
        if not key.endswith(("kernel", "noise.noise")):
            rest = {name: value for name, value in tensors.items() if name != key}
            with pytest.raises(BadFile, match=re.escape(repr(key))):
                from_checkpoint({}, rest, name="x")
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint({}, tensors | {key: torch.zeros(1, 2, 1, 2, 1)}, name="x")


def test_tensors_without_use_are_ignored_and_numbers_are_float32() -> None:
    tensors = {key: value.half() for key, value in tiny_tensors().items()}
    kernels = [key for key in tensors if key.endswith("kernel")]
    assert len(kernels) == 2
    generator = from_checkpoint({}, tensors | {"extra": torch.zeros(2)}, name="tiny")
    assert {value.dtype for value in generator.state_dict().values()} == {torch.float32}
    bare = {key: value for key, value in tensors.items() if key not in kernels}
    assert from_checkpoint({}, bare, name="tiny").fingerprint == generator.fingerprint


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ({}, "at least one block"),
        ({4: 2, 8: 0}, "without feature maps"),
        ({4: 2, 16: 2}, "without a gap"),
        ({2: 2, 4: 2}, "without a gap"),
        ({4 << i: 1 for i in range(10)}, "2048 pixels"),
    ],
)
def test_sizes_that_no_stylegan1_has_are_refused(channels: dict[int, int], words: str) -> None:
    with pytest.raises(BadFile, match=words):
        StyleGAN1Config(channels=channels, mapping=(2, 2))


def test_what_is_no_stylegan1_is_refused() -> None:
    with pytest.raises(BadFile, match=r"g_mapping\.dense0\.weight"):
        from_checkpoint({}, {}, name="x")
    with pytest.raises(BadFile, match="mapping_multiplier"):
        from_checkpoint({"mapping_multiplier": "fast"}, tiny_tensors(), name="x")
