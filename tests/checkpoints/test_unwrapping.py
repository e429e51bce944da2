from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.rosinality import decoder_of
from eclipsed.errors import BadFile
from tests.checkpoints import making
from tests.checkpoints.making import (
    ADA_KWARGS,
    e4e_content,
    nvidia_module,
    nvidia_stylegan2,
    pickled,
    rosinality_state,
    saved,
)
from tests.checkpoints.test_nvidia import assert_tensors, written

AVERAGE = nvidia_stylegan2()["mapping.w_avg"]


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


def other(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value + 1 for name, value in state.items()}


STATE = rosinality_state()
NVIDIA = {n: v for n, v in nvidia_stylegan2().items() if n != "mapping.w_avg"}
# What projects wrap one network in; its average latent lies outside, inside, or is an array.
WRAPPED: dict[str, Any] = {
    "DataParallel": {"g_ema": prefixed("module.", STATE), "latent_avg": AVERAGE},
    "an array": {"g_ema": STATE, "latent_avg": AVERAGE.numpy()},
    "doubles": {"g_ema": STATE, "latent_avg": AVERAGE.numpy().astype(np.float64)},
    "a row of each layer": {"g_ema": STATE, "latent_avg": AVERAGE.expand(4, 4).clone()},
    "one row": {"g_ema": STATE, "latent_avg": AVERAGE[None]},
    "inside the table": {"g_ema": STATE | {"latent_avg": AVERAGE}},
    "inside, with a prefix": {"g_ema": prefixed("module.", STATE | {"latent_avg": AVERAGE})},
    "a bare table": STATE | {"latent_avg": AVERAGE},
    "compiled in parallel": prefixed("_orig_mod.module.", STATE | {"latent_avg": AVERAGE}),
    "the other way round": {"model": prefixed("module._orig_mod.", STATE), "latent_avg": AVERAGE},
    "lightning": {
        "state_dict": prefixed("generator.", other(STATE))
        | prefixed("g_ema.", STATE)
        | prefixed("discriminator.", {"convs.0.0.weight": torch.zeros(1)})
        | {"latent_avg": AVERAGE}
    },
    "genforce": {"generator": other(STATE), "generator_smooth": STATE, "w_avg": AVERAGE},
    "basicsr": {"params": other(STATE), "params_ema": STATE, "dlatent_avg": AVERAGE},
    "ema_pytorch": {
        "model": prefixed("online_model.", other(STATE)) | prefixed("ema_model.", STATE),
        "latent_avg": AVERAGE,
    },
    "model_ema": {"model": other(STATE), "model_ema": STATE, "latent_avg": AVERAGE},
    "G_ema": {"G": other(STATE), "G_ema": STATE, "latent_avg": AVERAGE},
    "g alone": {"g": STATE, "latent_avg": AVERAGE},
    "netG": {"netG": {"module": STATE}, "latent_avg": AVERAGE},
    "a word of their own": {"my_best_gan": STATE, "latent_avg": AVERAGE},
    "three deep": {"state": {"state_dict": {"generator": STATE}, "latent_avg": AVERAGE}},
    "only a decoder": {"state_dict": prefixed("decoder.", STATE), "latent_avg": AVERAGE},
    "NVIDIA's names": {"g_ema": prefixed("module.", NVIDIA), "latent_avg": AVERAGE},
    "NVIDIA's names, arrays": {n: v.numpy() for n, v in (NVIDIA | {"w_avg": AVERAGE}).items()},
}


@pytest.mark.parametrize("name", WRAPPED)
def test_whatever_it_is_wrapped_in_it_is_the_same_network(tmp_path: Path, name: str) -> None:
    checkpoint = read_checkpoint(written(tmp_path, saved(WRAPPED[name])))
    assert checkpoint.family == "stylegan2"
    assert_tensors(checkpoint, nvidia_stylegan2())
    assert "averaged_seeds" not in checkpoint.config
    assert checkpoint.notes == ()


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
@pytest.mark.parametrize("inside", [False, True])
def test_e4e_with_prefixes(tmp_path: Path, prefix: str, inside: bool) -> None:
    plain = e4e_content()
    average = plain.pop("latent_avg").numpy()
    content = plain | {"state_dict": prefixed(prefix, plain["state_dict"])}
    where = content["state_dict"] if inside else content
    where["latent_avg"] = average
    checkpoint = read_checkpoint(written(tmp_path, saved(content)))
    assert checkpoint.family == "e4e"
    assert np.array_equal(checkpoint.tensors["latent_avg"].numpy(), average)
    assert_tensors(decoder_of(checkpoint), nvidia_stylegan2())
    assert checkpoint.config["encoder_type"] == "Encoder4Editing"
    assert checkpoint.notes == ()


@pytest.mark.parametrize("name", ["dcgan", "bisenet", "biggan", "stylegan1_port"])
@pytest.mark.parametrize("prefix", ["module.", "netG.module.", "_orig_mod."])
def test_every_family_may_be_wrapped(tmp_path: Path, name: str, prefix: str) -> None:
    make: Any = getattr(making, name if name.endswith("port") else f"{name}_state")
    for content in (prefixed(prefix, make()), {"ema_model": prefixed(prefix, make())}):
        checkpoint = read_checkpoint(written(tmp_path, saved(content)))
        assert checkpoint.family == name.removesuffix("_port")
        assert_tensors(checkpoint, make())
        assert checkpoint.notes == ()


def test_of_two_networks_none_is_guessed(tmp_path: Path) -> None:
    content = {"first": STATE, "second": other(STATE)}
    with pytest.raises(BadFile, match=r"2 networks of one kind, under first and second.*alone"):
        read_checkpoint(written(tmp_path, saved(content)))


# --- modules ------------------------------------------------------------------------------------


def module() -> Any:
    built = {"_init_args": (), "_init_kwargs": making.easy_dict(**ADA_KWARGS)}
    return nvidia_module(nvidia_stylegan2(), "Generator", "raise SystemExit", **built)


@pytest.mark.parametrize(
    "content",
    [
        "alone",
        "generator",
        "G",
        "g_ema",
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_module_of_nvidias_is_read_wherever_it_lies(
    tmp_path: Path, content: str, protocol: int
) -> None:
    """Pivotal tuning saves the tuned generator itself."""
    value = module() if content == "alone" else {content: module()}
    for data in (pickled(value, protocol), making.torch_zip(pickled(value, protocol))):
        checkpoint = read_checkpoint(written(tmp_path, data))
        assert_tensors(checkpoint, nvidia_stylegan2())
        assert checkpoint.format == "NVIDIA PyTorch pickle"
        assert checkpoint.config["conv_clamp"] == 256.0
        assert checkpoint.notes == ()


def test_what_lies_beside_a_tuned_generator_is_named(tmp_path: Path) -> None:
    content = {"generator": module(), "pivots": torch.zeros(1, 4, 4), "quads": [[1, 2]]}
    checkpoint = read_checkpoint(written(tmp_path, pickled(content)))
    assert checkpoint.notes == ("1 tensor of the file is not used: pivots.",)


# --- nothing is dropped silently ----------------------------------------------------------------

KNOWN: dict[str, Any] = {
    "d": {"convs.0.0.weight": torch.zeros(1)},
    "netD": torch.zeros(1),
    "g_optim": {"state": {0: {"exp_avg": torch.zeros(1), "step": 3}}},
    "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(1)}}}],
    "lr_schedulers": [{"base": torch.zeros(1)}],
    "g": other(STATE),
    "augment_pipe": {"p": torch.zeros(())},
    "global_step": torch.tensor(3),
    "mean_path_length": torch.tensor(0.5),
    "ada_aug_p": torch.tensor(0.5),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_needs_no_word(tmp_path: Path, name: str) -> None:
    content = {"g_ema": STATE, "latent_avg": AVERAGE, name: KNOWN[name]}
    assert read_checkpoint(written(tmp_path, saved(content))).notes == ()


def test_what_is_not_known_is_named_and_counted(tmp_path: Path) -> None:
    content = {"g_ema": STATE, "latent_avg": torch.zeros(3), "mapper": prefixed("x.", STATE)}
    del content["mapper"]["x.conv1.conv.weight"]
    content["mapper"] = {"a\x1b": torch.zeros(1), "b": torch.zeros(1), "c": torch.zeros(1)}
    notes = read_checkpoint(written(tmp_path, saved(content))).notes
    assert notes == (
        "4 tensors of the file are not used: latent_avg, mapper.a\N{REPLACEMENT CHARACTER}, "
        "mapper.b, ….",
    )


def test_absurd_nesting_is_refused(tmp_path: Path) -> None:
    deep: Any = {"x": torch.zeros(1)}
    for _ in range(40):
        deep = {"x": deep}
    wide: Any = {"x": 1}
    for _ in range(9):
        wide = {str(i): wide for i in range(8)}
    for content in (deep, wide):
        with pytest.raises(BadFile, match="any genuine file"):
            read_checkpoint(written(tmp_path, saved(content)))
