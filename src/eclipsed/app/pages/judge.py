"""The page Judge: how good a card is."""

from __future__ import annotations

import streamlit as st

from eclipsed.app import descriptions
from eclipsed.app.explorer import Explorer
from eclipsed.app.pages import browser, curves
from eclipsed.app.reports import COUNTS, LONGEST, Report

# The last report of this tab: of which file, how many seeds, and what was measured.
_LAST = "last report"


def show() -> None:
    """Draw the page."""
    explorer = Explorer(browser.begin())
    explorer.desk.notice = None
    _card(explorer)
    browser.notice(explorer.desk)


def _card(explorer: Explorer) -> None:
    files = explorer.files
    if not files:
        st.text(descriptions.no_cards())
        return
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    file = left.selectbox("Card", files, format_func=explorer.name_of)
    count = middle.select_slider("Images", COUNTS, COUNTS[1])
    if right.button("Measure", type="primary", width="stretch"):
        _measure(explorer, file, count)
    last: tuple[str, Report] | None = st.session_state.get(_LAST)
    if last is None or last[0] != file:
        st.caption(
            "Images that no training looked at, edited at nine strengths and judged. At most "
            f"{LONGEST:.0f} seconds."
        )
        return
    _report(explorer, file, last[1])


def _measure(explorer: Explorer, file: str, count: int) -> None:
    bar = st.progress(0.0, text="Measuring …")

    def told(done: int, of: int) -> None:
        bar.progress(done / of, text=f"{done} of {of} images")

    report = explorer.report(file, count, told)
    bar.empty()
    if report is not None:
        st.session_state[_LAST] = (file, report)


def _report(explorer: Explorer, file: str, report: Report) -> None:
    st.text("\n".join(descriptions.report_lines(report)))
    st.dataframe(descriptions.score_rows(report.scores), hide_index=True)
    if st.button("Write these scores into the card"):
        explorer.store_scores(file, report)
    curves.draw(report.curves)
    st.caption("The images that follow the prompt best, as most do, and least")
    browser.sheet(explorer.report_sheet(report))
