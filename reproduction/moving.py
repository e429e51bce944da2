"""What else moves: the values that a judge sees before and after an edit, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eclipsed.bench.records import Records

Values = Mapping[str, str | None]


def before_of(records: Records) -> dict[int, Values]:
    """Seed → what its unedited image shows."""
    return {row["seed"]: row["shows"] for row in records.of("image")}


def edits_of(
    records: Records, label: str, strength: float
) -> Iterator[tuple[Mapping[str, Any], Values, Values]]:
    """A variant's rows with what the image shows before and after."""
    before = before_of(records)
    for row in records.of("judged", variant=label, strength=strength):
        yield row, before[row["seed"]], row["shows"]


def moved(before: Values, after: Values, group: str) -> bool | None:
    """Whether a group shows another value; None where it is out of sight before or after."""
    first, then = before.get(group), after.get(group)
    return None if first is None or then is None else first != then


def gained(before: Values, after: Values, group: str, value: str) -> int | None:
    """1 where a value is new, −1 where it is gone, 0 where nothing changes; None out of sight."""
    first, then = before.get(group), after.get(group)
    if first is None or then is None:
        return None
    return (then == value) - (first == value)
