from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.errors import BadFile, BadSetting
from eclipsed.generators.stylegan3 import (
    StyleGAN3,
    StyleGAN3Config,
    from_checkpoint,
    lowpass,
    signals,
)
from eclipsed.types import weights_of
from tests.golden import assert_golden, golden_arrays, golden_case

CASES = ("sg3_t32", "sg3_r32", "sg3_t64_14layers")


def golden_generator(name: str) -> tuple[StyleGAN3, dict[str, Tensor]]:
    case = golden_case(name)
    tensors = golden_arrays(case["files"]["weights"])
    generator = from_checkpoint(case["config"], tensors, name=name)
    return generator, golden_arrays(case["files"]["io"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("tag", "psi", "cutoff"), [("psi1", 1.0, None), ("psi0.7", 0.7, None), ("psi0.7_cut4", 0.7, 4)]
)
def test_mapping_and_images_equal_the_original(
    name: str, tag: str, psi: float, cutoff: int | None
) -> None:
    generator, io = golden_generator(name)
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
    if f"out.image.{tag}" in io:
        assert_golden(generator.synthesize(latents).image, io[f"out.image.{tag}"])


@pytest.mark.parametrize("name", CASES)
def test_features_styles_and_image_of_different_rows_equal_the_original(name: str) -> None:
    generator, io = golden_generator(name)
    names = golden_case(name)["layer_names"]
    latents = io["in.wplus"].flatten(1)
    made = generator.synthesize(latents, features=generator.feature_names)
    assert_golden(made.features["layer_0"], io["wplus.input"])
    for i, layer in enumerate(names):
        assert_golden(made.features[f"layer_{i + 1}"], io[f"wplus.layer.{layer}"])
    assert_golden(made.image, io["wplus.image"])

    layers = generator.layers("s")
    assert [layer.name for layer in layers] == ["input", *names]
    styles = generator.convert(latents, "w+", "s").split([layer.width for layer in layers], dim=1)
    for layer, style in zip(names, styles[1:], strict=True):
        assert_golden(style, io[f"wplus.affine.{layer}"])
    again = generator.synthesize(torch.cat(styles, dim=1), space="s")
    assert_golden(again.image, io["wplus.image"])


@pytest.mark.parametrize("name", CASES)
def test_the_users_transform_equals_the_original(name: str) -> None:
    generator, io = golden_generator(name)
    generator.synthesis.input.transform.copy_(io["in.transform"])
    made = generator.synthesize(io["in.wplus"].flatten(1), features=("layer_0",))
    assert_golden(made.features["layer_0"], io["transformed.input"])
    assert_golden(made.image, io["transformed.image"])


@pytest.mark.parametrize("name", CASES)
def test_the_design_equals_the_original(name: str) -> None:
    case = golden_case(name)
    tensors = golden_arrays(case["files"]["weights"])
    bare = {key: value for key, value in tensors.items() if not key.endswith("_filter")}
    designed = from_checkpoint(case["config"], bare, name=name)
    state = designed.state_dict()
    assert state.keys() == tensors.keys()
    for key in tensors.keys() - bare.keys():
        torch.testing.assert_close(state[key], tensors[key], rtol=1e-5, atol=1e-7)
    for layer, expected in case["layers"].items():
        made = designed.synthesis.layer(layer)
        assert [made.up, made.down] == [expected["up_factor"], expected["down_factor"]]
        assert list(made.padding) * 2 == expected["padding"]
    assert [s.size for s in signals(designed.config)] == [
        x["out_size"][0] for x in case["layers"].values()
    ]


# --- without the golden data --------------------------------------------------------------------


def tiny_generator(seed: int = 0, **changes: Any) -> StyleGAN3:
    """Random weights, 16×16; no buffer or bias is what it starts as, so that swaps would show."""
    torch.manual_seed(seed)
    numbers: dict[str, Any] = {"resolution": 16, "channels": (6, 5, 5, 4, 3), "z_dim": 10}
    config = StyleGAN3Config(**{**numbers, "w_dim": 8, "margin_size": 4, **changes})
    network = StyleGAN3(config, name="tiny")
    tensors = {
        key: value
        if key.endswith(("filter", "transform"))
        else value + 0.1 * torch.rand_like(value)
        for key, value in network.state_dict().items()
    }
    tensors["synthesis.input.affine.bias"] = torch.tensor([1.0, 0.1, 0.05, -0.05])
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def still_generator(**changes: Any) -> StyleGAN3:
    """32×32, and the learned transform moves nothing."""
    generator = tiny_generator(resolution=32, channels=(8, 8, 8, 8, 8, 6, 3), **changes)
    generator.synthesis.input.affine.weight.zero_()
    generator.synthesis.input.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    return generator


@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize("pixels", [2, 4])
def test_details_move_with_the_image(radial: bool, pixels: int) -> None:
    kernel = 1 if radial else 3
    generator = still_generator(margin_size=10, use_radial_filters=radial, conv_kernel=kernel)
    latents = generator.sample([1])
    before = generator.synthesize(latents).image
    # The inverse of the matrix that shifts to the right by a part of the canvas.
    generator.synthesis.input.transform[0, 2] = -pixels / 32
    after = generator.synthesize(latents).image
    moved, still = after[..., 6:-6, 6 + pixels : -6], before[..., 6:-6, 6 : -6 - pixels]
    spread = float(before.std())
    torch.testing.assert_close(moved, still, rtol=0, atol=1e-3 * spread)
    assert float((after - before).abs().max()) > 0.1 * spread


def test_r_turns_with_its_input() -> None:
    generator = still_generator(margin_size=10, use_radial_filters=True, conv_kernel=1)
    latents = generator.sample([1])
    before = generator.synthesize(latents).image
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    generator.synthesis.input.transform.copy_(turn)
    after = generator.synthesize(latents).image
    torch.testing.assert_close(after, before.rot90(1, (2, 3)), rtol=1e-3, atol=1e-4)


@given(
    widths=st.lists(st.integers(1, 5), min_size=3, max_size=6),
    exponent=st.integers(3, 6),
    margin=st.integers(0, 6),
    depth=st.integers(1, 3),
    classes=st.sampled_from([0, 3]),
    radial=st.booleans(),
    critical=st.integers(0, 2),
    taps=st.integers(1, 6),
)
@settings(max_examples=25)
def test_any_small_network_runs_and_its_weights_tell_its_sizes(
    widths: list[int],
    exponent: int,
    margin: int,
    depth: int,
    classes: int,
    radial: bool,
    critical: int,
    taps: int,
) -> None:
    size = 2**exponent
    generator = tiny_generator(
        resolution=size,
        channels=(*widths, 3),
        margin_size=margin,
        mapping_layers=depth,
        c_dim=classes,
        use_radial_filters=radial,
        conv_kernel=1 if radial else 3,
        num_critical=critical,
        filter_size=taps,
    )
    made = generator.synthesize(generator.sample([1, 2]), features=generator.feature_names)
    assert made.image.shape == (2, 3, size, size)
    assert bool(made.image.isfinite().all())
    sizes = [s.size for s in signals(generator.config)]
    assert [f.shape[-1] for f in made.features.values()] == [sizes[0], *sizes]
    design = {"margin_size": margin, "num_critical": critical, "filter_size": taps}
    told = from_checkpoint(
        design | {"use_radial_filters": radial}, generator.state_dict(), name="x"
    )
    assert told.config == generator.config
    again = told.synthesize(generator.sample([1, 2])).image
    torch.testing.assert_close(again, made.image, rtol=0, atol=0)


@pytest.mark.parametrize("row", range(6))
def test_a_row_of_wplus_changes_its_layer_and_what_follows(row: int) -> None:
    generator = tiny_generator()
    names = generator.feature_names
    latents = generator.sample([5])
    moved = latents.clone()
    moved[:, 8 * row : 8 * (row + 1)] += 1.0
    before, after = (generator.synthesize(x, features=names) for x in (latents, moved))
    same = [bool((before.features[n] == after.features[n]).all()) for n in names]
    assert same == [index < row for index in range(6)]
    assert not bool((before.image == after.image).all())


def test_a_class_changes_the_image_and_shares_the_weights() -> None:
    generator = tiny_generator(c_dim=3)
    second = generator.of_class(1)
    assert not torch.allclose(second.sample([1]), generator.sample([1]))
    assert torch.equal(generator.of_class([1.0, 0.0, 0.0]).sample([1]), generator.sample([1]))
    assert weights_of(second.fingerprint) == generator.fingerprint
    with pytest.raises(BadSetting, match="no class 3"):
        generator.of_class(3)
    with pytest.raises(BadSetting, match="no classes"):
        tiny_generator().of_class(0)


def test_the_last_feature_is_the_image_before_its_scale() -> None:
    generator = tiny_generator()
    made = generator.synthesize(generator.sample([1]), features=("layer_0", "layer_5"))
    assert {k: tuple(v.shape) for k, v in made.features.items()} == {
        "layer_0": (1, 6, 24, 24),
        "layer_5": (1, 3, 16, 16),
    }
    torch.testing.assert_close(made.features["layer_5"] * 0.25, made.image)


def test_the_clamp_holds_everywhere() -> None:
    generator = tiny_generator(conv_clamp=0.02)
    free = tiny_generator(conv_clamp=None)
    made = generator.synthesize(generator.sample([1]), features=generator.feature_names)
    assert float(made.features["layer_5"].abs().max()) == pytest.approx(0.02)
    # The low-pass filter after the clamp may ring a little.
    assert max(float(made.features[f"layer_{i}"].abs().max()) for i in range(1, 5)) < 0.04
    assert float(free.synthesize(free.sample([1])).image.abs().max()) > 0.25 * 0.02


def test_autocast_computes_in_bfloat16_and_nearly_the_same() -> None:
    generator = tiny_generator()
    latents = generator.sample([1, 2])
    exact = generator.synthesize(latents).image
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = generator.synthesize(latents, features=("layer_3",))
    assert made.features["layer_3"].dtype == torch.bfloat16
    assert made.image.dtype == torch.float32
    assert float((made.image - exact).abs().max()) < 0.1 * float(exact.abs().max())


# --- filters -------------------------------------------------------------------------------------


@given(
    taps=st.integers(2, 40),
    cutoff=st.floats(1.0, 20.0),
    width=st.floats(0.5, 20.0),
    radial=st.booleans(),
)
def test_lowpass_filters_sum_to_one_and_are_symmetric(
    taps: int, cutoff: float, width: float, radial: bool
) -> None:
    made = lowpass(taps, cutoff=cutoff, width=width, rate=64.0, radial=radial)
    assert made.shape == ((taps, taps) if radial else (taps,))
    assert bool(made.isfinite().all())
    torch.testing.assert_close(made.sum(), torch.tensor(1.0))
    torch.testing.assert_close(made, made.flip(0))
    if radial:
        torch.testing.assert_close(made, made.rot90())


def test_lowpass_filters_equal_scipys_design() -> None:
    firwin = pytest.importorskip("scipy.signal").firwin
    for taps, cutoff, width in ((12, 2.0, 8.0), (24, 5.0, 3.0), (37, 11.0, 1.0), (9, 3.0, 0.1)):
        expected = firwin(numtaps=taps, cutoff=cutoff, width=width, fs=64.0)
        made = lowpass(taps, cutoff=cutoff, width=width, rate=64.0)
        torch.testing.assert_close(made, torch.from_numpy(expected).float())


# --- checkpoints ---------------------------------------------------------------------------------

DESIGN = {"margin_size": 4}


def test_every_tensor_but_the_filters_is_needed_and_named_when_it_is_missing() -> None:
    tensors = dict(tiny_generator(c_dim=2).state_dict())
    needed = [key for key in tensors if not key.endswith("_filter")]
    assert len(needed) > 30
    for key in needed:
        fewer = {k: v for k, v in tensors.items() if k != key}
        with pytest.raises(BadFile, match=re.escape(repr(key))):
            from_checkpoint(DESIGN, fewer, name="x")


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("mapping.w_avg", [3]),
        ("synthesis.input.freqs", [6, 3]),
        ("synthesis.L0_24_6.weight", [6, 6]),
        ("synthesis.L1_24_5.up_filter", [3]),
        ("synthesis.L4_16_3.bias", [1]),
    ],
)
def test_a_misshapen_tensor_is_named(key: str, shape: list[int]) -> None:
    tensors = dict(tiny_generator().state_dict())
    assert key in tensors
    with pytest.raises(BadFile, match=re.escape(repr(key))):
        from_checkpoint(DESIGN, tensors | {key: torch.zeros(shape)}, name="x")


def test_a_whole_layer_that_is_missing_is_named() -> None:
    tensors = dict(tiny_generator().state_dict())
    fewer = {key: value for key, value in tensors.items() if ".L2_" not in key}
    with pytest.raises(BadFile, match="layer L2"):
        from_checkpoint(DESIGN, fewer, name="x")
    none = {key: value for key, value in tensors.items() if ".L" not in key}
    with pytest.raises(BadFile, match="layer L0"):
        from_checkpoint(DESIGN, none, name="x")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("img_resolution", 4),
        ("img_resolution", 32),
        ("img_resolution", 10**9),
        ("margin_size", 5),
        ("margin_size", -1),
        ("num_critical", 4),
        ("conv_kernel", 1),
        ("filter_size", 0),
        ("filter_size", 1000),
        ("lrelu_upsampling", "2"),
        ("first_cutoff", 0.0),
        ("first_cutoff", 5.0),
        ("first_stopband", 100.0),
        ("last_stopband_rel", 0.5),
        ("use_radial_filters", True),
        ("conv_clamp", -1),
        ("output_scale", float("nan")),
    ],
)
def test_settings_that_do_not_fit_the_tensors_are_refused(key: str, value: Any) -> None:
    tensors = dict(tiny_generator().state_dict())
    with pytest.raises(BadFile):
        from_checkpoint(DESIGN | {key: value}, tensors, name="x")


def test_networks_without_colours_are_refused() -> None:
    with pytest.raises(BadFile, match="have 5 channels"):
        StyleGAN3Config(16, (4, 4, 4, 5))


def test_settings_of_the_file_count() -> None:
    tensors = dict(tiny_generator().state_dict())
    latents = tiny_generator().sample([1])
    plain = from_checkpoint(DESIGN | {"num_fp16_res": 4}, tensors, name="plain")
    assert plain.name == "plain"
    assert plain.config.conv_clamp == 256
    image = plain.synthesize(latents).image
    louder = from_checkpoint(DESIGN | {"output_scale": 0.5}, tensors, name="x")
    torch.testing.assert_close(louder.synthesize(latents).image, image * 2)
    slower = from_checkpoint(DESIGN | {"lr_multiplier": 0.02}, tensors, name="x")
    assert not torch.allclose(slower.sample([1]), latents)
    free = from_checkpoint(DESIGN | {"conv_clamp": None}, tensors, name="x")
    assert free.config.conv_clamp is None
    stored = {k: v * 0.5 if k.endswith("down_filter") else v for k, v in tensors.items()}
    quieter = from_checkpoint(DESIGN, stored, name="x")
    assert not torch.allclose(quieter.synthesize(latents).image, image)
