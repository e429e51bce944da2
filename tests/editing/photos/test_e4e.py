"""e4e's encoder computes what the original does, and its files are read with care."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.editing.photos.e4e import E4eNetwork, inverter_of, load_e4e
from eclipsed.errors import BadFile
from eclipsed.types import Inverter
from tests.filling import filled, noise
from tests.golden import assert_golden, golden_arrays, golden_case, golden_file


def golden_tensors() -> dict[str, Tensor]:
    manifest = golden_file(golden_case("e4e_encoder")["files"]["manifest"])
    entries = json.loads(manifest.read_text())["entries"]
    return {f"encoder.{entry['name']}": filled(entry) for entry in entries}


@pytest.mark.slow  # 267 million numbers
def test_rows_and_features_equal_the_original() -> None:
    expected = golden_arrays(golden_case("e4e_encoder")["files"]["expected"])
    average = torch.linspace(-1.0, 1.0, 512)
    tensors = {**golden_tensors(), "latent_avg": average}
    inverter = inverter_of(Checkpoint("", "e4e", {}, tensors), name="e4e")
    assert isinstance(inverter, Inverter)
    picture = noise("input", (1, 3, 256, 256)).clamp(-1.0, 1.0)
    with torch.no_grad():
        for name, features in zip(("c1", "c2", "c3"), inverter.network.trunk(picture), strict=True):
            sample = features[:, ::16, ::8, ::8]
            assert_golden(sample, expected[f"{name}_sample"], rtol=1e-3, scale=5e-4)
    rows = inverter.latents(picture).unflatten(1, (18, 512)) - average
    assert_golden(rows, expected["codes"], rtol=1e-3, scale=5e-4)


def test_the_names_and_shapes_are_those_of_the_public_weights() -> None:
    manifest = golden_file(golden_case("e4e_encoder")["files"]["manifest"])
    entries = json.loads(manifest.read_text())["entries"]
    with torch.device("meta"):
        own = {name: list(value.shape) for name, value in E4eNetwork(18).state_dict().items()}
    assert own == {entry["name"]: entry["shape"] for entry in entries}


def test_a_file_that_lacks_weights_says_which() -> None:
    path = golden_file("e4e/structure_no_average.pt")
    with pytest.raises(BadFile, match="heads for 0 rows"):
        load_e4e(path)


def test_another_file_is_no_encoder_of_photos(tmp_path: Path) -> None:
    from tests.checkpoints.making import FILES

    name = next(name for name in FILES if "stylegan2" in name)
    path = tmp_path / name
    path.write_bytes(FILES[name]())
    with pytest.raises(BadFile, match="no encoder of photos"):
        load_e4e(path)
