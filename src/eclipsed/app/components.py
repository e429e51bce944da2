"""What a generator can do, found without a prompt: the components of GANSpace and SeFa."""

from __future__ import annotations

from eclipsed.directions import Direction
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.ganspace import GANSPACE, GanSpaceConfig
from eclipsed.methods.rows import Rows, choices
from eclipsed.methods.sefa import SEFA, SeFaConfig
from eclipsed.types import Generator, Goal, World

# What each is called on a page, and what it is.
WAYS: dict[str, str] = {
    "GANSpace": "Principal components of the generator's latents, the widest first.",
    "SeFa": "What the generator's weights change most, read off without any image.",
}
MOST = 12
NOTHING = Goal("", "", ())
_NAMES = ("all layers", "coarse layers", "middle layers", "fine layers")


def row_sets(generator: Generator) -> dict[str, Rows]:
    """Which layers components may move, by what a page calls them; all of them come first."""
    sets = choices(generator, None)
    if len(sets) == 1:
        return {_NAMES[0]: sets[0]}
    named = {_NAMES[0]: sets[0]}
    for name, rows in zip(_NAMES[1:], sets[1:], strict=False):
        span = str(rows[0]) if len(rows) == 1 else f"{rows[0]}–{rows[-1]}"
        named[f"{name} ({span})"] = rows
    return named


def components(world: World, way: str, count: int, rows: str) -> list[Direction]:
    """The first components of a way, moving some rows, calibrated; the most important first.

    Raises UnknownName for a way or rows that do not exist, BadSetting for too many, and what the
    method raises where the generator has nothing that it could read.
    """
    sets = row_sets(world.generator)
    if rows not in sets:
        raise UnknownName(f"There are no {rows!r} here.", f"Choose from {', '.join(sets)}.")
    if not 1 <= count <= MOST:
        raise BadSetting(f"Choose 1 to {MOST} components.")
    if way == "GANSpace":
        return GANSPACE.find(world, NOTHING, GanSpaceConfig(count=count, layers=sets[rows]))
    if way == "SeFa":
        return SEFA.find(world, NOTHING, SeFaConfig(count=count, layers=sets[rows]))
    raise UnknownName(f"There is no way {way!r}.", f"Choose from {', '.join(WAYS)}.")
