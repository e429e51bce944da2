"""The page Explore: what directions do, side by side and across each other, and new ones found by
looking."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eclipsed.app.arithmetic import Sum
from eclipsed.app.components import MOST, WAYS
from eclipsed.app.explorer import Explorer
from eclipsed.app.pages import browser
from eclipsed.directions import Direction
from eclipsed.editing.animation import KINDS, MEDIA_TYPES

# Where the Library leaves the files that were chosen there to be compared.
CHOSEN = "chosen to compare"


def show() -> None:
    """Draw the page."""
    explorer = Explorer(browser.begin())
    explorer.desk.notice = None
    view = st.pills("View", list(_VIEWS), default=next(iter(_VIEWS)), label_visibility="collapsed")
    st.caption(f"On the image of {explorer.desk.session.image_words}, which the Edit page shows.")
    if view is not None:
        _VIEWS[view](explorer)
    browser.notice(explorer.desk)


def _compare(explorer: Explorer) -> None:
    files = explorer.files
    asked = [file for file in st.session_state.get(CHOSEN, []) if file in files]
    chosen = st.multiselect(
        "Cards", files, default=asked or files[:2], format_func=explorer.name_of
    )
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    random = left.checkbox("and a random direction")
    equal = middle.checkbox("columns of equal change")
    channel = right.text_input("and a style channel", placeholder="layer/channel, such as 5/17")
    browser.sheet(explorer.side_by_side(chosen, random=random, channel=channel, equal_change=equal))


def _palette(explorer: Explorer) -> None:
    left, right = st.columns(2)
    with left:
        across = _card(explorer, "From left to right", 0)
    with right:
        down = _card(explorer, "From bottom to top", 1)
    browser.sheet(explorer.palette(across, down))


def _grid(explorer: Explorer) -> None:
    count = st.slider("Seeds", 2, 8, 4)
    made = explorer.grid(count)
    if made is None:
        st.text("Select an edit on the Edit page first: this view moves it.")
    else:
        browser.sheet(made)


def _layers(explorer: Explorer) -> None:
    browser.sheet(explorer.layers(_card(explorer, "Card", 0)))


def _components(explorer: Explorer) -> None:
    left, middle, right = st.columns(3)
    way = left.selectbox("Method", list(WAYS))
    rows = middle.selectbox("Layers that move", explorer.row_sets)
    count = right.slider("Components", 1, MOST, 4)
    st.caption(WAYS[way])
    with st.spinner("Looking at the generator …"):
        found = explorer.components(way, count, rows)
    if found:
        browser.sheet(explorer.component_sheet(found))
        _keep_component(explorer, found)


def _keep_component(explorer: Explorer, found: list[Direction]) -> None:
    with st.form("keep component", border=False):
        left, middle, right = st.columns([2, 3, 1], vertical_alignment="bottom")
        names = [direction.name for direction in found]
        at = left.selectbox("Keep", range(len(found)), format_func=lambda at: names[at])
        name = middle.text_input("as", placeholder="what it does: turns the head …")
        if right.form_submit_button("Keep", width="stretch") and at is not None:
            explorer.keep(found[at], name)


def _arithmetic(explorer: Explorer) -> None:
    st.caption(
        "The mean of images that have something, minus the mean of images that lack it, added to "
        "others. Seeds are written like 1,2,5-9."
    )
    with st.form("sum", border=False):
        left, middle, right = st.columns(3)
        plus = left.text_input("Seeds with it", "1,2,3")
        minus = middle.text_input("Seeds without it", "4,5,6")
        to = right.text_input("Add it to", placeholder="the Edit page's seed")
        st.form_submit_button("Show")
    total = explorer.total(plus, minus, to)
    if total is not None:
        with st.spinner("Adding up …"):
            made = explorer.sum_sheet(total)
        browser.sheet(made)
        _keep_sum(explorer, total)


def _keep_sum(explorer: Explorer, total: Sum) -> None:
    with st.form("keep sum", border=False):
        left, middle, right = st.columns([2, 3, 1], vertical_alignment="bottom")
        name = left.text_input("Keep “with − without” as", placeholder="a name")
        prompt = middle.text_input(
            "What it brings, in words (may stay empty)",
            placeholder="then strength 1 is where this is reached",
        )
        if right.form_submit_button("Keep", width="stretch"):
            explorer.keep_sum(total, name, prompt)


def _between(explorer: Explorer) -> None:
    seed = explorer.desk.session.seed
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    to = left.number_input(
        "To seed", min_value=0, max_value=2**32 - 1, value=min(seed + 1, 2**32 - 1)
    )
    kind = right.segmented_control(
        "As", KINDS, default="webp", format_func=str.upper, required=True
    )
    made = explorer.animation(int(to), kind)
    if made is not None:
        with st.container(width=384):
            if kind == "mp4":
                st.video(made, loop=True, autoplay=True, muted=True)
            else:
                st.image(made, width="stretch")
        label, name = f"Save {kind.upper()}", f"seed-{seed}-to-{to}.{kind}"
        st.download_button(label, made, name, mime=MEDIA_TYPES[kind])


def _card(explorer: Explorer, label: str, at: int) -> str | None:
    files = explorer.files
    place = min(at, len(files) - 1) if files else None
    chosen: str | None = st.selectbox(label, files, index=place, format_func=explorer.name_of)
    return chosen


_VIEWS: dict[str, Callable[[Explorer], None]] = {
    "Side by side": _compare,
    "Palette": _palette,
    "Seeds × strengths": _grid,
    "Layers": _layers,
    "Components": _components,
    "Arithmetic": _arithmetic,
    "Between seeds": _between,
}
