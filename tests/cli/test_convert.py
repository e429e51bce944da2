from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.generators.loading import load_generator
from tests.checkpoints import making
from tests.checkpoints.making import FILES
from tests.cli.conftest import Run


@pytest.mark.parametrize("name", FILES)
def test_every_known_checkpoint_is_converted_and_reads_back(eclipsed: Run, name: str) -> None:
    Path("net.dat").write_bytes(FILES[name]())
    before = read_checkpoint("net.dat")
    ran = eclipsed("convert", "net.dat", "-o", "net.safetensors", "--json")
    assert ran.code == 0
    assert (ran.json["out"], ran.json["format"]) == ("net.safetensors", before.format)
    assert (ran.json["family"], ran.json["tensors"]) == (before.family, len(before.tensors))
    after = read_checkpoint("net.safetensors")
    assert (after.family, after.config) == (before.family, before.config)
    assert after.tensors.keys() == before.tensors.keys()
    for key, value in before.tensors.items():
        assert torch.equal(after.tensors[key], value)
        assert after.tensors[key].dtype == value.dtype


def test_a_converted_generator_is_the_same_one(eclipsed: Run) -> None:
    Path("net.pt").write_bytes(FILES["rosinality_zip"]())
    ran = eclipsed("convert", "net.pt", "-o", "net.safetensors")
    assert ran.out.startswith("wrote net.safetensors\n")
    assert "rosinality's PyTorch file" in ran.out
    first, second = load_generator("net.pt"), load_generator("net.safetensors")
    assert first.fingerprint == second.fingerprint
    z = first.sample([1], space="w+")
    assert torch.equal(first.synthesize(z).image, second.synthesize(z).image)


def test_convert_never_overwrites_what_it_reads(eclipsed: Run) -> None:
    data = FILES["own"]()
    Path("net.safetensors").write_bytes(data)
    Path("link.safetensors").symlink_to("net.safetensors")
    for out in ("net.safetensors", "link.safetensors"):
        ran = eclipsed("convert", "net.safetensors", "-o", out)
        assert ran.code == 1
        assert "it is the file that is read" in ran.err
    assert Path("net.safetensors").read_bytes() == data


@pytest.mark.parametrize(
    ("content", "out", "code", "words"),
    [
        (making.pickled(making.Call(making.Name("os", "system"), ("x",))), "n", 1, "os.system"),
        (making.saved({"epoch": torch.ones(2, 2, 2, 2)}), "n", 1, "epoch"),
        (b"", "n", 1, "empty"),
        (None, "n", 1, "no such file"),
        (FILES["own"](), "gone/n", 1, "no folder"),
        (FILES["own"](), "n.pt", 2, "must end in .safetensors"),
    ],
)
def test_convert_refuses_and_leaves_nothing(
    eclipsed: Run, content: bytes | None, out: str, code: int, words: str
) -> None:
    if content is not None:
        Path("net").write_bytes(content)
    path = out if out.endswith(".pt") else f"{out}.safetensors"
    ran = eclipsed("convert", "net", "-o", path)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not Path(path).exists()
