from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.errors import BadFile, UnknownName
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.types import Space
from tests.golden import assert_near, golden_arrays, golden_case

SKIP_CASES = ("ada_skip32", "ada_skip64_clamp", "ada_skip64_w512", "ada_square32", "sg3repo_skip32")
UNSUPPORTED = {
    "ada_resnet32": "the resnet architecture is not supported",
    "ada_cond32": "class-conditional generators are not supported",
}


def golden_config(case: dict[str, Any]) -> StyleGAN2Config:
    numbers = {**case["config"], **case["config"].get("synthesis_kwargs", {})}
    size = numbers["img_resolution"]
    return StyleGAN2Config(
        resolution=size,
        channels={
            2**k: min(numbers["channel_base"] // 2**k, numbers["channel_max"])
            for k in range(2, size.bit_length())
        },
        z_dim=numbers["z_dim"],
        w_dim=numbers["w_dim"],
        mapping_layers=numbers["mapping_kwargs"]["num_layers"],
        conv_clamp=float(clamp) if (clamp := numbers.get("conv_clamp")) else None,
    )


def golden_generator(name: str) -> StyleGAN2:
    case = golden_case(name)
    return StyleGAN2.from_tensors(golden_arrays(case["files"]["weights"]), golden_config(case))


def golden_io(name: str) -> dict[str, Tensor]:
    return golden_arrays(golden_case(name)["files"]["io"])


@pytest.mark.parametrize("name", SKIP_CASES)
@pytest.mark.parametrize(
    ("tag", "psi", "cutoff"), [("psi1", 1.0, None), ("psi0.7", 0.7, None), ("psi0.7_cut4", 0.7, 4)]
)
def test_mapping_and_images_equal_the_original(
    name: str, tag: str, psi: float, cutoff: int | None
) -> None:
    generator, io = golden_generator(name), golden_io(name)
    latents = generator.from_z(io["in.z"], truncation=psi, cutoff=cutoff)
    assert_near(latents, io[f"out.ws.{tag}"].flatten(1))
    assert_near(generator.synthesize(latents).image, io[f"out.image.const.{tag}"])
    if f"out.image.none.{tag}" in io:
        image = generator.synthesize(latents, noise="none").image
        assert_near(image, io[f"out.image.none.{tag}"])


@pytest.mark.parametrize("name", SKIP_CASES)
def test_features_styles_and_image_of_different_rows_equal_the_original(name: str) -> None:
    generator, io = golden_generator(name), golden_io(name)
    latents = io["in.wplus"].flatten(1)
    made = generator.synthesize(latents, features=generator.feature_names)
    compared = 0
    for key, expected in io.items():
        if key.startswith("wplus.layer_"):
            assert_near(made.features[key.split(".")[1]], expected)
            compared += 1
    assert compared == len(generator.feature_names) - 1
    assert_near(made.image, io["wplus.image.const"])
    assert_near(generator.synthesize(latents, noise="none").image, io["wplus.image.none"])

    layers = generator.layers("s")
    styles = generator.convert(latents, "w+", "s").split([layer.width for layer in layers], dim=1)
    for layer, style in zip(layers, styles, strict=True):
        kind = "style_rgb" if layer.name.endswith("torgb") else "style"
        assert_near(style, io[f"wplus.{kind}.{layer.name}"])
    again = generator.synthesize(torch.cat(styles, dim=1), space="s")
    assert_near(again.image, io["wplus.image.const"])


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_unsupported_originals_are_refused(name: str) -> None:
    with pytest.raises(BadFile):
        golden_generator(name)


# --- without the golden data --------------------------------------------------------------------


def tiny_generator(seed: int = 0, **changes: Any) -> StyleGAN2:
    """Random weights, 16×16; biases and noise strengths are not zero, so that swaps would show."""
    torch.manual_seed(seed)
    numbers: dict[str, Any] = {"channels": {4: 6, 8: 5, 16: 4}, "z_dim": 10, "w_dim": 8}
    config = StyleGAN2Config(resolution=16, **{**numbers, "mapping_layers": 2, **changes})
    network = StyleGAN2(config, name="tiny")
    tensors = {
        key: value if key.endswith("filter") else value + 0.1 * torch.randn_like(value)
        for key, value in network.state_dict().items()
    }
    return StyleGAN2.from_tensors(tensors, config, name="tiny")


def test_sampling_is_one_random_state_per_seed() -> None:
    generator = tiny_generator()
    z = torch.from_numpy(np.random.RandomState(7).randn(10)).float()[None]
    one = generator.sample([7])
    torch.testing.assert_close(one, generator.from_z(z, truncation=0.7))
    torch.testing.assert_close(generator.sample([3, 7])[1:], one)


def test_truncation_zero_is_the_mean_and_a_cutoff_spares_the_later_rows() -> None:
    generator = tiny_generator()
    mean = generator.mapping.w_avg.repeat(generator.num_ws)
    torch.testing.assert_close(generator.sample([1], truncation=0.0)[0], mean)
    z = torch.randn(2, 10)
    cut = generator.from_z(z, truncation=0.3, cutoff=2)
    torch.testing.assert_close(cut[:, :16], generator.from_z(z, truncation=0.3)[:, :16])
    torch.testing.assert_close(cut[:, 16:], generator.from_z(z)[:, 16:])


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
def test_one_image_in_every_space(space: Space) -> None:
    generator = tiny_generator()
    z = torch.randn(2, 10)
    latents = generator.from_z(z, truncation=0.7, space=space)
    assert latents.shape[1] == sum(layer.width for layer in generator.layers(space))
    image = generator.synthesize(latents, space=space, truncation=0.7).image
    expected = generator.synthesize(generator.from_z(z, truncation=0.7)).image
    torch.testing.assert_close(image, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("row", range(6))
def test_a_row_of_wplus_changes_its_convolution_and_what_follows(row: int) -> None:
    generator = tiny_generator()
    names = generator.feature_names
    latents = generator.sample([5])
    moved = latents.clone()
    moved[:, 8 * row : 8 * (row + 1)] += 1.0
    before, after = (generator.synthesize(x, features=names) for x in (latents, moved))
    same = [bool((before.features[n] == after.features[n]).all()) for n in names]
    # Row k drives convolution k, whose output is feature k + 1; the last row only the last toRGB.
    assert same == [index <= row for index in range(6)]
    assert not bool((before.image == after.image).all())


def test_gradients_reach_latents_but_no_weight() -> None:
    generator = tiny_generator()
    latents = generator.sample([1, 2]).requires_grad_()
    generator.synthesize(latents).image.square().sum().backward()
    assert latents.grad is not None
    assert bool((latents.grad.view(2, 6, 8).abs().sum(dim=2) > 0).all())
    assert all(not p.requires_grad for p in generator.parameters())


def test_the_fingerprint_tells_weights_apart() -> None:
    assert tiny_generator().fingerprint == tiny_generator().fingerprint
    assert tiny_generator().fingerprint != tiny_generator(seed=1).fingerprint


def test_what_does_not_exist_is_refused() -> None:
    generator = tiny_generator()
    with pytest.raises(UnknownName):
        generator.convert(generator.sample([1]), "w+", "w")
    with pytest.raises(UnknownName):
        generator.synthesize(generator.sample([1]), features=("layer_9",))
    tensors = dict(generator.state_dict())
    del tensors["synthesis.b8.conv0.weight"]
    with pytest.raises(BadFile, match=r"b8\.conv0\.weight"):
        StyleGAN2.from_tensors(tensors, generator.config)


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
def test_latents_of_a_space_are_as_wide_as_its_layers(space: Space) -> None:
    generator = tiny_generator()
    layers = generator.layers(space)
    assert len({layer.name for layer in layers}) == len(layers)
    assert generator.sample([1], space=space).shape == (1, sum(layer.width for layer in layers))


def test_styles_are_named_after_the_layers_they_drive() -> None:
    widths = {layer.name: layer.width for layer in tiny_generator().layers("s")}
    assert widths == {
        "b4.conv1": 6,
        "b4.torgb": 6,
        "b8.conv0": 6,
        "b8.conv1": 5,
        "b8.torgb": 5,
        "b16.conv0": 5,
        "b16.conv1": 4,
        "b16.torgb": 4,
    }


def test_converting_in_one_step_or_several_is_the_same() -> None:
    generator = tiny_generator()
    z = generator.sample([1, 2], space="z")
    w = generator.convert(z, "z", "w", truncation=0.6)
    plus = generator.convert(w, "w", "w+")
    s = generator.convert(plus, "w+", "s")
    torch.testing.assert_close(generator.convert(z, "z", "w+", truncation=0.6), plus)
    torch.testing.assert_close(generator.convert(z, "z", "s", truncation=0.6), s)
    torch.testing.assert_close(generator.convert(w, "w", "s"), s)
    assert generator.convert(s, "s", "s") is s
    torch.testing.assert_close(plus, w.repeat(1, generator.num_ws))


@pytest.mark.parametrize(("source", "target"), [("w", "z"), ("w+", "w"), ("s", "w+"), ("s", "z")])
def test_there_is_no_way_back(source: Space, target: Space) -> None:
    generator = tiny_generator()
    with pytest.raises(UnknownName, match="cannot be turned back"):
        generator.convert(generator.sample([1], space=source), source, target)


def test_unknown_spaces_are_refused() -> None:
    layers = inspect.unwrap(StyleGAN2.layers)  # past the check of types that the tests add
    with pytest.raises(UnknownName, match="Choose one of z, w"):
        layers(tiny_generator(), "x")  # type: ignore[arg-type]


def test_features_are_kept_on_request_only() -> None:
    generator = tiny_generator()
    latents = generator.sample([1])
    assert generator.synthesize(latents).features == {}
    made = generator.synthesize(latents, features=("layer_0", "layer_3"))
    sizes = {name: tuple(feature.shape) for name, feature in made.features.items()}
    assert sizes == {"layer_0": (1, 6, 4, 4), "layer_3": (1, 5, 8, 8)}
    with pytest.raises(UnknownName, match="layer_0 to layer_5"):
        generator.synthesize(latents, features=("layer_6",))


def test_noise_can_be_left_out() -> None:
    generator = tiny_generator()
    latents = generator.sample([1])
    const, none = (generator.synthesize(latents, noise=noise).image for noise in ("const", "none"))
    assert not torch.equal(const, none)
    assert torch.equal(const, generator.synthesize(latents).image)


def test_tensors_without_use_are_ignored_and_wrong_shapes_refused() -> None:
    generator = tiny_generator()
    tensors = dict(generator.state_dict())
    more = StyleGAN2.from_tensors(tensors | {"extra": torch.zeros(2)}, generator.config)
    assert more.fingerprint == generator.fingerprint
    half = {key: value.half() for key, value in tensors.items()}
    again = StyleGAN2.from_tensors(half, generator.config)
    assert {value.dtype for value in again.state_dict().values()} == {torch.float32}
    filters = [key for key in tensors if key.endswith("resample_filter")]
    without = {key: value for key, value in tensors.items() if key not in filters}
    assert len(filters) == 8
    assert StyleGAN2.from_tensors(without, generator.config).fingerprint == generator.fingerprint
    with pytest.raises(BadFile, match=r"\[3\], but this StyleGAN2 needs \[8\]"):
        StyleGAN2.from_tensors(tensors | {"mapping.w_avg": torch.zeros(3)}, generator.config)


@pytest.mark.parametrize("resolution", [0, 2, 24, 100])
def test_sizes_that_no_stylegan2_has_are_refused(resolution: int) -> None:
    with pytest.raises(BadFile, match=f"resolution {resolution}"):
        StyleGAN2Config(resolution=resolution, channels={})


def test_every_resolution_needs_channels() -> None:
    with pytest.raises(BadFile, match=r"\[8\]"):
        StyleGAN2Config(resolution=16, channels={4: 2, 16: 2})
