"""Directions from sentences: local, signed, composable edits of a generator's images.

The names below are the whole public interface. They are loaded when first asked for, so that
`import eclipsed` (and `eclipsed --help`) costs nothing and imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclipsed.cli.progress import progress as progress
    from eclipsed.directions import Direction as Direction
    from eclipsed.editing.images import grid as grid
    from eclipsed.editing.images import load_png as load_png
    from eclipsed.editing.images import save_png as save_png
    from eclipsed.editing.images import strip_picture as strip_picture
    from eclipsed.editing.images import to_pil as to_pil
    from eclipsed.editing.latents import read_latent as read_latent
    from eclipsed.editing.masks import Mask as Mask
    from eclipsed.editing.photos.inversion import InvertConfig as InvertConfig
    from eclipsed.editing.photos.inversion import invert as invert
    from eclipsed.editing.photos.latent_file import Inversion as Inversion
    from eclipsed.editing.photos.reading import read_photo as read_photo
    from eclipsed.editing.photos.session import edit_photo as edit_photo
    from eclipsed.editing.photos.session import invert_photo as invert_photo
    from eclipsed.editing.photos.writing import write_photo as write_photo
    from eclipsed.editing.stack import Edit as Edit
    from eclipsed.editing.stack import EditStack as EditStack
    from eclipsed.editing.stack import render as render
    from eclipsed.editing.stack import strip as strip
    from eclipsed.errors import BadFile as BadFile
    from eclipsed.errors import BadSetting as BadSetting
    from eclipsed.errors import EclipsedError as EclipsedError
    from eclipsed.errors import MissingExtra as MissingExtra
    from eclipsed.errors import UnknownName as UnknownName
    from eclipsed.errors import WrongGenerator as WrongGenerator
    from eclipsed.evaluation.evaluate import evaluate as evaluate
    from eclipsed.evaluation.evaluate import score_direction as score_direction
    from eclipsed.evaluation.evaluate import scored as scored
    from eclipsed.generators.loading import load_generator as load_generator
    from eclipsed.inspect import describe as describe
    from eclipsed.methods.method import Method as Method
    from eclipsed.methods.registry import config_for as config_for
    from eclipsed.methods.registry import register as register
    from eclipsed.methods.training import train_direction as train_direction
    from eclipsed.methods.training import train_directions as train_directions
    from eclipsed.prompts.goals import goal_from_prompt as goal_from_prompt
    from eclipsed.search.optimizer import State as State
    from eclipsed.search.preflight import Preflight as Preflight
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
    "Edit": "editing.stack",
    "EditStack": "editing.stack",
    "Goal": "types",
    "Inversion": "editing.photos.latent_file",
    "InvertConfig": "editing.photos.inversion",
    "Mask": "editing.masks",
    "Method": "methods.method",
    "MissingExtra": "errors",
    "Preflight": "search.preflight",
    "State": "search.optimizer",
    "UnknownName": "errors",
    "World": "types",
    "WrongGenerator": "errors",
    "config_for": "methods.registry",
    "describe": "inspect",
    "edit_photo": "editing.photos.session",
    "evaluate": "evaluation.evaluate",
    "goal_from_prompt": "prompts.goals",
    "grid": "editing.images",
    "invert": "editing.photos.inversion",
    "invert_photo": "editing.photos.session",
    "load_generator": "generators.loading",
    "load_png": "editing.images",
    "load_world": "worlds",
    "progress": "cli.progress",
    "read_latent": "editing.latents",
    "read_photo": "editing.photos.reading",
    "register": "methods.registry",
    "render": "editing.stack",
    "save_png": "editing.images",
    "score_direction": "evaluation.evaluate",
    "scored": "evaluation.evaluate",
    "strip": "editing.stack",
    "strip_picture": "editing.images",
    "to_pil": "editing.images",
    "train_direction": "methods.training",
    "train_directions": "methods.training",
    "write_photo": "editing.photos.writing",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - keys of a literal, all of them names


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eclipsed' has no attribute {name!r}")
    return getattr(importlib.import_module(f"eclipsed.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
