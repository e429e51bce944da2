"""The rows of a bench on disk: JSON lines that grow as it goes, so that a cut one goes on.

The first line says what is compared. Of the others, `kind` is one of: prompt, direction (with its
cost), seed, matched, half, failure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import disk, make_folder, read_bytes, shown, write_atomic

ROWS = "rows.jsonl"
# To be raised when rows come to say something else.
FORMAT = 2
DIGITS = 6
_MOST_BYTES = 2**30


@dataclass(eq=False)
class Records:
    """The rows so far, and the file that holds them."""

    path: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the file lies, and all else that belongs to the bench."""
        return self.path.parent

    def add(self, **row: Any) -> None:
        """One more row, on disk before this returns; raises BadFile where that cannot be."""
        plain = rounded(row)
        line = json.dumps(plain, allow_nan=False) + "\n"
        with disk("write", self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.rows.append(plain)

    def of(self, kind: str, **facts: Any) -> Iterator[dict[str, Any]]:
        """Rows of a kind that have these values."""
        for row in self.rows:
            if row["kind"] == kind and all(row.get(key) == value for key, value in facts.items()):
                yield row


def open_records(folder: Path, facts: Mapping[str, Any]) -> Records:
    """The rows of a folder, which is created if missing; a last line that was cut off is dropped.

    facts: what may not differ from what the rows that are there were measured with.

    Raises BadFile for a damaged file, BadSetting where it holds another bench.
    """
    path = folder / ROWS
    make_folder(folder)
    records = read_records(path) if path.exists() else Records(path)
    wanted = {"kind": "bench", "format": FORMAT, **rounded(facts)}
    if not records.rows:
        records.add(**wanted)
    for key, value in wanted.items():
        if records.rows[0].get(key) != value:
            raise BadSetting(
                f"{shown(path)} holds another bench: its {key} differs.",
                "Give another folder with -o, or remove this one.",
            )
    return records


def read_records(path: Path) -> Records:
    """Rows of a file; a last line that was cut off is dropped, there as well.

    Raises BadFile for a file that is no such list.
    """
    data = read_bytes(path, limit=_MOST_BYTES)
    whole, _, rest = data.rpartition(b"\n")
    try:
        rows = [json.loads(line) for line in whole.splitlines()]
        good = all(isinstance(row, dict) and isinstance(row.get("kind"), str) for row in rows)
    except (ValueError, RecursionError):
        good = False
    if not good:
        raise BadFile(f"{shown(path)} is damaged.", "Remove it to begin again.")
    if rest:
        write_atomic(path, whole + b"\n" if whole else b"")
    return Records(path, rows)


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """The same with numbers of so many digits as matter."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        return {key: rounded(part, digits) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part, digits) for part in value]
    return value
