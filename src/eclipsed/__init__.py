"""Directions from sentences: local, signed, composable edits of a generator's images.

The names below are the whole public interface. They are loaded when first asked for, so that
`import eclipsed` (and `eclipsed --help`) costs nothing and imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclipsed.types import Goal as Goal
    from eclipsed.types import World as World

__version__ = "0.1.0.dev0"

_HOMES: dict[str, str] = {
    "Goal": "types",
    "World": "types",
}

__all__ = ["Goal", "World", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eclipsed' has no attribute {name!r}")
    return getattr(importlib.import_module(f"eclipsed.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
