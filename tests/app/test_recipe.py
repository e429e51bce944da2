from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from eclipsed import cli, load_png
from eclipsed.app import session as sessions
from eclipsed.app.library import Library
from eclipsed.app.recipe import recipe_of, restore
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session
from eclipsed.editing.masks import Mask
from eclipsed.editing.starts import Start
from eclipsed.errors import BadFile, EclipsedError, UnknownName, WrongGenerator
from eclipsed.types import World

Recipe = dict[str, Any]
LEFT = torch.zeros(32, 32)
LEFT[:, 6:12] = 1.0


def everything(session: Session, world: World) -> Session:
    """A session that uses all that a stack can."""
    session = sessions.set_strength(session, 0, -0.7300000000000001)
    session = sessions.set_layers(session, 0, [0, 2], world)
    session = sessions.set_hard(session, 0, True)
    session = sessions.set_regions(session, 0, ["hair", "mouth"], world)
    session = sessions.set_muted(session, 1, True)
    return sessions.set_truncation(sessions.set_seed(session, 4_294_967_295), 0.123)


def drawn(session: Session, world: World) -> Session:
    """Both lines with a drawn mask, one of another size than the image."""
    session = sessions.set_mask(session, 0, Mask.of(LEFT))
    return sessions.set_mask(session, 1, Mask.of(torch.ones(9, 5)))


def from_latent(session: Session, world: World) -> Session:
    latent = world.generator.sample([77], truncation=1.1)
    return sessions.set_start(session, Start.of("w.npy", "w+", latent), world)


@pytest.mark.parametrize("change", [everything, drawn, from_latent])
def test_a_recipe_brings_everything_back(
    session: Session,
    world: World,
    library: Library,
    renderer: Renderer,
    change: Callable[[Session, World], Session],
) -> None:
    saved = change(session, world)
    empty = Session("starter", library.folder)
    restored = restore(empty, json.loads(json.dumps(recipe_of(saved, world))), world, library)
    assert restored.same_picture(replace(saved, seed=restored.seed) if saved.start else saved)
    assert Renderer(world).shot(restored).png == renderer.shot(saved).png


def test_a_card_is_known_by_its_numbers_not_its_file(
    session: Session, world: World, library: Library
) -> None:
    recipe = recipe_of(session, world)
    (library.folder / "hair.safetensors").rename(library.folder / "other.safetensors")
    library.rename("other.safetensors", "another name")
    restored = restore(Session("starter", library.folder), recipe, world, library)
    assert [line.file for line in restored.lines] == ["other.safetensors", "eyes.safetensors"]


def test_a_picture_of_the_command_line_can_be_gone_on_with(
    world: World, library: Library, renderer: Renderer
) -> None:
    card = f"{library.folder}/hair.safetensors=1.25@0,1@hard"
    assert cli.run(["edit", "--seed", "9", "-d", card, "-o", "x.png"]) == 0
    picture, recipe = load_png("x.png")
    assert recipe is not None
    restored = restore(Session("starter", library.folder), recipe, world, library)
    (line,) = restored.lines
    assert (line.edit.strength, line.edit.layers, line.edit.hard) == (1.25, (0, 1), True)
    assert picture.tobytes() == to_bytes(renderer, restored)


def to_bytes(renderer: Renderer, session: Session) -> bytes:
    Path("again.png").write_bytes(renderer.shot(session).png)
    return load_png("again.png")[0].tobytes()


def test_a_card_that_is_missing_is_named(session: Session, world: World, library: Library) -> None:
    recipe = recipe_of(session, world)
    token = library.delete("eyes.safetensors")
    (library.folder / ".removed" / token).unlink()
    with pytest.raises(UnknownName, match="'bright eyes' of this picture is not in the library"):
        restore(session, recipe, world, library)


def test_a_picture_of_another_generator_is_refused(
    session: Session, world: World, library: Library
) -> None:
    other = {"name": "ffhq", "fingerprint": "0" * 64}
    recipe = recipe_of(session, world) | {"generator": other}
    with pytest.raises(WrongGenerator, match="'ffhq'"):
        restore(session, recipe, world, library)


def without(key: str) -> Callable[[Recipe], Recipe]:
    return lambda recipe: {k: v for k, v in recipe.items() if k != key}


def with_edit(**changes: Any) -> Callable[[Recipe], Recipe]:
    return lambda recipe: recipe | {"edits": [recipe["edits"][0] | changes]}


@pytest.mark.parametrize(
    "spoil",
    [
        without("seeds"),
        without("generator"),
        without("truncation"),
        lambda recipe: recipe | {"seeds": [1, 2]},
        lambda recipe: recipe | {"seeds": ["1"]},
        lambda recipe: recipe | {"seeds": [True]},
        lambda recipe: recipe | {"seeds": [2**40]},
        lambda recipe: recipe | {"verb": "strip"},
        lambda recipe: recipe | {"latent": "w.npy"},
        lambda recipe: recipe | {"truncation": "much"},
        lambda recipe: recipe | {"truncation": 1e9},
        lambda recipe: recipe | {"truncation": 10**400},
        lambda recipe: recipe | {"edits": {}},
        lambda recipe: recipe | {"edits": ["x"]},
        lambda recipe: recipe | {"edits": recipe["edits"] * 1_000},
        lambda recipe: recipe | {"edits": recipe["edits"] * 30},
        with_edit(strength=None),
        with_edit(strength=float("nan")),
        with_edit(strength=1e9),
        with_edit(sha256=7),
        with_edit(layers=[99]),
        with_edit(layers=[]),
        with_edit(layers="0"),
        with_edit(regions=["<b>"]),
        with_edit(unit=-5.0),
        with_edit(mask="x", hard=True),
        with_edit(mask=Mask.of(LEFT).text()),
        lambda recipe: recipe | {"latent": "w.npy", "space": "w+", "numbers": "AAAAAA=="},
    ],
)
def test_a_recipe_that_makes_no_sense_is_one_sentence(
    session: Session, world: World, library: Library, spoil: Callable[[Recipe], Recipe]
) -> None:
    with pytest.raises(EclipsedError) as refusal:
        restore(session, spoil(recipe_of(session, world)), world, library)
    assert str(refusal.value).count("\n") == 0


def test_an_old_recipe_without_units_is_read(
    session: Session, world: World, library: Library
) -> None:
    recipe = recipe_of(session, world)
    for edit in recipe["edits"]:
        del edit["unit"]
    assert restore(session, recipe, world, library).same_picture(session)


def test_two_cards_that_differ_in_their_unit_are_told_apart(
    session: Session, world: World, library: Library
) -> None:
    direction = replace(library.direction("hair.safetensors"), unit=2.0, name="twice")
    file = library.add(direction)
    restored = sessions.add(session, file, direction, world.generator)
    again = restore(session, recipe_of(restored, world), world, library)
    assert [line.file for line in again.lines] == ["hair.safetensors", "eyes.safetensors", file]


def test_a_recipe_of_many_images_says_so(session: Session, world: World, library: Library) -> None:
    with pytest.raises(BadFile, match="several images"):
        restore(session, recipe_of(session, world) | {"seeds": []}, world, library)
