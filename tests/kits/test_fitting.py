from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from eclipsed.errors import BadFile
from eclipsed.worlds.starter.networks import UNet
from kits.fitting import (
    Job,
    Schedule,
    averaged,
    channels_last,
    disturb,
    fit,
    rng_of,
    run,
    to_images,
)


def test_the_layout_of_weights_changes_nothing() -> None:
    network = UNet((4, 6, 8), 3).eval()
    images = torch.rand(1, 3, 32, 32)
    before = network(images)
    assert channels_last(network) is network
    torch.testing.assert_close(network(images), before, rtol=1e-4, atol=1e-5)


@given(
    steps=st.integers(1, 5000),
    warmup=st.integers(0, 200),
    flat=st.floats(0, 0.9),
    rate=st.floats(1e-4, 1),
)
def test_the_rate_rises_stays_and_falls(steps: int, warmup: int, flat: float, rate: float) -> None:
    schedule = Schedule(steps, rate, warmup=warmup, flat=flat)
    rates = [schedule.at(step) for step in range(steps)]
    assert all(0 < each <= rate * (1 + 1e-9) for each in rates)
    rising, falling = rates[: min(warmup, steps)], rates[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_the_rate_ends_at_one_percent() -> None:
    schedule = Schedule(1000, 0.5)
    assert schedule.at(0) == pytest.approx(0.5 / 60)
    assert schedule.at(100) == 0.5
    assert schedule.at(999) == pytest.approx(0.005, rel=0.01)


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"rate": 0.0}, {"flat": 1.0}, {"flat": -0.1}, {"warmup": -1}]
)
def test_senseless_schedules_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not a schedule"):
        Schedule(**({"steps": 10, "rate": 0.1} | wrong))


def test_random_numbers_depend_on_seed_and_step_alone() -> None:
    assert rng_of(1, 5).integers(1 << 30) == rng_of(1, 5).integers(1 << 30)
    assert rng_of(1, 5).integers(1 << 30) != rng_of(1, 6).integers(1 << 30)
    assert rng_of(1, 5).integers(1 << 30) != rng_of(2, 5).integers(1 << 30)


class Stop(Exception):
    """Somebody pulled the plug."""


class Tiny:
    """A small regression with batch norm, whose batch of step k comes from (seed, k)."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.module = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.SiLU(), nn.Linear(6, 1))
        self.average = nn.Sequential(
            nn.Linear(4, 6), nn.BatchNorm1d(6), nn.SiLU(), nn.Linear(6, 1)
        ).requires_grad_(False)
        self.average.load_state_dict(self.module.state_dict())
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=0.1)
        self.seen: list[int] = []

    def loss_at(self, step: int) -> Tensor:
        self.seen.append(step)
        x = torch.from_numpy(rng_of(5, step).standard_normal((8, 4))).float()
        return F.mse_loss(self.module(x), x.sum(dim=1, keepdim=True))

    def fit(self, folder: Path, loss_at: Callable[[int], Tensor] | None = None) -> None:
        fit(
            self.module,
            loss_at or self.loss_at,
            self.optimizer,
            Schedule(40, 0.05, warmup=5),
            folder=folder,
            name="tiny",
            average=self.average,
            save_seconds=0.0,
        )

    def tensors(self) -> list[Tensor]:
        return [*self.module.state_dict().values(), *self.average.state_dict().values()]


def test_training_learns(tmp_path: Path) -> None:
    tiny = Tiny()

    def mean_loss() -> float:
        return sum(tiny.loss_at(step).item() for step in range(1000, 1030)) / 30

    before = mean_loss()
    tiny.fit(tmp_path)
    assert mean_loss() < 0.5 * before


@pytest.mark.parametrize("stop", [1, 17, 39])
def test_a_stopped_run_ends_in_the_same_weights(stop: int, tmp_path: Path) -> None:
    whole = Tiny()
    whole.fit(tmp_path / "whole")

    stopped = Tiny()

    def until(step: int) -> Tensor:
        if step == stop:
            raise Stop
        return stopped.loss_at(step)

    with pytest.raises(Stop):
        stopped.fit(tmp_path / "parts", until)
    resumed = Tiny()
    resumed.fit(tmp_path / "parts")
    assert resumed.seen == list(range(stop, 40))
    for one, two in zip(whole.tensors(), resumed.tensors(), strict=True):
        assert torch.equal(one, two)


def test_a_finished_run_is_only_loaded(tmp_path: Path) -> None:
    Tiny().fit(tmp_path)
    again = Tiny()
    again.fit(tmp_path)
    assert again.seen == []


def test_the_checkpoint_is_safetensors_and_the_log_json_lines(tmp_path: Path) -> None:
    tiny = Tiny()
    tiny.fit(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.jsonl", "tiny.safetensors"]
    with safe_open(tmp_path / "tiny.safetensors", "pt") as file:
        assert file.metadata() == {"step": "40"}
        names = set(file.keys())
        assert torch.equal(file.get_tensor("average.3.bias"), tiny.average.state_dict()["3.bias"])
    assert {name.split(".")[0] for name in names} == {"module", "average", "optimizer"}
    lines = [json.loads(line) for line in (tmp_path / "tiny.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [40]
    assert 0 < lines[0]["loss"] < 100


def test_the_average_lags_behind(tmp_path: Path) -> None:
    tiny = Tiny()
    tiny.fit(tmp_path)
    latest, average = tiny.module[0].weight, tiny.average[0].weight
    assert not torch.equal(latest, average)
    assert torch.equal(tiny.module[1].num_batches_tracked, tiny.average[1].num_batches_tracked)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x10\0\0\0\0\0\0\0{" + b" " * 40])
def test_a_damaged_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tiny.safetensors").write_bytes(content)
    with pytest.raises(BadFile, match="Remove it"):
        Tiny().fit(tmp_path)


def test_another_networks_checkpoint_is_refused(tmp_path: Path) -> None:
    Tiny().fit(tmp_path)
    other = Tiny()
    other.module = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 1))
    with pytest.raises(BadFile, match="another network"):
        other.fit(tmp_path)


def test_jobs() -> None:
    job = Job(images=100, rate=0.1, seed=3, batch=32)
    assert job.schedule.steps == 3
    assert job.schedule.rate == 0.1
    with pytest.raises(ValueError, match="not even one batch"):
        Job(images=10, rate=0.1, seed=3, batch=32)


def test_run_returns_the_moving_average(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Linear(2, 1)

    def loss_at(step: int) -> Tensor:
        x = torch.from_numpy(rng_of(1, step).standard_normal((4, 2))).float()
        return (module(x) - x.sum(dim=1, keepdim=True)).square().mean()

    average = run(module, loss_at, Job(images=40, rate=0.1, seed=1, batch=4), tmp_path, "line")
    assert average is not module
    assert isinstance(average, nn.Linear)
    assert not average.weight.requires_grad
    assert not average.training
    assert (tmp_path / "line.safetensors").exists()


def test_pixels_become_images() -> None:
    pixels = np.zeros((1, 2, 2, 3), np.uint8)
    pixels[0, 0, 1] = (255, 0, 51)
    images = to_images(pixels)
    assert images.shape == (1, 3, 2, 2)
    torch.testing.assert_close(images[0, :, 0, 1], torch.tensor([1.0, -1.0, -0.6]))


def test_disturbing_is_slight_and_deterministic() -> None:
    images = torch.rand(16, 3, 128, 128, generator=torch.Generator().manual_seed(1)) * 2 - 1
    images = nn.functional.avg_pool2d(images, 9, stride=1, padding=4)
    one = disturb(images, rng_of(1, 1), shift=0)
    assert torch.equal(one, disturb(images, rng_of(1, 1), shift=0))
    error = (one - images).abs().mean(dim=(1, 2, 3))
    assert 0.005 < float(error.mean()) < 0.08


def test_a_shift_moves_the_picture() -> None:
    images = torch.zeros(1, 3, 128, 128)
    images[:, :, 60:68, 60:68] = 1
    places = set()
    for step in range(12):
        moved = disturb(images, rng_of(2, step), shift=4)[0, 0]
        rows, columns = torch.where(moved > 0.6)
        places.add(
            (round(float(rows.float().mean()) - 63.5), round(float(columns.float().mean()) - 63.5))
        )
    assert len(places) > 4
    assert all(abs(dy) <= 4 and abs(dx) <= 4 for dy, dx in places)


def test_the_average_of_a_training_under_way_is_read_back(tmp_path: Path) -> None:
    network = nn.Linear(2, 1)
    job = Job(images=6, rate=0.1, seed=1, batch=2)
    average = run(network, lambda _: network.weight.square().sum(), job, tmp_path, "line")
    again, steps = averaged(nn.Linear(2, 1), tmp_path / "line.safetensors")
    assert steps == 3
    assert torch.equal(again.weight, average.weight)
    assert not torch.equal(again.weight, network.weight)
    with pytest.raises(BadFile, match="another network's"):
        averaged(nn.Linear(3, 1), tmp_path / "line.safetensors")
    with pytest.raises(BadFile, match="other has not been trained"):
        averaged(nn.Linear(2, 1), tmp_path / "other.safetensors")
