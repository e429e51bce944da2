"""Which directions are meant, as people name them: a card, its strength, and how it is limited.

Importing this module imports no torch: the command line reads its words before it loads anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.editing.stack import Edit
    from eclipsed.types import World


@dataclass(frozen=True)
class CardChoice:
    """A direction named by its card; its strength, or None where none was said.

    layers: None where none were said. hard: whether pixels outside its regions stay; regions: where
    it may reach then, None for the card's own; mask: a picture of where, in place of regions.
    """

    path: Path
    strength: float | None
    layers: tuple[int, ...] | None = None
    hard: bool = False
    regions: tuple[str, ...] | None = None
    mask: Path | None = None


def open_card(path: Path, world: World) -> Direction:
    """The card, checked against the world's generator."""
    from eclipsed.directions import Direction

    direction = Direction.load(path)
    direction.check(world.generator)
    return direction


def open_edits(
    choices: Iterable[CardChoice], world: World, layers: Sequence[int] | None = None
) -> list[Edit]:
    """What each choice asks for: strength 1 and the given layers where it says nothing itself.

    Raises BadFile for a drawn mask that cannot be read, BadSetting for one of too much detail, and
    UnknownName for a region that the world lacks.
    """
    from eclipsed.editing.masks import Mask
    from eclipsed.editing.stack import Edit
    from eclipsed.prompts.goals import checked_regions

    edits = []
    for choice in choices:
        card = open_card(choice.path, world)
        if choice.regions is not None:
            card = replace(card, regions=checked_regions(choice.regions, world))
        mask = None if choice.mask is None else Mask.load(choice.mask)
        if mask is not None:
            mask.text()  # a recipe must be able to hold it: asked before the work
        edits.append(
            Edit(
                card,
                1.0 if choice.strength is None else choice.strength,
                choice.layers if choice.layers is not None or layers is None else tuple(layers),
                choice.hard,
                mask=mask,
            )
        )
    return edits


def edit_facts_of(
    choices: Sequence[CardChoice], edits: Sequence[Edit], *, fixed: int | None = None
) -> list[dict[str, Any]]:
    """The edits of a recipe; `fixed`: how many of the first have one strength, by default all."""
    from eclipsed.editing.recipes import edit_facts

    count = len(edits) if fixed is None else fixed
    return [
        edit_facts(choice.path.name, edit, regions=choice.regions, strength=index < count)
        for index, (choice, edit) in enumerate(zip(choices, edits, strict=True))
    ]
