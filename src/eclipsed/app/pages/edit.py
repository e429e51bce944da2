"""The page Edit: the editor itself, and what is on the screen in other words."""

from __future__ import annotations

import streamlit as st

from eclipsed.app import code_export, server
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle_all
from eclipsed.app.pages import browser
from eclipsed.app.screen import view

_KEY = "editor"
_SCRIPTS = ("picture.js", "brush.js", "opener.js", "keeper.js", "editor.js")

_editor = st.components.v2.component(
    "eclipsed.editor",
    html=browser.part("editor.html"),
    css=browser.part("editor.css"),
    js="".join(
        map(browser.part, ("picture.js", "brush.js", "opener.js", "keeper.js", "editor.js"))
    ),
)


def show() -> None:
    """Draw the page."""
    st.fragment(_fragment)(browser.begin())


def _fragment(desk: Desk) -> None:
    server.shared().keep(desk)
    _editor(key=_KEY, data=view(desk), on_events_change=lambda: _heard(desk))
    with st.expander("The same on the command line and in Python"):
        if command := code_export.command(desk.session, desk.device):
            st.code(command, language="bash", wrap_lines=True)
        st.code(code_export.snippet(desk.session, desk.device), language="python")
        if files := code_export.files_of(desk.session):
            st.caption("Files that they read, to be saved where they run:")
            with st.container(horizontal=True):
                for name, data in files.items():
                    st.download_button(f"Save {name}", data, name, key=f"file {name}")
        if strip := code_export.strip_command(desk.session):
            st.caption("A strip of the selected card alone:")
            st.code(strip, language="bash", wrap_lines=True)


def _heard(desk: Desk) -> None:
    handle_all(desk, st.session_state[_KEY]["events"])
