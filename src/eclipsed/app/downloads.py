"""Files of what is on the screen: the picture with its recipe, a strip, an animation.

Each is a file's name and its bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from eclipsed.app.recipe import recipe_of
from eclipsed.app.rendering import Renderer, at_strengths
from eclipsed.app.session import Line, Session, next_seeds
from eclipsed.editing.animation import KINDS, animated, need_video, there_and_back
from eclipsed.editing.images import save_png, strength_label, strip_picture, to_pil
from eclipsed.errors import UnknownName
from eclipsed.naming import file_name

STRIP_ROWS = 3
STRIP_STRENGTHS = 7
ANIMATION_STRENGTHS = 25  # of one way; the way back repeats them


def picture(renderer: Renderer, session: Session) -> tuple[str, bytes]:
    """The PNG of the picture on the screen, with its recipe inside."""
    image = Image.open(io.BytesIO(renderer.shot(session).png)).convert("RGB")
    name = "-".join([session.image_name, *(line.direction.name for line in session.lines[:3])])
    return f"{file_name(name)}.png", _as_bytes(image, recipe_of(session, renderer.world))


def strip(renderer: Renderer, session: Session) -> tuple[str, bytes] | None:
    """A PNG of seeds, or the latent, as rows and strengths of the selected line as columns, the
    rest of the stack as it is; None without a line."""
    at = session.selected
    if at is None:
        return None
    line = session.lines[at]
    strengths = [round(strength, 2) for strength in _strengths(line, STRIP_STRENGTHS)]
    if session.start is None:
        seeds = next_seeds(session, STRIP_ROWS)
        rows = [str(seed) for seed in seeds]
        images = renderer.strip(session, at, seeds, strengths)
    else:
        rows = [session.start.name]
        images = renderer.images(at_strengths(session, at, strengths))[None]
    sheet = strip_picture(
        images,
        rows,
        [strength_label(strength) for strength in strengths],
        title=" + ".join(line.direction.name for line in session.lines),
    )
    return f"{file_name(line.direction.name)}-strip.png", _as_bytes(sheet, None)


def animation(renderer: Renderer, session: Session, kind: str) -> tuple[str, bytes] | None:
    """A WebP, GIF or MP4 of the selected line going from end to end and back; None without a line.

    Raises UnknownName for another kind, MissingExtra for an MP4 that cannot be written here.
    """
    wanted = [known for known in KINDS if known == kind]
    if not wanted:
        raise UnknownName(f"There is no animation '{kind}'.", f"Choose from {', '.join(KINDS)}.")
    at = session.selected
    if at is None:
        return None
    if kind == "mp4":
        need_video()  # before pictures are drawn for nothing
    line = session.lines[at]
    moving = at_strengths(session, at, _strengths(line, ANIMATION_STRENGTHS))
    pictures = [to_pil(image) for image in renderer.images(moving)]
    data = animated(there_and_back(pictures), wanted[0])
    return f"{file_name(line.direction.name)}.{kind}", data


def _strengths(line: Line, count: int) -> list[float]:
    """Strengths from end to end of a card's range."""
    low, high = line.direction.range
    return [low + (high - low) * i / (count - 1) for i in range(count)]


def _as_bytes(image: Image.Image, recipe: Mapping[str, Any] | None) -> bytes:
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / "picture.png"
        save_png(image, path, recipe)
        return path.read_bytes()
