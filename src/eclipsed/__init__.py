"""Directions from sentences: local, signed, composable edits of a generator's images.

The names below are the whole public interface. They are loaded when first asked for, so that
`import eclipsed` (and `eclipsed --help`) costs nothing and imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclipsed.directions import Direction as Direction
    from eclipsed.editing import Edit as Edit
    from eclipsed.editing import EditStack as EditStack
    from eclipsed.editing import render as render
    from eclipsed.editing import strip as strip
    from eclipsed.errors import BadFile as BadFile
    from eclipsed.errors import BadSetting as BadSetting
    from eclipsed.errors import EclipsedError as EclipsedError
    from eclipsed.errors import MissingExtra as MissingExtra
    from eclipsed.errors import UnknownName as UnknownName
    from eclipsed.errors import WrongGenerator as WrongGenerator
    from eclipsed.generators.loading import load_generator as load_generator
    from eclipsed.goals import goal_from_prompt as goal_from_prompt
    from eclipsed.images import grid as grid
    from eclipsed.images import load_png as load_png
    from eclipsed.images import save_png as save_png
    from eclipsed.images import strip_picture as strip_picture
    from eclipsed.images import to_pil as to_pil
    from eclipsed.inspection import describe as describe
    from eclipsed.latents import read_latent as read_latent
    from eclipsed.logs import StepReport as StepReport
    from eclipsed.masks import Mask as Mask
    from eclipsed.preflight import Preflight as Preflight
    from eclipsed.scoring import score_direction as score_direction
    from eclipsed.training import config_for as config_for
    from eclipsed.training import train_direction as train_direction
    from eclipsed.training import train_directions as train_directions
    from eclipsed.types import Goal as Goal
    from eclipsed.types import World as World
    from eclipsed.worlds import load_world as load_world

__version__ = "0.1.0.dev0"

# Public name → the module it lives in; the imports above tell type checkers the same.
_HOMES = {
    "BadFile": "errors",
    "BadSetting": "errors",
    "Direction": "directions",
    "EclipsedError": "errors",
    "Edit": "editing",
    "EditStack": "editing",
    "Goal": "types",
    "Mask": "masks",
    "MissingExtra": "errors",
    "Preflight": "preflight",
    "StepReport": "logs",
    "UnknownName": "errors",
    "World": "types",
    "WrongGenerator": "errors",
    "config_for": "training",
    "describe": "inspection",
    "goal_from_prompt": "goals",
    "grid": "images",
    "load_generator": "generators.loading",
    "load_png": "images",
    "load_world": "worlds",
    "read_latent": "latents",
    "render": "editing",
    "save_png": "images",
    "score_direction": "scoring",
    "strip": "editing",
    "strip_picture": "images",
    "to_pil": "images",
    "train_direction": "training",
    "train_directions": "training",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - keys of a literal, all of them names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eclipsed' has no attribute {name!r}")
    return getattr(importlib.import_module(f"eclipsed.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
