"""What a card does, as a small picture: one image at strengths −1, 0 and 1.

Of a few images the one is shown that the direction changes most, because what a direction is for
(glasses, a beard) may not be in sight in the first. Pictures are stored in the user's cache.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from eclipsed.app.rendering import Renderer, jpeg
from eclipsed.app.session import Line, Session
from eclipsed.cache import Key, cached_tensors, key_of
from eclipsed.directions import Direction
from eclipsed.editing.images import to_pil
from eclipsed.editing.stack import Edit
from eclipsed.files import sha256_of

SEEDS = (1, 2, 3, 5)
STRENGTHS = (-1.0, 0.0, 1.0)
_SIZE = 96


def thumbnail(renderer: Renderer, direction: Direction) -> bytes:
    """A JPEG three images wide; made the first time, read from the cache afterwards.

    Raises what `Renderer.strip` raises.
    """
    cached = cached_tensors(_key(renderer, direction), lambda: _draw(renderer, direction))
    return cached["jpeg"].numpy().tobytes()


def known_thumbnail(renderer: Renderer, direction: Direction) -> bytes | None:
    """The picture of `thumbnail` if it is in the cache, else None; nothing is drawn."""
    return thumbnail(renderer, direction) if _key(renderer, direction).known else None


def _draw(renderer: Renderer, direction: Direction) -> dict[str, Tensor]:
    world = renderer.world
    line = Line("", Edit(direction))
    session = Session(world.name, Path(), truncation=world.truncation, lines=(line,))
    low, high = direction.range
    strengths = [min(max(strength, low), high) for strength in STRENGTHS]
    images = renderer.strip(session, 0, SEEDS, strengths).clamp(-1.0, 1.0)
    changes = (images[:, -1] - images[:, 1]).abs().flatten(1).mean(dim=1)
    row = images[int(changes.argmax())]
    picture = to_pil(torch.cat(tuple(row), dim=2))
    width = round(_SIZE * picture.width / picture.height)
    picture = picture.resize((width, _SIZE))
    return {"jpeg": torch.frombuffer(bytearray(jpeg(picture, width)), dtype=torch.uint8)}


def _key(renderer: Renderer, direction: Direction) -> Key:
    world = renderer.world
    facts = [sha256_of(direction.vector), direction.unit, direction.range]
    return key_of(
        world, "thumbnails", 2, ["generator"], truncation=world.truncation, half=False, facts=facts
    )
