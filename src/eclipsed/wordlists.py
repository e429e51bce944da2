"""Word lists: TOML files that lie beside the code that reads them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def word_lists(package: str, name: str) -> dict[str, Any]:
    """The tables of a TOML file in a package, read once."""
    return tomllib.loads(files(package).joinpath(name).read_text(encoding="utf-8"))
