from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.checkpoints.writing import write_checkpoint
from eclipsed.errors import BadFile
from tests.checkpoints import making
from tests.checkpoints.test_nvidia import assert_tensors

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool)


@given(
    shapes=st.dictionaries(
        st.text("abc._0", min_size=1, max_size=8), st.lists(st.integers(0, 3), max_size=4)
    ),
    dtype=st.sampled_from(DTYPES),
    config=st.dictionaries(st.text(max_size=5), st.integers() | st.none() | st.text(max_size=5)),
)
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: dict[str, list[int]],
    dtype: torch.dtype,
    config: dict[str, Any],
) -> None:
    path = tmp_path_factory.mktemp("round") / "network"
    tensors = {name: torch.randn(shape).to(dtype) for name, shape in shapes.items()}
    write_checkpoint(Checkpoint("somebody's", "stylegan2", config, tensors), path)
    found = read_checkpoint(path)
    assert (found.format, found.family) == ("eclipsed checkpoint", "stylegan2")
    assert found.config == config
    assert_tensors(found, tensors)


@pytest.mark.parametrize("name", sorted(making.FILES))
def test_every_format_can_be_kept_in_our_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "foreign").write_bytes(making.FILES[name]())
    foreign = read_checkpoint(tmp_path / "foreign")
    write_checkpoint(foreign, tmp_path / "own")
    own = read_checkpoint(tmp_path / "own")
    assert own.family == foreign.family
    assert own.config == foreign.config
    assert_tensors(own, dict(foreign.tensors))


def test_views_and_shared_memory_are_written_out(tmp_path: Path) -> None:
    base = torch.arange(6.0)
    tensors: dict[str, Tensor] = {"a": base, "b": base[2:], "c": base.reshape(2, 3).t()}
    write_checkpoint(Checkpoint("x", "x", {}, tensors), tmp_path / "own")
    assert_tensors(read_checkpoint(tmp_path / "own"), tensors)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x"])
def test_settings_that_are_no_json_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(BadFile, match="settings of this network cannot be written"):
        write_checkpoint(Checkpoint("x", "x", {"a": value}, {}), tmp_path / "own")
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "own"
    write_checkpoint(Checkpoint("x", "x", {}, making.dcgan_state()), path)
    data = bytearray(path.read_bytes())
    data[-5] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(BadFile, match="checksum does not match"):
        read_checkpoint(path)


def test_others_can_read_what_is_written(tmp_path: Path) -> None:
    tensors = making.dcgan_state()
    write_checkpoint(Checkpoint("x", "dcgan", {"nz": 5}, tensors), tmp_path / "own")
    found = safetensors.torch.load_file(tmp_path / "own")
    assert set(found) == set(tensors)
