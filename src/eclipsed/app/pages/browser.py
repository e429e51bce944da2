"""What belongs to one tab: its desk, and the look that all pages share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import streamlit as st

from eclipsed.app import descriptions, downloads, server
from eclipsed.app.desk import Desk

EDITOR = Path(__file__).parent.parent / "editor"
_KEY = "keeper"


def part(name: str) -> str:
    """A file of the editor's own."""
    return (EDITOR / name).read_text(encoding="utf-8")


_keeper = st.components.v2.component("eclipsed.keeper", js=part("keeper.js") + part("keeping.js"))


def begin() -> Desk:
    """What every page begins with: the shared look, and the tab's desk, that of before a reload."""
    st.html(EDITOR / "page.css")
    if "desk" not in st.session_state:
        st.session_state["desk"] = server.shared().desk()
    own: Desk = st.session_state["desk"]
    server.shared().keep(own)
    token = {"token": own.token, "settled": own.settled}
    _keeper(key=_KEY, data=token, on_token_change=lambda: _resume(own))
    return own


def _resume(own: Desk) -> None:
    server.shared().resume(own, st.session_state[_KEY]["token"])


def notice(desk: Desk) -> None:
    """What there is to say, as plain text whatever it holds."""
    if desk.notice is not None:
        with st.container(border=True):
            st.text(("Could not: " if desk.notice.bad else "") + desk.notice.text)


def sheet(
    desk: Desk, draw: Callable[..., bytes], *words: Hashable, files: Sequence[str] = ()
) -> None:
    """What a function of `sheets` draws, to look at and to save. While it is drawn, what stood here
    before is gone."""
    slot = st.empty()
    slot.caption(descriptions.DRAWING)
    picture = desk.sheet(draw, *words, files=files)
    if picture is None:
        slot.empty()
        return
    with slot.container():
        shown = st.container(key="sheet")
        with st.container(horizontal=True, vertical_alignment="center"):
            data = downloads.on_paper(picture)
            st.download_button("Save PNG", data, "sheet.png", mime="image/png")
            large = st.toggle("Twice as large")
        shown.image(downloads.doubled(picture) if large else picture, width="content")


def card(desk: Desk, label: str, index: int = 0) -> str | None:
    """A choice among the cards that this world can use: a file's name, None where there is none."""
    cards = desk.cards()
    index = min(index, max(0, len(cards) - 1))
    file: str | None = st.selectbox(
        label, list(cards), index, format_func=lambda file: cards[file].name
    )
    return file
