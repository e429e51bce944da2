"""The page Library: the cards that were found or imported."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import streamlit as st

from eclipsed.app import descriptions
from eclipsed.app.desk import Desk
from eclipsed.app.library import Entry, matching
from eclipsed.app.licences import terms
from eclipsed.app.pages import browser, explore
from eclipsed.app.thumbnails import thumbnail
from eclipsed.directions import Direction
from eclipsed.errors import EclipsedError
from eclipsed.evaluation.verdict import verdict_of_card

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
                take = partial(desk.library.take, file.getvalue(), file.name)
                desk.attempt(take, "The card is in the library.")
    browser.notice(desk)
    if desk.deleted is not None:
        said, undo = st.columns([4, 1], vertical_alignment="center")
        said.text(f"Deleted: {desk.deleted}")
        undo.button("Undo", on_click=desk.undelete, width="stretch")
    matches = matching(desk.attempt(desk.library.entries) or [], words)
    generator = desk.world.generator
    entries = [entry for entry in matches if not entry.trouble(generator)]
    if not entries:
        st.text("No card fits these words." if words.strip() else descriptions.NO_CARDS)
    _compare(desk, entries)
    for start in range(0, len(entries), _COLUMNS):
        for column, entry in zip(
            st.columns(_COLUMNS), entries[start : start + _COLUMNS], strict=False
        ):
            if entry.direction is not None:
                with column.container(border=True, height="stretch"):
                    _card(desk, entry, entry.direction)
    if others := [entry for entry in matches if entry.trouble(generator)]:
        with st.expander(f"Not for this world: {len(others)}"):
            for entry in others:
                _other(desk, entry)


def _other(desk: Desk, entry: Entry) -> None:
    """A card that this world cannot use, in one line."""
    said, export, delete = st.columns([6, 1, 1], vertical_alignment="center")
    said.text(descriptions.not_here(entry, desk.world.generator))
    if entry.direction is not None:
        name, data = desk.library.export(entry.file)
        export.download_button("Export", data, name, key=f"export {entry.file}")
    key = f"delete {entry.file}"
    delete.button("Delete", key=key, on_click=desk.delete, args=(entry.file,))


def _compare(desk: Desk, entries: list[Entry]) -> None:
    """A button that shows the ticked cards side by side."""
    ticked = [entry.file for entry in entries if st.session_state.get(f"compare {entry.file}")]
    if ticked:
        cards = "1 card" if len(ticked) == 1 else f"{len(ticked)} cards"
        if st.button(f"Compare {cards} on the image of {desk.session.image_words}", type="primary"):
            st.session_state[explore.CHOSEN] = ticked
            st.switch_page(st.Page(explore.show, title="Explore", url_path="explore"))


def _card(desk: Desk, entry: Entry, direction: Direction) -> None:
    with suppress(EclipsedError):
        st.image(thumbnail(desk.renderer, direction), width="stretch")
    st.text(entry.name)
    verdict = verdict_of_card(direction)
    if verdict is not None:
        words, colour = descriptions.badge(verdict)
        st.badge(words, color=colour, help=verdict.sentence)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        scored = "" if direction.scores else " · not scored"
        age = "comes with the world" if entry.shipped else descriptions.ago(entry.changed)
        st.caption(f"{age}{scored}", width="content")
        st.checkbox("Compare", key=f"compare {entry.file}")
    with st.popover("About", width="stretch"):
        st.text(descriptions.headline(direction))
        st.text("\n".join(descriptions.provenance(direction)))
        st.text("\n".join(terms(desk.session.world)))
        if direction.scores:
            st.table(descriptions.score_rows(direction.scores))
        if not entry.shipped:
            _rename(desk, entry)
    with st.container(horizontal=True):
        add = partial(desk.add, entry.file), "The card is in the stack."
        st.button("Add", key=f"add {entry.file}", on_click=desk.attempt, args=add)
        name, data = desk.library.export(entry.file)
        st.download_button("Export", data, name, key=f"export {entry.file}")
        if not entry.shipped:
            key = f"delete {entry.file}"
            st.button("Delete", key=key, on_click=desk.delete, args=(entry.file,))


def _rename(desk: Desk, entry: Entry) -> None:
    with st.form(f"rename {entry.file}", border=False):
        name = st.text_input("Name", entry.name)
        if st.form_submit_button("Rename"):
            rename = partial(desk.library.rename, entry.file, name)
            desk.attempt(rename, "The card has its new name.")
            st.rerun()
