"""The world of heads is written from checkpoints, loaded and measured; with tiny networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from eclipsed.errors import BadFile
from eclipsed.types import Judge, World
from eclipsed.worlds import load_world
from eclipsed.worlds.heads.attributes import COLUMN, REGIONS
from eclipsed.worlds.heads.models import JUDGED, HeadsJudge
from eclipsed.worlds.weights import FILES, RECORD, read_record
from kits.heads import assemble, compare, evaluate, scores, store
from kits.heads import fit_generator as pictures
from kits.heads.assemble import new_network, write_world
from kits.heads.population import centre, values_from_z
from kits.heads.store import grow, read
from tests.kits.heads.test_fit_generator import TINY, draw

STEP = 7


def checkpoint(network: nn.Module, path: Path) -> None:
    """A training's file, as far as it is read: the moving average and the steps done."""
    torch.manual_seed(3)
    tensors = {}
    for key, value in network.state_dict().items():
        if value.is_floating_point() and not key.endswith(("resample_filter", "noise_strength")):
            value = value + 0.02 * torch.rand_like(value)
        tensors[f"average.{key}"] = value.contiguous().clone()
    save_file(tensors, path, {"step": str(STEP)})


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CHUNK", 16)
        grow(folder, 32, draw)
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "CONFIG", TINY)
        checkpoint(pictures.new_networks(0, "cpu")[1], folder / "generator-1.safetensors")
    for name in ("segmenter", "encoder", "oracle", "judge-encoder", "judge-segmenter"):
        checkpoint(new_network(name), folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="module")
def world(work: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("heads")
    with pytest.MonkeyPatch.context() as patch:
        for module in (pictures, assemble):
            patch.setattr(module, "CONFIG", TINY)
        write_world(folder, work)
    world = load_world(folder)
    assert world.shipped == folder
    return world


def test_a_folder_of_heads_is_that_world(world: World) -> None:
    assert world.name == world.generator.name == world.encoder.name == "heads"
    assert world.segmenter.regions == REGIONS
    assert set(world.vocabulary) <= set(REGIONS)
    assert world.shipped is not None
    record = read_record(world.shipped)
    assert set(record["sha256"]) == set(FILES)
    assert record["recipe"]["generator"] == f"stage 1, step {STEP}"
    assert record["recipe"]["oracle"].startswith(f"step {STEP} of ")


def test_the_written_generator_draws_what_the_trained_one_does(
    world: World, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enlarged, where the last blocks are not trained yet; from values and from z alike."""
    monkeypatch.setattr(pictures, "CONFIG", TINY)
    z = np.random.default_rng(5).standard_normal((4, 512)).astype(np.float32)
    _, network = compare.newest(work)
    values = values_from_z(z)
    trained = compare.generated(network, values)
    assert trained.shape[-1] == 64
    drawn = scores.generate(world, values)
    coarse = torch.nn.functional.avg_pool2d(drawn, 2)
    assert float((coarse - trained).abs().mean()) < 0.1 * float(trained.std())
    again = world.generator.synthesize(world.generator.from_z(torch.from_numpy(z))).image
    assert float((again.clamp(-1, 1) - drawn).abs().max()) < 0.05


def test_the_judges_measure_every_attribute(world: World) -> None:
    assert world.judge is not None
    judge = world.judge()
    assert isinstance(judge, Judge)
    images = torch.rand(3, 3, 128, 128) * 2 - 1
    seen = judge.attributes(images)
    assert list(seen.levels) == list(seen.probabilities) == list(seen.visible) == list(JUDGED)
    assert "yaw" not in seen.levels
    for name, level in seen.levels.items():
        assert bool(((level >= 0) & (level <= 1)).all())
        torch.testing.assert_close(seen.probabilities[name][:, 1], level)
    assert isinstance(judge, HeadsJudge)
    assert judge.values(images).shape == (3, len(COLUMN))
    hidden = torch.zeros(3, 128, 128)
    assert judge.features(images, hidden).shape[0] == 3
    assert [len(each) for each in judge.maps(images)] == [3] * 4


def test_what_is_missing_is_said(work: Path, tmp_path: Path, world: World) -> None:
    assert world.shipped is not None
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in (RECORD, *FILES[:2]):
        (copy / name).write_bytes((world.shipped / name).read_bytes())
    with pytest.raises(BadFile, match=r"segmenter.safetensors' is missing") as caught:
        load_world(copy)
    assert "kits.heads" in caught.value.hint
    record = json.loads((copy / RECORD).read_text()) | {"world": "moons"}
    (copy / RECORD).write_text(json.dumps(record))
    with pytest.raises(BadFile, match="none of this version"):
        load_world(copy)
    with pytest.raises(BadFile, match="segmenter has not been trained"):
        assemble.read_checkpoints(tmp_path)
    assert assemble.main([str(tmp_path / "out"), "--work", str(tmp_path)]) == 1


def test_the_world_is_measured(
    world: World, rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With random networks there is nothing to expect but that everything is told."""
    assert world.shipped is not None
    about = {"median": 0.5, "worst_tenth": 0.4, "attributes": 3}
    monkeypatch.setattr(evaluate, "held_out_vectors", lambda work: {})
    monkeypatch.setattr(evaluate, "summary", lambda measured: about)
    told = evaluate.measure_world(world.shipped, tmp_path, rendered, draw, 24)
    assert told["people"] == 24
    assert read_record(world.shipped)["scores"] == json.loads(json.dumps(told, allow_nan=False))
    printed = scores.table(told)
    assert len(printed.splitlines()) == 2 + len(scores.LINES)
    assert "28 dB / .90" in printed
    assert "0.500 median over 3" in printed
    nowhere = ["--weights", str(tmp_path), "--store", str(rendered)]
    assert evaluate.main(["world", *nowhere]) == 1


def test_perfect_images_get_perfect_scores(world: World, rendered: Path) -> None:
    rows = read(rendered, held_out=True).take(np.arange(24))
    renders = scores.to_images(rows["image"])
    held = scores.Held(rows["values"], rows["label"], renders, renders)
    told = scores.reconstruction(held)
    assert told["ssim"]["worst tenth"] == pytest.approx(1.0)
    assert told["l1 by region"]["background"] == 0
    assert told["l1 by region"]["hat"] is None

    class Knowing(HeadsJudge):
        """Reads the truth off any image; of half of them it forgets the skin."""

        def __init__(self) -> None:
            nn.Module.__init__(self)

        def values(self, images: torch.Tensor) -> torch.Tensor:
            found = torch.from_numpy(rows["values"][: len(images)]).clone()
            found[:, COLUMN["skin_tone"]] = 0.5
            return found

    measured = scores.regression(Knowing(), held)
    assert measured["renders"]["age"] == 1.0
    assert measured["renders"]["skin_tone"] is None
    assert measured["error"]["age"] == 0
    assert measured["attributes from"]["generated"]["0.92"] > 30


def test_truncation_is_followed_by_the_renders(world: World) -> None:
    values = values_from_z(np.random.default_rng(6).standard_normal((2, 512)))
    drawn: list[np.ndarray] = []

    def drawing(moved: np.ndarray) -> scores.Drawing:
        drawn.append(moved)
        return draw(moved)

    told = scores.truncated(world, values, drawing)
    assert list(told) == ["psi 0.5", "psi 0.7", "psi 1.3"]
    np.testing.assert_allclose(drawn[0] - centre(), 0.5 * (values - centre()), atol=1e-6)
    assert 0 <= drawn[2].min() <= drawn[2].max() <= 1
