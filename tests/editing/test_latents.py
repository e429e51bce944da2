from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from eclipsed.editing.latents import read_latent
from eclipsed.errors import BadFile
from eclipsed.testing import FakeGenerator

GENERATOR = FakeGenerator()


@pytest.mark.parametrize("shape", [(32,), (1, 32), (4, 8), (1, 4, 8)])
def test_a_w_plus_latent_of_any_shape_is_flattened_row_by_row(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    numbers = torch.arange(32.0)
    np.save(tmp_path / "l.npy", numbers.view(shape).numpy())
    save_file({"any": numbers.view(shape).contiguous()}, tmp_path / "l.bin")
    for name in ("l.npy", "l.bin"):
        space, latent = read_latent(tmp_path / name, GENERATOR)
        assert space == "w+"
        assert latent.dtype == torch.float32
        assert torch.equal(latent, numbers[None])


def test_a_short_latent_is_of_w(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones(8))
    assert read_latent(tmp_path / "w.npy", GENERATOR)[0] == "w"


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones(7), "7 numbers"),
        (np.ones((2, 32)), "(2, 32)"),
        (np.full(32, np.nan), "not finite"),
        (np.ones(32, dtype=np.int64), "int64"),
        (np.ones(32, dtype=np.complex64), "complex64"),
        (np.ones(0), "shape (0,)"),
    ],
)
def test_what_is_no_latent_is_refused(tmp_path: Path, array: np.ndarray, words: str) -> None:  # type: ignore[type-arg]
    np.save(tmp_path / "l.npy", array)
    with pytest.raises(BadFile) as caught:
        read_latent(tmp_path / "l.npy", GENERATOR)
    assert words in str(caught.value)


def test_pickled_arrays_are_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(BadFile, match="which is a pickle"):
        read_latent(tmp_path / "l.npy", GENERATOR)
    (tmp_path / "l.pkl").write_bytes(pickle.dumps(np.ones(32)))
    with pytest.raises(BadFile, match="pickle"):
        read_latent(tmp_path / "l.pkl", GENERATOR)


def test_several_tensors_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(32), "b": torch.ones(32)}, tmp_path / "l.safetensors")
    with pytest.raises(BadFile, match="2 tensors"):
        read_latent(tmp_path / "l.safetensors", GENERATOR)


def _whole(kind: str) -> bytes:
    if kind == "safetensors":
        return save({"x": torch.ones(32)})
    buffer = io.BytesIO()
    np.save(buffer, np.ones(32, dtype=np.float32))
    return buffer.getvalue()


@given(
    kind=st.sampled_from(["npy", "safetensors"]),
    place=st.integers(0, 500),
    value=st.integers(0, 255),
    cut=st.integers(0, 300),
)
def test_damage_is_a_latent_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, place: int, value: int, cut: int
) -> None:
    data = bytearray(_whole(kind))
    data[place % len(data)] = value
    path = tmp_path_factory.mktemp("damage") / "l"
    path.write_bytes(bytes(data[: len(data) - cut]))
    try:
        _, latent = read_latent(path, GENERATOR)
    except BadFile:
        return
    assert bool(torch.isfinite(latent).all())
