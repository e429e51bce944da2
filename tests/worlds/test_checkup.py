from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from eclipsed.testing import FakeEncoder, FakeGenerator, FakeSegmenter, fake_world
from eclipsed.types import Synthesis, World
from eclipsed.worlds import checkup
from eclipsed.worlds.checkup import check_world


def found(world: World, cache: Path) -> dict[str, tuple[bool, str]]:
    return {each.check: (each.ok, each.words) for each in check_world(world, cache=cache)}


class Towards(FakeEncoder):
    """Images always look like the given text."""

    def encode_image(self, images: Tensor) -> Tensor:
        return FakeEncoder().encode_text(["random noise"]).expand(len(images), -1)


class Blind(FakeSegmenter):
    def masks(self, synthesis: Synthesis, regions: object) -> Tensor:
        return torch.zeros_like(synthesis.image[:, 0])


class Changed(FakeGenerator):
    offset = 0.0

    def synthesize(self, *arguments: object, **more: object) -> Synthesis:
        made = super().synthesize(*arguments, **more)  # type: ignore[arg-type]
        return replace(made, image=made.image + self.offset)


def test_reference_pixels_are_recorded_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = replace(fake_world(), generator=Changed())
    assert found(world, tmp_path)["reference pixels"] == (
        True,
        "recorded, to be compared from now on",
    )
    ok, words = found(world, tmp_path)["reference pixels"]
    assert ok
    assert "at most 0.0e+00" in words
    monkeypatch.setattr(Changed, "offset", 0.1)
    ok, words = found(world, tmp_path)["reference pixels"]
    assert not ok
    assert "at most 1.0e-01" in words
    (kept,) = tmp_path.iterdir()
    kept.write_text("damaged")
    assert found(world, tmp_path)["reference pixels"][0]
    assert "at most 0.0e+00" in found(world, tmp_path)["reference pixels"][1]


def test_what_is_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    assert found(world, tmp_path)["segmenter"][0]
    ok, words = found(replace(world, segmenter=Blind()), tmp_path)["segmenter"]
    assert not ok
    assert "not background, skin, hair" in words
    ok, words = found(replace(world, encoder=Towards()), tmp_path)["encoder"]
    assert not ok
    assert "NOT nearer" in words
    monkeypatch.setattr(Changed, "offset", float("nan"))
    ok, words = found(replace(world, generator=Changed()), tmp_path)["images"]
    assert not ok
    assert "not finite" in words


def test_images_that_are_all_alike_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "SEEDS", (1, 1))
    assert not found(fake_world(), tmp_path)["images"][0]
