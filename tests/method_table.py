"""The table of methods: `python -m tests.method_table` prints it as docs/methods.md holds it."""

from __future__ import annotations

import sys

from eclipsed.methods.method import Method
from eclipsed.methods.registry import method_named, names

_HEAD = "| method | paper | what it does | what differs | takes |\n| --- | --- | --- | --- | --- |"
_TAKES = {"prompt": "the prompt", "regions": "the regions", "nothing": "nothing"}


def table() -> str:
    """One row per method, in its own words."""
    return "\n".join([_HEAD, *(_row(method_named(name)) for name in names())])


def _row(method: Method) -> str:
    takes = _TAKES[method.takes] + (", one image" if method.per_image else "")
    cells = (f"`{method.name}`", method.paper, method.about, method.differs, takes)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
