"""Verbs that bring other tools' files in: convert for networks, import for directions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import check_place, open_world
from eclipsed.cli.options import JsonOption, SpaceName, WorldOption, check_ending
from eclipsed.cli.wording import table
from eclipsed.errors import BadFile, UnknownName

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.foreign import ForeignDirection


def convert(
    file: Annotated[Path, typer.Argument(help="A checkpoint of another tool.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The .safetensors file to write.")],
    as_json: JsonOption = False,
) -> None:
    """Write a network's checkpoint as safetensors.

    Of the formats that are known, whatever the file is called; nothing in it is run.
    """
    _check_places([check_ending(out, ".safetensors")], file)

    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.checkpoints.writing import write_checkpoint
    from eclipsed.generators.loading import describe_checkpoint

    checkpoint = read_checkpoint(file)
    write_checkpoint(checkpoint, out)
    found = {"out": str(out), **describe_checkpoint(checkpoint)}
    del found["kind"], found["shapes"]
    rows = [
        ["was", found["format"]],
        ["network", found["family"]],
        ["tensors", f"{found['tensors']} of {found['numbers']:,} numbers"],
        ["it is", found["needs"]],
    ]
    console.result(found, as_json=as_json, words=lambda: f"wrote {out}\n{table(rows)}")


def import_direction(
    file: Annotated[Path, typer.Argument(help="A file of another tool's directions.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="The card to write; of several, CARD-1.safetensors and so on."
        ),
    ],
    world: WorldOption = "starter",
    space: Annotated[
        SpaceName | None,
        typer.Option("--space", help="The space it is of, where the file does not say."),
    ] = None,
    index: Annotated[
        int | None,
        typer.Option("--index", min=1, help="Only this one of several directions, from 1."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn directions that other tools found into cards for a world."""
    check_ending(out, ".safetensors")
    if name is not None and not name.strip():
        raise typer.BadParameter("the name is empty.", param_hint="--name")

    from eclipsed.foreign import read_directions, to_card

    found = read_directions(file)
    chosen = _chosen(file, found, index)
    several = len(chosen) > 1
    places = [out.with_stem(f"{out.stem}-{i}") for i in chosen] if several else [out]
    _check_places(places, file)
    generator = open_world(world, "cpu").generator
    cards = []
    for i, foreign in chosen.items():
        called = f"{name}-{i}" if name and several else name
        cards.append(to_card(foreign, generator, space=space, name=called))
    for card, place in zip(cards, places, strict=True):
        card.save(place)
    written = [_facts(place, card) for place, card in zip(places, cards, strict=True)]
    origin = found[0].origin
    data = {"cards": written, "origin": origin, "world": world, "directions": len(found)}
    rows = [[w["card"], w["name"], f"{w['space']}, {w['numbers']} numbers"] for w in written]
    console.result(
        data,
        as_json=as_json,
        words=lambda: f"wrote {len(rows)} of {len(found)} ({origin})\n{table(rows)}",
    )


def _check_places(places: Iterable[Path], source: Path) -> None:
    """Raise BadFile where one cannot be written, or is the file that is to be read."""
    from eclipsed.files import shown

    for place in places:
        check_place(place)
        if place.exists() and source.exists() and os.path.samefile(place, source):
            raise BadFile(
                f"Cannot write {shown(place)}: it is the file that is read.",
                "Choose another place for -o.",
            )


def _chosen(
    file: Path, found: tuple[ForeignDirection, ...], index: int | None
) -> dict[int, ForeignDirection]:
    """Number from 1 → direction; UnknownName for a number that is not there."""
    from eclipsed.files import shown

    numbered = dict(enumerate(found, start=1))
    if index is None:
        return numbered
    if index not in numbered:
        raise UnknownName(
            f"There is no direction {index} in {shown(file)}.",
            f"Choose from 1 to {len(found)}." if len(found) > 1 else "It holds one.",
        )
    return {index: numbered[index]}


def _facts(place: Path, card: Direction) -> dict[str, Any]:
    return {
        "card": str(place),
        "name": card.name,
        "space": card.space,
        "numbers": card.vector.numel(),
        "unit": card.unit,
        "range": list(card.range),
    }
