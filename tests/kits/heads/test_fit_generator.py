"""What the generator of heads is trained on, and that its training moves the right way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from eclipsed.errors import EclipsedError
from eclipsed.worlds.heads.attributes import COLUMN, REGIONS
from kits.heads import compare, store
from kits.heads import fit_generator as pictures
from kits.heads.design import GROUP_WIDTH, NUM_WS, codes_from_values
from kits.heads.fit_generator import CONFIG, Batches, Stage, fit_generator, pixel_weights
from kits.heads.population import Floats
from kits.heads.recipe import main
from kits.heads.renderer import Drawing
from kits.heads.store import RESOLUTION, grow, read
from kits.losses import local_contrast

TINY = replace(CONFIG, channels={4: 8, 8: 8, 16: 8, 32: 8, 64: 4, 128: 4})


def draw(values: Floats) -> Drawing:
    """Background and a block that is as light as the skin and as wide as the hair is long."""
    n = len(values)
    images = np.full((n, RESOLUTION, RESOLUTION, 3), 40, np.uint8)
    masks = np.zeros((n, len(REGIONS), RESOLUTION, RESOLUTION), np.uint8)
    masks[:, REGIONS.index("background")] = 255
    for image, mask, row in zip(images, masks, values, strict=True):
        half = int(10 + 40 * row[COLUMN["hair_length"]])
        block = np.s_[30:100, 64 - half : 64 + half]
        image[block] = int(250 - 150 * row[COLUMN["skin_tone"]])
        mask[(slice(None), *block)] = 0
        mask[(REGIONS.index("eyes"), *block)] = 255
    return Drawing(images, masks)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CHUNK", 16)
        grow(folder, 96, draw)
    return folder


def batch(folder: Path, step: int = 3, **more: float) -> tuple[Tensor, ...]:
    stage = replace(Stage(128, 8, 0.1, batch=4), **more)  # type: ignore[arg-type]
    return Batches(folder, stage, 1, "cpu").at(step)


@pytest.mark.parametrize("resolution", [32, 128])
def test_batches_are_of_the_stage_and_repeatable(rendered: Path, resolution: int) -> None:
    codes, target, weight, strands = batch(rendered, resolution=resolution)
    assert codes.shape == (4, NUM_WS, GROUP_WIDTH)
    assert target.shape == (4, 3, resolution, resolution)
    assert weight.shape == strands.shape == (4, 1, resolution, resolution)
    assert -1 <= float(target.min()) < float(target.max()) <= 1
    again = batch(rendered, resolution=resolution)
    whole = (codes, target, weight, strands)
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    assert not torch.equal(batch(rendered, step=4, resolution=resolution)[0], codes)


def test_small_parts_and_details_weigh_more(rendered: Path) -> None:
    assert len(pixel_weights()) == len(REGIONS)
    _, target, weight, _ = batch(rendered)
    assert float(weight[0, 0, 64, 64]) == pictures.WEIGHTS["eyes"]
    assert float(weight[0, 0, 0, 0]) == pytest.approx(pictures.WEIGHTS["background"])
    _, _, fine, _ = batch(rendered, detail=5.0)
    torch.testing.assert_close(fine, weight * (1 + 5.0 * local_contrast(target)))


def test_pixels_of_strands_weigh_less_where_their_texture_is_trained(
    rendered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "STRANDS", ("eyes",))
    _, _, weight, strands = batch(rendered)
    assert 0 < float(strands.mean()) < 1
    _, _, light, _ = batch(rendered, texture=2.0)
    torch.testing.assert_close(light, weight * (1 - (1 - pictures.STRANDS_WEIGHT) * strands))


@pytest.mark.parametrize("wrong", [(48, 100), (256, 100), (64, 8)])
def test_senseless_stages_are_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a stage"):
        Stage(*wrong, 0.1)


@pytest.mark.parametrize("wrong", [{"detail": -1.0}, {"colour": -1.0}, {"texture": -1.0}])
def test_a_stage_has_no_negative_weights(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Stage(64, 64, 0.1, **wrong)  # type: ignore[arg-type]


def strengths_of(network: torch.nn.Module) -> list[float]:
    found = [v for key, v in network.state_dict().items() if key.endswith("noise_strength")]
    return [strength.item() for strength in found]


def test_the_generator_learns_resumes_and_is_compared(
    tmp_path: Path,
    rendered: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pictures, "CONFIG", TINY)
    stages = (Stage(32, 960, 0.05, batch=8), Stage(64, 8, 0.01, batch=8))
    monkeypatch.setattr(compare, "STAGES", stages)
    work = tmp_path / "work"
    command = [str(tmp_path / "sheet.png"), "--work", str(work), "--store", str(rendered)]
    assert compare.main(command) == 1
    assert "recipe --only generator" in capsys.readouterr().err
    half = fit_generator(work, rendered, stages=stages[:1], compiled=False)
    assert half.resolutions == (4, 8, 16, 32)
    lines = (work / "generator-0.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert losses[-1] < 0.8 * losses[0]
    network = fit_generator(work, rendered, stages=stages, compiled=False)
    assert network.resolutions == (4, 8, 16, 32, 64)
    assert not any(strengths_of(network))
    textured = (*stages, Stage(64, 16, 0.01, batch=8, texture=1.0))
    assert any(strengths_of(fit_generator(work, rendered, stages=textured, compiled=False)))
    (work / "generator-2.safetensors").unlink()
    name, again = compare.newest(work)
    assert name == "stage 1, step 1"
    codes = torch.from_numpy(codes_from_values(read(rendered).chunks[0]["values"][:2]))
    torch.testing.assert_close(again(again.styles(codes))[0], network(network.styles(codes))[0])
    assert compare.main(command) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["resolution"] == 64
    assert scores["people"] == 32
    assert scores["psnr"] > 5
    with Image.open(command[0]) as sheet:
        assert sheet.size == (8 * RESOLUTION, 6 * RESOLUTION)


def test_training_says_what_to_do_about_an_empty_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--work", str(tmp_path / "work"), "--store", str(tmp_path / "store")]
    assert main(["--only", "generator", "--eager", *where]) == 1
    assert "kits.heads.store --people" in capsys.readouterr().err


def test_an_empty_store_cannot_be_compared_with(tmp_path: Path) -> None:
    with pytest.raises(EclipsedError, match="empty"):
        read(tmp_path, held_out=True)
