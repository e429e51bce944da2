from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import pytest

from eclipsed.directions import Direction
from eclipsed.errors import BadSetting, EclipsedError, UnknownName
from eclipsed.methods import registry
from eclipsed.methods.registry import config_for, method_named, method_of, names, register
from eclipsed.methods.training import train_direction
from eclipsed.testing import fake_world
from eclipsed.types import Goal, World
from tests.method_table import table

PAGE = Path(__file__).parent.parent.parent / "docs" / "methods.md"
PLUGIN = """
from dataclasses import dataclass
from eclipsed.methods.method import Method

@dataclass(frozen=True)
class Config:
    pass

OURS = Method("theirs", "somebody", "Nothing.", "Nothing.", "prompt", Config, lambda *_: [])
"""


@dataclass(frozen=True)
class Numbers:
    size: float = 1.0


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package whose method is named "theirs", and another that is none."""
    (tmp_path / "plugged.py").write_text(PLUGIN)
    info = tmp_path / "plugged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    points = "theirs = plugged:OURS\nbroken = plugged:Config\nsefa = plugged:OURS\n"
    (info / "entry_points.txt").write_text(f"[eclipsed.methods]\n{points}")
    monkeypatch.syspath_prepend(tmp_path)
    return "theirs"


def test_the_page_holds_the_table_as_the_code_has_it() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_a_method_is_found_by_its_name_alone() -> None:
    assert method_named("default").name == "default"
    with pytest.raises(UnknownName, match=r"no method 'magic'.*default"):
        method_named("magic")


@pytest.mark.parametrize("name", names())
def test_every_method_says_what_it_is(name: str) -> None:
    method = method_named(name)
    assert method.name == name
    assert method.paper
    assert method.about.endswith(".")
    assert method.differs.endswith(".")
    assert is_dataclass(method.config)
    config = method.config()  # every number has a default
    assert method_of(config) is method
    assert method.per_image == ("image" in {field.name for field in fields(method.config)})


def test_a_package_brings_a_method(plugin: str) -> None:
    assert plugin in names()
    assert method_named(plugin).paper == "somebody"
    assert method_named("sefa").paper != "somebody"  # ours stay
    with pytest.raises(EclipsedError, match="is not the method 'broken'"):
        method_named("broken")


def test_a_program_registers_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", {})

    @register("mine", Numbers, takes="nothing", about="Nothing.")
    def find(world: World, goal: Goal, config: Numbers) -> list[Direction]:
        return []

    mine = method_named("mine")
    assert mine.find(fake_world(), Goal("", ""), Numbers()) == []
    assert (mine.takes, mine.about, mine.per_image) == ("nothing", "Nothing.", False)
    assert method_of(config_for("mine", size=2.0)) is mine
    for taken in ("mine", "sefa"):
        with pytest.raises(BadSetting, match=f"a method '{taken}' already"):
            register(taken, Numbers)(find)


def test_a_config_of_no_method_or_without_that_field_is_refused() -> None:
    with pytest.raises(BadSetting, match="Numbers is no method's config"):
        method_of(Numbers())
    with pytest.raises(BadSetting, match="sefa has no setting 'steps'"):
        config_for("sefa", steps=3)


def test_any_method_answers_a_prompt() -> None:
    direction = train_direction(fake_world(), "bright hair", config_for("latent-arithmetic"))
    assert (direction.method, direction.prompt) == ("latent-arithmetic", "bright hair")
    chosen = train_direction(fake_world(), "bright hair", config_for("sefa", count=2, layers=(0,)))
    assert (chosen.method, chosen.prompt) == ("sefa", "bright hair")
