"""Parts that several pages draw: tables whose texts are text, and curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import altair as alt
import streamlit as st

from eclipsed.app.reports import Curve
from eclipsed.app.tables import Table

_FOLDER = Path(__file__).parent.parent / "table"

_table = st.components.v2.component(
    "eclipsed.table",
    html='<div class="around"><table></table></div>',
    css=(_FOLDER / "table.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "table.js").read_text(encoding="utf-8"),
)


def table(made: Table, key: str) -> None:
    """A table, scrolled sideways where it is too wide."""
    _table(key=key, data=made.to_json())


def curves(found: Sequence[Curve]) -> None:
    """A small chart of each curve, two in a row."""
    for start in range(0, len(found), 2):
        for column, curve in zip(st.columns(2), found[start : start + 2], strict=False):
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
