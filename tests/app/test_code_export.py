"""The command and the Python on the page are run, and their pixels compared with the page's."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

import pytest
from PIL import Image

from eclipsed import cli, load_png
from eclipsed.app import session as sessions
from eclipsed.app.code_export import command, files_of, snippet, strip_command
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session
from eclipsed.types import World
from tests.app.test_recipe import drawn, everything, from_latent


def one_line(session: Session, world: World) -> Session:
    return sessions.remove(session, 1)


def no_line(session: Session, world: World) -> Session:
    return sessions.set_truncation(sessions.reset(session), 0.35)


def all_muted(session: Session, world: World) -> Session:
    return sessions.set_muted(sessions.set_muted(session, 0, True), 1, True)


def whole_image(session: Session, world: World) -> Session:
    hard = sessions.set_hard(session, 1, True)
    return sessions.set_regions(hard, 1, [], world)


def as_it_is(session: Session, world: World) -> Session:
    return session


CASES = [as_it_is, one_line, no_line, all_muted, everything, whole_image, drawn, from_latent]


def screen(renderer: Renderer, session: Session) -> bytes:
    return Image.open(io.BytesIO(renderer.shot(session).png)).convert("RGB").tobytes()


def run(code: str) -> None:
    exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})  # noqa: S102 - our own words


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def shown(request: pytest.FixtureRequest, session: Session, world: World) -> Session:
    found: Session = request.param(session, world)
    return found


def write_files(session: Session) -> None:
    for name, data in files_of(session).items():
        Path(name).write_bytes(data)


def test_the_command_makes_the_same_pixels(shown: Session, renderer: Renderer) -> None:
    write_files(shown)
    words = shlex.split(command(shown))
    assert words[0] == "eclipsed"
    assert cli.run(words[1:]) == 0
    made = Path("picture.png")
    if not made.exists():
        made = Path("pictures") / f"seed-{shown.seed}.png"
    assert load_png(made)[0].tobytes() == screen(renderer, shown)


def test_the_snippet_makes_the_same_pixels(shown: Session, renderer: Renderer) -> None:
    write_files(shown)
    run(snippet(shown))
    assert load_png("picture.png")[0].tobytes() == screen(renderer, shown)


def test_names_of_folders_are_quoted(
    world: World, library: Library, renderer: Renderer, tmp_path: Path
) -> None:
    folder = tmp_path / 'it\'s a "folder"=1; $HOME'
    library.folder.rename(folder)
    moved = Library(folder)
    session = Session("starter", folder, seed=5)
    direction = moved.direction("hair.safetensors")
    session = sessions.add(session, "hair.safetensors", direction, world.generator)
    assert cli.run(shlex.split(command(session))[1:]) == 0
    expected = screen(renderer, session)
    assert load_png("picture.png")[0].tobytes() == expected
    run(snippet(session))
    assert load_png("picture.png")[0].tobytes() == expected


def test_another_world_and_device_are_named(session: Session) -> None:
    other = sessions.Session("my worlds/x.toml", session.library, lines=session.lines)
    assert shlex.split(command(other, "cuda"))[2:6] == [
        "-w",
        "my worlds/x.toml",
        "--device",
        "cuda",
    ]
    assert "eclipsed.load_world('my worlds/x.toml', 'cuda')" in snippet(other, "cuda")


def test_the_strip_of_the_selected_card(session: Session) -> None:
    words = shlex.split(strip_command(session))
    assert cli.run(words[1:]) == 0
    _, recipe = load_png("strip.png")
    assert recipe is not None
    assert (recipe["seeds"], recipe["edits"][0]["name"]) == ([5, 6, 7], "bright eyes")
    assert strip_command(sessions.reset(session)) == ""


def test_files_are_those_of_the_edits_that_are_heard(session: Session, world: World) -> None:
    assert files_of(session) == {}
    both = drawn(session, world)
    assert len(files_of(both)) == 2
    muted = sessions.set_muted(both, 0, True)
    assert len(files_of(muted)) == 1
    moved = sessions.move(both, 0, 1)
    assert files_of(moved) == files_of(both), "a file keeps its name wherever its edit stands"


def test_no_command_draws_a_latent_without_edits(session: Session, world: World) -> None:
    bare = sessions.reset(from_latent(session, world))
    assert command(bare) == ""
    assert "read_latent" in snippet(bare)
