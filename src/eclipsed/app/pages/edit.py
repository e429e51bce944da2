"""The page Edit: the editor itself, and what is on the screen in other words."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from eclipsed.app.desk import Desk
from eclipsed.app.pages import browser

_FOLDER = Path(__file__).parent.parent / "editor"
_KEY = "editor"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_editor = st.components.v2.component(
    "eclipsed.editor",
    html=_text("editor.html"),
    css=_text("editor.css"),
    js=_text("picture.js") + _text("editor.js"),
)


def show() -> None:
    """Draw the page."""
    st.fragment(_fragment)(browser.begin())


def _fragment(desk: Desk) -> None:
    _editor(key=_KEY, data=desk.view(), on_events_change=lambda: _heard(desk))
    with st.expander("The same on the command line and in Python"):
        st.code(desk.command(), language="bash", wrap_lines=True)
        st.code(desk.snippet(), language="python")
        if strip := desk.strip_command():
            st.caption("A strip of the selected card alone:")
            st.code(strip, language="bash", wrap_lines=True)


def _heard(desk: Desk) -> None:
    desk.handle(st.session_state[_KEY]["events"])
