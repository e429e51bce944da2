"""Tables as values: cells of text and small pictures, for the page to draw.

Nothing in a cell is markup: the page puts texts down as text.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eclipsed.files import kind_of

Tone = Literal["", "good", "unsure", "bad"]


@dataclass(frozen=True)
class Cell:
    """pictures: JPEGs or PNGs, drawn above the text. shade: 0 … 1, how dark the cell is; None for
    no shade. strong: whether it stands out among its like. tone: what the text says of itself."""

    text: str = ""
    pictures: tuple[bytes, ...] = ()
    shade: float | None = None
    strong: bool = False
    tone: Tone = ""

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON, pictures as addresses that need no file."""
        return {
            "text": self.text,
            "pictures": [_uri(picture) for picture in self.pictures],
            "shade": None if self.shade is None else round(min(1.0, max(0.0, self.shade)), 4),
            "strong": self.strong,
            "tone": self.tone,
        }


@dataclass(frozen=True)
class Table:
    """A row of heads, and rows of as many cells; the first of each says what the row is."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError("every row needs a cell for each head")

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {
            "head": [cell.to_json() for cell in self.head],
            "rows": [[cell.to_json() for cell in row] for row in self.rows],
        }


def heads(texts: Sequence[str]) -> tuple[Cell, ...]:
    """Heads of text alone."""
    return tuple(Cell(text) for text in texts)


def _uri(picture: bytes) -> str:
    kind = "png" if kind_of(picture) == "a PNG picture" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
