"""Files of what is on the screen: the picture with its recipe, a strip, an animation.

Each is a file's name and its bytes.
"""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from eclipsed.app import sheets
from eclipsed.app.recipe import recipe_of
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session, next_seeds
from eclipsed.editing.animation import KINDS
from eclipsed.editing.images import save_png
from eclipsed.errors import UnknownName
from eclipsed.naming import file_name

STRIP_ROWS = 3


def picture(renderer: Renderer, session: Session) -> tuple[str, bytes]:
    """The PNG of the picture on the screen, with its recipe inside."""
    image = Image.open(io.BytesIO(renderer.shot(session).png)).convert("RGB")
    name = "-".join([session.image_name, *(line.direction.name for line in session.lines[:3])])
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / "picture.png"
        save_png(image, path, recipe_of(session, renderer.world))
        return f"{file_name(name)}.png", path.read_bytes()


def strip(renderer: Renderer, session: Session) -> tuple[str, bytes]:
    """A PNG of seeds, or the latent, as rows and strengths of the selected line as columns, the
    rest of the stack as it is; UnknownName without a line."""
    seeds = next_seeds(session, STRIP_ROWS) if session.start is None else None
    return f"{_name(session)}-strip.png", sheets.strip(renderer, session, seeds)


def animation(renderer: Renderer, session: Session, kind: str) -> tuple[str, bytes]:
    """A WebP, GIF or MP4 of the selected line going from end to end and back.

    Raises UnknownName for another kind or without a line, MissingExtra for an MP4 that cannot be
    written here.
    """
    for known in KINDS:
        if known == kind:
            return f"{_name(session)}.{kind}", sheets.sweep(renderer, session, known)
    raise UnknownName(f"There is no animation '{kind}'.", f"Choose from {', '.join(KINDS)}.")


def _name(session: Session) -> str:
    return file_name(session.lines[session.at_hand].direction.name)
