"""What people type: lists of whole numbers, and prompts as the names of files."""

from __future__ import annotations

import re
import unicodedata

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
