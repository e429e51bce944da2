"""Curves of a report as small charts."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import streamlit as st

from eclipsed.app.reports import Curve


def draw(curves: Sequence[Curve]) -> None:
    """A small chart of each curve, two in a row."""
    for start in range(0, len(curves), 2):
        for column, curve in zip(st.columns(2), curves[start : start + 2], strict=False):
            column.caption(curve.about)
            column.altair_chart(_chart(curve), width="stretch")


def _chart(curve: Curve) -> alt.LayerChart:
    points = [
        {"strength": strength, "median": median, "low": low, "high": high}
        for strength, median, low, high in curve.points
    ]
    base = alt.Chart(alt.InlineData(points)).encode(alt.X("strength:Q", title="strength"))
    scale = alt.Scale(zero=False) if curve.ends is None else alt.Scale(domain=list(curve.ends))
    band = base.mark_area(opacity=0.2).encode(
        alt.Y("low:Q", title=None, scale=scale), alt.Y2("high:Q")
    )
    line = base.mark_line(point=True).encode(alt.Y("median:Q", title=None, scale=scale))
    layered: alt.LayerChart = (band + line).properties(height=190)
    return layered
