from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from eclipsed.evaluation import metrics

unit = st.floats(-1.0, 1.0, width=32)
images = hnp.arrays(np.float32, (2, 3, 6, 6), elements=unit).map(torch.from_numpy)
masks = hnp.arrays(np.float32, (2, 6, 6), elements=st.sampled_from([0.0, 1.0])).map(
    torch.from_numpy
)


def box(top: int, bottom: int) -> Tensor:
    mask = torch.zeros(1, 8, 8)
    mask[:, top:bottom, top:bottom] = 1.0
    return mask


@given(images, images, masks)
def test_locality_is_a_fraction_and_splits(before: Tensor, after: Tensor, mask: Tensor) -> None:
    value = metrics.locality(before, after, mask)
    changed = (before != after).flatten(1).any(dim=1)
    assert torch.equal(value.isnan(), ~changed)
    value = value[changed]
    assert ((value >= 0.0) & (value <= 1.0)).all()
    rest = metrics.locality(before, after, 1.0 - mask)[changed]
    torch.testing.assert_close(value + rest, torch.ones_like(value))


def test_locality_and_leakage_of_a_known_change() -> None:
    before, after = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    after[:, :, 2, 2] = 0.6  # inside
    after[:, 0, 7, 7] = -0.6  # outside, one colour of three
    mask = box(1, 4)
    assert metrics.locality(before, after, mask).item() == pytest.approx(3 / 4)
    assert metrics.leakage(before, after, mask).item() == pytest.approx(0.2 / (64 - 9))
    assert metrics.leakage(before, after, torch.ones(1, 8, 8)).isnan().all()


def test_a_change_of_the_whole_range_is_two() -> None:
    black = torch.full((1, 3, 8, 8), -1.0)
    assert metrics.leakage(black, -black, torch.zeros(1, 8, 8)).item() == 2.0


def test_psnr_of_a_known_error() -> None:
    before = torch.zeros(2, 3, 8, 8)
    after = torch.stack([before[0] + 0.2, before[1]])
    assert metrics.psnr(before, after).tolist() == [pytest.approx(20.0, abs=1e-4), math.inf]


def slow_ssim(x: Tensor, y: Tensor) -> float:
    """The definition, window by window, in numpy and float64, of images from 0 to 2."""
    a, b = x.double().numpy() + 1, y.double().numpy() + 1
    line = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(line, line) / np.outer(line, line).sum()
    values = []
    for colour in range(3):
        for i in range(a.shape[1] - 10):
            for j in range(a.shape[2] - 10):
                p, q = a[colour, i : i + 11, j : j + 11], b[colour, i : i + 11, j : j + 11]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                cov = (window * (p - mp) * (q - mq)).sum()
                values.append(
                    (2 * mp * mq + 0.0004)
                    * (2 * cov + 0.0036)
                    / ((mp**2 + mq**2 + 0.0004) * (vp + vq + 0.0036))
                )
    return float(np.mean(values))


def test_ssim_is_its_definition() -> None:
    before = torch.rand(2, 3, 16, 14) * 2 - 1
    after = (before + 0.3 * torch.randn(before.shape)).clamp(-1, 1)
    expected = [slow_ssim(x, y) for x, y in zip(before, after, strict=True)]
    assert metrics.ssim(before, after).tolist() == pytest.approx(expected, abs=1e-5)
    assert metrics.ssim(before, before).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)


@pytest.mark.parametrize("level", [-0.5, 0.0, 0.5])
def test_ssim_hardly_minds_a_shade_that_nobody_sees(level: float) -> None:
    flat = torch.full((1, 3, 16, 16), level)
    assert metrics.ssim(flat, flat + 0.03).item() > 0.995


def test_directional_compares_changes_and_not_places() -> None:
    before = torch.tensor([[5.0, 1.0], [0.0, 3.0], [1.0, 1.0]])
    change = torch.tensor([[2.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    value = metrics.directional(torch.tensor([1.0, 0.0]), before, before + change)
    assert value.tolist() == pytest.approx([1.0, 0.0, -1.0])
    assert metrics.directional(torch.tensor([1.0, 0.0]), before, before).tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ([0.0, 0.2, 0.2, 0.9], True),
        ([0.5, 0.48, 0.5, 0.48], True),
        ([0.0, 0.5, 0.47, 0.9], False),
        ([0.5, 0.49, 0.48, 0.47], False),  # small steps, but .03 in all
        ([0.5, 0.48], True),  # exactly the slack
    ],
)
def test_monotone_allows_the_slack_once(row: list[float], answer: bool) -> None:
    assert metrics.monotonicity(torch.tensor([row])).item() is answer


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32)))
def test_sorted_probabilities_are_monotone(values: np.ndarray) -> None:
    assert metrics.monotonicity(torch.from_numpy(np.sort(values, axis=1))).all()


def test_kept_counts_only_what_is_in_sight() -> None:
    same = {
        "a": torch.tensor([True, False, False]),
        "b": torch.tensor([True, True, False]),
        "claimed": torch.tensor([False, False, False]),
    }
    both = torch.tensor([True, True, True])
    assert metrics.preservation(same, {"a": both, "b": both}).tolist() == [1.0, 0.5, 0.0]
    only = torch.tensor([True, True, False])
    assert metrics.preservation(same, {"a": ~both, "b": only}).tolist()[:2] == [1.0, 1.0]
    assert metrics.preservation(same, {"a": ~both, "b": only})[2].isnan()


def test_drift_is_told_only_where_the_attribute_moves() -> None:
    drift = metrics.drift(torch.tensor([0.1, 0.1, 0.1]), torch.tensor([0.5, 0.01, -0.5]))
    assert drift[0].item() == pytest.approx(0.2)
    assert drift[1:].isnan().all()


def test_interval_of_numbers_is_about_the_median_and_of_truths_about_the_share() -> None:
    numbers = metrics.interval([1.0, 2.0, 10.0, math.nan, None])
    assert numbers is not None
    assert numbers["median"] == 2.0
    truths = metrics.interval(torch.tensor([True, True, False, True]))
    assert truths is not None
    assert truths["median"] == 0.75
    mean = metrics.interval([1.0, 2.0, 9.0], statistic="mean")
    assert mean is not None
    assert mean["median"] == 4.0


def test_interval_of_nothing_is_none() -> None:
    assert metrics.interval([]) is None
    assert metrics.interval([None, math.nan]) is None


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20))
def test_interval_lies_in_the_sample_and_is_repeatable(values: list[float]) -> None:
    found = metrics.interval(values, draws=200)
    assert found is not None
    assert min(values) <= found["low"] <= found["high"] <= max(values)
    assert found == metrics.interval(values, draws=200)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        found = metrics.interval(random.normal(size=60).tolist(), seed=trial, draws=200)
        assert found is not None
        hits += found["low"] <= 0.0 <= found["high"]
    assert 0.90 <= hits / 200 <= 0.99


def test_what_lies_inside_counts_in_no_measure_of_the_outside() -> None:
    torch.manual_seed(3)
    before = torch.rand(2, 3, 24, 24) * 2 - 1
    mask = torch.zeros(2, 24, 24)
    mask[:, :, :9] = 1.0
    inside = torch.where(mask[:, None] > 0, -before, before)
    assert metrics.psnr_outside(before, inside, mask).tolist() == [math.inf, math.inf]
    torch.testing.assert_close(metrics.ssim_outside(before, inside, mask), torch.ones(2))
    beyond = inside.clone()
    beyond[0, :, :, 15] += 0.5
    assert metrics.psnr_outside(before, beyond, mask)[0].isfinite()
    assert metrics.ssim_outside(before, beyond, mask)[0] < 0.98
    whole = torch.ones(2, 24, 24)
    assert metrics.psnr_outside(before, beyond, whole).isnan().all()
    assert metrics.ssim_outside(before, beyond, whole).isnan().all()


@given(images, images)
def test_with_nothing_hidden_the_outside_is_everything(before: Tensor, after: Tensor) -> None:
    nothing = torch.zeros(2, 6, 6)
    torch.testing.assert_close(
        metrics.psnr_outside(before, after, nothing), metrics.psnr(before, after)
    )
    large = [image.repeat(1, 1, 2, 2) for image in (before, after)]
    torch.testing.assert_close(
        metrics.ssim_outside(*large, torch.zeros(2, 12, 12)), metrics.ssim(*large)
    )


def test_projection_grows_with_the_way_and_directional_does_not() -> None:
    text, start = torch.tensor([0.0, 2.0]), torch.zeros(2, 2)
    after = torch.tensor([[0.0, 0.1], [0.3, 0.4]])
    torch.testing.assert_close(metrics.projection(text, start, after), torch.tensor([0.1, 0.4]))
    assert metrics.directional(text, start, after).tolist() == [1.0, pytest.approx(0.8)]


def test_feature_distance_of_known_maps() -> None:
    one = torch.tensor([[1.0, 0.0]]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    other = one.flip(1) * 5.0  # lengths do not count, only directions
    assert metrics.feature_distance([one], [one]).item() == 0.0
    assert metrics.feature_distance([one], [other]).item() == pytest.approx(math.sqrt(2.0))
    assert metrics.feature_distance([one, one], [one, other]).item() == pytest.approx(
        math.sqrt(2.0) / 2.0
    )
    mixed = torch.cat([one[..., :2], other[..., 2:]], dim=3)
    mask = torch.zeros(1, 8, 8)
    assert metrics.feature_distance([one], [mixed], mask).item() == pytest.approx(1.0)
    mask[:, :, 4:] = 1.0
    assert metrics.feature_distance([one], [mixed], mask).item() == 0.0
    assert metrics.feature_distance([one], [mixed], torch.ones(1, 8, 8)).isnan().all()


@given(
    hnp.arrays(np.float32, (3, 2, 3, 3), elements=st.floats(0.125, 1.0, width=32)).map(
        torch.from_numpy
    )
)
def test_feature_distance_is_a_metric(maps: Tensor) -> None:
    a, b, c = (maps[i : i + 1] for i in range(3))

    def far(x: Tensor, y: Tensor) -> float:
        return metrics.feature_distance([x], [y]).item()

    assert far(a, c) <= far(a, b) + far(b, c) + 1e-5
    assert far(a, b) == pytest.approx(far(b, a))


def test_shows_takes_claimed_values_together() -> None:
    rows = torch.tensor([[0.3, 0.3, 0.4], [0.1, 0.2, 0.7]])
    claimed = torch.tensor([True, True, False])
    assert metrics.shows(rows, claimed).tolist() == [True, False]


def test_dependency_is_what_moves_elsewhere() -> None:
    before = {"a": torch.tensor([[1.0, 0.0], [1.0, 0.0]]), "b": torch.tensor([[0.5, 0.5]] * 2)}
    after = {"a": torch.tensor([[0.0, 1.0], [1.0, 0.0]]), "b": torch.tensor([[0.3, 0.7]] * 2)}
    seen = {"a": torch.tensor([True, False]), "b": torch.tensor([True, False])}
    found = metrics.dependency(before, after, seen)
    assert found[0].item() == pytest.approx((1.0 + 0.2) / 2)
    assert found[1].isnan()


def test_the_worst_tenth_is_on_the_side_that_is_worse() -> None:
    numbers = [float(number) for number in range(11)]
    assert metrics.worst_tenth([*numbers, None, math.nan], "higher") == pytest.approx(1.0)
    assert metrics.worst_tenth(numbers, "lower") == pytest.approx(9.0)
    assert metrics.worst_tenth([True, False], "higher") is None
    assert metrics.worst_tenth([None], "higher") is None
