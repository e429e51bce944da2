"""The editor on the fake world, with a library of two cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclipsed import worlds
from eclipsed.app.desk import Desk
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session, add
from eclipsed.testing import fake_world
from eclipsed.types import World
from tests.cli.conftest import save_card


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The fake world stands in for "starter" and the current folder is empty."""
    made = fake_world()
    monkeypatch.setattr(worlds, "load_world", lambda name, device="cpu": made)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return made


@pytest.fixture
def library(world: World, tmp_path: Path) -> Library:
    folder = tmp_path / "library"
    folder.mkdir()
    save_card(world, folder / "hair.safetensors", "bright hair")
    save_card(world, folder / "eyes.safetensors", "bright eyes", range=(-1.5, 3.0))
    return Library(folder)


@pytest.fixture
def renderer(world: World) -> Renderer:
    return Renderer(world)


@pytest.fixture
def session(world: World, library: Library) -> Session:
    """Seed 5 with both cards on the stack, hair first."""
    found = Session("starter", library.folder, seed=5)
    for file in ("hair.safetensors", "eyes.safetensors"):
        found = add(found, file, library.direction(file), world.generator)
    return found


@pytest.fixture
def desk(renderer: Renderer, library: Library) -> Desk:
    return Desk(renderer, library, "starter", "cpu")
