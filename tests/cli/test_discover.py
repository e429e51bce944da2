from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from eclipsed import worlds
from eclipsed.directions import Direction
from eclipsed.editing.images import load_png
from eclipsed.methods import registry
from eclipsed.methods.lelsd import LelsdConfig
from eclipsed.testing import FakeGenerator
from eclipsed.types import World
from tests.cli.conftest import Run


def test_discover_writes_a_card_each_and_a_sheet(eclipsed: Run, world: World) -> None:
    ran = eclipsed("discover", "sefa", "--count", "2", "--layers", "0-2", "-o", "found")
    assert ran.code == 0, ran.err
    names = [f"component-{i}-of-layers-0-2.safetensors" for i in (1, 2)]
    assert sorted(path.name for path in Path("found").iterdir()) == [*names, "sheet.png"]
    for name in names:
        card = Direction.load(Path("found") / name)
        card.check(world.generator)
        assert (card.method, card.prompt, card.scores) == ("sefa", "", {})
    assert "wrote 2 directions of sefa" in ran.out
    assert "component 2 of layers 0-2" in ran.out
    picture, recipe = load_png("found/sheet.png")
    assert recipe is not None
    assert (recipe["verb"], recipe["method"], recipe["seeds"]) == ("discover", "sefa", [1])
    assert recipe["directions"] == ["component 1 of layers 0-2", "component 2 of layers 0-2"]
    assert picture.width > 5 * 96
    assert 2 * 96 < picture.height < 4 * 96


def test_discover_as_json_is_one_object(eclipsed: Run) -> None:
    ran = eclipsed("discover", "ganspace", "--count", "1", "--seed", "4", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json) == {"method", "world", "folder", "sheet", "cards", "seconds"}
    assert (ran.json["method"], ran.json["folder"]) == ("ganspace", "ganspace")
    (card,) = ran.json["cards"]
    assert set(card) == {"card", "name", "space", "unit", "range"}
    assert (card["name"], card["space"]) == ("component 1", "w+")
    assert Path(card["card"]) == Path("ganspace/component-1.safetensors")
    assert Path(card["card"]).is_file()


@dataclass(frozen=True, kw_only=True)
class FewSteps(LelsdConfig):
    """As much training as a test of the command line needs."""

    steps: int = 2


def test_lelsd_finds_directions_of_a_region(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = replace(registry.method_named("lelsd"), config=FewSteps)
    monkeypatch.setitem(registry._REGISTERED, "lelsd", quick)
    ran = eclipsed("discover", "lelsd", "--region", "hair,hat", "--count", "2", "--json")
    assert ran.code == 0, ran.err
    assert [card["name"] for card in ran.json["cards"]] == ["hair, hat 1", "hair, hat 2"]
    assert Direction.load("lelsd/hair-hat-2.safetensors").regions == ("hair", "hat")


def test_a_folder_of_other_directions_stays_unless_it_is_named(eclipsed: Run) -> None:
    for words, folder in {
        ("--count", "1"): "sefa",
        ("--count", "2"): "sefa-2",
        ("--count", "1", "--layers", "0"): "sefa-3",
    }.items():
        for _ in range(2):
            ran = eclipsed("discover", "sefa", *words, "--json")
            assert ran.json["folder"] == folder
            assert ("stays" in ran.err) == (folder != "sefa")


def test_the_same_command_gives_the_same_bytes(eclipsed: Run) -> None:
    for folder in ("a", "b"):
        assert eclipsed("discover", "sefa", "--count", "1", "-o", folder).code == 0
    for name in ("component-1.safetensors", "sheet.png"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_a_generator_with_z_alone_has_directions_too(
    eclipsed: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_z = replace(world, generator=FakeGenerator(spaces=("z",)))
    monkeypatch.setattr(worlds, "load_world", lambda _name, _device: only_z)
    ran = eclipsed("discover", "sefa", "--count", "2", "--json")
    assert ran.code == 0, ran.err
    assert [card["space"] for card in ran.json["cards"]] == ["z", "z"]


@dataclass(frozen=True)
class NoNumbers:
    """Of a method that has nothing to choose."""


def test_a_choice_that_a_method_does_not_have_is_wrong_usage(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = replace(registry.method_named("sefa"), config=NoNumbers)
    monkeypatch.setitem(registry._REGISTERED, "sefa", plain)
    for option, value in (("--count", "2"), ("--layers", "0")):
        ran = eclipsed("discover", "sefa", option, value)
        assert ran.code == 2
        assert f"no setting '{option[2:]}'" in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["discover"], 2),
        (["discover", "magic"], 2),
        (["discover", "latent-arithmetic"], 2),
        (["discover", "lelsd"], 2),
        (["discover", "sefa", "--region", "hair"], 2),
        (["discover", "lelsd", "--region", "none"], 2),
        (["discover", "lelsd", "--region", "auto"], 2),
        (["discover", "sefa", "--count", "0"], 2),
        (["discover", "sefa", "--count", "9999"], 2),
        (["discover", "sefa", "--layers", "x"], 2),
        (["discover", "sefa", "--seed", "-1"], 2),
        (["discover", "sefa", "-o", "sheet.jpg"], 2),
        (["discover", "lelsd", "--region", "nose"], 1),
        (["discover", "sefa", "--layers", "77"], 1),
        (["discover", "sefa", "-w", "mars"], 1),
        (["discover", "sefa", "-o", "missing/x"], 1),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    ran = eclipsed(*words)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.splitlines()[-1].startswith("eclipsed: ")
    assert list(Path().iterdir()) == []
    as_json = eclipsed(*words, "--json")
    assert as_json.code == code
    assert set(as_json.json) == {"error", "hint"}
