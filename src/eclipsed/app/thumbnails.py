"""What a card does, as a small picture: one image at strengths −1, 0 and 1.

Of a few images the one is shown that the direction changes most, because what a direction is for
(glasses, a beard) may not be in sight in the first. Pictures are stored in the user's cache.
"""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import torch
from PIL import Image

from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Line, Session
from eclipsed.cache import cache_folder
from eclipsed.directions import Direction
from eclipsed.editing.images import to_pil
from eclipsed.editing.stack import Edit
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes, sha256_of, write_atomic

SEEDS = (1, 2, 3, 5)
STRENGTHS = (-1.0, 0.0, 1.0)
_SIZE = 96
_LIMIT = 2**20


def thumbnail(renderer: Renderer, library: Library, file: str) -> bytes:
    """A JPEG three images wide; made the first time, read from the cache afterwards.

    Raises what `Library.direction` and `Renderer.strip` raise.
    """
    direction = library.direction(file)
    known = known_thumbnail(renderer, direction)
    if known is not None:
        return known
    path = _path(renderer, direction)
    data = _draw(renderer, library, file, direction)
    with suppress(BadFile, OSError):  # a cache that cannot be written costs time, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
    return data


def known_thumbnail(renderer: Renderer, direction: Direction) -> bytes | None:
    """The picture of `thumbnail` if it is in the cache, else None; nothing is drawn."""
    with suppress(BadFile):
        return read_bytes(_path(renderer, direction), limit=_LIMIT)
    return None


def _draw(renderer: Renderer, library: Library, file: str, direction: Direction) -> bytes:
    world = renderer.world
    session = Session(
        world=world.name,
        library=library.folder,
        truncation=world.truncation,
        lines=(Line(file, Edit(direction)),),
    )
    images = renderer.strip(session, 0, SEEDS, STRENGTHS).clamp(-1.0, 1.0)
    moved = (images[:, -1] - images[:, 1]).abs().flatten(1).mean(dim=1)
    row = images[int(moved.argmax())]
    sheet = Image.new("RGB", (len(STRENGTHS) * _SIZE, _SIZE))
    for column, image in enumerate(torch.unbind(row)):
        tile = to_pil(image).resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (column * _SIZE, 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=88, subsampling=0)
    return buffer.getvalue()


def _path(renderer: Renderer, direction: Direction) -> Path:
    facts = (
        f"{sha256_of(direction.vector)} {direction.unit!r} {renderer.world.generator.fingerprint}"
    )
    return cache_folder() / "thumbnails" / f"{sha256_of(facts.encode())[:32]}.jpg"
