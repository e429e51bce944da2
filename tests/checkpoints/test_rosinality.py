from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.rosinality import average_latent, decoder_of, to_nvidia
from eclipsed.errors import BadFile
from eclipsed.generators import stylegan2
from tests.checkpoints.making import (
    converter_content,
    e4e_content,
    nvidia_stylegan2,
    random_tensors,
    rosinality_state,
    saved,
)
from tests.checkpoints.test_nvidia import assert_tensors, written
from tests.filling import filled
from tests.golden import assert_golden, assert_near, golden_arrays, golden_case, golden_file


def test_the_names_map_exactly_to_nvidias() -> None:
    case = golden_case("name_mapping")
    expected = golden_arrays(case["files"]["nvidia_weights"])
    state = golden_arrays(case["files"]["rosinality_weights"])
    tensors, config = to_nvidia(state, expected["mapping.w_avg"])
    assert set(tensors) == set(expected)
    for name, value in expected.items():
        assert torch.equal(tensors[name], value), name
    assert config["img_resolution"] == case["network_config"]["img_resolution"]


@pytest.mark.parametrize("name", ["ros_file_train_cuda", "ros32", "ros64"])
def test_renamed_networks_make_the_originals_images(name: str) -> None:
    files = golden_case(name)["files"]
    io = golden_arrays(files["io"])
    tensors, config = to_nvidia(golden_arrays(files["weights"]), io.get("latent_avg"))
    generator = stylegan2.from_checkpoint(config, tensors, name=name)
    w = generator.from_z(io["in.z"], space="w")
    assert_golden(w, io["out.w"])
    assert_golden(generator.synthesize(w, space="w").image, io["out.image"])
    assert_golden(generator.synthesize(w, space="w", noise="none").image, io["out.image.nonoise"])
    made = generator.synthesize(io["in.wplus"].flatten(1), features=generator.feature_names)
    assert_golden(made.image, io["wplus.image"])
    for key in io:
        if key.startswith("wplus.layer_"):
            assert_golden(made.features[key.split(".")[1]], io[key])


@pytest.mark.parametrize("name", ["ros_file_converter", "ros_file_converter_gd_old"])
def test_the_converters_files(name: str) -> None:
    case = golden_case(name)
    checkpoint = read_checkpoint(golden_file(case["files"]["file"]))
    state = golden_arrays("rosinality/ros32.weights.safetensors")
    average = golden_arrays("rosinality/ros32.io.safetensors")["latent_avg"]
    expected, config = to_nvidia(state, average)
    assert_tensors(checkpoint, expected)
    assert torch.equal(checkpoint.tensors["mapping.w_avg"], average)
    assert checkpoint.config == config
    assert "averaged_seeds" not in config


def test_the_trainings_file_has_an_average_made_of_seeds() -> None:
    case = golden_case("ros_file_train_cuda")
    checkpoint = read_checkpoint(golden_file(case["files"]["file"]))
    expected, _ = to_nvidia(golden_arrays(case["files"]["weights"]), None)
    assert_tensors(checkpoint, expected)
    assert checkpoint.config["averaged_seeds"] >= 4096
    assert checkpoint.config["mapping_layers"] == case["config"]["n_mlp"]


def test_e4es_file_gives_encoder_decoder_and_average() -> None:
    case = golden_case("e4e_file")
    checkpoint = read_checkpoint(golden_file(case["files"]["file"]))
    average = golden_arrays(case["files"]["latent_avg"])["latent_avg"]
    assert checkpoint.family == "e4e"
    assert torch.equal(checkpoint.tensors["latent_avg"], average)
    decoder = decoder_of(checkpoint)
    expected, _ = to_nvidia(golden_arrays(case["files"]["decoder"]), average)
    assert_tensors(decoder, expected)
    manifest = json.loads(golden_file(case["files"]["manifest"]).read_text())["entries"]
    shapes = {entry["name"]: entry["shape"] for entry in manifest}
    entries = {n: v for n, v in checkpoint.tensors.items() if n.startswith("encoder.")}
    assert set(entries) == {f"encoder.{name}" for name in case["encoder_entries"]}
    for name, value in entries.items():
        assert list(value.shape) == shapes[name.removeprefix("encoder.")]
        entry = next(e for e in manifest if e["name"] == name.removeprefix("encoder."))
        torch.testing.assert_close(value, filled(entry), rtol=1e-6, atol=1e-7)


def test_e4es_file_without_average_and_decoder() -> None:
    case = golden_case("e4e_file")
    checkpoint = read_checkpoint(golden_file(case["files"]["file_without_average"]))
    assert checkpoint.family == "e4e"
    assert "latent_avg" not in checkpoint.tensors
    assert checkpoint.config["start_from_latent_avg"] is False
    with pytest.raises(BadFile, match="an encoder without its generator"):
        decoder_of(checkpoint)


# --- without the golden data --------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
def test_both_containers(tmp_path: Path, old: bool) -> None:
    other = {name: value + 1 for name, value in rosinality_state().items()}
    content = converter_content() | {"g": other, "d": {}}
    checkpoint = read_checkpoint(written(tmp_path, saved(content, old=old)))
    assert_tensors(checkpoint, nvidia_stylegan2())
    assert "converter" in checkpoint.format


def test_training_files_hold_arguments_and_no_average(tmp_path: Path) -> None:
    content = converter_content()
    del content["latent_avg"]
    content |= {"args": argparse.Namespace(size=8), "ada_aug_p": 0.0}
    checkpoint = read_checkpoint(written(tmp_path, saved(content)))
    assert "training" in checkpoint.format
    assert checkpoint.config["averaged_seeds"] == 4096
    average = checkpoint.tensors["mapping.w_avg"]
    assert torch.equal(average, average_latent(nvidia_stylegan2()))


def test_the_average_is_that_of_mapped_seeds() -> None:
    tensors = nvidia_stylegan2()
    z = torch.from_numpy(np.stack([np.random.RandomState(i).randn(4) for i in range(4096)]))
    x = F.normalize(z, dim=1) * 2
    for i in (0, 1):
        weight = tensors[f"mapping.fc{i}.weight"].double() * (0.01 / 2)
        bias = tensors[f"mapping.fc{i}.bias"].double() * 0.01
        x = F.leaky_relu(x @ weight.t() + bias, 0.2) * 2**0.5
    assert_near(average_latent(tensors), x.mean(dim=0), scale=1e-3)


def test_absurd_mappings_and_filters_are_refused(tmp_path: Path) -> None:
    state = rosinality_state() | {"style.1.weight": torch.zeros(4, 5000)}
    path = written(tmp_path, saved({"g_ema": state}))
    with pytest.raises(BadFile, match="mapping whose layers make no sense"):
        read_checkpoint(path)
    state = rosinality_state() | {"convs.0.conv.blur.kernel": torch.zeros(33, 33)}
    path = written(tmp_path, saved({"g_ema": state}))
    with pytest.raises(BadFile, match="filter whose size makes no sense"):
        read_checkpoint(path)


def test_e4e_keeps_its_parts_apart(tmp_path: Path) -> None:
    content = e4e_content()
    checkpoint = read_checkpoint(written(tmp_path, saved(content)))
    assert checkpoint.family == "e4e"
    assert checkpoint.config["encoder_type"] == "Encoder4Editing"
    assert torch.equal(checkpoint.tensors["latent_avg"], content["latent_avg"])
    decoder = decoder_of(checkpoint)
    assert decoder.family == "stylegan2"
    assert_tensors(decoder, nvidia_stylegan2())
    assert "encoder_type" not in decoder.config
    for name in ("encoder.input_layer.0.weight", "encoder.input_layer.1.bias"):
        assert torch.equal(checkpoint.tensors[name], content["state_dict"][name])


def test_a_network_with_a_part_missing_is_refused(tmp_path: Path) -> None:
    state = {n: v for n, v in rosinality_state().items() if not n.startswith("style.")}
    path = written(tmp_path, saved({"g_ema": state, "latent_avg": torch.zeros(4)}))
    with pytest.raises(BadFile, match="blocks or layers are missing"):
        read_checkpoint(path)
    misshapen = rosinality_state() | random_tensors({"noises.noise_0": (3,)})
    path = written(tmp_path, saved({"g_ema": misshapen}))
    with pytest.raises(BadFile, match="do not fit together"):
        read_checkpoint(path)
