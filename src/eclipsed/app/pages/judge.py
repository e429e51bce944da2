"""The page Judge: how good a card is."""

from __future__ import annotations

from itertools import cycle

import altair as alt
import streamlit as st

from eclipsed.app import descriptions, sheets
from eclipsed.app.desk import Desk
from eclipsed.app.pages import browser
from eclipsed.app.reports import COUNTS, LONGEST, Curve, Report, measure
from eclipsed.evaluation.evaluate import STRENGTHS

# The last report of this tab: of which file, and what was measured.
_LAST = "last report"


def show() -> None:
    """Draw the page."""
    desk = browser.begin()
    desk.notice = None
    _card(desk)
    browser.notice(desk)


def _card(desk: Desk) -> None:
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    with left:
        file = browser.card(desk, "Card")
    if file is None:
        st.text(descriptions.NO_CARDS)
        return
    count = middle.select_slider(
        "Images", COUNTS, COUNTS[1], help="More take longer and make the intervals narrower."
    )
    if right.button("Measure", type="primary", width="stretch"):
        _measure(desk, file, count)
    last: tuple[str, Report] | None = st.session_state.get(_LAST)
    if last is None or last[0] != file:
        st.caption(
            "Images that no training looked at, edited at nine strengths and judged. At most "
            f"{LONGEST:.0f} seconds."
        )
        return
    _report(desk, file, last[1])


def _measure(desk: Desk, file: str, count: int) -> None:
    bar = st.progress(0.0, text="Measuring …")

    def on_progress(done: int, of: int) -> None:
        bar.progress(done / of, text=f"{done} of {of} images")

    report = desk.attempt(
        lambda: measure(desk.world, desk.library.direction(file), count, on_progress)
    )
    bar.empty()
    if report is not None:
        st.session_state[_LAST] = (file, report)


def _report(desk: Desk, file: str, report: Report) -> None:
    st.text("\n".join(descriptions.report_lines(report)))
    st.dataframe(descriptions.score_rows(report.scores), hide_index=True)
    if st.button("Write these scores into the card"):
        desk.attempt(
            lambda: desk.library.update(file, report.scored),
            "The scores are in the card.",
        )
    for column, curve in zip(cycle(st.columns(2)), report.curves, strict=False):
        column.caption(curve.about)
        column.altair_chart(_chart(curve), width="stretch")
    st.caption("The images that follow the prompt best, as most do, and least")
    browser.sheet(desk, sheets.ranked, report.ranked, files=[file])


def _chart(curve: Curve) -> alt.LayerChart:
    """The median as a line and the interval as a band over the strengths."""
    base = alt.Chart(alt.InlineData(list(curve.points))).encode(
        alt.X("strength:Q", title="strength", axis=alt.Axis(values=list(STRENGTHS), format="+~g"))
    )
    scale = alt.Scale(zero=False) if curve.ends is None else alt.Scale(domain=list(curve.ends))
    band = base.mark_area(opacity=0.2).encode(
        alt.Y("low:Q", title=None, scale=scale), alt.Y2("high:Q")
    )
    line = base.mark_line(point=True).encode(alt.Y("median:Q", title=None, scale=scale))
    layered: alt.LayerChart = (band + line).properties(height=190)
    return layered
