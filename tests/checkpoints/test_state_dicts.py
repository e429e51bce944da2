from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

import eclipsed
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile
from tests.checkpoints import making
from tests.checkpoints.making import random_tensors, saved
from tests.checkpoints.test_nvidia import assert_tensors, written
from tests.golden import golden_arrays, golden_file


@pytest.mark.parametrize(
    ("state", "family", "config"),
    [
        (making.dcgan_state, "dcgan", {"nz": 5, "ngf": 2, "nc": 3, "img_resolution": 8}),
        (making.bisenet_state, "bisenet", {"n_classes": 19}),
        (
            making.stylegan1_port,
            "stylegan1",
            {
                "z_dim": 4,
                "w_dim": 4,
                "img_resolution": 8,
                "mapping_layers": 1,
                "mapping_multiplier": 0.01,
            },
        ),
        (
            making.biggan_state,
            "biggan",
            {
                "output_dim": 8,
                "z_dim": 4,
                "class_embed_dim": 4,
                "num_classes": 6,
                "channel_width": 2,
                "n_stats": 51,
                "layers": [[False, 2, 2], [True, 2, 1]],
                "attention_layer_position": 2,
                "eps": 1e-4,
            },
        ),
    ],
)
def test_names_tell_the_network(
    tmp_path: Path, state: Any, family: str, config: dict[str, Any]
) -> None:
    tensors = state()
    parallel = {f"module.{name}": value for name, value in tensors.items()}
    for data in (
        saved(tensors),
        saved(tensors, old=True),
        saved({"netG_state_dict": tensors, "epoch": 3}),
        saved({"state_dict": parallel}),
        safetensors.torch.save(tensors),
    ):
        checkpoint = read_checkpoint(written(tmp_path, data))
        assert checkpoint.family == family
        assert dict(checkpoint.config) == config
        assert_tensors(checkpoint, tensors)


def test_stylegan2_is_told_by_nvidias_and_by_rosinalitys_names(tmp_path: Path) -> None:
    tensors = making.nvidia_stylegan2()
    bare = read_checkpoint(written(tmp_path, safetensors.torch.save(tensors)))
    assert bare.family == "stylegan2"
    assert_tensors(bare, tensors)
    state = making.rosinality_state() | {"latent_avg": tensors["mapping.w_avg"]}
    renamed = read_checkpoint(written(tmp_path, safetensors.torch.save(state)))
    assert_tensors(renamed, tensors)
    assert renamed.config == bare.config


@pytest.mark.parametrize("name", ["ada_cond32", "ada_resnet32", "ada_skip64_w512"])
def test_shapes_tell_the_settings_of_a_stylegan2(name: str) -> None:
    path = golden_file(f"stylegan2/{name}.weights.safetensors")
    checkpoint = read_checkpoint(path)
    assert_tensors(checkpoint, golden_arrays(f"stylegan2/{name}.weights.safetensors"))
    told = {
        "ada_cond32": (32, 5, 64, 32, 8, "skip"),
        "ada_resnet32": (64, 0, 64, 32, 2, "resnet"),
        "ada_skip64_w512": (512, 0, 512, 64, 2, "skip"),
    }[name]
    keys = ("z_dim", "c_dim", "w_dim", "img_resolution", "mapping_layers", "architecture")
    assert tuple(checkpoint.config[key] for key in keys) == told


def test_the_starter_worlds_generator_is_a_stylegan2() -> None:
    folder = Path(eclipsed.__file__).parent / "worlds" / "starter" / "weights"
    checkpoint = read_checkpoint(folder / "generator.safetensors")
    assert checkpoint.family == "stylegan2"
    assert checkpoint.config["img_resolution"] == 128
    assert checkpoint.config["layer_features"] == 590
    with pytest.raises(BadFile, match="no network that is known here"):
        read_checkpoint(folder / "encoder.safetensors")


def test_stylegan3_without_settings_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, safetensors.torch.save(making.nvidia_stylegan3()))
    with pytest.raises(BadFile, match=r"without its settings.*Give NVIDIA's \.pkl"):
        read_checkpoint(path)


def test_a_discriminator_is_no_dcgan(tmp_path: Path) -> None:
    state = random_tensors({"main.0.weight": (2, 3, 4, 4), "main.2.weight": (4, 2, 4, 4)})
    with pytest.raises(BadFile, match="no network that is known here"):
        read_checkpoint(written(tmp_path, saved(state)))


# --- BigGAN's settings, beside the file ---------------------------------------------------------


def biggan(tmp_path: Path, state: dict[str, Tensor], config: Any) -> Path:
    if config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (tmp_path / "config.json").write_text(text)
    return written(tmp_path, saved(state, old=True))


def test_biggan_is_read_with_its_settings_beside_it() -> None:
    checkpoint = read_checkpoint(golden_file("biggan/pytorch_model.bin"))
    told = json.loads(golden_file("biggan/config.json").read_text())
    assert checkpoint.family == "biggan"
    assert dict(checkpoint.config) == told


SETTINGS = {
    "z_dim": 4,
    "num_classes": 6,
    "n_stats": 51,
    "layers": [[True, 2, 2], [False, 2, 1], [True, 1, 1]],
    "eps": 0.5,
    "note": "left out",
}


def test_settings_of_this_network_win_over_the_shapes(tmp_path: Path) -> None:
    path = biggan(tmp_path, making.biggan_state(), SETTINGS)
    config = read_checkpoint(path).config
    assert config["layers"] == SETTINGS["layers"]
    assert config["eps"] == 0.5
    assert "note" not in config


@pytest.mark.parametrize(
    "config", [None, {**SETTINGS, "z_dim": 5}, [], {**SETTINGS, "layers": [[1]]}, {}]
)
def test_settings_of_others_are_passed_over(tmp_path: Path, config: Any) -> None:
    found = read_checkpoint(biggan(tmp_path, making.biggan_state(), config)).config
    assert found["layers"] == [[False, 2, 2], [True, 2, 1]]


def test_what_shapes_do_not_tell_is_asked_for(tmp_path: Path) -> None:
    path = biggan(tmp_path, making.biggan_state(blocks=3), None)
    with pytest.raises(BadFile, match=r"Put its config\.json into the same folder"):
        read_checkpoint(path)
    (tmp_path / "config.json").write_text(json.dumps(SETTINGS))
    assert read_checkpoint(path).config["layers"] == SETTINGS["layers"]


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_damaged_settings_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadFile, match=r"config\.json beside it is damaged"):
        read_checkpoint(biggan(tmp_path, making.biggan_state(), text))


def test_tensors_stay_as_they_are(tmp_path: Path) -> None:
    half = {name: value.half() for name, value in making.dcgan_state().items()}
    checkpoint = read_checkpoint(written(tmp_path, saved(half)))
    assert {value.dtype for value in checkpoint.tensors.values()} == {torch.float16}
