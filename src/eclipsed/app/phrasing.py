"""One wish in several words: what pre-flight says to each, side by side, before any training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eclipsed.app import wording
from eclipsed.app.searching import Seen, checked_prompt, seen
from eclipsed.app.tables import Cell, Table, Tone, heads
from eclipsed.errors import BadSetting
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.search.preflight import Preflight
from eclipsed.types import World

MOST = 6
SHOWN = 4
_TONES: dict[str, Tone] = {"likely": "good", "unsure": "unsure", "unlikely": "bad"}


@dataclass(frozen=True)
class Phrasing:
    """One phrasing, what pre-flight found for it, and its best images with their regions."""

    words: str
    found: Preflight
    best: tuple[Seen, ...]

    @property
    def size(self) -> int:
        """Bytes of the pictures."""
        return sum(len(one.picture) for one in self.best)


def phrasings_written(text: str) -> tuple[str, ...]:
    """The phrasings of some lines; BadSetting for none, too many, or what cannot be a prompt."""
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    if not 1 <= len(lines) <= MOST:
        raise BadSetting(f"Give 1 to {MOST} phrasings, one a line.")
    return tuple(checked_prompt(line) for line in lines)


def look(world: World, words: str) -> Phrasing:
    """What pre-flight says to one phrasing."""
    found = preflight.check(world, goal_from_prompt(words, world))
    return Phrasing(words, found, seen(world, found.goal, found.best(SHOWN)))


def table(found: Sequence[Phrasing]) -> Table:
    """The phrasings as rows; the one that is likeliest to work stands out."""
    first = max(found, key=lambda one: (one.found.probability, one.found.rank), default=None)
    return Table(
        heads(["phrasing", "verdict", "chance", "rank", "region", "in sight", "best seeds"]),
        tuple(_row(one, strong=one is first and len(found) > 1) for one in found),
    )


def _row(one: Phrasing, *, strong: bool) -> tuple[Cell, ...]:
    found = one.found
    return (
        Cell(one.words, strong=strong),
        Cell(found.verdict, tone=_TONES[found.verdict]),
        Cell(f"{found.probability:.0%}", strong=strong),
        Cell(f"{found.rank:.0%}"),
        Cell(wording.where(found.goal.regions)),
        Cell(f"{found.present:.0%}"),
        Cell(
            ", ".join(str(each.seed) for each in one.best),
            tuple(each.picture for each in one.best),
        ),
    )
