"""Every page is drawn by Streamlit's own test harness, on the fake world."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
import torch

from eclipsed import worlds
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
    shown = testing.AppTest.from_string(script, default_timeout=60)
    shown.run()
    assert not shown.exception
    return shown


def desk(app: Any) -> Desk:
    held: Desk = app.session_state["desk"]
    return held


def texts(app: Any) -> str:
    return "\n".join(element.value for element in app.text)


def test_the_app_opens_on_the_editor(app: Any) -> None:
    app.run()
    assert not app.exception
    assert any("eclipsed sample" in code.value for code in app.code)


def test_the_command_on_the_page_is_that_of_the_stack(app: Any) -> None:
    shown = page(app, "edit")
    handle(desk(shown), {"do": "add", "file": "hair.safetensors"})
    shown.run()
    assert any("hair.safetensors=1.0" in code.value for code in shown.code)


def test_the_files_that_a_command_reads_are_offered(app: Any) -> None:
    shown = page(app, "edit")
    assert not shown.get("download_button")
    handle(desk(shown), {"do": "add", "file": "hair.safetensors"})
    drawn = base64.b64encode(Mask.of(torch.ones(2, 2)).png()).decode()
    handle(desk(shown), {"do": "mask", "at": 0, "to": drawn})
    shown.run()
    assert not shown.exception
    assert any("@hard:mask-" in code.value for code in shown.code)
    assert len(shown.get("download_button")) == 1


def test_a_prompt_is_searched_for(app: Any) -> None:
    shown = page(app, "find")
    shown.text_input[0].input("bright mouth")
    shown.button[0].click().run()
    assert not shown.exception
    search = desk(shown).search
    assert search is not None
    search.thread.join(60)
    shown.run()
    assert not shown.exception
    assert "In the library" in texts(shown) or "Done." in texts(shown)
    assert [line.direction.name for line in desk(shown).session.lines] == ["bright mouth"]


def test_a_prompt_can_be_clicked(
    app: Any, world: World, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    offering = replace(world, example_prompts=("bright mouth", "bright hair"))
    monkeypatch.setattr(worlds, "load_world", lambda name, device="cpu": offering)
    server.open_world("starter", "cpu", library.folder)
    shown = page(app, "find")
    assert not [button for button in shown.button if button.key == "try bright hair"]
    shown.button(key="try bright mouth").click().run()
    search = desk(shown).search
    assert search is not None
    assert search.request.prompt == "bright mouth"
    search.thread.join(60)


@pytest.mark.parametrize("prompt", ["", "x" * 600])
def test_a_prompt_that_says_nothing_is_a_sentence(app: Any, prompt: str) -> None:
    shown = page(app, "find")
    shown.text_input[0].input(prompt)
    shown.button[0].click().run()
    assert not shown.exception
    assert "Could not: The prompt" in texts(shown)


@pytest.mark.parametrize("layers", ["nonsense", "5-3", "99"])
def test_layers_that_make_no_sense_are_a_sentence(app: Any, layers: str) -> None:
    shown = page(app, "find")
    shown.text_input[0].input("bright mouth")
    shown.text_input[1].input(layers)
    shown.button[0].click().run()
    search = desk(shown).search
    if search is not None:
        search.thread.join(60)
        shown.run()
    assert not shown.exception
    assert "ayer" in texts(shown)


def test_the_library_shows_its_cards(app: Any, library: Library) -> None:
    (library.folder / "bad.safetensors").write_bytes(b"nothing")
    shown = page(app, "library")
    for words in ("bright hair", "bright eyes", "bad.safetensors", "Cannot use"):
        assert words in texts(shown)
    shown.text_input[0].input("eyes").run()
    assert "bright hair" not in texts(shown)
    shown.text_input[0].input("no such thing").run()
    assert "No card fits" in texts(shown)


def test_cards_of_another_world_are_quiet_lines(app: Any, library: Library, world: World) -> None:
    card = library.direction("hair.safetensors")
    library.add(
        replace(
            card,
            name="a red roof",
            generator_name="houses",
            generator_fingerprint="0" * 64,
            unit=2.0,
        )
    )
    shown = page(app, "library")
    (line,) = [text.value for text in shown.text if "red roof" in text.value]
    assert line == "a red roof: made with the generator 'houses'"
    assert [box.label for box in shown.expander if "Not for" in box.label] == [
        "Not for this world: 1"
    ]
    assert len(shown.checkbox) == 2, "only the world's own cards can be compared"


def test_an_empty_field_hints_at_what_this_world_answers(
    app: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prompts, hint in (
        (("a red roof", "a round door"), "a red roof, a round door, …"),
        ((), ""),
    ):
        changed = replace(world, example_prompts=prompts)
        monkeypatch.setattr(worlds, "load_world", lambda *_, changed=changed: changed)
        server.open_world("starter", "cpu", server.shared().library.folder)
        assert page(app, "find").text_input[0].placeholder == hint


def test_a_sheet_can_be_larger(app: Any) -> None:
    shown = page(app, "explore")
    assert len(shown.toggle) == 1
    shown.toggle[0].set_value(True).run()
    assert not shown.exception


def test_a_card_is_deleted_and_brought_back(app: Any, library: Library) -> None:
    shown = page(app, "library")
    shown.button(key="delete hair.safetensors").click().run()
    assert len(library.entries()) == 1
    assert "Deleted: bright hair" in texts(shown)
    next(button for button in shown.button if button.label == "Undo").click().run()
    assert len(library.entries()) == 2
    assert not shown.exception


def test_a_card_is_added_to_the_stack(app: Any) -> None:
    shown = page(app, "library")
    shown.button(key="add eyes.safetensors").click().run()
    assert not shown.exception
    assert len(desk(shown).session.lines) == 1


@pytest.mark.parametrize("name", HOSTILE[:6])
def test_hostile_names_are_text(app: Any, library: Library, name: str) -> None:
    library.rename("hair.safetensors", name)
    shown = page(app, "library")
    assert name in texts(shown)
    for kind in ("markdown", "caption", "subheader"):
        assert all(name not in element.value for element in getattr(shown, kind))


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
    shown = page(app, "explore")
    shown.session_state["desk"].add("hair.safetensors")
    shown.pills[0].set_value(view).run()
    assert not shown.exception
    assert "Could not" not in texts(shown)


def test_a_card_is_measured_when_it_is_asked_for(app: Any, library: Library) -> None:
    shown = page(app, "judge")
    assert "judged by" not in texts(shown)
    shown.select_slider[0].set_value(8)
    shown.button[0].click().run()
    assert not shown.exception
    assert "measured on 8 unseen images" in texts(shown)
    assert "judged by independent networks" in texts(shown)
    file = shown.selectbox[0].value
    shown.button[1].click().run()
    assert "The scores are in the card." in texts(shown)
    assert library.direction(file).judged_by == "independent networks"


def test_ticked_cards_are_compared(app: Any) -> None:
    shown = page(app, "library")
    assert not any("Compare" in button.label for button in shown.button)
    shown.checkbox(key="compare hair.safetensors").check().run()
    button = next(button for button in shown.button if "Compare 1 card on" in button.label)
    assert button is not None
    other = testing.AppTest.from_string(
        "import streamlit as st\nfrom eclipsed.app.pages.explore import CHOSEN, show\n"
        "st.session_state[CHOSEN] = ['hair.safetensors', 'gone.safetensors']\nshow()\n",
        default_timeout=60,
    ).run()
    assert not other.exception
    assert other.multiselect[0].value == ["hair.safetensors"]
