"""The page Explore: what directions do, side by side and across each other."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eclipsed.app.explorer import Explorer
from eclipsed.app.pages import browser


def show() -> None:
    """Draw the page."""
    explorer = Explorer(browser.begin())
    view = st.segmented_control(
        "View", list(_VIEWS), default=next(iter(_VIEWS)), label_visibility="collapsed"
    )
    st.caption(f"On the image of seed {explorer.desk.session.seed}, which the Edit page shows.")
    if view is not None:
        _VIEWS[view](explorer)
    browser.notice(explorer.desk)


def _compare(explorer: Explorer) -> None:
    chosen = st.multiselect(
        "Cards", explorer.files, default=explorer.files[:2], format_func=explorer.name_of
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


def _between(explorer: Explorer) -> None:
    seed = explorer.desk.session.seed
    to = st.number_input(
        "To seed", min_value=0, max_value=2**32 - 1, value=min(seed + 1, 2**32 - 1)
    )
    made = explorer.animation(int(to))
    if made is not None:
        st.image(made, width=384)
        st.download_button("Save WebP", made, f"seed-{seed}-to-{to}.webp", mime="image/webp")


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
    "Between seeds": _between,
}
