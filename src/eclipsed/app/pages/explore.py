"""The page Explore: what directions do, side by side and across each other."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eclipsed.app import sheets
from eclipsed.app.desk import Desk
from eclipsed.app.pages import browser
from eclipsed.app.session import LAST_SEED, next_seeds
from eclipsed.editing.animation import KINDS, MEDIA_TYPES

# Where the Library leaves the files that were chosen there to be compared.
CHOSEN = "chosen to compare"


def show() -> None:
    """Draw the page."""
    desk = browser.begin()
    desk.notice = None
    view = st.pills("View", list(_VIEWS), default=next(iter(_VIEWS)), label_visibility="collapsed")
    st.caption(f"On the image of {desk.session.image_words}, which the Edit page shows.")
    if view is not None:
        _VIEWS[view](desk)
    browser.notice(desk)


def _compare(desk: Desk) -> None:
    cards = desk.cards()
    asked = [file for file in st.session_state.get(CHOSEN, []) if file in cards]
    chosen = st.multiselect(
        "Cards",
        list(cards),
        default=asked or list(cards)[:2],
        format_func=lambda file: cards[file].name,
    )
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    random = left.checkbox("and a random direction")
    equal = middle.checkbox("columns of equal change")
    channel = right.text_input("and a style channel", placeholder="layer/channel, such as 5/17")
    if chosen:
        words = random, channel.strip(), equal
        browser.sheet(desk.sheet(sheets.side_by_side, *words, files=chosen))


def _palette(desk: Desk) -> None:
    left, right = st.columns(2)
    with left:
        across = browser.card(desk, "From left to right")
    with right:
        down = browser.card(desk, "From bottom to top", 1)
    if across and down:
        browser.sheet(desk.sheet(sheets.palette, files=[across, down]))


def _grid(desk: Desk) -> None:
    count = st.slider("Seeds", 2, 8, 4)
    browser.sheet(desk.sheet(sheets.strip, tuple(next_seeds(desk.session, count))))


def _layers(desk: Desk) -> None:
    if file := browser.card(desk, "Card"):
        browser.sheet(desk.sheet(sheets.layers, files=[file]))


def _between(desk: Desk) -> None:
    seed = desk.session.seed
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    to = left.number_input("To seed", 0, LAST_SEED, min(seed + 1, LAST_SEED))
    kind = right.segmented_control(
        "As", KINDS, default="webp", format_func=str.upper, required=True
    )
    animation = desk.sheet(sheets.interpolation, to, kind)
    if animation is not None:
        with st.container(width=384):
            if kind == "mp4":
                st.video(animation, loop=True, autoplay=True, muted=True)
            else:
                st.image(animation, width="stretch")
        label, name = f"Save {kind.upper()}", f"seed-{seed}-to-{to}.{kind}"
        st.download_button(label, animation, name, mime=MEDIA_TYPES[kind])


_VIEWS: dict[str, Callable[[Desk], None]] = {
    "Side by side": _compare,
    "Palette": _palette,
    "Seeds × strengths": _grid,
    "Layers": _layers,
    "Between seeds": _between,
}
