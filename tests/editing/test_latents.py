from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from eclipsed.editing.latents import read_latent, read_latents
from eclipsed.errors import BadFile, UnknownName
from eclipsed.testing import FakeGenerator
from eclipsed.types import Space

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
    with pytest.raises(BadFile, match=r"names builtins\.print"):
        read_latent(tmp_path / "l.npy", GENERATOR)
    (tmp_path / "l.pkl").write_bytes(pickle.dumps(print))
    with pytest.raises(BadFile, match=r"builtins\.print|__builtin__\.print"):
        read_latent(tmp_path / "l.pkl", GENERATOR)


ROWS = torch.arange(96.0).view(3, 4, 8) / 96 - 0.5
PICTURE = torch.zeros(3, 4, 4)


@pytest.mark.parametrize(
    ("content", "space", "names", "rows"),
    [
        (ROWS[:1], "w+", ["file"], ROWS[:1]),  # PTI's 0.pt
        (ROWS, "w+", ["file-1", "file-2", "file-3"], ROWS),  # e4e's latents.pt
        (torch.nn.Parameter(ROWS[:1]), "w+", ["file"], ROWS[:1]),
        ([ROWS[1], ROWS[0]], "w+", ["file-1", "file-2"], ROWS[[1, 0]]),
        ({"latents": ROWS[:2].half()}, "w+", ["file-1", "file-2"], ROWS[:2].half().float()),
        ({"w": ROWS[0, :1], "seed": 3}, "w", ["file"], ROWS[0, :1]),
        ({"w": ROWS[0], "z": ROWS[1]}, "w+", ["file"], ROWS[:1]),
        ({"z": ROWS[1, :2]}, "z", ["file-1", "file-2"], ROWS[1, :2]),
        (ROWS[0, None, :2].transpose(0, 1), "w", ["file-1", "file-2"], ROWS[0, :2]),
        (
            {
                "in/anna.png": {"img": PICTURE, "latent": ROWS[0], "noise": [PICTURE[:1]]},
                "in/Ben K.png": {"img": PICTURE, "latent": ROWS[2], "noise": [PICTURE[:1]]},
            },
            "w+",
            ["anna", "ben-k"],
            ROWS[[0, 2]],
        ),
        (
            {"noises": [PICTURE], "a.png": {"latent": ROWS[0]}, "b/a.jpg": {"latent": ROWS[1]}},
            "w+",
            ["file-1", "file-2"],
            ROWS[:2],
        ),
        ({"anna": ROWS[0], "ben": ROWS[1]}, "w+", ["anna", "ben"], ROWS[:2]),
    ],
)
def test_files_of_projectors_are_read(
    tmp_path: Path, content: object, space: str, names: list[str], rows: torch.Tensor
) -> None:
    torch.save(content, tmp_path / "file.pt")
    read = read_latents(tmp_path / "file.pt", GENERATOR)
    assert read.space == space
    assert list(read.names) == names
    assert torch.equal(read.latents, rows.detach().reshape(len(names), -1))
    for index, latent in enumerate(read.latents, start=1):
        assert torch.equal(
            read_latent(tmp_path / "file.pt", GENERATOR, index=index)[1], latent[None]
        )
    if len(names) > 1:
        with pytest.raises(BadFile, match=rf"{len(names)} latents .* Choose one with --index"):
            read_latent(tmp_path / "file.pt", GENERATOR)
    with pytest.raises(BadFile, match=f"There is no latent {len(names) + 1}"):
        read_latents(tmp_path / "file.pt", GENERATOR, index=len(names) + 1)


@pytest.mark.parametrize("key", ["w", "dlatents", "projected_w", "arr_0"])
def test_archives_of_arrays_are_read(tmp_path: Path, key: str) -> None:
    np.savez(tmp_path / "l.npz", **{key: ROWS[:1].numpy()})
    space, latent = read_latent(tmp_path / "l.npz", GENERATOR)
    assert space == "w+"
    assert torch.equal(latent, ROWS[:1].reshape(1, -1))


@dataclass(frozen=True)
class WideGenerator(FakeGenerator):
    """One whose w lies where z never does, as of every trained network."""

    def from_z(self, z: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
        latents = super().from_z(z, *args, **named)
        return latents if named.get("space") == "z" else latents + 9.0


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_z_and_w_of_one_size_are_told_by_where_they_lie(
    tmp_path: Path, space: Space, count: int
) -> None:
    generator = WideGenerator()
    latents = generator.sample(range(count), truncation=0.7, space=space)
    np.save(tmp_path / "l.npy", latents.numpy())
    read = read_latents(tmp_path / "l.npy", generator)
    if (space, count) == ("w", 4):  # as many rows as W+ has
        assert (read.space, read.latents.shape) == ("w+", (1, 32))
        read = read_latents(tmp_path / "l.npy", generator, space="w")
    else:
        other = {"z": "w", "w": "z"}[space]
        assert f"{count}×8 numbers may be of {space} or {other}" in read.note
        assert f"say --space {other}" in read.note
    assert read.space == space
    assert torch.equal(read.latents, latents)
    for named in ("z", "w"):
        said = read_latents(tmp_path / "l.npy", generator, space=named)
        assert (said.space, said.note) == (named, "")


def test_a_space_that_the_numbers_do_not_fit_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.ones(8))
    with pytest.raises(BadFile, match=r"no latent of 'fake'\. It takes 32 \(w\+\)\."):
        read_latent(tmp_path / "l.npy", GENERATOR, space="w+")
    with pytest.raises(UnknownName):
        read_latent(tmp_path / "l.npy", FakeGenerator(spaces=("z",)), space="w")


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
