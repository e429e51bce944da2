from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile
from tests.checkpoints.making import (
    ADA_KWARGS,
    SG3_KWARGS,
    easy_dict,
    nvidia_file,
    nvidia_stylegan2,
    nvidia_stylegan3,
    pickled,
)
from tests.golden import golden_arrays, golden_case, golden_file

CASES = (
    "ada_pkl_cond32_cuda",
    "ada_pkl_skip32",
    "sg3_pkl_r32",
    "sg3_pkl_stylegan2",
    "sg3_pkl_t32",
)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "network.pkl"
    path.write_bytes(data)
    return path


@cache
def golden_checkpoint(name: str) -> Checkpoint:
    """Read once: with every type checked, one file takes seconds."""
    return read_checkpoint(golden_file(golden_case(name)["files"]["file"]))


def assert_tensors(checkpoint: Checkpoint, expected: dict[str, torch.Tensor]) -> None:
    """Exactly these, in type, shape and every bit."""
    assert set(checkpoint.tensors) == set(expected)
    for name, value in expected.items():
        assert checkpoint.tensors[name].dtype == value.dtype, name
        assert torch.equal(checkpoint.tensors[name], value), name


@pytest.mark.parametrize("name", CASES)
def test_the_originals_files_give_the_originals_tensors(name: str) -> None:
    case = golden_case(name)
    checkpoint = golden_checkpoint(name)
    assert_tensors(checkpoint, golden_arrays(case["files"]["weights"]))
    told = case["network_config"]
    flat = {**told, **told.get("synthesis_kwargs", {}), **told["mapping_kwargs"]}
    shared = {key: flat[key] for key in flat.keys() & checkpoint.config.keys() - {"num_layers"}}
    assert {key: checkpoint.config[key] for key in shared} == shared
    assert checkpoint.config["mapping_layers"] == told["mapping_kwargs"]["num_layers"]


def test_stylegan2_of_both_repositories_clamps_as_its_own_default_says() -> None:
    names = ("ada_pkl_skip32", "sg3_pkl_stylegan2", "ada_pkl_cond32_cuda")
    clamps = {name: golden_checkpoint(name).config["conv_clamp"] for name in names}
    assert clamps == {
        "ada_pkl_skip32": None,
        "sg3_pkl_stylegan2": 256.0,
        "ada_pkl_cond32_cuda": 256.0,
    }


# --- without the golden data --------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
def test_the_averaged_generator_is_taken(tmp_path: Path, protocol: int) -> None:
    tensors = nvidia_stylegan2()
    path = written(tmp_path, nvidia_file(tensors, protocol=protocol, **ADA_KWARGS))
    checkpoint = read_checkpoint(path)
    assert checkpoint.family == "stylegan2"
    assert_tensors(checkpoint, tensors)
    assert checkpoint.config == {
        "z_dim": 4,
        "c_dim": 0,
        "w_dim": 4,
        "img_resolution": 8,
        "img_channels": 3,
        "mapping_layers": 2,
        "lr_multiplier": 0.02,
        "embed_features": None,
        "layer_features": None,
        "architecture": "skip",
        "conv_clamp": 256.0,
        "resample_filter": [1, 3, 3, 1],
    }


def test_stylegan3_has_the_originals_defaults(tmp_path: Path) -> None:
    tensors = nvidia_stylegan3()
    checkpoint = read_checkpoint(written(tmp_path, nvidia_file(tensors, **SG3_KWARGS)))
    assert checkpoint.family == "stylegan3"
    assert_tensors(checkpoint, tensors)
    assert checkpoint.config == {
        "z_dim": 4,
        "c_dim": 0,
        "w_dim": 4,
        "img_resolution": 8,
        "img_channels": 3,
        "mapping_layers": 1,
        "lr_multiplier": 0.01,
        "embed_features": None,
        "layer_features": None,
        "channel_base": 32768,
        "channel_max": 3,
        "num_layers": 6,
        "num_critical": 2,
        "first_cutoff": 2,
        "first_stopband": 2**2.1,
        "last_stopband_rel": 2**0.3,
        "margin_size": 10,
        "output_scale": 0.25,
        "num_fp16_res": 4,
        "conv_kernel": 3,
        "filter_size": 6,
        "lrelu_upsampling": 2,
        "use_radial_filters": True,
        "conv_clamp": 256,
        "magnitude_ema_beta": 0.999,
    }


def test_channels_last_weights_are_put_in_order(tmp_path: Path) -> None:
    tensors = nvidia_stylegan2()
    mixed = {
        name: value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
        for name, value in tensors.items()
    }
    checkpoint = read_checkpoint(written(tmp_path, nvidia_file(mixed, **ADA_KWARGS)))
    assert_tensors(checkpoint, tensors)
    assert all(value.is_contiguous() for value in checkpoint.tensors.values())


def test_the_program_in_a_file_is_neither_run_nor_missed(tmp_path: Path) -> None:
    source = f"open({str(tmp_path / 'canary')!r}, 'w')\n" * 500
    tensors = nvidia_stylegan2()
    path = written(tmp_path, nvidia_file(tensors, source=source, **ADA_KWARGS))
    assert_tensors(read_checkpoint(path), tensors)
    assert [file.name for file in tmp_path.iterdir()] == ["network.pkl"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"z_dim": None}, "does not say what its z_dim is"),
        ({"z_dim": -1}, "does not say what its z_dim is"),
        ({"z_dim": 4.0}, "does not say what its z_dim is"),
        ({"img_resolution": True}, "does not say what its img_resolution is"),
        ({"mapping_kwargs": 3}, "does not say how it was built"),
        ({"synthesis_kwargs": [1]}, "does not say how it was built"),
        ({"synthesis_kwargs": easy_dict(conv_clamp={})}, "neither a number nor a word"),
        ({"mapping_kwargs": easy_dict(num_layers="x" * 1000)}, "neither a number nor a word"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    kwargs = {**ADA_KWARGS, **changes}
    path = written(tmp_path, nvidia_file(nvidia_stylegan2(), **kwargs))
    with pytest.raises(BadFile, match=message):
        read_checkpoint(path)


def test_another_network_of_nvidias_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, nvidia_file({"b4.conv.weight": torch.zeros(1)}, **ADA_KWARGS))
    with pytest.raises(BadFile, match="neither a StyleGAN2 nor a StyleGAN3"):
        read_checkpoint(path)
    path = written(tmp_path, pickled({"G": 1, "D": 2}))
    with pytest.raises(BadFile, match="a dictionary of G, D"):
        read_checkpoint(path)
