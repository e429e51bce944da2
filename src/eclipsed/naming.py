"""From words to the names of files."""

from __future__ import annotations

import re
import unicodedata


def file_name(prompt: str) -> str:
    """A prompt as a file's name: "Curly hair!" → "curly-hair"."""
    plain = unicodedata.normalize("NFKD", prompt.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "direction"
