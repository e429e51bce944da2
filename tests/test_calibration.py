from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.calibration import LIMIT, MULTIPLES, calibrate, gain_curve, range_of, unit_of
from eclipsed.pool import View
from tests.fakes import fake_world, patch_vector


def test_the_unit_is_where_the_gain_has_nearly_come_to_its_end() -> None:
    curve = torch.tensor([[0.2, 0.6, 1.0, 1.0], [0.2, 0.6, 1.0, 1.0]])
    # 90 % lies three quarters of the way from the second to the third multiple.
    assert unit_of(curve, (1.0, 2.0, 3.0, 4.0)) == pytest.approx(2.75)
    assert unit_of(curve / 7, (1.0, 2.0, 3.0, 4.0)) == pytest.approx(2.75)


def test_without_any_gain_the_scale_is_left_alone() -> None:
    assert unit_of(torch.zeros(2, 3), (1.0, 2.0, 3.0)) == 1.0
    assert unit_of(-torch.ones(2, 3), (1.0, 2.0, 3.0)) == 1.0


@given(st.lists(st.floats(-1.0, 1.0), min_size=len(MULTIPLES), max_size=len(MULTIPLES)))
def test_any_curve_gives_a_usable_unit_and_range(gains: list[float]) -> None:
    unit = unit_of(torch.tensor([gains]))
    assert 0.0 < unit <= max(1.0, *MULTIPLES)
    low, high = range_of(unit)
    assert -LIMIT <= low < 0 < high <= LIMIT
    assert high * unit <= max(MULTIPLES) + 1e-6


def test_scaling_the_vector_scales_the_unit_the_other_way() -> None:
    world = fake_world()
    latents = world.generator.sample([1, 2, 3])
    vector = patch_vector("hair")

    def saturating(embeddings: Tensor) -> Tensor:
        text, neutral = world.encoder.encode_text(["bright hair", "a person"])
        return (embeddings @ (text - neutral) * 4.0).tanh()

    one, half = (
        calibrate(View(world), latents, scale * vector, saturating) for scale in (1.0, 0.8)
    )
    assert one.unit == pytest.approx(0.8 * half.unit, rel=0.05)
    assert len(one.gains) == len(MULTIPLES)


def test_the_curve_starts_from_the_unedited_image() -> None:
    world = fake_world()
    latents = world.generator.sample([1, 2])

    def brightness(embeddings: Tensor) -> Tensor:
        return embeddings[:, 0]

    curve = gain_curve(View(world), latents, torch.zeros(32), brightness, (0.5, 1.0))
    assert curve.shape == (2, 2)
    assert float(curve.abs().max()) == 0.0
