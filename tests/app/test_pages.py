"""Every page is drawn by Streamlit's own test harness, on the fake world."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import torch

from eclipsed.app import server
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle
from eclipsed.app.library import Library
from eclipsed.editing.masks import Mask
from eclipsed.types import World
from tests.app.hostile import HOSTILE

testing = pytest.importorskip(
    "streamlit.testing.v1", reason="the pages need Streamlit: pip install 'eclipsed[app]'"
)


@pytest.fixture
def app(world: World, library: Library) -> Any:
    server.open_world("starter", "cpu", library.folder)
    return testing.AppTest.from_file(str(server.SCRIPT), default_timeout=60)


def page(app: Any, name: str) -> Any:
    """The app on one page, without any error on it."""
    module = f"eclipsed.app.pages.{name}"
    script = f"import streamlit as st\nfrom {module} import show\nst.session_state\nshow()\n"
    found = testing.AppTest.from_string(script, default_timeout=60)
    found.run()
    assert not found.exception
    return found


def desk(app: Any) -> Desk:
    found: Desk = app.session_state["desk"]
    return found


def texts(app: Any) -> str:
    return "\n".join(element.value for element in app.text)


def test_the_app_opens_on_the_editor(app: Any) -> None:
    app.run()
    assert not app.exception
    assert any("eclipsed sample" in code.value for code in app.code)


def test_the_command_on_the_page_is_that_of_the_stack(app: Any) -> None:
    found = page(app, "edit")
    handle(desk(found), {"do": "add", "file": "hair.safetensors"})
    found.run()
    assert any("hair.safetensors=1.0" in code.value for code in found.code)


def test_the_files_that_a_command_reads_are_offered(app: Any) -> None:
    found = page(app, "edit")
    assert not found.get("download_button")
    handle(desk(found), {"do": "add", "file": "hair.safetensors"})
    drawn = base64.b64encode(Mask.of(torch.ones(2, 2)).png()).decode()
    handle(desk(found), {"do": "mask", "at": 0, "to": drawn})
    found.run()
    assert not found.exception
    assert any("@hard:mask-" in code.value for code in found.code)
    assert len(found.get("download_button")) == 1


def test_a_prompt_is_searched_for(app: Any) -> None:
    found = page(app, "find")
    found.text_input[0].input("bright mouth")
    found.button[0].click().run()
    assert not found.exception
    search = desk(found).search
    assert search is not None
    search.thread.join(60)
    found.run()
    assert not found.exception
    assert "In the library" in texts(found) or "Done." in texts(found)
    assert [line.direction.name for line in desk(found).session.lines] == ["bright mouth"]


@pytest.mark.parametrize("prompt", ["", "x" * 600])
def test_a_prompt_that_says_nothing_is_a_sentence(app: Any, prompt: str) -> None:
    found = page(app, "find")
    found.text_input[0].input(prompt)
    found.button[0].click().run()
    assert not found.exception
    assert "Could not: The prompt" in texts(found)


@pytest.mark.parametrize("layers", ["nonsense", "5-3", "99"])
def test_layers_that_make_no_sense_are_a_sentence(app: Any, layers: str) -> None:
    found = page(app, "find")
    found.text_input[0].input("bright mouth")
    found.text_input[1].input(layers)
    found.button[0].click().run()
    search = desk(found).search
    if search is not None:
        search.thread.join(60)
        found.run()
    assert not found.exception
    assert "ayer" in texts(found)


def test_the_library_shows_its_cards(app: Any, library: Library) -> None:
    (library.folder / "bad.safetensors").write_bytes(b"nothing")
    found = page(app, "library")
    for words in ("bright hair", "bright eyes", "bad.safetensors", "Cannot use"):
        assert words in texts(found)
    found.text_input[0].input("eyes").run()
    assert "bright hair" not in texts(found)
    found.text_input[0].input("no such thing").run()
    assert "No card fits" in texts(found)


def test_a_card_is_deleted_and_brought_back(app: Any, library: Library) -> None:
    found = page(app, "library")
    found.button(key="delete hair.safetensors").click().run()
    assert len(library.entries()) == 1
    assert "Deleted: bright hair" in texts(found)
    next(button for button in found.button if button.label == "Undo").click().run()
    assert len(library.entries()) == 2
    assert not found.exception


def test_a_card_is_added_to_the_stack(app: Any) -> None:
    found = page(app, "library")
    found.button(key="add eyes.safetensors").click().run()
    assert not found.exception
    assert len(desk(found).session.lines) == 1


@pytest.mark.parametrize("name", HOSTILE[:6])
def test_hostile_names_are_text(app: Any, library: Library, name: str) -> None:
    library.rename("hair.safetensors", name)
    found = page(app, "library")
    assert name in texts(found)
    for kind in ("markdown", "caption", "subheader"):
        assert all(name not in element.value for element in getattr(found, kind))


@pytest.mark.parametrize(
    "view",
    [
        "Side by side",
        "Palette",
        "Seeds × strengths",
        "Layers",
        "Between seeds",
    ],
)
def test_every_view_of_explore_draws(app: Any, view: str) -> None:
    found = page(app, "explore")
    found.session_state["desk"].add("hair.safetensors")
    found.pills[0].set_value(view).run()
    assert not found.exception
    assert "Could not" not in texts(found)


def test_a_card_is_measured_when_it_is_asked_for(app: Any, library: Library) -> None:
    found = page(app, "judge")
    assert "judged by" not in texts(found)
    found.select_slider[0].set_value(8)
    found.button[0].click().run()
    assert not found.exception
    assert "measured on 8 unseen images" in texts(found)
    assert "judged by independent networks" in texts(found)
    file = found.selectbox[0].value
    found.button[1].click().run()
    assert "The scores are in the card." in texts(found)
    assert library.direction(file).judged_by == "independent networks"


def test_ticked_cards_are_compared(app: Any) -> None:
    found = page(app, "library")
    assert not any("Compare" in button.label for button in found.button)
    found.checkbox(key="compare hair.safetensors").check().run()
    button = next(button for button in found.button if "Compare 1 card on" in button.label)
    assert button is not None
    other = testing.AppTest.from_string(
        "import streamlit as st\nfrom eclipsed.app.pages.explore import CHOSEN, show\n"
        "st.session_state[CHOSEN] = ['hair.safetensors', 'gone.safetensors']\nshow()\n",
        default_timeout=60,
    ).run()
    assert not other.exception
    assert other.multiselect[0].value == ["hair.safetensors"]
