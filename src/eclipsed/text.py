"""What people type: numbers, lists of them, and prompts as the names of files."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from numbers import Real

from eclipsed.errors import BadSetting

# Characters and bytes of a name, which must leave room for a number and an ending in 255 bytes.
_LONGEST, _MOST_BYTES = 60, 180
# What Windows takes for a device, whatever its ending.
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[1-9¹²³]")
_DASHES = str.maketrans("\N{MINUS SIGN}\N{EN DASH}\N{NON-BREAKING HYPHEN}", "---")


def with_ascii_dashes(text: str) -> str:
    """Numbers as programs write them: what was copied from a page may hold its longer dashes."""
    return text.translate(_DASHES)


def whole_numbers(text: str, *, largest: int, most: int) -> list[int]:
    """ "1,2,5-9" → [1, 2, 5, 6, 7, 8, 9], in the order written, at most `most` of them.

    Raises BadSetting for anything else.
    """
    numbers: list[int] = []
    for part in with_ascii_dashes(text).split(","):
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
    """A prompt as a file's name: "Curly hair!" → "curly-hair", "卷发" → "卷发".

    Letters of every script stay, in Unicode's composed form. The name is never empty, fits every
    file system with an ending and a number behind it, and names no device of Windows.
    """
    name = ""
    for character in unicodedata.normalize("NFC", prompt.lower()):
        kind = unicodedata.category(character)
        if kind[0] in "LN" or (kind in ("Mn", "Mc") and _carries_mark(name, character)):
            name += character
        elif kind != "Cf" and kind[0] != "M" and not name.endswith("-"):
            name += "-"
    name = unicodedata.normalize("NFC", name).strip("-")[:_LONGEST]
    name = name.encode("utf-8", "ignore")[:_MOST_BYTES].decode("utf-8", "ignore").strip("-")
    return f"{name}_" if _DEVICES.fullmatch(name) else name or "direction"


def _carries_mark(name: str, mark: str) -> bool:
    """Whether a mark, such as a vowel's sign, belongs to the letter before it; those that choose
    how a character looks do not."""
    is_selector = "VARIATION SELECTOR" in unicodedata.name(mark, "")
    return not is_selector and unicodedata.category(name[-1:] or "-")[0] in "LM"


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
