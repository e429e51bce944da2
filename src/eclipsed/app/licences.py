"""On what terms a world's networks may be used, as far as the world says so."""

from __future__ import annotations

from functools import lru_cache

from eclipsed.errors import EclipsedError
from eclipsed.worlds.catalogue import Part
from eclipsed.worlds.own import parts_of

_STARTER = (
    "generator, encoder, segmenter: Apache-2.0",
    "avatar art: Avataaars by Pablo Stanley, free for personal and commercial use",
)


@lru_cache(maxsize=32)
def terms(world: str) -> tuple[str, ...]:
    """The terms of a world by the name it was loaded by, a line each; none where it names none."""
    if world == "starter":
        return _STARTER
    return tuple(
        f"{part.kind} {part.name}: {part.licence.name}"
        + (", not for commercial use" if part.licence.non_commercial else "")
        for part in _parts(world)
    )


def _parts(world: str) -> tuple[Part, ...]:
    try:
        return parts_of(world)
    except (EclipsedError, OSError, ValueError):  # it is shown beside a card, and no more
        return ()
