from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import eclipsed
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile
from tests.checkpoints import fuzzing, making
from tests.checkpoints.making import Call, Name, pickled
from tests.checkpoints.test_nvidia import written


@pytest.mark.parametrize("name", sorted(making.FILES))
def test_the_content_tells_the_format_and_the_name_does_not(tmp_path: Path, name: str) -> None:
    path = tmp_path / ("file.pkl" if name == "own" else "file.safetensors")
    path.write_bytes(making.FILES[name]())
    checkpoint = read_checkpoint(path)
    families = ("bisenet", "biggan", "dcgan", "e4e", "stylegan3", "stylegan1")
    assert checkpoint.family == next((each for each in families if each in name), "stylegan2")
    assert checkpoint.tensors


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is an empty file"),
        (b"\x89PNG\r\n\x1a\n", "it is a PNG picture"),
        (b"\x1f\x8b\x08\x00", "it is a gzip archive"),
        (pickled([1, 2]), "but a list"),
        (
            pickled({"state_dict": {"x": 1}, "\x1b[2J": 2}),
            "a dictionary of state_dict, \N{REPLACEMENT CHARACTER}",
        ),
        (pickled({1: 2}), "a dictionary without names"),
        (pickled(Call(Name("argparse", "Namespace"))), r"class argparse\.Namespace"),
        (pickled(Call(Name("posix", "system"), ("true",))), r"it names posix\.system"),
    ],
)
def test_what_is_no_checkpoint_is_told_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(BadFile, match=message) as caught:
        read_checkpoint(path)
    assert caught.value.message.startswith(f"Cannot read '{path}': it ")
    assert caught.value.message.endswith(".")
    assert caught.value.message.isprintable()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", "a\0b", "/dev/null"):
        with pytest.raises(BadFile, match="Cannot read"):
            read_checkpoint(path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="not a regular file"):
        read_checkpoint(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(BadFile, match="not a regular file"):
            read_checkpoint(tmp_path / "socket")


def test_the_tensors_outlive_the_file(tmp_path: Path) -> None:
    for name in ("nvidia_ada", "rosinality_zip", "rosinality_old", "tensorflow_stylegan2"):
        path = written(tmp_path, making.FILES[name]())
        found = read_checkpoint(path)
        path.write_bytes(b"")
        expected = making.nvidia_stylegan2()
        for key, value in found.tensors.items():
            torch.testing.assert_close(value, expected[key], rtol=1e-6, atol=1e-6)


# --- damage -------------------------------------------------------------------------------------


def check_fuzzing(tmp_path: Path, rounds: int) -> None:
    """In a program of its own: every damaged file is refused, or read as what it says."""
    folders = [str(Path(eclipsed.__file__).parent.parent), str(Path(__file__).parents[2])]
    made = subprocess.run(
        [sys.executable, fuzzing.__file__, str(tmp_path), str(rounds)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        check=True,
    )
    report: dict[str, Any] = json.loads(made.stdout)
    assert set(report) == set(making.FILES)
    for name, found in report.items():
        assert found["strange"] == [], name
        assert found["refused"] + found["read"] == rounds
        assert found["refused"] > 0, name


def test_flipped_bits_are_refused_or_do_no_harm(tmp_path: Path) -> None:
    check_fuzzing(tmp_path, 200)


@pytest.mark.slow
def test_many_flipped_bits_are_refused_or_do_no_harm(tmp_path: Path) -> None:
    check_fuzzing(tmp_path, 10_000)
