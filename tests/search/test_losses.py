from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.search import losses
from eclipsed.search.losses import (
    alignment,
    cap_norms,
    cascade_masks,
    clip_loss,
    combine_masks,
    correlation_loss,
    encoder_pixels,
    fraction_inside,
    localization_loss,
    pixel_change,
    pooling_matrix,
    resize_for_encoder,
)
from tests.golden import golden_arrays, skip_left_out

DISTANCES = {"L2": "l2", "L1": "l1", "cos": "cosine"}
RESOLUTIONS = (4, 8, 8, 16, 16, 32, 32, 64, 64)


# --- against the original code ---------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 64, 128])
def test_clip_loss_equals_the_original(size: int) -> None:
    inputs, case = golden_arrays("losses/inputs.npz"), golden_arrays("losses/clip.npz")
    if f"{size}.raw" not in case:
        skip_left_out(f"losses/clip.npz at {size} pixels")
    raw = case[f"{size}.raw"].clone().requires_grad_()
    pixels = encoder_pixels(raw, size=224, norm="batch", mean=(0.0,) * 3, std=(1.0,) * 3)
    sample = pixels[:, :, 5::16, 3::16]
    torch.testing.assert_close(sample, case[f"{size}.clip_input_sample"], rtol=1e-4, atol=1e-5)
    embeddings = F.adaptive_avg_pool2d(pixels, 7).flatten(1) @ inputs["clip_matrix"]
    torch.testing.assert_close(embeddings, case[f"{size}.image_features"], rtol=1e-4, atol=1e-5)
    loss = clip_loss(embeddings, inputs["text_features"])
    torch.testing.assert_close(loss, case[f"{size}.loss"], rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad(loss, raw)
    expected = case[f"{size}.grad_raw"]
    atol = 1e-4 * float(expected.abs().max())
    torch.testing.assert_close(gradient[:1], expected, rtol=0, atol=atol)


def golden_masks(how: str) -> Tensor:
    inputs = golden_arrays("losses/inputs.npz")
    before, after = (
        torch.isin(inputs[f"labels_{which}"][:, 0], inputs["part_ids"]).float()
        for which in ("old", "new")
    )
    return combine_masks(before, after, how)


@pytest.mark.parametrize("how", ["average", "union", "intersection"])
def test_masks_equal_the_original(how: str) -> None:
    case = golden_arrays("losses/localization.npz")
    masks = cascade_masks(golden_masks(how), [(size, size) for size in RESOLUTIONS])
    for size, mask in zip(RESOLUTIONS, masks, strict=True):
        torch.testing.assert_close(mask, case[f"mask.{how}.{size}"][:, 0], rtol=1e-4, atol=1e-6)


def test_localization_loss_equals_the_original_in_every_variant() -> None:
    inputs, case = golden_arrays("losses/inputs.npz"), golden_arrays("losses/localization.npz")
    layers = [i for i in range(1, 10) if f"old_{i}" in inputs]
    assert len(layers) >= 5  # the small part of the golden data lacks the large layers
    before = {f"layer_{i}": inputs[f"old_{i}"] for i in layers}
    variants = [key.removesuffix(".total") for key in case if key.endswith(".total")]
    assert len(variants) == 24
    for variant in variants:
        after = {f"layer_{i}": inputs[f"new_{i}"].clone().requires_grad_() for i in layers}
        _, loss_name, how, mode = variant.split(".")
        mask, distance = golden_masks(how), DISTANCES[loss_name]
        loss = localization_loss(before, after, mask, distance=distance, mode=mode)
        per_layer = case[f"{variant}.per_layer"]
        torch.testing.assert_close(per_layer.mean(), case[f"{variant}.total"], rtol=1e-4, atol=1e-6)
        used = per_layer[: len(layers)]
        torch.testing.assert_close(loss, used.mean(), rtol=1e-4, atol=1e-6)
        for place, expected in enumerate(used):
            alone = [float(place == other) for other in range(len(layers))]
            one = localization_loss(
                before, after, mask, distance=distance, mode=mode, weights=alone
            )
            torch.testing.assert_close(one, expected, rtol=1e-4, atol=1e-6)
        (loss * len(layers) / len(per_layer)).backward()
        for i in layers:
            if f"{variant}.grad_new_{i}" in case:
                gradient = after[f"layer_{i}"].grad
                torch.testing.assert_close(
                    gradient, case[f"{variant}.grad_new_{i}"], rtol=1e-4, atol=1e-6
                )


def test_correlation_loss_equals_the_original() -> None:
    case = golden_arrays("losses/correlation.npz")
    for name in ("K1", "K2", "K3"):
        directions = case[f"{name}.ws"].clone().requires_grad_()
        loss = correlation_loss(directions, [16])
        torch.testing.assert_close(loss, case[f"{name}.loss"], rtol=1e-5, atol=1e-6)
        if directions.shape[0] > 1:
            loss.backward()
            torch.testing.assert_close(directions.grad, case[f"{name}.grad"], rtol=1e-5, atol=1e-6)
    for name, widths in (("W+", [8] * 10), ("W", [8]), ("Z", [8])):
        loss = correlation_loss(case[f"{name}.dirs"].flatten(1), widths)
        torch.testing.assert_close(loss, case[f"{name}.loss"], rtol=1e-5, atol=1e-6)


# --- the paper's losses, without the golden data -----------------------------------------------


@pytest.mark.parametrize(("height", "width", "target"), [(8, 8, 5), (6, 10, 7), (16, 16, 16)])
def test_resizing_equals_enlarging_and_pooling(height: int, width: int, target: int) -> None:
    images = torch.randn(2, 3, height, width)
    enlarged = F.interpolate(images, scale_factor=8, mode="nearest")
    expected = F.adaptive_avg_pool2d(enlarged, target)
    torch.testing.assert_close(resize_for_encoder(images, target), expected)


@given(st.integers(1, 40), st.integers(1, 40))
def test_every_row_of_the_pooling_matrix_is_an_average(source: int, target: int) -> None:
    matrix = pooling_matrix(source, target)
    assert matrix.shape == (target, source)
    assert bool((matrix >= 0).all())
    torch.testing.assert_close(matrix.sum(dim=1), torch.ones(target))


def test_encoder_pixels_use_the_mean_and_std_of_the_unit_image() -> None:
    images = torch.full((2, 3, 8, 8), 0.5)
    pixels = encoder_pixels(
        images, size=4, norm="encoder", mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 1.0)
    )
    torch.testing.assert_close(pixels[0, :, 0, 0], torch.tensor([0.5, 2.0, 0.75]))


def test_saturated_pixels_get_no_gradient() -> None:
    images = torch.tensor([[0.0, 1.5], [-1.5, 0.5]]).expand(1, 3, 2, 2).clone().requires_grad_()
    encoder_pixels(images, size=2, norm="encoder", mean=(0.0,) * 3, std=(1.0,) * 3).sum().backward()
    assert images.grad is not None
    flat = images.grad[0, 0].flatten()
    assert flat[1] == 0
    assert flat[2] == 0
    assert bool((flat[[0, 3]] > 0).all())


def test_clip_loss_is_zero_for_the_text_and_two_for_its_opposite() -> None:
    text = torch.tensor([0.6, 0.8])
    assert clip_loss(torch.stack([text, 2 * text]), text) == pytest.approx(0.0, abs=1e-6)
    assert clip_loss(-text[None], text) == pytest.approx(2.0)


@pytest.mark.parametrize("strip", [1, 50, 2**19])
def test_changes_in_strips_leave_nothing_out(monkeypatch: pytest.MonkeyPatch, strip: int) -> None:
    monkeypatch.setattr(losses, "_STRIP", strip)
    before, after = torch.randn(2, 3, 7, 5), torch.randn(2, 3, 7, 5)
    changed = losses.feature_change(before, after, "l2")
    torch.testing.assert_close(changed, (after - before).square().mean(dim=1))


@given(st.integers(0, 2**31), st.sampled_from(["l2", "l1", "cosine"]))
def test_localization_is_a_share_and_its_modes_add_up(seed: int, distance: str) -> None:
    random = torch.Generator().manual_seed(seed)
    before, after = (
        {f"layer_{i}": torch.randn(2, 3, 4 * i, 4 * i, generator=random) for i in (1, 2)}
        for _ in range(2)
    )
    mask = (torch.rand(2, 8, 8, generator=random) > 0.5).float()
    inside = localization_loss(before, after, mask, distance=distance)
    outside = localization_loss(before, after, mask, distance=distance, mode="background")
    assert -1.0 <= float(inside) <= 0.0
    assert float(inside + outside) == pytest.approx(-1.0, abs=1e-4)


def test_localization_does_not_depend_on_the_size_of_the_change() -> None:
    before = {"layer_1": torch.zeros(1, 2, 8, 8)}
    change = torch.randn(1, 2, 8, 8)
    mask = (torch.rand(1, 8, 8) > 0.5).float()
    small = localization_loss(before, {"layer_1": change}, mask)
    large = localization_loss(before, {"layer_1": 30 * change}, mask)
    torch.testing.assert_close(small, large, rtol=1e-4, atol=1e-5)


def test_nothing_changed_is_no_share_at_all() -> None:
    assert fraction_inside(torch.zeros(1, 4, 4), torch.ones(1, 4, 4)) == 0


def test_the_unedited_features_carry_no_gradient() -> None:
    before = {"layer_1": torch.randn(1, 2, 4, 4, requires_grad=True)}
    after = {"layer_1": torch.randn(1, 2, 4, 4, requires_grad=True)}
    localization_loss(before, after, torch.rand(1, 4, 4)).backward()
    assert before["layer_1"].grad is None
    assert after["layer_1"].grad is not None


@given(st.integers(0, 2**31), st.integers(2, 4))
def test_correlation_is_zero_for_orthogonal_rows_and_blind_to_length(seed: int, k: int) -> None:
    random = torch.Generator().manual_seed(seed)
    rows = torch.linalg.qr(torch.randn(8, k, generator=random))[0].t()
    assert float(correlation_loss(rows * 3.0, [8])) == pytest.approx(0.0, abs=1e-5)
    same = rows[:1].expand(2, -1) * torch.tensor([[1.0], [5.0]])
    assert float(correlation_loss(same, [8])) == pytest.approx(0.5, abs=1e-5)


# --- method default's ------------------------------------------------------------------------


def test_the_yield_is_the_directional_cosine_of_moves_beyond_the_noise() -> None:
    text, other = torch.eye(8)[0] * 3.0, torch.eye(8)[1]
    moves = torch.stack([text, -text, text / 3 + other, other]) * 100.0
    expected = torch.tensor([1.0, -1.0, 2**-0.5, 0.0])
    torch.testing.assert_close(alignment(moves, text), expected, rtol=0, atol=2e-3)


@given(st.integers(0, 2**31), st.floats(0.01, 10.0))
def test_the_yield_rises_with_a_move_and_falls_when_other_things_move_too(
    seed: int, size: float
) -> None:
    random = torch.Generator().manual_seed(seed)
    text = torch.randn(8, generator=random)
    along = size * F.normalize(text, dim=0)
    aside = torch.randn(8, generator=random)
    aside = aside - (aside @ text) / (text @ text) * text
    moves = torch.stack([along, 1.5 * along, along + aside])
    short, long, mixed = alignment(moves, text).tolist()
    assert short == pytest.approx(size / (size + 0.1), rel=1e-3)
    assert 0.0 < mixed < short < long < 1.0


def test_the_yield_has_a_finite_gradient_where_nothing_moved() -> None:
    moves = torch.zeros(2, 8, requires_grad=True)
    alignment(moves, torch.randn(8)).sum().backward()
    assert moves.grad is not None
    assert bool(moves.grad.isfinite().all())
    assert bool((moves.grad != 0).any())


def test_pixel_change_is_that_of_the_shown_image() -> None:
    before = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    after = torch.tensor([0.5, 7.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    assert pixel_change(before, after).flatten().tolist() == [0.5, 0.0]


@given(st.integers(0, 2**31), st.floats(0.1, 5.0))
def test_capped_layers_never_exceed_the_cap_and_keep_their_direction(seed: int, cap: float) -> None:
    vector = torch.randn(2, 7, generator=torch.Generator().manual_seed(seed))
    capped = cap_norms(vector, [3, 4], [cap, 1e9])
    assert float(capped[:, :3].norm(dim=1).max()) <= cap * (1 + 1e-5)
    torch.testing.assert_close(capped[:, 3:], vector[:, 3:])
    cosine = F.cosine_similarity(capped[:, :3], vector[:, :3], dim=1)
    torch.testing.assert_close(cosine, torch.ones(2))
    assert float(cap_norms(torch.zeros(1, 7), [3, 4], [cap, cap]).abs().max()) == 0
