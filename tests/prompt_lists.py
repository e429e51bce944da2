"""Reads the lists of prompts in tests/data: accepted answers parted by |, a tab, the prompt.

Lists about several domains have the domain in a column before these two.
"""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"


def read_prompts(name: str, domain: str = "") -> list[tuple[tuple[str, ...], str]]:
    """(accepted answers, prompt) per line of a file in tests/data, of one domain where it has any.

    An accepted answer is the names of regions parted by commas, or "none", in lists about regions.
    """
    rows = [line.split("\t") for line in (DATA / name).read_text("utf-8").splitlines()]
    return [
        (tuple(expected.split("|")), prompt)
        for *domains, expected, prompt in rows
        if domains == ([domain] if domain else [])
    ]
