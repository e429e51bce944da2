"""The page Explore: what directions do, side by side and across each other."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eclipsed.app.explorer import Explorer
from eclipsed.app.pages import browser
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
    sheet = explorer.grid(count)
    if sheet is None:
        st.text("Select an edit on the Edit page first: this view moves it.")
    else:
        browser.sheet(sheet)


def _layers(explorer: Explorer) -> None:
    browser.sheet(explorer.layers(_card(explorer, "Card", 0)))


def _between(explorer: Explorer) -> None:
    seed = explorer.desk.session.seed
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    to = left.number_input(
        "To seed", min_value=0, max_value=2**32 - 1, value=min(seed + 1, 2**32 - 1)
    )
    kind = right.segmented_control(
        "As", KINDS, default="webp", format_func=str.upper, required=True
    )
    animation = explorer.animation(int(to), kind)
    if animation is not None:
        with st.container(width=384):
            if kind == "mp4":
                st.video(animation, loop=True, autoplay=True, muted=True)
            else:
                st.image(animation, width="stretch")
        label, name = f"Save {kind.upper()}", f"seed-{seed}-to-{to}.{kind}"
        st.download_button(label, animation, name, mime=MEDIA_TYPES[kind])


def _card(explorer: Explorer, label: str, at: int) -> str | None:
    files = explorer.files
    index = min(at, len(files) - 1) if files else None
    chosen: str | None = st.selectbox(label, files, index=index, format_func=explorer.name_of)
    return chosen


_VIEWS: dict[str, Callable[[Explorer], None]] = {
    "Side by side": _compare,
    "Palette": _palette,
    "Seeds × strengths": _grid,
    "Layers": _layers,
    "Between seeds": _between,
}
