"""Inverters are trained on images whose latents are known, as a camera would show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eclipsed.worlds.starter.networks import (
    ImageTower,
    InverterHead,
    TowerConfig,
    feature_count,
    tower_features,
)
from kits.fit_inverter import fit_inverter, photographed, psnr
from kits.fitting import Job

TOWER = TowerConfig(widths=(2, 2, 2, 2), head=2, outputs=2, size=16)


def test_a_photographed_image_is_the_same_one_disturbed() -> None:
    images = torch.rand(6, 3, 32, 32) * 2 - 1
    images = torch.nn.functional.interpolate(images[..., ::8, ::8], (32, 32), mode="bilinear")
    seen = photographed(images, np.random.default_rng(1))
    assert seen.shape == images.shape
    assert float(seen.abs().max()) <= 1.0
    assert torch.equal(seen, photographed(images, np.random.default_rng(1)))
    change = (seen - images).abs().mean(dim=(1, 2, 3))
    assert bool((change > 0.001).all())
    assert bool((change < 0.25).all())


def test_a_head_learns_to_read_what_images_say_and_goes_on_where_it_stood(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tower, mean = ImageTower(TOWER).eval(), torch.tensor([3.0, -2.0, 1.0])
    asked: list[int] = []

    def examples(step: int) -> tuple[Tensor, Tensor]:
        asked.append(step)
        colours = torch.rand(16, 3, generator=torch.Generator().manual_seed(step)) * 2 - 1
        return colours[:, :, None, None].expand(-1, -1, 16, 16).clone(), mean + 4.0 * colours

    def trained() -> InverterHead:
        head = InverterHead(feature_count(TOWER), 16, rows=1, w_dim=3)
        job = Job(images=6_400, rate=2e-2, seed=1, batch=16)
        return fit_inverter(tower, head, examples, mean, job, tmp_path, count=20)

    head = trained()
    images, latents = examples(999)
    with torch.no_grad():
        error = (head(tower_features(tower, images)) - latents).abs().mean()
    assert float(error) < 0.35 * float((latents - mean).abs().mean())
    asked.clear()
    torch.testing.assert_close(trained().outer.weight, head.outer.weight)
    assert not asked  # every image goes through the tower once


def test_psnr() -> None:
    image = torch.zeros(1, 3, 4, 4)
    assert abs(float(psnr(image + 0.2, image)) - 20.0) < 1e-4
