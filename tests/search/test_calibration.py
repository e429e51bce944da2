from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.search import calibration
from eclipsed.search.calibration import (
    FEWEST,
    LIMIT,
    MARGIN,
    MULTIPLES,
    UNREALISTIC,
    alignment_curve,
    calibrate,
    lacking,
    lengths_of,
    range_of,
    unit_of,
)
from eclipsed.search.pool import View
from eclipsed.testing import fake_world, patch_vector
from eclipsed.types import World


def test_the_unit_is_where_the_yield_has_nearly_come_to_its_greatest() -> None:
    curve = torch.tensor([[0.2, 0.6, 1.0, 0.9], [0.2, 0.6, 1.0, 0.9]])
    # 90 % lies three quarters of the way from the second to the third multiple.
    assert unit_of(curve, (1.0, 2.0, 3.0, 4.0)) == pytest.approx(2.75)
    assert unit_of(curve / 7, (1.0, 2.0, 3.0, 4.0)) == pytest.approx(2.75)


def test_without_any_yield_the_scale_is_left_alone() -> None:
    assert unit_of(torch.zeros(2, 3), (1.0, 2.0, 3.0)) == 1.0
    assert unit_of(-torch.ones(2, 3), (1.0, 2.0, 3.0)) == 1.0


@given(st.lists(st.floats(-1.0, 1.0), min_size=len(MULTIPLES), max_size=len(MULTIPLES)))
def test_any_curve_gives_a_usable_unit(gains: list[float]) -> None:
    unit = unit_of(torch.tensor([gains]))
    assert 0.0 < unit <= max(1.0, *MULTIPLES)


def text_of(world: World, prompt: str) -> Tensor:
    there, here = world.encoder.encode_text([prompt, "a person"])
    return F.normalize(there - here, dim=0)


def test_scaling_the_vector_scales_the_unit_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "range_of", lambda *_: (-LIMIT, LIMIT))
    world = fake_world()
    latents = world.generator.sample([1, 2, 3])
    text = text_of(world, "bright hair")
    one, larger = (
        calibrate(View(world), latents, scale * patch_vector("hair"), text) for scale in (0.8, 1.0)
    )
    assert one.unit == pytest.approx(larger.unit / 0.8, rel=0.1)
    assert len(one.alignments) == len(MULTIPLES)
    assert max(one.alignments) > 0.2
    # Strength 1 is safely beyond the point where most images have changed.
    curve = alignment_curve(View(world), latents, patch_vector("hair"), text)
    assert larger.unit == pytest.approx(MARGIN * unit_of(curve))


def test_a_vector_that_does_nothing_yields_nothing() -> None:
    world = fake_world()
    latents, text = world.generator.sample([1, 2]), text_of(world, "bright hair")
    curve = alignment_curve(View(world), latents, torch.zeros(32), text, (0.5, 1.0))
    assert curve.shape == (2, 2)
    assert float(curve.abs().max()) == 0.0


def test_the_opposite_yields_as_much_against_the_text() -> None:
    world = fake_world()
    latents, text = world.generator.sample([1, 2]), text_of(world, "bright hair")
    there, back = (
        alignment_curve(View(world), latents, sign * patch_vector("hair"), text, (0.1,))
        for sign in (1.0, -1.0)
    )
    torch.testing.assert_close(there, -back, rtol=0.3, atol=0.02)


def test_a_range_ends_where_images_no_longer_look_like_the_generators_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fake_world()
    latents = world.generator.sample([1, 2, 3, 4])
    step = 0.1 * patch_vector("hair")
    plain = world.generator.synthesize(latents).image

    def moved(images: Tensor) -> Tensor:
        return (images - plain).mean(dim=(1, 2, 3))

    few = torch.tensor([True, False, True, True])
    whole = float(moved(world.generator.synthesize(latents + step).image).mean())
    monkeypatch.setattr(
        calibration,
        "unrealistic",
        lambda realism, images, regions: (moved(images) / whole > 1.4) & few,
    )
    low, high = range_of(View(world), latents, step)
    assert low == -LIMIT
    # None is at 1, three of four are at 2; nothing is in the other sense.
    assert high == round(1.0 + UNREALISTIC / 0.75, 4)


def test_some_images_may_be_unrealistic(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    latents = world.generator.sample([1, 2, 3])
    monkeypatch.setattr(calibration, "unrealistic", lambda *_: torch.tensor([True, False, False]))
    assert range_of(View(world), latents, patch_vector("hair")) == (-LIMIT, LIMIT)
    monkeypatch.setattr(calibration, "unrealistic", lambda *_: torch.tensor([True, True, False]))
    assert range_of(View(world), latents, patch_vector("hair")) == (
        pytest.approx(-UNREALISTIC * 1.5),
        pytest.approx(UNREALISTIC * 1.5),
    )


def test_those_that_lack_it_are_the_lower_half_unless_most_have_it() -> None:
    few, many = torch.randn(20).mul(0.1), torch.randn(180).mul(0.1) + 1.0
    most_have = torch.cat([many[:90], few, many[90:]])
    assert set(lacking(most_have).tolist()) == set(range(90, 110))
    assert set(lacking(-most_have).tolist()) == set((-most_have).argsort()[:100].tolist())
    assert len(lacking(torch.linspace(0.0, 1.0, 60))) == 30
    one = torch.tensor([0.0, *[1.0] * 19])
    assert len(lacking(one)) == FEWEST
    assert int(lacking(one)[0]) == 0


@given(st.lists(st.floats(-1.0, 1.0, width=32), min_size=2, max_size=60), st.floats(0.5, 4.0))
def test_any_scores_have_some_that_lack_it(scores: list[float], factor: float) -> None:
    along = torch.tensor(scores)
    rows = lacking(along)
    assert len(rows) == len(set(rows.tolist())) == max(1, len(rows))
    assert len(rows) <= len(scores) // 2
    assert float(along[rows].max()) <= float(along.median()) + 1e-6


def test_strength_1_does_not_lie_beyond_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    text, latents = text_of(world, "bright hair"), world.generator.sample([1, 2, 3])
    about = View(world), latents, patch_vector("hair"), text
    monkeypatch.setattr(calibration, "range_of", lambda *_: (-2.0, 1.0))
    far = calibrate(*about)
    monkeypatch.setattr(calibration, "range_of", lambda *_: (-2.0, 0.5))
    monkeypatch.setattr(calibration, "HALF", 0.0)
    near = calibrate(*about)
    assert near.unit == pytest.approx(far.unit / 2)
    assert near.range == (-2.0, 1.0)
    monkeypatch.setattr(calibration, "range_of", lambda *_: (-0.4, 1.5))
    assert calibrate(*about).unit == far.unit


def test_a_strength_at_which_few_images_have_the_prompt_is_not_chosen_for_its_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fake_world()
    text, latents = text_of(world, "bright hair"), world.generator.sample([1, 2, 3])
    about = View(world), latents, patch_vector("hair"), text
    lengths = lengths_of(alignment_curve(*about))
    monkeypatch.setattr(calibration, "range_of", lambda *_: (-2.0, 3.0))
    far = calibrate(*about)
    for high in (float(lengths.min()) / 2, float(lengths.max()) * 1.01):
        end = high / far.unit
        monkeypatch.setattr(calibration, "range_of", lambda *_, end=end: (-2.0, end))
        near = calibrate(*about)
        reached = high >= float(lengths.max())
        assert near.unit == pytest.approx(high if reached else far.unit)
        assert near.range[1] == 1.0
