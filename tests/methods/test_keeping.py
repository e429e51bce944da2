from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from eclipsed.directions import Direction
from eclipsed.methods.keeping import kept
from eclipsed.methods.sefa import SeFaConfig
from eclipsed.types import World
from tests.fakes import FakeEncoder, FakeGenerator, fake_world, patch_vector

CONFIG = SeFaConfig()


@dataclass(frozen=True)
class Marked(FakeEncoder):
    """An encoder that can be told from others."""

    fingerprint: str = "e" * 64


@dataclass
class Finding:
    """Finds the same two directions again and again, and counts how often."""

    world: World
    calls: int = 0

    def __call__(self) -> list[Direction]:
        self.calls += 1
        generator = self.world.generator
        return [
            Direction(
                vector=patch_vector(name),
                name=name,
                prompt="",
                neutral="",
                space="w+",
                layers=generator.layers("w+"),
                generator_name=generator.name,
                generator_fingerprint=generator.fingerprint,
                method="by hand",
                unit=1.0 / 3.0,
            )
            for name in ("hair", "mouth")
        ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    monkeypatch.setattr("eclipsed.methods.keeping.user_cache_path", lambda name: tmp_path / name)
    return replace(fake_world(), encoder=Marked())


def test_what_was_found_is_found_again_without_work(world: World) -> None:
    finding = Finding(world)
    first, again = (kept(world, "sefa", CONFIG, (), finding) for _ in range(2))
    assert finding.calls == 1
    assert [(each.name, each.unit) for each in again] == [("hair", 1 / 3), ("mouth", 1 / 3)]
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(first, again, strict=True))


def test_every_setting_that_matters_has_a_place_of_its_own(world: World) -> None:
    finding = Finding(world)
    kept(world, "sefa", CONFIG, (), finding)
    kept(world, "other", CONFIG, (), finding)
    kept(world, "sefa", replace(CONFIG, count=3), (), finding)
    kept(world, "sefa", CONFIG, ("hair",), finding)
    kept(replace(world, truncation=0.5), "sefa", CONFIG, (), finding)
    kept(replace(world, encoder=Marked(fingerprint="1")), "sefa", CONFIG, (), finding)
    kept(replace(world, generator=FakeGenerator(fingerprint="2")), "sefa", CONFIG, (), finding)
    assert finding.calls == 7


@pytest.mark.parametrize("damaged", ["count", "1.safetensors"])
def test_what_is_damaged_is_found_anew(world: World, tmp_path: Path, damaged: str) -> None:
    finding = Finding(world)
    kept(world, "sefa", CONFIG, (), finding)
    (path,) = tmp_path.rglob(damaged)
    path.write_bytes(b"?")
    assert len(kept(world, "sefa", CONFIG, (), finding)) == 2
    assert finding.calls == 2
    kept(world, "sefa", CONFIG, (), finding)
    assert finding.calls == 2


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "eclipsed").write_text("a file where the folder should be")
    finding = Finding(world)
    assert len(kept(world, "sefa", CONFIG, (), finding)) == 2
    assert len(kept(world, "sefa", CONFIG, (), finding)) == 2
    assert finding.calls == 2


def test_an_encoder_without_a_fingerprint_is_not_trusted_to_be_the_same(
    world: World, tmp_path: Path
) -> None:
    finding = Finding(world)
    for _ in range(2):
        kept(replace(world, encoder=FakeEncoder()), "sefa", CONFIG, (), finding)
    assert finding.calls == 2
    assert not list(tmp_path.rglob("*.safetensors"))
