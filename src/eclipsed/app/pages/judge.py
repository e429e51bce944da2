"""The page Judge: what the encoder says to images and texts, and how good a card is."""

from __future__ import annotations

import streamlit as st

from eclipsed.app import wording
from eclipsed.app.explorer import Explorer
from eclipsed.app.pages import browser

_TEXTS = "a person with curly hair\na person with short hair\na person with sunglasses"
_COLUMNS = 6


def show() -> None:
    """Draw the page."""
    explorer = Explorer(browser.begin())
    left, right = st.columns([3, 1])
    texts = left.text_area("Texts, one a line", _TEXTS, height=130)
    count = right.slider("Images", 2, 12, _COLUMNS)
    unit = right.radio("Show", ["probability", "cosine"], horizontal=True)
    found = explorer.answers(texts, count)
    if found is not None:
        numbers = found.probabilities if unit == "probability" else found.cosines
        for start in range(0, count, _COLUMNS):
            rows = range(start, min(start + _COLUMNS, count))
            for column, row in zip(st.columns(_COLUMNS), rows, strict=False):
                column.image(found.pictures[row], width="stretch")
                column.caption(f"seed {found.seeds[row]}")
                column.text("\n".join(wording.answer_lines(found.texts, numbers[row].tolist())))
    browser.notice(explorer.desk)
