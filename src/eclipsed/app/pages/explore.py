"""The page Explore: what directions do, side by side and across each other."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eclipsed.app import descriptions, sheets
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
    if view is not None:
        draw, about = _VIEWS[view]
        st.caption(about.format(image=desk.session.image_words))
        draw(desk)
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
    random = left.checkbox(
        "and a random direction",
        help="As long as the first card, to nowhere: what a direction does by chance.",
    )
    equal = middle.checkbox(
        "columns of equal change",
        help="Each column changes the image as much in every row, in place of equal strengths.",
    )
    channel = right.text_input(
        "and a style channel",
        placeholder="layer/channel, such as 5/17",
        help="One number of the generator's styles: its smallest part that can be moved.",
    )
    if chosen:
        words = random, channel.strip(), equal
        browser.sheet(desk, sheets.side_by_side, *words, files=chosen)


def _palette(desk: Desk) -> None:
    left, right = st.columns(2)
    with left:
        across = browser.card(desk, "From left to right")
    with right:
        down = browser.card(desk, "From bottom to top", 1)
    if across and down:
        browser.sheet(desk, sheets.palette, files=[across, down])


def _grid(desk: Desk) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        file = browser.card(desk, "Card")
    seeds = next_seeds(desk.session, right.slider("Images", 2, 8, 4))
    if file:
        named = tuple(("seed", seed) for seed in seeds)
        browser.sheet(desk, sheets.ranked, named, files=[file])


def _layers(desk: Desk) -> None:
    if file := browser.card(desk, "Card"):
        browser.sheet(desk, sheets.layers, files=[file])


def _between(desk: Desk) -> None:
    seed = desk.session.seed
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    to = left.number_input("To seed", 0, LAST_SEED, min(seed + 1, LAST_SEED))
    kind = right.segmented_control(
        "As", KINDS, default="webp", format_func=str.upper, required=True
    )
    slot = st.empty()
    slot.caption(descriptions.DRAWING)
    animation = desk.sheet(sheets.interpolation, to, kind)
    if animation is None:
        slot.empty()
        return
    with slot.container():
        with st.container(width=384):
            if kind == "mp4":
                st.video(animation, loop=True, autoplay=True, muted=True)
            else:
                st.image(animation, width="stretch")
        label, name = f"Save {kind.upper()}", f"seed-{seed}-to-{to}.{kind}"
        st.download_button(label, animation, name, mime=MEDIA_TYPES[kind])


# What draws a view, and what it shows.
_VIEWS: dict[str, tuple[Callable[[Desk], None], str]] = {
    "Side by side": (_compare, "Cards on {image}, the image of the Edit page."),
    "Palette": (_palette, "Two cards at once on {image}, the image of the Edit page."),
    "Seeds × strengths": (_grid, "One card on several images, from {image} on."),
    "Layers": (_layers, "What a card does in each part of the generator, on {image}."),
    "Between seeds": (_between, "From {image} to another, with the edits of the Edit page."),
}
