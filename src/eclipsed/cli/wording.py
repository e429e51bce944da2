"""How results read: small tables of aligned words."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from eclipsed.evaluation.scores import CARD, INDEPENDENT, OWN

# Who judged, as `eclipsed.evaluation.evaluate.judged_by` says it → the same with what it means.
_JUDGES: dict[str, str] = {
    INDEPENDENT: "independent networks, which no training used",
    OWN: "the world's own networks, which the training used",
}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in aligned columns; the last column is not padded."""
    if not rows:
        return ""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def score_table(scores: Mapping[str, Any], judged_by: str) -> str:
    """Each score as "median [low, high]", the worst tenth of the seeds, what it means, and who
    judged ("": not known)."""
    known = list(CARD)
    ordered = sorted(scores, key=lambda name: known.index(name) if name in CARD else len(known))
    rows = [
        [name, *_cells(scores[name]), CARD[name][0] if name in CARD else ""]
        for name in ordered
        if scores[name] is None or {"median", "low", "high"} <= set(scores[name])
    ]
    judge = f"\n  judged by {_JUDGES.get(judged_by, judged_by)}" if judged_by else ""
    return table(rows) + judge


def _cells(score: Mapping[str, Any] | None) -> tuple[str, str]:
    if score is None:
        return "cannot be told", ""
    worst = score.get("worst")
    interval = f"{score['median']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
    return interval, "" if worst is None else f"worst {worst:.3f}"


def _width(text: str) -> int:
    """How many columns of a terminal the text takes; East Asian characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def network_rows(network: Mapping[str, Any]) -> list[list[str]]:
    """What a checkpoint's description says for people: its images, what it is, and its notes."""
    rows = []
    if "images" in network:
        images = network["images"]
        colours = {1: "grey", 3: "RGB", 4: "RGBA"}[images["channels"]]
        rows.append(["images", f"{images['width']}×{images['height']} pixels, {colours}"])
    notes = [["note", note] for note in network["notes"]]
    return [*rows, ["it is", network["needs"]], *notes]
