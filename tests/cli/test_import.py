from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from eclipsed.directions import Direction
from eclipsed.testing import patch_vector
from eclipsed.types import World
from tests.cli.conftest import Run, save_card


def save_rows(path: str = "smile.npy") -> None:
    np.save(path, patch_vector("mouth").view(4, 8).numpy())


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
