"""How a picture was made, as the plain JSON that it carries: written, and read with care.

This module knows the words of a recipe, not how a picture is drawn nor where cards are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from eclipsed.editing.masks import Mask
from eclipsed.editing.stack import Edit
from eclipsed.editing.starts import MOST_BYTES, Start
from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import sha256_of
from eclipsed.types import Generator

_HINT = "Give a picture that `eclipsed edit` or the editor saved."
_MOST_EDITS = 1_000


@dataclass(frozen=True)
class EditFacts:
    """What a recipe says about one edit; the card itself is known by its vector's hash and unit.

    unit: None in recipes of before it was written. regions: None for the card's own.
    """

    card: str
    name: str
    sha256: str
    unit: float | None
    strength: float
    layers: tuple[int, ...] | None
    regions: tuple[str, ...] | None
    hard: bool
    muted: bool
    mask: Mask | None


@dataclass(frozen=True)
class ImageFacts:
    """What the recipe of one edited image says: where it starts, and its edits in order.

    start: a latent, or a seed and its truncation.
    """

    generator_name: str
    generator_fingerprint: str
    start: Start | tuple[int, float]
    edits: tuple[EditFacts, ...]


@runtime_checkable
class Drawn(Protocol):
    """What images are of: a world, or a generator alone under a name."""

    @property
    def name(self) -> str: ...

    @property
    def generator(self) -> Generator: ...


def recipe_head(verb: str, world: Drawn) -> dict[str, Any]:
    """What every recipe begins with; no path of this machine is part of it."""
    from eclipsed import __version__

    generator = world.generator
    classes = {} if generator.label is None else {"class": _class_of(generator.label)}
    return {
        "made_by": f"eclipsed {__version__}",
        "verb": verb,
        "world": world.name,
        "generator": {"name": generator.name, "fingerprint": generator.fingerprint, **classes},
    }


def _class_of(label: Tensor) -> int | list[float]:
    """A class vector as a recipe says it: the index, or the numbers of a mixture."""
    numbers = label.tolist()
    index = max(range(len(numbers)), key=numbers.__getitem__)
    is_one = sum(map(bool, numbers)) == 1 and numbers[index] == 1.0
    return index if is_one else numbers


def edit_facts(
    card: str, edit: Edit, *, strength: bool = True, regions: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """One edit of a recipe; what has its default is left out.

    card: the file's name, without its folder. strength: False where a picture shows many.
    regions: where they stand in for those of the card.

    Raises BadSetting for a drawn mask of too much detail.
    """
    facts = {
        "card": card,
        "name": edit.direction.name,
        "sha256": sha256_of(edit.direction.vector),
        "unit": edit.direction.unit,
        "strength": edit.strength if strength else None,
        "layers": None if edit.layers is None else list(edit.layers),
        "regions": None if regions is None else list(regions),
        "hard": edit.hard or None,
        "muted": edit.muted or None,
        "mask": None if edit.drawn is None else edit.drawn.text(),
    }
    return {name: value for name, value in facts.items() if value is not None}


def latent_facts(start: Start) -> dict[str, Any]:
    """What a recipe says of a latent in place of a seed; the numbers themselves if they are few."""
    small = len(start.numbers) <= MOST_BYTES
    facts = {"latent": start.name, "space": start.space}
    return facts | ({"numbers": start.text()} if small else {})


def read_recipe(recipe: Mapping[str, Any]) -> ImageFacts:
    """The recipe of one image, believed in nothing unchecked.

    Raises BadFile, with one sentence, for a recipe of several images, of a latent that was too
    large to be part of it, or one that makes no sense.
    """
    many = "latent" not in recipe and len(_take(recipe, "seeds", list)) != 1
    if many or recipe.get("verb") not in ("edit", "sample"):
        raise BadFile("This picture shows several images, not one that can be edited.", _HINT)
    generator = _take(recipe, "generator", dict)
    edits = _typed(recipe.get("edits", []), "edits", list)
    if len(edits) > _MOST_EDITS:
        raise BadFile("The recipe of this picture has too many edits.", _HINT)
    return ImageFacts(
        generator_name=_take(generator, "name", str),
        generator_fingerprint=_take(generator, "fingerprint", str),
        start=_start(recipe) if "latent" in recipe else _seed(recipe),
        edits=tuple(_edit(_typed(edit, "edits", dict)) for edit in edits),
    )


def _seed(recipe: Mapping[str, Any]) -> tuple[int, float]:
    return _typed(recipe["seeds"][0], "seeds", int), _number(recipe, "truncation")


def _start(recipe: Mapping[str, Any]) -> Start:
    if "numbers" not in recipe:
        raise BadFile(
            "This picture was made of a latent in a file, which is not part of it.", _HINT
        )
    name, space, text = (_take(recipe, key, str) for key in ("latent", "space", "numbers"))
    with _of_recipe():
        return Start.from_text(name, space, text)


def _edit(facts: Mapping[str, Any]) -> EditFacts:
    return EditFacts(
        card=_take(facts, "card", str),
        name=_take(facts, "name", str),
        sha256=_take(facts, "sha256", str),
        unit=_number(facts, "unit") if "unit" in facts else None,
        strength=_number(facts, "strength"),
        layers=_list(facts, "layers", int),
        regions=_list(facts, "regions", str),
        hard=facts.get("hard") is True,
        muted=facts.get("muted") is True,
        mask=_mask(facts),
    )


def _mask(facts: Mapping[str, Any]) -> Mask | None:
    if "mask" not in facts:
        return None
    with _of_recipe():
        return Mask.from_text(_take(facts, "mask", str))


@contextmanager
def _of_recipe() -> Iterator[None]:
    """Say of the recipe what is wrong with one of its values."""
    try:
        yield
    except EclipsedError as error:
        raise _wrong(error.message) from error


def _wrong(reason: str) -> BadFile:
    return BadFile(f"The recipe of this picture makes no sense: {reason}", _HINT)


def _list(facts: Mapping[str, Any], key: str, kind: type) -> tuple[Any, ...] | None:
    if key not in facts:
        return None
    return tuple(_typed(value, key, kind) for value in _typed(facts[key], key, list))


def _number(facts: Mapping[str, Any], key: str) -> float:
    number = math.inf
    with suppress(OverflowError):
        number = float(_take(facts, key, (int, float)))
    if not math.isfinite(number):
        raise _wrong(f"'{key}' is no number.")
    return number


def _take(facts: Mapping[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    if key not in facts:
        raise BadFile(f"The recipe of this picture lacks '{key}'.", _HINT)
    return _typed(facts[key], key, kind)


def _typed(value: Any, key: str, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(f"'{key}' is of a wrong kind.")
    return value
