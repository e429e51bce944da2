"""A report as blocks, and these as Markdown with files beside it or as one HTML page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from eclipsed.files import write_atomic

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 2em auto; max-width: 1280px;
  padding: 0 1em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; margin: 1em 0; }
th, td { border-bottom: 1px solid #ddd; padding: 3px 10px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: #6b6b6b; font-weight: 600; white-space: normal; vertical-align: bottom; }
.interval { color: #6b6b6b; font-size: 11px; display: block; }
.charts svg { margin-right: 12px; vertical-align: top; }
img { max-width: 100%; }
"""


@dataclass(frozen=True)
class Heading:
    """level: 1 for the page's own."""

    text: str
    level: int


@dataclass(frozen=True)
class Text:
    """A paragraph without marks."""

    text: str


@dataclass(frozen=True)
class Cell:
    """A table's cell: its number, the interval below it, and whether it is the column's best."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; the first cell of a row is its name."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Charts:
    """Charts side by side, each an SVG with the name of its file."""

    charts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with the name of its file, a WebP, and what it shows."""

    name: str
    shows: str
    image: Image.Image


Block = Heading | Text | Table | Charts | Picture


def write_pages(blocks: Sequence[Block], folder: Path, name: str) -> None:
    """Write `name`.md with its charts and pictures as files, and `name`.html, which needs none.

    Raises BadFile where they cannot be written.
    """
    for block in blocks:
        if isinstance(block, Charts):
            for file, svg in block.charts:
                write_atomic(folder / file, svg.encode())
        if isinstance(block, Picture):
            write_atomic(folder / block.name, _webp(block.image))
    write_atomic(folder / f"{name}.md", ("\n\n".join(map(_markdown, blocks)) + "\n").encode())
    title = next((block.text for block in blocks if isinstance(block, Heading)), name)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(map(_html, blocks))
        + "\n</body></html>\n"
    )
    write_atomic(folder / f"{name}.html", page.encode())


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return "#" * block.level + " " + _escaped(block.text)
    if isinstance(block, Text):
        return _escaped(block.text)
    if isinstance(block, Charts):
        return "\n".join(f"![{Path(file).stem}]({file})" for file, _ in block.charts)
    if isinstance(block, Picture):
        return f"![{_escaped(block.shows)}]({block.name})"
    lines = [
        "| " + " | ".join(_escaped(heading) for heading in block.headings) + " |",
        "| " + " | ".join("---" for _ in block.headings) + " |",
    ]
    for row in block.rows:
        cells = []
        for cell in row:
            text = f"**{_escaped(cell.text)}**" if cell.best else _escaped(cell.text)
            cells.append(f"{text} {cell.interval}".strip())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    for sign in "\\`*_[]<>#|":
        text = text.replace(sign, f"\\{sign}")
    return text


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Charts):
        return '<div class="charts">' + "".join(svg for _, svg in block.charts) + "</div>"
    if isinstance(block, Picture):
        data = base64.b64encode(_webp(block.image)).decode()
        return f'<img alt="{escape(block.shows)}" src="data:image/webp;base64,{data}">'
    head = "".join(f"<th>{escape(heading)}</th>" for heading in block.headings)
    rows = "".join("<tr>" + "".join(map(_html_cell, row)) + "</tr>" for row in block.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _webp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def _html_cell(cell: Cell) -> str:
    text = f"<b>{escape(cell.text)}</b>" if cell.best else escape(cell.text)
    small = f'<span class="interval">{escape(cell.interval)}</span>' if cell.interval else ""
    return f"<td>{text}{small}</td>"
