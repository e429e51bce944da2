"""What several verbs load: a world on a device, cards and their edits, and latents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.options import CardChoice
from eclipsed.errors import BadFile

if TYPE_CHECKING:
    from torch import Tensor

    from eclipsed.directions import Direction
    from eclipsed.editing.stack import Edit
    from eclipsed.types import Goal, Space, World


def open_world(name: str, device: str) -> World:
    """The world by name, TOML file or folder; raises EclipsedError where it cannot be had, or the
    device is not here."""
    from eclipsed import worlds
    from eclipsed.types import resolve_device

    return worlds.load_world(name, resolve_device(device))


# --- cards --------------------------------------------------------------------------------------


def open_card(path: Path, world: World) -> Direction:
    """The card, checked against the world's generator."""
    from eclipsed.directions import Direction

    direction = Direction.load(path)
    direction.check(world.generator)
    return direction


def open_edits(
    choices: Iterable[CardChoice], world: World, layers: Sequence[int] | None
) -> list[Edit]:
    """What each -d asks for: strength 1 and the layers of --layers where it says nothing itself.

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


def warn_beyond(card: Direction, *strengths: float) -> None:
    """Say so on stderr where strengths lie beyond the card's range."""
    warning = card.beyond(*strengths)
    if warning:
        console.note(warning)


def free_path(first: Path, is_own: Callable[[Path], bool]) -> Path:
    """Where to write what nobody named: the first of hair, hair-2, hair-3 … that is not there yet,
    or holds what the same command wrote. A number is said on stderr."""
    names = (first.with_stem(f"{first.stem}-{number}") for number in count(2))
    path = next(path for path in chain([first], names) if not path.exists() or is_own(path))
    if path != first:
        console.note(f"{first} holds something else and stays; this is written to {path}.")
    return path


def is_of(path: Path, world: World, goal: Goal, config: Any) -> bool:
    """Whether a file is the card that a search with this goal and config leads to."""
    from dataclasses import asdict

    from eclipsed.directions import Direction
    from eclipsed.types import weights_of

    try:
        card = Direction.load(path)
    except BadFile:
        return False
    facts = json.loads(json.dumps(asdict(config)))
    return (
        card.prompt == goal.prompt
        and card.regions == goal.regions
        and weights_of(card.generator_fingerprint) == weights_of(world.generator.fingerprint)
        and all(card.config.get(key) == value for key, value in facts.items())
    )


def written_facts(path: Path, card: Direction) -> dict[str, Any]:
    """A card that was written, for a verb's result."""
    from eclipsed.directions import card_facts

    facts = card_facts(card)
    return {"card": str(path), **{key: facts[key] for key in ("name", "space", "unit", "range")}}


# --- latents ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Source:
    """Latents [N, D] of a space, what each is called, and what a recipe says of them."""

    latents: Tensor
    space: Space
    truncation: float
    labels: tuple[str, ...]
    facts: dict[str, Any]


def check_source(
    seeds: object, files: object, *, option: str = "--seed", default: bool = False
) -> None:
    """Refuse both of seeds and files, and none of them unless there are default seeds."""
    if (seeds is not None and files) or not (default or seeds is not None or files):
        raise typer.BadParameter("give exactly one of them.", param_hint=f"{option} or --latent")


def open_source(
    world: World,
    seeds: Sequence[int],
    files: Sequence[Path] | None = None,
    truncation: float | None = None,
) -> Source:
    """The latents of files, where there are any, or else of seeds; the world's truncation unless
    another is given.

    Raises BadFile for a file that holds no latent of the world's generator, or files of latents of
    different spaces.
    """
    psi = world.truncation if truncation is None else truncation
    if not files:
        facts = {"seeds": list(seeds), "truncation": psi}
        latents = world.generator.sample(seeds, space="z")
        return Source(latents, "z", psi, tuple(map(str, seeds)), facts)

    import torch

    from eclipsed.editing.latents import read_latent
    from eclipsed.editing.recipes import latent_facts
    from eclipsed.editing.starts import Start

    pairs = [read_latent(file, world.generator) for file in files]
    space = pairs[0][0]
    if any(other != space for other, _ in pairs):
        raise BadFile(
            "These latents are of different spaces.", "Give latents of one space, or one at a time."
        )
    latents = torch.cat([latent for _, latent in pairs])
    each = [
        latent_facts(Start.of(file.name, space, latent))
        for file, (_, latent) in zip(files, pairs, strict=True)
    ]
    labels = tuple(file.stem for file in files)
    return Source(latents, space, psi, labels, each[0] if len(each) == 1 else {"latents": each})


def draw(world: World, source: Source, edits: Iterable[Edit] = ()) -> Tensor:
    """The source's images [N, 3, H, W] with edits."""
    from eclipsed.editing.stack import EditStack, render

    stack = EditStack(tuple(edits))
    return render(
        world.generator,
        source.latents,
        stack,
        space=source.space,
        truncation=source.truncation,
        segmenter=world.segmenter if any(edit.bounded for edit in stack.edits) else None,
    )
