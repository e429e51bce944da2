from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile
from tests.checkpoints import making
from tests.checkpoints.making import pickled, tensorflow_file, tensorflow_network
from tests.checkpoints.test_nvidia import assert_tensors, written
from tests.golden import golden_arrays, golden_case, golden_file


def test_stylegan2_equals_the_originals_conversion() -> None:
    case = golden_case("tf_stylegan2")
    checkpoint = read_checkpoint(golden_file(case["files"]["file"]))
    assert_tensors(checkpoint, golden_arrays(case["files"]["weights"]))
    told = case["config"]
    for key in ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "conv_clamp"):
        assert checkpoint.config[key] == told[key]
    assert checkpoint.config["mapping_layers"] == told["mapping_kwargs"]["num_layers"]


def test_stylegan1_equals_the_port_where_the_port_keeps_it() -> None:
    case = golden_case("stylegan1")
    port = read_checkpoint(golden_file(case["files"]["file"]))
    made = read_checkpoint(golden_file(case["files"]["tf_file"]))
    assert port.config == made.config
    assert port.family == made.family == "stylegan1"
    kept = {name for name in made.tensors if not name.endswith("noise.noise")}
    assert kept == set(port.tensors)
    for name in kept - {"truncation.avg_latent"}:
        assert torch.equal(made.tensors[name], port.tensors[name]), name
    # The port's converter drops the average and the noise maps.
    assert float(port.tensors["truncation.avg_latent"].abs().max()) == 0.0
    assert float(made.tensors["truncation.avg_latent"].abs().min()) > 0.0
    assert len(made.tensors) - len(kept) == case["layers"]
    for index, size in ((0, 4), (11, 128)):
        name = f"g_synthesis.blocks.{size}x{size}.epi{index % 2 + 1}.top_epi.noise.noise"
        assert made.tensors[name].shape == (1, 1, size, size)


# --- without the golden data --------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, 6))
def test_stylegan2_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    data = tensorflow_file(4, making.tensorflow_stylegan2(), {"mapping_lrmul": 0.05}, protocol)
    checkpoint = read_checkpoint(written(tmp_path, data))
    expected = making.nvidia_stylegan2()
    assert set(checkpoint.tensors) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(checkpoint.tensors[name], value, rtol=1e-6, atol=1e-6)
    assert checkpoint.config["lr_multiplier"] == 0.05
    assert checkpoint.config["img_resolution"] == 8


def test_stylegan1_takes_average_noise_and_the_last_colours(tmp_path: Path) -> None:
    data = tensorflow_file(3, making.tensorflow_stylegan1(), {})
    checkpoint = read_checkpoint(written(tmp_path, data))
    expected = making.stylegan1_port()
    expected |= {
        f"g_synthesis.blocks.{size}x{size}.epi{half + 1}.top_epi.noise.noise": torch.full(
            (1, 1, size, size), float(2 * block + half)
        )
        for block, size in enumerate((4, 8))
        for half in (0, 1)
    }
    table = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    expected["g_synthesis.blocks.8x8.conv0_up.intermediate.kernel"] = table[None, None]
    assert_tensors(checkpoint, expected)


@pytest.mark.parametrize(
    ("version", "variables", "settings", "message"),
    [
        (2, {}, {}, "version 2, older"),
        (4, {"mapping/Strange/weight": np.zeros(1)}, {}, "the variable mapping/Strange/weight"),
        (4, {"dlatent_avg": "text"}, {}, "variables that make no sense"),
        (4, {"dlatent_avg": np.zeros(2)}, {}, "blocks or layers are missing"),
        (4, {}, {"resample_kernel": 3}, "resample_kernel makes no sense"),
        (3, {}, {}, "blocks or layers are missing"),
        ("4", {}, {}, "without version"),
    ],
)
def test_other_networks_are_refused(
    tmp_path: Path, version: Any, variables: Any, settings: Any, message: str
) -> None:
    path = written(tmp_path, tensorflow_file(version, variables, settings))
    with pytest.raises(BadFile, match=message):
        read_checkpoint(path)


def test_networks_without_end_are_refused(tmp_path: Path) -> None:
    network = tensorflow_network(4, {}, {})
    for _ in range(20):
        outer = tensorflow_network(4, {}, {})
        outer.state["components"] = {"a": network, "b": network}
        network = outer
    path = written(tmp_path, pickled((None, None, network)))
    with pytest.raises(BadFile, match="more networks inside each other"):
        read_checkpoint(path)
