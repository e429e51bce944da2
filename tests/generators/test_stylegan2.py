from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.errors import BadFile, BadSetting, UnknownName
from eclipsed.generators import stylegan2
from eclipsed.generators.stylegan2 import (
    Architecture,
    Block,
    StyledConv,
    StyleGAN2,
    StyleGAN2Config,
    from_checkpoint,
)
from eclipsed.types import weights_of
from tests.golden import assert_golden, golden_arrays, golden_case

CASES = (
    "ada_cond32",
    "ada_resnet32",
    "ada_skip32",
    "ada_skip64_clamp",
    "ada_skip64_w512",
    "ada_square32",
    "sg3repo_skip32",
)


def golden_config(case: dict[str, Any]) -> dict[str, Any]:
    """The original's nested settings as `from_checkpoint` takes them."""
    numbers = {**case["config"], **case["config"].get("synthesis_kwargs", {})}
    return numbers | {"mapping_layers": numbers["mapping_kwargs"]["num_layers"]}


def golden_generator(name: str) -> StyleGAN2:
    case = golden_case(name)
    tensors = golden_arrays(case["files"]["weights"])
    return from_checkpoint(golden_config(case), tensors, name=name)


def golden_io(name: str) -> dict[str, Tensor]:
    return golden_arrays(golden_case(name)["files"]["io"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("tag", "psi", "cutoff"), [("psi1", 1.0, None), ("psi0.7", 0.7, None), ("psi0.7_cut4", 0.7, 4)]
)
def test_mapping_and_images_equal_the_original(
    name: str, tag: str, psi: float, cutoff: int | None
) -> None:
    generator, io = golden_generator(name), golden_io(name)
    labels = io.get("in.c", [None] * len(io["in.z"]))
    latents = torch.cat(
        [
            (generator if label is None else generator.of_class(label)).from_z(
                z[None], truncation=psi, cutoff=cutoff
            )
            for z, label in zip(io["in.z"], labels, strict=True)
        ]
    )
    assert_golden(latents, io[f"out.ws.{tag}"].flatten(1))
    assert_golden(generator.synthesize(latents).image, io[f"out.image.const.{tag}"])
    if f"out.image.none.{tag}" in io:
        image = generator.synthesize(latents, noise="none").image
        assert_golden(image, io[f"out.image.none.{tag}"])


@pytest.mark.parametrize("name", CASES)
def test_features_styles_and_image_of_different_rows_equal_the_original(name: str) -> None:
    generator, io = golden_generator(name), golden_io(name)
    latents = io["in.wplus"].flatten(1)
    made = generator.synthesize(latents, features=generator.feature_names)
    compared = 0
    for key, expected in io.items():
        if key.startswith("wplus.layer_"):
            assert_golden(made.features[key.split(".")[1]], expected)
            compared += 1
    assert compared == len(generator.feature_names) - 1
    assert_golden(made.image, io["wplus.image.const"])
    assert_golden(generator.synthesize(latents, noise="none").image, io["wplus.image.none"])

    layers = generator.layers("s")
    styles = generator.convert(latents, "w+", "s").split([layer.width for layer in layers], dim=1)
    for layer, style in zip(layers, styles, strict=True):
        kind = "style_rgb" if layer.name.endswith("torgb") else "style"
        assert_golden(style, io[f"wplus.{kind}.{layer.name}"])
    assert len(layers) == sum(key.startswith("wplus.style") for key in io)
    again = generator.synthesize(torch.cat(styles, dim=1), space="s")
    assert_golden(again.image, io["wplus.image.const"])


@pytest.mark.parametrize("name", CASES)
def test_the_shapes_tell_what_the_settings_need_not(name: str) -> None:
    case = golden_case(name)
    tensors = golden_arrays(case["files"]["weights"])
    clamp = {"conv_clamp": golden_config(case).get("conv_clamp")}
    told = from_checkpoint(clamp, tensors, name=name)
    assert told.config == golden_generator(name).config
    assert told.fingerprint == golden_generator(name).fingerprint


def test_styles_of_the_other_convention_equal_the_other_original() -> None:
    name = "ada_square32"
    generator, io = golden_generator(name), golden_io(name)
    layers = generator.layers("s")
    styles = generator.convert(io["in.wplus"].flatten(1), "w+", "s")
    for layer, style in zip(layers, styles.split([x.width for x in layers], dim=1), strict=True):
        affine = generator.synthesis.get_submodule(f"{layer.name}.affine")
        row = {key: row for key, _, row in generator.synthesis.style_layers()}[layer.name]
        # The original's toRGB gives the affine's output as it is.
        gain = layer.width**-0.5 if layer.name.endswith("torgb") else 1.0
        assert_golden(style / gain, affine(io["in.wplus"][:, row]))


# --- without the golden data --------------------------------------------------------------------


def tiny_generator(seed: int = 0, **changes: Any) -> StyleGAN2:
    """Random weights, 16×16; biases and noise strengths are not zero, so that swaps would show."""
    torch.manual_seed(seed)
    numbers: dict[str, Any] = {"channels": {4: 6, 8: 5, 16: 4}, "z_dim": 10, "w_dim": 8}
    config = StyleGAN2Config(**{"resolution": 16, **numbers, "mapping_layers": 2, **changes})
    network = StyleGAN2(config, name="tiny")
    tensors = {
        key: value if key.endswith("filter") else value + 0.1 * torch.randn_like(value)
        for key, value in network.state_dict().items()
    }
    return StyleGAN2.from_tensors(tensors, config, name="tiny")


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


# --- architectures -------------------------------------------------------------------------------

ARCHITECTURES: tuple[Architecture, ...] = ("skip", "resnet", "orig")


@given(
    architecture=st.sampled_from(ARCHITECTURES),
    exponent=st.integers(2, 5),
    widths=st.lists(st.integers(1, 5), min_size=4, max_size=4),
    depth=st.integers(1, 4),
    classes=st.sampled_from([0, 3]),
    taps=st.sampled_from([(1.0,), (1.0, 1.0), (1.0, 2.0, 1.0), (1.0, 3.0, 3.0, 1.0)]),
    clamp=st.sampled_from([None, 0.7]),
)
@settings(max_examples=30)
def test_any_small_network_runs_and_its_weights_tell_its_sizes(
    architecture: Architecture,
    exponent: int,
    widths: list[int],
    depth: int,
    classes: int,
    taps: tuple[float, ...],
    clamp: float | None,
) -> None:
    size = 2**exponent
    generator = tiny_generator(
        resolution=size,
        channels=dict(zip([4, 8, 16, 32][: exponent - 1], widths, strict=False)),
        architecture=architecture,
        mapping_layers=depth,
        mapping_width=7,
        c_dim=classes,
        embed_width=5 if classes else None,
        resample_filter=taps,
        conv_clamp=clamp,
    )
    made = generator.synthesize(generator.sample([1, 2]), features=generator.feature_names)
    assert made.image.shape == (2, 3, size, size)
    assert bool(made.image.isfinite().all())
    sides = [4, *(s for s in (4, 8, 8, 16, 16, 32, 32)[: 2 * exponent - 3])]
    assert [f.shape[-1] for f in made.features.values()] == sides
    told = from_checkpoint({"conv_clamp": clamp}, generator.state_dict(), name="told")
    again = told.synthesize(generator.sample([1, 2])).image
    torch.testing.assert_close(again, made.image, rtol=0, atol=0)
    torch.testing.assert_close(told.sample([1, 2]), generator.sample([1, 2]), rtol=0, atol=0)


def test_orig_makes_colours_at_the_last_resolution_only() -> None:
    skip, orig = tiny_generator(), tiny_generator(architecture="orig")
    assert [x.name for x in orig.layers("s")][-3:] == ["b16.conv0", "b16.conv1", "b16.torgb"]
    assert len(orig.layers("s")) == len(skip.layers("s")) - 2
    tensors = dict(skip.state_dict())
    for size in (4, 8):
        for key in ("weight", "bias"):
            name = f"synthesis.b{size}.torgb.{key}"
            tensors[name] = torch.zeros_like(tensors[name])
    dark = StyleGAN2.from_tensors(tensors, skip.config)
    same = StyleGAN2.from_tensors(tensors, orig.config)
    torch.testing.assert_close(
        same.synthesize(skip.sample([3])).image, dark.synthesize(skip.sample([3])).image
    )


def test_a_resnet_block_adds_its_shortcut_after_the_feature_is_kept() -> None:
    resnet = tiny_generator(architecture="resnet", resolution=8, channels={4: 6, 8: 5})
    latents = resnet.sample([3])
    tensors = dict(resnet.state_dict())
    tensors["synthesis.b8.skip.weight"] = torch.zeros(5, 6, 1, 1)
    cut = StyleGAN2.from_tensors(tensors, resnet.config)
    names = resnet.feature_names
    full, bare = (g.synthesize(latents, features=names) for g in (resnet, cut))
    for name in names:
        torch.testing.assert_close(full.features[name], bare.features[name], rtol=0, atol=0)
    assert not torch.allclose(full.image, bare.image)
    # Both paths are scaled by √½, so that their sum keeps its variance.
    plain = {k: v for k, v in tensors.items() if ".skip." not in k}
    orig = from_checkpoint({"architecture": "orig"}, plain, name="orig")
    expected = orig.synthesize(latents, features=names).features["layer_3"] * 0.5**0.5
    torch.testing.assert_close(bare.features["layer_3"], expected)


def test_the_clamp_holds_everywhere_and_scales_with_a_blocks_gain() -> None:
    generator = tiny_generator(architecture="resnet", conv_clamp=0.25)
    made = generator.synthesize(generator.sample([1]), features=generator.feature_names)
    reached = [float(made.features[f"layer_{i}"].abs().max()) for i in range(1, 6)]
    half = 0.25 * 0.5**0.5
    assert reached == pytest.approx([0.25, 0.25, half, 0.25, half])
    orig = tiny_generator(architecture="orig", conv_clamp=0.01)
    assert float(orig.synthesize(orig.sample([1])).image.abs().max()) == pytest.approx(0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9])
def test_filters_of_any_length_double_the_size_as_the_original_does(count: int) -> None:
    taps = torch.rand(count) + 0.1
    taps = taps / taps.sum()
    config = StyleGAN2Config(8, {4: 6, 8: 5}, w_dim=8, resample_filter=tuple(taps.tolist()))
    x = torch.randn(2, 6, 7, 7)
    zeros = torch.zeros(2, 6, 7, 2, 7, 2)
    zeros[:, :, :, 0, :, 0] = x
    square = (torch.outer(taps, taps) * 4).flip(0, 1).expand(6, 1, -1, -1)

    def filtered(margin: int) -> Tensor:
        front, back = (count + 1) // 2 + margin, (count - 2) // 2 + margin
        padded = F.pad(zeros.view(2, 6, 14, 14), (front, back, front, back))
        return F.conv2d(padded, square, groups=6)

    block = Block(6, 5, config=config, size=8)
    torch.testing.assert_close(block.upsample(x), filtered(0), rtol=1e-4, atol=1e-5)
    conv = StyledConv(6, 5, config=config, size=14, up=True)
    made = conv(x, torch.ones(2, 6), None)
    demod = conv.weight.square().sum(dim=(1, 2, 3)).rsqrt()
    expected = F.conv2d(filtered(1), conv.weight.flip(2, 3)) * demod[:, None, None]
    expected = F.leaky_relu(expected, 0.2) * 2**0.5
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)


# --- noise ---------------------------------------------------------------------------------------


def test_seeded_noise_is_the_same_every_time_and_differs_from_image_to_image() -> None:
    generator = tiny_generator()
    latents = generator.sample([1]).repeat(3, 1)
    image = generator.synthesize(latents, noise=5).image
    assert torch.equal(image, generator.synthesize(latents, noise=5).image)
    for other in ("const", "none", 6):
        assert not torch.equal(image, generator.synthesize(latents, noise=other).image)
    assert not torch.allclose(image[0], image[1])
    # The first images of a larger batch keep their noise.
    few = generator.synthesize(latents[:2], noise=5).image
    torch.testing.assert_close(few, image[:2], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_number_that_is_no_seed_is_refused(seed: int) -> None:
    generator = tiny_generator()
    with pytest.raises(BadSetting, match="is not a seed"):
        generator.synthesize(generator.sample([1]), noise=seed)
    with pytest.raises(BadSetting, match="is not a seed"):
        generator.sample([seed])


# --- classes -------------------------------------------------------------------------------------


def test_a_class_changes_the_image_and_shares_the_weights() -> None:
    generator = tiny_generator(c_dim=3, embed_width=4)
    images = [
        generator.of_class(i).synthesize(generator.of_class(i).sample([1])).image for i in (0, 1)
    ]
    assert not torch.allclose(images[0], images[1])
    assert torch.equal(generator.synthesize(generator.sample([1])).image, images[0])
    second = generator.of_class(1)
    assert weights_of(second.fingerprint) == generator.fingerprint
    assert second.synthesis is generator.synthesis
    assert generator.label.tolist() == [1.0, 0.0, 0.0]
    mixed = generator.of_class([0.0, 1.0, 0.0])
    assert torch.equal(mixed.sample([1]), second.sample([1]))
    # Latents past the mapping carry their class with them.
    latents = second.sample([1])
    assert torch.equal(generator.synthesize(latents).image, images[1])


def test_the_embedding_is_normalised_apart_from_z() -> None:
    generator = tiny_generator(c_dim=3)
    tensors = dict(generator.state_dict())
    for key in ("mapping.embed.weight", "mapping.embed.bias"):
        tensors[key] = tensors[key] * 7
    louder = StyleGAN2.from_tensors(tensors, generator.config)
    torch.testing.assert_close(louder.sample([1]), generator.sample([1]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("which", [-1, 3, [1.0, 0.0], [float("nan"), 0.0, 0.0]])
def test_classes_that_do_not_exist_are_refused(which: Any) -> None:
    with pytest.raises(BadSetting, match="class"):
        tiny_generator(c_dim=3).of_class(which)
    with pytest.raises(BadSetting, match="no classes"):
        tiny_generator().of_class(which)


# --- checkpoints ---------------------------------------------------------------------------------


def tiny_tensors(**changes: Any) -> dict[str, Tensor]:
    return dict(tiny_generator(**changes).state_dict())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_tensor_is_needed_and_named_when_it_is_missing(architecture: Architecture) -> None:
    tensors = tiny_tensors(architecture=architecture, c_dim=2)
    optional = ("resample_filter", "mapping.w_avg", "noise_const")
    needed = [key for key in tensors if not key.endswith(optional)]
    assert len(needed) > 30
    for key in needed:
        fewer = {k: v for k, v in tensors.items() if k != key}
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint({}, fewer, name="x")


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("mapping.fc0.weight", [3]),
        ("synthesis.b4.const", [6, 4, 5]),
        ("synthesis.b8.conv1.weight", [5]),
        ("synthesis.b16.torgb.weight", [1, 4, 1, 1]),
    ],
)
def test_a_misshapen_tensor_is_named(key: str, shape: list[int]) -> None:
    with pytest.raises(BadFile, match=re.escape(repr(key))):
        from_checkpoint({}, tiny_tensors() | {key: torch.zeros(shape)}, name="x")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("img_resolution", 24),
        ("img_resolution", 32),
        pytest.param("img_resolution", 10**5000, id="endless"),
        ("img_resolution", "16"),
        ("z_dim", 11),
        ("c_dim", -1),
        ("mapping_layers", 3),
        ("mapping_layers", True),
        ("architecture", "unet"),
        ("architecture", "resnet"),
        ("conv_clamp", -1.0),
        ("conv_clamp", float("nan")),
        ("lr_multiplier", "fast"),
    ],
)
def test_settings_that_do_not_fit_the_tensors_are_refused(key: str, value: Any) -> None:
    with pytest.raises(BadFile):
        from_checkpoint({key: value}, tiny_tensors(), name="x")


@pytest.mark.parametrize("taps", [[], [0.0], "1331", ["a"], [float("inf")], [1.0] * 65])
def test_filters_that_are_none_are_refused(taps: Any) -> None:
    tensors = {k: v for k, v in tiny_tensors().items() if not k.endswith("resample_filter")}
    with pytest.raises(BadFile, match="resample_filter"):
        from_checkpoint({"resample_filter": taps}, tensors, name="x")


def test_a_stored_filter_counts_more_than_the_setting() -> None:
    tensors = tiny_tensors(resample_filter=(1.0, 2.0, 1.0))
    made = from_checkpoint({"resample_filter": [1, 3, 3, 1]}, tensors, name="x")
    assert made.config.resample_filter == pytest.approx((0.25, 0.5, 0.25))
    bare = {k: v for k, v in tensors.items() if not k.endswith("resample_filter")}
    again = from_checkpoint({"resample_filter": [1, 2, 1]}, bare, name="x")
    assert again.fingerprint == made.fingerprint


def test_unknown_settings_are_ignored_and_the_multiplier_counts() -> None:
    tensors = tiny_tensors()
    plain = from_checkpoint({"num_fp16_res": 4, "z_dim": None}, tensors, name="plain")
    assert plain.name == "plain"
    assert torch.equal(plain.sample([1]), tiny_generator().sample([1]))
    other = from_checkpoint({"lr_multiplier": 0.02}, tensors, name="x")
    assert not torch.allclose(other.sample([1]), plain.sample([1]))


@pytest.mark.parametrize("classes", [0, 2])
def test_a_missing_average_is_the_mean_of_many_seeds(classes: int) -> None:
    generator = tiny_generator(c_dim=classes)
    tensors = dict(generator.state_dict())
    del tensors["mapping.w_avg"]
    made = from_checkpoint({}, tensors, name="x")
    bound = [generator.of_class(i) for i in range(classes)] or [generator]
    each = [g.sample(range(3000), truncation=1.0, space="w").mean(dim=0) for g in bound]
    expected = torch.stack(each).mean(dim=0)
    spread = generator.sample(range(200), truncation=1.0, space="w").std(dim=0)
    assert bool(((made.mapping.w_avg - expected).abs() < 0.1 * spread).all())
    # What a machine adds up in its own order is no part of who the generator is.
    made.mapping.w_avg.add_(1e-6)
    assert made.fingerprint == from_checkpoint({}, tensors, name="x").fingerprint


def test_autocast_computes_in_bfloat16_and_nearly_the_same() -> None:
    generator = tiny_generator(architecture="resnet")
    latents = generator.sample([1, 2])
    exact = generator.synthesize(latents).image
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = generator.synthesize(latents, features=("layer_3",))
        torch.testing.assert_close(generator.sample([1, 2]), latents, rtol=0.1, atol=0.05)
    assert made.features["layer_3"].dtype == torch.bfloat16
    assert made.image.dtype == torch.float32
    assert float((made.image - exact).abs().max()) < 0.05 * float(exact.abs().max())


@pytest.mark.parametrize("clamp", [None, 0.7])
@pytest.mark.parametrize("noise", ["const", "none", 3])
@pytest.mark.parametrize("taps", [(1.0, 3.0, 3.0, 1.0), (1.0, 2.0, 1.0), (1.0, 1.0)])
def test_frozen_weights_change_neither_images_nor_gradients(
    clamp: float | None, noise: Any, taps: tuple[float, ...]
) -> None:
    """The path for weights that are not trained against plain automatic differentiation."""
    generator = tiny_generator(5, conv_clamp=clamp, resample_filter=taps)
    styles = generator.sample([1, 2], truncation=1.0, space="s")
    names = generator.feature_names[1:]
    seen = []
    for trained in (False, True):
        generator.requires_grad_(trained)
        moving = styles.clone().requires_grad_()
        made = generator.synthesize(moving, "s", noise=noise, features=names)
        loss = (made.image * made.image.detach().cos()).mean()
        loss = loss + sum(made.features[name].square().mean() for name in names)
        (gradient,) = torch.autograd.grad(loss, moving)
        seen.append((made.image.detach(), gradient))
    torch.testing.assert_close(seen[0][0], seen[1][0], rtol=1e-5, atol=1e-5)
    scale = float(seen[1][1].abs().max())
    torch.testing.assert_close(seen[0][1], seen[1][1], rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("strip", [1, 100, 2**19])
def test_sums_in_strips_leave_nothing_out(monkeypatch: pytest.MonkeyPatch, strip: int) -> None:
    monkeypatch.setattr(stylegan2, "_STRIP", strip)
    x, y, noise = torch.randn(2, 3, 7, 5), torch.randn(2, 3, 7, 5), torch.randn(7, 5)
    torch.testing.assert_close(stylegan2._dot(x, y), (x * y).sum(dim=(2, 3)))
    torch.testing.assert_close(stylegan2._dot(x, noise), (x * noise).sum(dim=(2, 3)))
    # In bfloat16 the sum itself would lose what float32 keeps.
    ones = torch.ones(1, 1, 40, 40, dtype=torch.bfloat16)
    assert float(stylegan2._dot(ones, torch.ones(1))) == 1600.0
    assert stylegan2._dot(ones, torch.ones(1)).dtype == torch.float32


def test_an_image_can_end_at_an_earlier_resolution() -> None:
    whole = tiny_generator(conv_clamp=4.0)
    assert whole.stops == (4, 8)
    early = tiny_generator(resolution=8, conv_clamp=4.0)
    own = early.state_dict()
    early.load_state_dict({name: whole.state_dict()[name] for name in own})
    z = whole.sample([1, 2], space="z")
    styles = whole.convert(z, "z", "s", truncation=0.7)
    width = sum(layer.width for layer in early.layers("s"))
    ended = whole.synthesize(styles, "s", features=["layer_3"], resolution=8)
    expected = early.synthesize(styles[:, :width], "s", features=["layer_3"])
    torch.testing.assert_close(ended.image, expected.image, rtol=0.0, atol=0.0)
    torch.testing.assert_close(ended.features["layer_3"], expected.features["layer_3"])
    same = whole.synthesize(styles, "s", resolution=16).image
    torch.testing.assert_close(same, whole.synthesize(styles, "s").image, rtol=0.0, atol=0.0)


def test_where_an_image_cannot_end_is_said() -> None:
    whole = tiny_generator()
    latent = whole.sample([1])
    with pytest.raises(BadSetting, match=r"no image of 12 pixels\. It makes such of 4, 8, 16\."):
        whole.synthesize(latent, resolution=12)
    with pytest.raises(BadSetting, match="layer_5 comes later than 8 pixels"):
        whole.synthesize(latent, features=["layer_5"], resolution=8)
    resnet = tiny_generator(architecture="resnet")
    assert resnet.stops == ()
    with pytest.raises(BadSetting, match="no image of 8 pixels"):
        resnet.synthesize(latent, resolution=8)
