"""The page Judge: how good a card is, which words work best, and what the encoder says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from eclipsed.app import phrasing, wording
from eclipsed.app.answers import matrix
from eclipsed.app.explorer import Explorer
from eclipsed.app.pages import browser, drawing
from eclipsed.app.reports import COUNTS, LONGEST, Report

_TEXTS = "a person with curly hair\na person with short hair\na person with sunglasses"
_PHRASINGS = "curly hair\na person with curly hair\nfrizzy curls"
# The last report of this tab: of which file, how many seeds, and what was measured.
_LAST = "last report"


def show() -> None:
    """Draw the page."""
    explorer = Explorer(browser.begin())
    explorer.desk.notice = None
    view = st.segmented_control(
        "View", list(_VIEWS), default=next(iter(_VIEWS)), label_visibility="collapsed"
    )
    if view is not None:
        _VIEWS[view](explorer)
    browser.notice(explorer.desk)


def _card(explorer: Explorer) -> None:
    files = explorer.files
    if not files:
        st.text("No cards yet. Find one with a sentence, or import one.")
        return
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    file = left.selectbox("Card", files, format_func=explorer.name_of)
    count = middle.select_slider("Images", COUNTS, COUNTS[1])
    if right.button("Measure", type="primary", width="stretch"):
        _measure(explorer, file, count)
    kept: tuple[str, Report] | None = st.session_state.get(_LAST)
    if kept is None or kept[0] != file:
        st.caption(
            "Images that no training looked at, edited at nine strengths and judged. At most "
            f"{LONGEST:.0f} seconds."
        )
        return
    _report(explorer, file, kept[1])


def _measure(explorer: Explorer, file: str, count: int) -> None:
    bar = st.progress(0.0, text="Measuring …")

    def told(done: int, of: int) -> None:
        bar.progress(done / of, text=f"{done} of {of} images")

    report = explorer.report(file, count, told)
    bar.empty()
    if report is not None:
        st.session_state[_LAST] = (file, report)


def _report(explorer: Explorer, file: str, report: Report) -> None:
    st.text("\n".join(wording.report_lines(report)))
    drawing.table(wording.score_table(report.scores), key="scores")
    if st.button("Write these scores into the card"):
        explorer.keep_scores(file, report)
    drawing.curves(report.curves)
    st.caption("The images that follow the prompt best, as most do, and least")
    browser.sheet(explorer.report_sheet(report))


def _phrasings(explorer: Explorer) -> None:
    with st.form("phrasings", border=False):
        text = st.text_area(
            "One wish in several words, one phrasing a line", _PHRASINGS, height=120
        )
        st.form_submit_button("Look")
    with st.spinner("Looking at sampled images …"):
        found = explorer.phrasings(text)
    if found is not None:
        drawing.table(phrasing.table(found), key="phrasings")
        st.caption(
            "Chance: how likely a training is to work. Rank: of 100 unrelated texts, how many "
            "these images answer less clearly. Lines show the region that would change."
        )


def _matrix(explorer: Explorer) -> None:
    left, right = st.columns([3, 1])
    texts = left.text_area("Texts, one a line", _TEXTS, height=130)
    count = right.slider("Images", 2, 12, 6)
    units: tuple[Literal["probability", "cosine"], ...] = ("probability", "cosine")
    unit = right.radio("Show", units, horizontal=True)
    found = explorer.answers(texts, count)
    if found is not None:
        drawing.table(matrix(found, unit), key="matrix")


_VIEWS: dict[str, Callable[[Explorer], None]] = {
    "A card": _card,
    "Phrasings": _phrasings,
    "Images and texts": _matrix,
}
