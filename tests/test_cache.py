from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from eclipsed import cache as caching
from eclipsed.cache import (
    Key,
    asked_for,
    cached_directions,
    cached_tensors,
    key_of,
    remembered,
)
from eclipsed.directions import Direction
from eclipsed.testing import FakeEncoder, fake_world, patch_vector
from eclipsed.types import World

KEY = Key("test", "a" * 64)


def key(world: World, *facts: object, version: int = 1, half: bool = False) -> Key:
    networks = ("generator", "encoder")
    return key_of(
        world, "test", version, networks, truncation=world.truncation, half=half, facts=facts
    )


def test_everything_that_decides_a_result_is_in_its_key() -> None:
    world = fake_world()
    keys = [
        key(world),
        key(world, 1),
        key(world, version=2),
        key(world, half=True),
        key(replace(world, truncation=0.5)),
        key(replace(world, encoder=FakeEncoder(seed=4))),
        key(replace(world, generator=replace(world.generator, fingerprint="2"))),
    ]
    assert len(set(keys)) == len(keys)
    assert key(fake_world(), 1) == keys[1]
    # Nothing here asks the segmenter.
    other = replace(world.segmenter, fingerprint="other")
    assert key(replace(world, segmenter=other)) == keys[0]


def test_another_torch_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(fake_world())
    monkeypatch.setattr(torch, "__version__", "0.1")
    assert key(fake_world()) != before


@dataclass
class Computing:
    """Computes the same two directions again and again, and counts how often."""

    calls: int = 0

    def directions(self) -> list[Direction]:
        self.calls += 1
        generator = fake_world().generator
        return [
            Direction(
                vector=patch_vector(name),
                name=name,
                prompt="",
                neutral="",
                regions=(name,),
                space="w+",
                layers=generator.layers("w+"),
                generator_name=generator.name,
                generator_fingerprint=generator.fingerprint,
                method="by hand",
                config={"count": 2},
                unit=1.0 / 3.0,
                range=(-1.5, 2.0),
            )
            for name in ("hair", "mouth")
        ]

    def tensors(self) -> dict[str, Tensor]:
        self.calls += 1
        return {"rows": torch.arange(6.0).view(2, 3).T, "flags": torch.tensor([True, False])}


def test_directions_come_back_as_they_were() -> None:
    computing = Computing()
    first, again = (cached_directions(KEY, computing.directions) for _ in range(2))
    assert computing.calls == 1
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.vector, other.vector)
        assert replace(one, vector=other.vector).__dict__.keys() == other.__dict__.keys()
        assert {k: v for k, v in one.__dict__.items() if k != "vector"} == {
            k: v for k, v in other.__dict__.items() if k != "vector"
        }


def test_tensors_come_back_as_they_were() -> None:
    computing = Computing()
    first, again = (cached_tensors(KEY, computing.tensors) for _ in range(2))
    assert computing.calls == 1
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    cached_tensors(Key("test", "b" * 64), computing.tensors)
    cached_tensors(Key("other", "a" * 64), computing.tensors)
    assert computing.calls == 3


@pytest.mark.parametrize("harm", [b"", b"?", b"cut short", b"tensors only"])
def test_what_is_damaged_is_computed_again(cache: Path, harm: bytes) -> None:
    computing = Computing()
    cached_directions(KEY, computing.directions)
    (path,) = cache.rglob("*.safetensors")
    whole = path.read_bytes()
    if harm == b"tensors only":
        path.unlink()
        cached_tensors(KEY, computing.tensors)
        computing.calls = 1
    else:
        path.write_bytes(whole[:-8] if harm == b"cut short" else harm)
    assert len(cached_directions(KEY, computing.directions)) == 2
    assert computing.calls == 2
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    computing = Computing()
    for _ in range(2):
        assert len(cached_directions(KEY, computing.directions)) == 2
        assert set(cached_tensors(KEY, computing.tensors)) == {"rows", "flags"}
    assert computing.calls == 4


def test_memory_holds_what_was_asked_for_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_REMEMBERED", 2)
    one, two, three = (Key("test", digest) for digest in "123")
    first = remembered(one, object)
    second = remembered(two, object)
    assert remembered(one, object) is first
    remembered(three, object)
    assert remembered(one, object) is first
    assert remembered(two, object) is not second
    caching.forget()
    assert remembered(one, object) is not first


def test_what_fails_is_not_remembered() -> None:
    def fail() -> object:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        remembered(KEY, fail)
    assert remembered(KEY, lambda: 3) == 3


def shipping(world: World, folder: Path) -> World:
    return replace(world, shipped=folder)


def test_what_comes_with_a_world_is_read_and_never_written(tmp_path: Path, cache: Path) -> None:
    world = shipping(fake_world(), tmp_path / "world")
    wanted, computing = key(world), Computing()
    assert wanted.shipped is not None
    assert not wanted.known
    cached_tensors(wanted, computing.tensors)
    assert wanted.known
    assert not wanted.shipped.exists()
    wanted.shipped.parent.mkdir(parents=True)
    wanted.path.replace(wanted.shipped)
    assert wanted.known
    assert set(cached_tensors(wanted, computing.tensors)) == {"rows", "flags"}
    assert computing.calls == 1
    assert not wanted.path.exists()
    # A damaged one is computed again.
    wanted.shipped.write_bytes(b"?")
    cached_tensors(wanted, computing.tensors)
    assert computing.calls == 2
    assert wanted.shipped.read_bytes() == b"?"


def test_what_comes_with_a_world_is_of_these_weights_and_this_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = shipping(fake_world(), tmp_path)
    other = replace(world, encoder=FakeEncoder(seed=4))
    keys = [key(world), key(other), key(world, half=True), key(world, 1), key(world, version=2)]
    assert len({each.shipped for each in keys}) == len(keys)
    assert key(fake_world()).shipped is None
    monkeypatch.setattr(torch, "__version__", "0.1")
    assert key(world).shipped == keys[0].shipped
    assert key(world).path != keys[0].path


def test_what_is_asked_for_is_noted_only_meanwhile() -> None:
    with asked_for() as keys:
        cached_tensors(KEY, Computing().tensors)
    cached_tensors(Key("test", "b" * 64), Computing().tensors)
    assert keys == [KEY]
