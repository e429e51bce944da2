"""A session as a picture's recipe, and back: drop a saved picture to go on where it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eclipsed.app.library import Library
from eclipsed.app.session import (
    MOST_LINES,
    Line,
    Session,
    set_layers,
    set_regions,
    set_seed,
    set_start,
    set_strength,
    set_truncation,
)
from eclipsed.editing.recipes import (
    EditFacts,
    ImageFacts,
    edit_facts,
    latent_facts,
    read_recipe,
    recipe_head,
)
from eclipsed.editing.stack import Edit
from eclipsed.editing.starts import Start
from eclipsed.errors import BadFile, UnknownName, WrongGenerator
from eclipsed.types import World, weights_of


def recipe_of(session: Session, world: World) -> dict[str, Any]:
    """All that is needed to make this picture again, muted edits included."""
    seed = {"seeds": [session.seed], "truncation": session.truncation}
    return {
        **recipe_head("edit", world),
        **(seed if session.start is None else latent_facts(session.start)),
        "edits": [edit_facts(line.file, line.edit, regions=line.regions) for line in session.lines],
    }


def restore(session: Session, recipe: Mapping[str, Any], world: World, library: Library) -> Session:
    """The session that a recipe describes, looked at as now.

    Raises BadFile for a recipe that makes no sense, WrongGenerator for one of another world,
    UnknownName for a card that the library lacks.
    """
    facts = read_recipe(recipe)
    if weights_of(facts.generator_fingerprint) != weights_of(world.generator.fingerprint):
        raise WrongGenerator(
            f"This picture was made with the generator '{facts.generator_name}', not with "
            f"'{world.generator.name}'.",
            "Open the editor on its world: eclipsed app -w WORLD.",
        )
    if len(facts.edits) > MOST_LINES:
        raise BadFile(f"This picture has more than {MOST_LINES} edits, which no stack holds.")
    restored = replace(session, lines=(), selected=None)
    restored = _started(restored, facts, world)
    restored = replace(restored, lines=tuple(_line(edit, world, library) for edit in facts.edits))
    for at, edit in enumerate(facts.edits):
        restored = set_strength(restored, at, edit.strength)
        restored = set_layers(restored, at, edit.layers, world.generator)
        restored = set_regions(restored, at, edit.regions, world.segmenter.regions)
    return replace(restored, selected=0 if restored.lines else None)


def _started(session: Session, facts: ImageFacts, world: World) -> Session:
    if isinstance(facts.start, Start):
        return set_start(session, facts.start, world)
    seed, truncation = facts.start
    return set_truncation(set_seed(session, seed), truncation)


def _line(facts: EditFacts, world: World, library: Library) -> Line:
    entry = library.find(facts.sha256, facts.unit)
    if entry is None or entry.direction is None:
        raise UnknownName(
            f"The card '{facts.name}' of this picture is not in the library.", "Import it first."
        )
    entry.direction.check(world.generator)
    edit = Edit(entry.direction, hard=facts.hard, muted=facts.muted, mask=facts.mask)
    return Line(entry.file, edit)
