from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from eclipsed.editing.photos.finder import load_finder
from kits.detecting import Pictures, fit_finder, save_finder, scenes
from kits.fitting import Job

FRAME = ((0.4, 0.4), (0.6, 0.4), (0.5, 0.5), (0.45, 0.6), (0.55, 0.6))


def pictures() -> Pictures:
    images = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    figures = np.zeros((8, 64, 64), bool)
    figures[:, 16:48, 16:48] = True
    return Pictures.of(images, figures)


def test_pictures_are_whole_round_and_cut_out() -> None:
    alpha = pictures().sizes[0][:, 3]
    assert torch.equal(alpha[0], torch.ones(64, 64))
    assert abs(float(alpha[1].mean()) - np.pi / 4) < 0.01
    assert float(alpha[2].mean()) == 0.25
    assert [each.shape[-1] for each in pictures().sizes] == [64, 64, 32, 16]


def test_scenes_are_pictures_and_the_same_each_time() -> None:
    first = scenes(3, 2)
    assert torch.equal(first, scenes(3, 2))
    assert first.shape[:2] == (2, 3)
    assert 0 <= float(first.min()) < float(first.max()) <= 1
    assert not torch.equal(first[0], first[1])


def test_a_detector_is_trained_written_and_read(tmp_path: Path) -> None:
    job = Job(images=12, rate=1e-3, seed=1, batch=6)
    finder = fit_finder(tmp_path, (job, job), pictures(), FRAME)
    save_finder(finder, tmp_path / "detector.safetensors")
    again = load_finder(tmp_path / "detector.safetensors", FRAME)
    photo = torch.rand(60, 60, 3)
    assert isinstance(again.find(photo), tuple)
    for key, value in finder.aligner.state_dict().items():
        torch.testing.assert_close(again.aligner.state_dict()[key], value, rtol=1e-3, atol=1e-4)
