"""Files of what is on the screen: the picture with its recipe, a strip, an animation.

Whatever can hold the recipe does, so that it can be dropped back into the editor. An edited photo
is a photo again: of its own size and kind, with what its file says and nothing more.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from eclipsed.app import sheets
from eclipsed.app.recipe import recipe_of
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session, next_seeds
from eclipsed.editing.animation import KINDS
from eclipsed.editing.images import enlarged, opaque, png_bytes, recipe_facts
from eclipsed.editing.photos.writing import write_photo
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.text import file_name

STRIP_ROWS = 3
TIMES = (1, 2, 4)  # how large a picture is saved


@dataclass(frozen=True)
class File:
    """A file's name and bytes, and what to say of it in sentences."""

    name: str
    data: bytes
    words: str

    @classmethod
    def of(cls, name: str, data: bytes) -> File:
        """A file that may hold the recipe: how large it is, and what it is good for."""
        size = _size(len(data))
        if Path(name).suffix != ".mp4":
            with Image.open(io.BytesIO(data)) as opened:
                size = f"{opened.width}×{opened.height} pixels, {size}"
        if Path(name).suffix in (".png", ".webp"):
            back = "Drop it on the picture to go on from it."
        else:
            back = "Its kind holds no recipe, so it cannot be dropped back; a PNG or a WebP can."
        return cls(name, data, f"Saved {name}: {size}. {back}")


def picture(renderer: Renderer, session: Session, times: int = 1) -> File:
    """The PNG of the picture on the screen, so many times larger, with its recipe inside.

    Raises BadSetting for another number than one of TIMES.
    """
    if times not in TIMES:
        raise BadSetting(f"A picture is not saved {times} times as large.", "Choose 1, 2 or 4.")
    name = "-".join([session.image_name, *(line.direction.name for line in session.lines[:3])])
    image = enlarged(_opened(renderer.shot(session).png), times)
    return File.of(f"{file_name(name)}.png", png_bytes(image, recipe_of(session, renderer.world)))


def photo(session: Session) -> File:
    """The whole edited photo, of its own kind; a PNG of one of a kind that is not written.

    Raises UnknownName where none is on the screen, and what `write_photo` raises.
    """
    if session.photo is None:
        raise UnknownName("There is no photo on the screen.", "Drop one on the picture.")
    opened = session.photo.photo
    names = [line.direction.name for line in session.active[:3]] or ["as-it-was"]
    ending = ".png" if opened.kind == "HEIC" else Path(opened.name).suffix or f".{opened.kind}"
    name = file_name("-".join([session.image_name, *names])) + ending.lower()
    edited = session.photo.edited(session.stack, mixed=session.mixed)
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / f"photo{ending}"
        written = write_photo(edited.pasted, path)
        data = path.read_bytes()
    height, width = opened.size
    sentences = [
        f"Saved {name}: {width}×{height} pixels, {_size(len(data))}.",
        f"{written.changed:,} pixels differ from the photo, "
        f"{written.outside:,} of them outside the edit.",
        *(note for note in edited.notes if note not in session.photo.inversion.notes),
        *written.notes,
    ]
    return File(name, data, " ".join(sentences))


def strip(renderer: Renderer, session: Session) -> File:
    """A PNG of seeds, or the latent, as rows and strengths of the selected line as columns, the
    rest of the stack as it is; UnknownName without a line."""
    seeds = next_seeds(session, STRIP_ROWS) if session.start is None else None
    sheet = _opened(sheets.strip(renderer, session, seeds))
    name = f"{_name(session)}-strip.png"
    return File.of(name, png_bytes(sheet, recipe_of(session, renderer.world)))


def animation(renderer: Renderer, session: Session, kind: str) -> File:
    """A WebP, GIF or MP4 of the selected line going from end to end and back.

    Raises UnknownName for another kind or without a line, MissingExtra for an MP4 that cannot be
    written here.
    """
    for known in KINDS:
        if known == kind:
            name = f"{_name(session)}.{kind}"
            exif = recipe_facts(recipe_of(session, renderer.world))
            return File.of(name, sheets.sweep(renderer, session, known, exif))
    raise UnknownName(f"There is no animation '{kind}'.", f"Choose from {', '.join(KINDS)}.")


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


def _size(count: int) -> str:
    return f"{max(1, count // 1000)} kB"
