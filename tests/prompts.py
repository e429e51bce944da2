"""Reads the lists of prompts in tests/data: accepted answers parted by |, a tab, the prompt."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"


def read_prompts(name: str) -> list[tuple[tuple[str, ...], str]]:
    """(accepted answers, prompt) per line of a file in tests/data."""
    rows = [line.split("\t") for line in (DATA / name).read_text("utf-8").splitlines()]
    return [(tuple(expected.split("|")), prompt) for expected, prompt in rows]
