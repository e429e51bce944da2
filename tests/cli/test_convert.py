from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.directions import Direction
from eclipsed.generators.loading import load_generator
from eclipsed.testing import patch_vector
from eclipsed.types import World
from tests.checkpoints import making
from tests.checkpoints.making import FILES
from tests.cli.conftest import Run, save_card


def save_rows(path: str = "smile.npy") -> None:
    np.save(path, patch_vector("mouth").view(4, 8).numpy())


# --- convert ------------------------------------------------------------------------------------


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
    place = out if out.endswith(".pt") else f"{out}.safetensors"
    ran = eclipsed("convert", "net", "-o", place)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not Path(place).exists()


# --- import -------------------------------------------------------------------------------------


def test_a_direction_becomes_a_card_and_edits(eclipsed: Run, world: World) -> None:
    save_rows()
    ran = eclipsed("import", "smile.npy", "-o", "smile.safetensors", "--json")
    assert ran.code == 0
    (card,) = ran.json["cards"]
    assert card == {
        "card": "smile.safetensors",
        "name": "smile",
        "space": "w+",
        "numbers": 32,
        "unit": 1.0,
        "range": [-10.0, 10.0],
    }
    assert (ran.json["origin"], ran.json["directions"]) == ("NumPy array", 1)
    loaded = Direction.load("smile.safetensors")
    loaded.check(world.generator)
    assert torch.equal(loaded.vector, patch_vector("mouth"))
    edited = eclipsed("edit", "--seed", "3", "-d", "smile.safetensors=0.5", "-o", "a.png", "--json")
    assert edited.json["edits"][0]["name"] == "smile"
    shown = eclipsed("show", "smile.safetensors", "--json").json
    assert (shown["kind"], shown["method"]) == ("card", "NumPy array")


def test_several_directions_are_numbered(eclipsed: Run) -> None:
    table = {"up": patch_vector("hair").view(4, 8), "down": -patch_vector("hair").view(4, 8)}
    torch.save(table, "both.pt")
    ran = eclipsed("import", "both.pt", "-o", "both.safetensors")
    assert ran.out.startswith("wrote 2 of 2 (tensor)\n")
    names = {i: Direction.load(f"both-{i}.safetensors").name for i in (1, 2)}
    assert names == {1: "up", 2: "down"}
    assert not Path("both.safetensors").exists()
    ran = eclipsed("import", "both.pt", "-o", "one.safetensors", "--index", "2", "--json")
    assert [card["name"] for card in ran.json["cards"]] == ["down"]
    assert torch.equal(Direction.load("one.safetensors").vector, -patch_vector("hair"))
    eclipsed("import", "both.pt", "-o", "named.safetensors", "--name", "hair")
    assert Direction.load("named-2.safetensors").name == "hair-2"
    eclipsed("import", "both.pt", "-o", "named.safetensors", "--name", "dark", "--index", "2")
    assert Direction.load("named.safetensors").name == "dark"


def test_the_space_can_be_said_where_the_file_does_not(eclipsed: Run) -> None:
    np.save("v.npy", np.ones((1, 8), np.float32))
    for given, expected in (((), "w"), (("--space", "z"), "z")):
        ran = eclipsed("import", "v.npy", "-o", "v.safetensors", *given, "--json")
        assert ran.json["cards"][0]["space"] == expected
    assert Direction.load("v.safetensors").space == "z"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("smile.npy", "-o", "o.png"), 2, "must end in .safetensors"),
        (("smile.npy", "-o", "o.safetensors", "--index", "0"), 2, "--index"),
        (("smile.npy", "-o", "o.safetensors", "--index", "2"), 1, "no direction 2"),
        (("smile.npy", "-o", "o.safetensors", "--space", "x"), 2, "--space"),
        (("smile.npy", "-o", "o.safetensors", "--space", "s"), 1, "space w+, not s"),
        (("smile.npy", "-o", "o.safetensors", "--name", " "), 2, "--name"),
        (("smile.npy", "-o", "o.safetensors", "-w", "mars"), 1, "no world 'mars'"),
        (("smile.npy", "-o", "gone/o.safetensors"), 1, "no folder"),
        (("missing.npy", "-o", "o.safetensors"), 1, "no such file"),
        (("wide.npy", "-o", "o.safetensors"), 1, "18 layers of 512 numbers"),
        (("fs3.npy", "-o", "o.safetensors"), 1, "no direction"),
        (("card.safetensors", "-o", "o.safetensors"), 1, "a card already"),
    ],
)
def test_import_refuses_in_one_sentence(
    eclipsed: Run, world: World, arguments: tuple[str, ...], code: int, words: str
) -> None:
    save_rows()
    np.save("wide.npy", np.ones((18, 512), np.float32))
    np.save("fs3.npy", np.ones((6048, 8), np.float32))
    save_card(world, "card.safetensors")
    ran = eclipsed("import", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert set(eclipsed("import", *arguments, "--json").json) == {"error", "hint"}
    assert not Path("o.safetensors").exists()


def test_import_writes_all_cards_or_none(eclipsed: Run) -> None:
    torch.save({"good": torch.ones(4, 8), "zero": torch.zeros(4, 8)}, "two.pt")
    ran = eclipsed("import", "two.pt", "-o", "c.safetensors")
    assert ran.code == 1
    assert "'zero' is zero" in ran.err
    assert not list(Path().glob("c*.safetensors"))


def test_import_never_overwrites_what_it_reads(eclipsed: Run) -> None:
    table = {"a": torch.ones(4, 8), "b": torch.ones(4, 8)}
    torch.save(table, "c-2.safetensors")
    ran = eclipsed("import", "c-2.safetensors", "-o", "c.safetensors")
    assert ran.code == 1
    assert "it is the file that is read" in ran.err
    assert list(Path().iterdir()) == [Path("c-2.safetensors")]


def test_a_safetensors_vector_is_imported(eclipsed: Run) -> None:
    from safetensors.torch import save_file

    save_file({"smile": patch_vector("mouth")}, "v.safetensors")
    assert eclipsed("import", "v.safetensors", "-o", "card.safetensors").code == 0
    assert list(load_file("card.safetensors")) == ["vector"]
