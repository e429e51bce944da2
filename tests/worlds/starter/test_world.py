from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from eclipsed.errors import BadFile, UnknownName
from eclipsed.types import World
from eclipsed.worlds import load_world
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.world import WEIGHTS, load_starter
from eclipsed.worlds.weights import DETECTOR, FILES, INVERTER, RECORD, read_record


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(WEIGHTS, tmp_path / "world")


def test_a_folder_of_weights_is_a_world() -> None:
    world = load_world(WEIGHTS)
    assert isinstance(world, World)
    assert world.generator.resolution == 128
    assert set(world.vocabulary) <= set(REGIONS)
    synthesis = world.generator.synthesize(world.generator.sample([1, 2]))
    assert synthesis.image.shape == (2, 3, 128, 128)
    assert world.segmenter.masks(synthesis, ["hair"]).shape == (2, 128, 128)
    cosine = world.encoder.encode_image(synthesis.image) @ world.encoder.encode_text(["a hat"]).t()
    assert bool((cosine.abs() <= 1 + 1e-5).all())


def test_judges_are_loaded_when_asked_and_once() -> None:
    world = load_starter(WEIGHTS)
    assert world.judge is not None
    judge = world.judge()
    assert world.judge() is judge
    images = torch.zeros(1, 3, 128, 128)
    assert set(judge.attributes(images).probabilities) == set(judge.groups)


def test_the_inverter_sees_at_a_glance_what_an_image_shows() -> None:
    world = load_starter(WEIGHTS)
    assert world.inverter is not None
    images = world.generator.synthesize(world.generator.sample([900, 901, 902, 903])).image
    again = world.generator.synthesize(world.inverter().latents(images)).image
    shuffled = images.roll(1, dims=0)
    error, others = ((again - each).abs().mean(dim=(1, 2, 3)) for each in (images, shuffled))
    assert bool((error < 0.5 * others).all())


def test_a_world_without_an_inverter_is_one_all_the_same(copy: Path) -> None:
    record = json.loads((copy / RECORD).read_text())
    del record["sha256"]["inverter.safetensors"]
    (copy / RECORD).write_text(json.dumps(record))
    assert load_starter(copy).inverter is None


def test_the_same_folder_is_the_same_generator() -> None:
    one, two = load_starter(WEIGHTS), load_starter(WEIGHTS)
    assert one.generator.fingerprint == two.generator.fingerprint


def test_unknown_worlds_are_refused() -> None:
    with pytest.raises(UnknownName, match="starter"):
        load_world("no such world")


@pytest.mark.parametrize("name", FILES[:3])
def test_changed_weights_are_refused(name: str, copy: Path) -> None:
    path = copy / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadFile, match=f"{name}' is not the one"):
        load_starter(copy)
    path.unlink()
    with pytest.raises(BadFile, match=f"{name}' is missing"):
        load_starter(copy)


def test_changed_judges_are_refused_when_asked_for(copy: Path) -> None:
    shutil.copy(copy / FILES[0], copy / FILES[3])
    world = load_starter(copy)
    assert world.judge is not None
    with pytest.raises(BadFile, match="is not the one"):
        world.judge()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[]", "damaged"),
        (b"{}", "damaged"),
        (b'{"format": 1, "sha256": {}}', "damaged"),
        (b'{"format": "1", "sha256": {}}', "damaged"),
        (b'{"format": 2}', "newer"),
    ],
)
def test_bad_records_are_refused(content: bytes, sentence: str, copy: Path) -> None:
    (copy / RECORD).write_bytes(content)
    with pytest.raises(BadFile, match=sentence):
        read_record(copy)


def test_a_folder_without_a_record_is_no_world(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="make starter"):
        load_world(tmp_path)


def test_the_record_names_every_file() -> None:
    record = read_record(WEIGHTS)
    there = {*FILES, *(name for name in (INVERTER, DETECTOR) if (WEIGHTS / name).is_file())}
    assert set(record["sha256"]) == set(record["bytes"]) == there
    assert record["bytes"] == {name: (WEIGHTS / name).stat().st_size for name in there}
    assert json.loads(json.dumps(record)) == record
