"""The page Find: a sentence goes in, a direction comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from eclipsed.app import descriptions
from eclipsed.app.desk import Desk
from eclipsed.app.pages import browser
from eclipsed.app.search import Look, Search, images_of, layers_written
from eclipsed.methods.training import trained_methods
from eclipsed.types import World

_SHOWN = 5  # images that answer a prompt best, and least
_AUTO, _WHOLE, _CHOSEN = "chosen by the prompt", "the whole image", "these"


def show() -> None:
    """Draw the page."""
    desk = browser.begin()
    world = desk.world
    st.subheader("What should change?")
    with st.form("find", border=False):
        prompt = st.text_input(
            "Prompt",
            placeholder=descriptions.examples(world),
            label_visibility="collapsed",
        )
        with st.expander("More"):
            settings = _settings(world)
        if st.form_submit_button("Find", type="primary"):
            desk.attempt(lambda: desk.find(desk.request(prompt, **settings())))
    _chips(desk, desk.prompts(), "try")
    browser.notice(desk)
    if desk.search is not None:
        running = desk.search.status.running
        st.fragment(_search, run_every=0.7 if running else None)(desk, desk.search, running)


def _settings(world: World) -> Callable[[], dict[str, Any]]:
    """Fields for how to search; what they say, for `Desk.request`, once the form is sent."""
    region = st.radio(
        "Region",
        [_AUTO, _WHOLE, _CHOSEN],
        horizontal=True,
        help="The parts of the image that may change.",
    )
    regions = st.multiselect("Regions", world.segmenter.regions, placeholder="choose")
    left, middle, right = st.columns(3)
    method = left.selectbox("Method", trained_methods(), help="The way a direction is found.")
    space = middle.selectbox(
        "Space",
        [None, *world.generator.spaces],
        format_func=lambda name: name or "auto",
        help="Which of the generator's numbers move; auto is what suits it best.",
    )
    layers = right.text_input(
        "Layers",
        placeholder="all, or 3-5",
        help="Where in the generator it acts: first come shapes, last colours.",
    )
    steps = st.number_input(
        "Steps (0: the method's)",
        min_value=0,
        max_value=5000,
        value=0,
        help="How long it trains: more takes longer, and seldom helps.",
    )
    chosen = {_AUTO: None, _WHOLE: (), _CHOSEN: tuple(regions)}[region]
    return lambda: {
        "regions": chosen,
        "method": method,
        "space": space,
        "layers": layers_written(layers),
        "steps": steps or None,
    }


def _search(desk: Desk, search: Search, running: bool) -> None:
    """How far a search is. running: whether it was when the whole page was drawn."""
    status = search.status
    desk.collect()
    done, words = descriptions.progress(status)
    st.text(f"“{search.request.prompt.strip()}”")
    st.progress(done, text=" ")
    st.text(words)
    if status.verdict is not None:
        words, colour = descriptions.badge(status.verdict)
        st.badge(words, color=colour, help=status.verdict.sentence)
    if status.running and status.stage != "scoring":
        st.button("Stop and keep", on_click=search.stop, key="stop")
    elif status.stage == "asking":
        st.button("Train anyway", on_click=search.train_anyway, type="primary")
        st.button("Leave it", on_click=search.stop)
    if status.snapshots:
        st.caption("What is learned, on the image of the Edit page")
        st.image(list(status.snapshots), width=112)
    if status.look is not None:
        _look(desk, status.look)
        if status.look.preflight.instead and not status.running:
            st.caption("Near to it, and likely to work")
            _chips(desk, status.look.preflight.instead, "instead")
    if status.running != running:
        st.rerun()


def _chips(desk: Desk, prompts: Sequence[str], key: str) -> None:
    """Prompts that can be clicked in place of typing."""
    with st.container(horizontal=True, gap="small"):
        for prompt in prompts:
            find = partial(desk.find, desk.request(prompt))
            st.button(prompt, key=f"{key} {prompt}", on_click=desk.attempt, args=(find,))


def _look(desk: Desk, look: Look) -> None:
    st.badge(look.preflight.verdict, color=descriptions.VERDICTS[look.preflight.verdict])
    st.text(look.preflight.reason)
    preflight = look.preflight
    titles = {"Answer it best": preflight.best(_SHOWN), "Answer it least": preflight.worst(_SHOWN)}
    for column, (title, seeds) in zip(st.columns(2), titles.items(), strict=True):
        column.caption(title)
        draw = partial(images_of, desk.world, preflight.goal, seeds)
        pictures, captions = zip(*desk.renderer.cached((preflight.goal, seeds), draw), strict=True)
        column.image(list(pictures), caption=list(captions), width=96)
    st.caption("Each with how much of it the region covers.")
    st.text("\n".join(descriptions.check_lines(look.preflight, look.understood)))
