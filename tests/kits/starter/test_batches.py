from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eclipsed.worlds.starter.attributes import HUES, JUDGED, SKIN_NAMES
from kits.fitting import Job, disturb, rng_of, run, to_images
from kits.starter.design import draw
from kits.starter.renderer import Avatars, Renderer, class_of
from tests.kits.starter.conftest import people


def test_jobs() -> None:
    job = Job(images=100, rate=0.1, seed=3, batch=32)
    assert job.schedule.steps == 3
    assert job.schedule.rate == 0.1
    with pytest.raises(ValueError, match="not even one batch"):
        Job(images=10, rate=0.1, seed=3, batch=32)


def test_classes_are_the_shown_values_and_the_nearest_names() -> None:
    plain = people({"top": "afro", "mouth": "sad"}, {"top": ("afro", "bald", 0.6)}, {}, {})
    skin = np.array([0.0, 0.19, 0.5, 1.0], np.float32)
    turns = 2 * np.pi * np.array([0.01, 0.99, 0.16, 0.62])
    background = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    classes = class_of(Avatars(plain.weights, skin, background))
    assert list(classes) == list(JUDGED)
    assert classes["top"].tolist() == [7, 0, 0, 0]
    assert classes["mouth"].tolist() == [4, 0, 0, 0]
    assert [SKIN_NAMES[i][0] for i in classes["skin"]] == ["pale", "pale", "tan", "dark"]
    assert [HUES[i][0] for i in classes["background"]] == ["red", "red", "yellow", "blue"]


def test_every_draw_has_its_own_people(renderer: Renderer) -> None:
    avatars, drawing = draw(renderer, 1, 2, 3)
    again, _ = draw(renderer, 1, 2, 3)
    other, _ = draw(renderer, 1, 3, 3)
    assert drawing.images.shape == (3, 128, 128, 3)
    assert (avatars.skin == again.skin).all()
    assert (avatars.skin != other.skin).any()


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
