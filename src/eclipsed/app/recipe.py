"""A session as a picture's recipe, and back: drop a saved picture to go on where it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eclipsed.app import session as sessions
from eclipsed.app.library import Library
from eclipsed.app.session import MOST_LINES, Line, Session
from eclipsed.editing.recipes import EditFacts, edit_facts, latent_facts, read_recipe, recipe_head
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
        **({} if session.photo is None else {"photo": dict(session.photo.inversion.photo)}),
        "edits": [
            edit_facts(Path(line.file).name, line.edit, regions=line.regions)
            for line in session.lines
        ],
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
    restored = _at_start(replace(session, lines=()), facts.start, world)
    for at, edit in enumerate(facts.edits):
        restored = replace(restored, lines=(*restored.lines, _line(edit, world, library)))
        restored = sessions.set_strength(restored, at, edit.strength)
        restored = sessions.set_layers(restored, at, edit.layers, world)
        restored = sessions.set_regions(restored, at, edit.regions, world)
    return replace(restored, selected=0 if restored.lines else None)


def _at_start(session: Session, start: Start | tuple[int, float], world: World) -> Session:
    if isinstance(start, Start):
        return sessions.set_start(session, start, world)
    seed, truncation = start
    return sessions.set_truncation(sessions.set_seed(session, seed), truncation)


def _line(facts: EditFacts, world: World, library: Library) -> Line:
    entry = library.find(facts.sha256, facts.unit)
    if entry is None or entry.direction is None:
        raise UnknownName(
            f"The card '{facts.name}' of this picture is not in the library.", "Import it first."
        )
    entry.direction.check(world.generator)
    edit = Edit(entry.direction, hard=facts.hard, muted=facts.muted, mask=facts.mask)
    return Line(entry.file, edit)
