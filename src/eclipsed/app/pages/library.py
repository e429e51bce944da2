"""The page Library: the cards that were found or imported."""

from __future__ import annotations

import streamlit as st

from eclipsed.app import wording
from eclipsed.app.desk import Desk
from eclipsed.app.library import Entry
from eclipsed.app.pages import browser, drawing, explore
from eclipsed.app.terms import terms

_COLUMNS = 3


def show() -> None:
    """Draw the page."""
    desk = browser.begin()
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    words = left.text_input("Search", placeholder="hair, glasses, ganspace …")
    box = right.popover("Import a card", width="stretch")
    with box.form("import", border=False, clear_on_submit=True):
        files = st.file_uploader("Cards", type="safetensors", accept_multiple_files=True)
        if st.form_submit_button("Import"):
            for file in files:
                desk.take(file.getvalue(), file.name)
    browser.notice(desk)
    if desk.deleted is not None:
        said, undo = st.columns([4, 1], vertical_alignment="center")
        said.text(f"Deleted: {desk.deleted}")
        undo.button("Undo", on_click=desk.undelete, width="stretch")
    found = desk.entries(words)
    if not found:
        st.text(desk.nothing_found(words))
    _compare(desk, found)
    for start in range(0, len(found), _COLUMNS):
        for column, entry in zip(
            st.columns(_COLUMNS), found[start : start + _COLUMNS], strict=False
        ):
            with column.container(border=True):
                _card(desk, entry)


def _compare(desk: Desk, found: list[Entry]) -> None:
    """A button that shows the ticked cards side by side."""
    ticked = [entry.file for entry in found if st.session_state.get(_tick(entry.file))]
    if ticked:
        cards = "1 card" if len(ticked) == 1 else f"{len(ticked)} cards"
        if st.button(f"Compare {cards} on the image of {desk.session.image_words}", type="primary"):
            st.session_state[explore.CHOSEN] = ticked
            st.switch_page(st.Page(explore.show, title="Explore", url_path="explore"))


def _tick(file: str) -> str:
    return f"compare {file}"


def _card(desk: Desk, entry: Entry) -> None:
    trouble = desk.trouble(entry)
    picture = None if trouble else desk.picture(entry)
    if picture is not None:
        st.image(picture, width="stretch")
    st.text(entry.name)
    if trouble:
        st.caption("Cannot be used here")
        st.text(trouble)
    direction = entry.direction
    if direction is not None:
        with st.container(horizontal=True):
            for words, colour in wording.badges(direction):
                st.badge(words, color=colour)
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            scored = "" if direction.scores else " · not scored"
            st.caption(f"{wording.ago(entry.changed)}{scored}", width="content")
            if not trouble:
                st.checkbox("Compare", key=_tick(entry.file))
        with st.popover("About", width="stretch"):
            st.text(wording.headline(direction))
            st.text("\n".join(wording.provenance(direction)))
            if not trouble:
                st.text("\n".join(terms(desk.session.world)))
            if direction.scores:
                drawing.table(wording.score_table(direction.scores), key=f"scores {entry.file}")
            _rename(desk, entry)
    with st.container(horizontal=True):
        if not trouble:
            st.button("Add", key=f"add {entry.file}", on_click=desk.add_safely, args=(entry.file,))
        if direction is not None:
            name, data = desk.library.export(entry.file)
            st.download_button("Export", data, name, key=f"export {entry.file}")
        st.button("Delete", key=f"delete {entry.file}", on_click=desk.delete, args=(entry.file,))


def _rename(desk: Desk, entry: Entry) -> None:
    with st.form(f"rename {entry.file}", border=False):
        name = st.text_input("Name", entry.name)
        if st.form_submit_button("Rename"):
            desk.rename(entry.file, name)
            st.rerun()
