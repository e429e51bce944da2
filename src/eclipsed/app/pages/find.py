"""The page Find: a sentence goes in, a direction comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eclipsed.app import wording
from eclipsed.app.desk import Desk
from eclipsed.app.pages import browser
from eclipsed.app.searching import Look, Seen

_COLOURS: dict[str, Literal["green", "orange", "red"]] = {
    "likely": "green",
    "unsure": "orange",
    "unlikely": "red",
}
_AUTO, _WHOLE, _CHOSEN = "chosen by the prompt", "the whole image", "these"


def show() -> None:
    """Draw the page."""
    desk = browser.begin()
    st.subheader("What should change?")
    with st.form("find", border=False):
        prompt = st.text_input(
            "Prompt",
            placeholder=", ".join([*desk.wishes, "…"]),
            label_visibility="collapsed",
        )
        with st.expander("More"):
            region = st.radio("Region", [_AUTO, _WHOLE, _CHOSEN], horizontal=True)
            regions = st.multiselect("Regions", desk.regions, placeholder="hair, hat …")
            left, middle, right = st.columns(3)
            preset = left.selectbox("Preset", desk.presets)
            space = middle.selectbox("Space", ["usual", *desk.spaces])
            layers = right.text_input("Layers", placeholder="all, or 3-5")
            steps = st.number_input("Steps (0: the preset's)", min_value=0, max_value=5000, value=0)
        if st.form_submit_button("Find", type="primary"):
            given = {_AUTO: None, _WHOLE: [], _CHOSEN: regions}[region]
            desk.find(prompt, given, preset, None if space == "usual" else space, layers, steps)
    browser.notice(desk)
    if desk.search is not None:
        st.fragment(_search, run_every=0.7 if desk.status.running else None)(desk)


def _search(desk: Desk) -> None:
    status = desk.status
    desk.collect()
    share, words = wording.progress(status)
    st.text(f"“{desk.prompt}”")
    st.progress(share, text=" ")
    st.text(words)
    if status.running and status.stage != "scoring":
        st.button("Stop and keep", on_click=desk.stop, key="stop")
    elif status.stage == "asking":
        st.button("Train anyway", on_click=desk.go_on, type="primary")
        st.button("Leave it", on_click=desk.stop)
    if status.snapshots:
        st.caption("What is learned, on the image of the Edit page")
        st.image(list(status.snapshots), width=112)
    if status.look is not None:
        _look(status.look)
    if desk.search_over_since_last_asked():
        st.rerun()


def _look(look: Look) -> None:
    st.badge(look.found.verdict, color=_COLOURS[look.found.verdict])
    st.text(look.found.reason)
    best, worst = st.columns(2)
    _images(best, "Answer it best", look.best)
    _images(worst, "Answer it least", look.worst)
    st.caption("Each with its seed, and how much of it the region covers.")
    st.text("\n".join(wording.check_lines(look.found, look.understood)))


def _images(column: DeltaGenerator, title: str, found: Sequence[Seen]) -> None:
    column.caption(title)
    labels = [f"{one.seed} · {one.covered:.0%}" for one in found]
    column.image([one.picture for one in found], caption=labels, width=96)
