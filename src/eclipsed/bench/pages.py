"""A report as Markdown with its pictures beside it, and the same as one HTML page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

from eclipsed.files import write_atomic

_TYPES = {".svg": "image/svg+xml", ".webp": "image/webp"}
# Emphasis is what stands small below a table's number.
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; margin: 2em auto; max-width: 1280px;
  padding: 0 1em; }}
table {{ border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto; }}
th, td {{ border-bottom: 1px solid #ddd; padding: 3px 10px; white-space: nowrap; }}
th {{ color: #6b6b6b; font-weight: 600; white-space: normal; vertical-align: bottom; }}
td em {{ color: #6b6b6b; font-size: 11px; font-style: normal; display: block; }}
img {{ max-width: 100%; }}
</style></head><body>
{body}</body></html>
"""


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", text)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A table of Markdown; the last so many columns hold numbers."""
    rule = ["---"] * (len(headings) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(row)} |" for row in (map(escaped, headings), rule, *rows))


def write_pages(blocks: Sequence[str], folder: Path, name: str, title: str) -> Path:
    """Write `name`.md of blocks of Markdown, whose pictures lie in the folder, and `name`.html,
    which needs no other file; the latter's path.

    Raises BadFile where they cannot be written.
    """
    text = "\n\n".join(blocks) + "\n"
    write_atomic(folder / f"{name}.md", text.encode())

    def inline(source: re.Match[str]) -> str:
        path = folder / source[1]
        data = base64.b64encode(path.read_bytes()).decode()
        return f'src="data:{_TYPES[path.suffix]};base64,{data}"'

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    body = re.sub(r'src="([^"]+)"', inline, body)
    page = folder / f"{name}.html"
    write_atomic(page, _PAGE.format(title=escape(title), body=body).encode())
    return page
