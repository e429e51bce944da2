"""The command line on the fake world: `eclipsed(...)` runs one command line in an empty folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eclipsed import cli, worlds
from eclipsed.directions import Direction
from eclipsed.errors import UnknownName
from eclipsed.testing import fake_world, patch_vector
from eclipsed.types import World


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails where there is anything else."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        result: dict[str, Any] = json.loads(self.out)
        return result


Run = Callable[..., Ran]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The fake world stands in for "starter" and the current folder is empty."""
    return stand_in(monkeypatch, tmp_path)


def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The same, for fixtures of other folders."""
    fake = fake_world()

    def load_world(name: str, device: str = "cpu") -> World:
        if name != "starter":
            raise UnknownName(f"There is no world '{name}'.", "Choose starter.")
        return fake

    monkeypatch.setattr(worlds, "load_world", load_world)
    monkeypatch.setenv("ECLIPSED_TRACEBACK", "1")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return fake


@pytest.fixture
def eclipsed(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = cli.run(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    return run


def check_refusal(run: Run, words: Sequence[str], code: int) -> None:
    """The command line ends with this code and one sentence, and leaves the folder as it was."""
    before = sorted(Path().iterdir())
    ran = run(*words)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("eclipsed: ")
    as_json = run(*words, "--json")
    assert as_json.code == code
    assert set(as_json.json) == {"error", "hint"}
    assert as_json.json["error"]
    assert sorted(Path().iterdir()) == before


def save_card(world: World, path: Path | str, name: str = "bright hair", **changes: Any) -> None:
    """A card that brightens one patch of the fake world's images."""
    generator = world.generator
    fields: dict[str, Any] = {
        "vector": patch_vector(name.split()[-1]),
        "name": name,
        "prompt": name,
        "neutral": "a person",
        "regions": (name.split()[-1],),
        "space": "w+",
        "layers": generator.layers("w+"),
        "generator_name": generator.name,
        "generator_fingerprint": generator.fingerprint,
        "method": "by hand",
    }
    Direction(**(fields | changes)).save(path)
