"""What people type: lists of whole numbers, and prompts as the names of files."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from numbers import Real

from eclipsed.errors import BadSetting


def whole_numbers(text: str, *, largest: int, most: int) -> list[int]:
    """ "1,2,5-9" → [1, 2, 5, 6, 7, 8, 9], in the order written, at most `most` of them.

    Raises BadSetting for anything else.
    """
    numbers: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part, re.ASCII)
        if match is None:
            raise BadSetting(f"{text!r} is not a list such as 1,2,5-9.")
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first:
            raise BadSetting(f"the range {part.strip()} runs backwards.")
        if last > largest:
            raise BadSetting(f"{last} is too large, the largest is {largest}.")
        if len(numbers) + last - first + 1 > most:
            raise BadSetting(f"that is more than {most} at once.")
        numbers.extend(range(first, last + 1))
    return numbers


def file_name(prompt: str) -> str:
    """A prompt as a file's name: "Curly hair!" → "curly-hair"."""
    plain = unicodedata.normalize("NFKD", prompt.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "direction"


def finite(value: object, what: str) -> float:
    """A number that is given for something, as in "A strength"; BadSetting for what is none."""
    if not isinstance(value, Real) or not math.isfinite(value):
        raise BadSetting(f"{what} is a finite number, not {value!r}.")
    return float(value)


def listed(texts: object) -> tuple[str, ...]:
    """Texts or names as a tuple; a single one is one text, not its letters.

    Raises BadSetting for anything else.
    """
    result = (texts,) if isinstance(texts, str) or not isinstance(texts, Iterable) else tuple(texts)
    for text in result:
        if not isinstance(text, str):
            raise BadSetting(
                f"A text is expected here, not {type(text).__name__}.",
                "Give a text, or a list of them.",
            )
    return result
