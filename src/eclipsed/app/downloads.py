"""Files of what is on the screen: the picture with its recipe, a strip, an animation.

Each is a file's name and its bytes. Whatever can hold the recipe does, so that it can be dropped
back into the editor.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from eclipsed.app import sheets
from eclipsed.app.recipe import recipe_of
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session, next_seeds
from eclipsed.editing.animation import KINDS
from eclipsed.editing.images import enlarged, opaque, png_bytes, recipe_facts
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.text import file_name

STRIP_ROWS = 3
TIMES = (1, 2, 4)  # how large a picture is saved


def picture(renderer: Renderer, session: Session, times: int = 1) -> tuple[str, bytes]:
    """The PNG of the picture on the screen, so many times larger, with its recipe inside.

    Raises BadSetting for another number than one of TIMES.
    """
    if times not in TIMES:
        raise BadSetting(f"A picture is not saved {times} times as large.", "Choose 1, 2 or 4.")
    name = "-".join([session.image_name, *(line.direction.name for line in session.lines[:3])])
    image = enlarged(_opened(renderer.shot(session).png), times)
    return f"{file_name(name)}.png", png_bytes(image, recipe_of(session, renderer.world))


def strip(renderer: Renderer, session: Session) -> tuple[str, bytes]:
    """A PNG of seeds, or the latent, as rows and strengths of the selected line as columns, the
    rest of the stack as it is; UnknownName without a line."""
    seeds = next_seeds(session, STRIP_ROWS) if session.start is None else None
    sheet = _opened(sheets.strip(renderer, session, seeds))
    return f"{_name(session)}-strip.png", png_bytes(sheet, recipe_of(session, renderer.world))


def animation(renderer: Renderer, session: Session, kind: str) -> tuple[str, bytes]:
    """A WebP, GIF or MP4 of the selected line going from end to end and back.

    Raises UnknownName for another kind or without a line, MissingExtra for an MP4 that cannot be
    written here.
    """
    for known in KINDS:
        if known == kind:
            name = f"{_name(session)}.{kind}"
            exif = recipe_facts(recipe_of(session, renderer.world))
            return name, sheets.sweep(renderer, session, known, exif)
    raise UnknownName(f"There is no animation '{kind}'.", f"Choose from {', '.join(KINDS)}.")


def words_about(name: str, data: bytes) -> str:
    """What to say of a file that was saved: its name, how large it is, and what it is good for."""
    size = f"{max(1, len(data) // 1000)} kB"
    if Path(name).suffix != ".mp4":
        with Image.open(io.BytesIO(data)) as opened:
            size = f"{opened.width}×{opened.height} pixels, {size}"
    if Path(name).suffix in (".png", ".webp"):
        back = "Drop it on the picture to go on from it."
    else:
        back = "Its kind holds no recipe, so it cannot be dropped back; a PNG or a WebP can."
    return f"Saved {name}: {size}. {back}"


def on_paper(sheet: bytes) -> bytes:
    """The PNG of a sheet, which is see-through on a page, on white."""
    return png_bytes(_opened(sheet))


def doubled(sheet: bytes) -> bytes:
    """The PNG of a sheet, twice as wide and as high, see-through as before."""
    return png_bytes(enlarged(Image.open(io.BytesIO(sheet)), 2))


def _opened(data: bytes) -> Image.Image:
    return opaque(Image.open(io.BytesIO(data)))


def _name(session: Session) -> str:
    return file_name(session.lines[session.at_hand].direction.name)
