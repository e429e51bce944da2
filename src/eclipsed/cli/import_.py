"""The verb that brings in directions of other tools: import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world, written_facts
from eclipsed.cli.wording import table
from eclipsed.errors import UnknownName


def import_(
    file: Annotated[Path, typer.Argument(help="A file of another tool's directions.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="The card to write; of several, CARD-1.safetensors and so on."
        ),
    ],
    world: options.World = "starter",
    space: options.Space = None,
    index: Annotated[
        int | None, typer.Option(min=1, help="Only this one of several directions, from 1.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    as_json: options.Json = False,
) -> None:
    """Turn directions that other tools found into cards for a world."""
    options.check_ending(out, ".safetensors")
    if name is not None and not name.strip():
        raise typer.BadParameter("the name is empty.", param_hint="--name")

    from eclipsed.files import shown
    from eclipsed.foreign import doubt_of, read_directions, to_card

    directions = read_directions(file)
    if index is not None and index > len(directions):
        raise UnknownName(
            f"There is no direction {index} in {shown(file)}.",
            f"Choose from 1 to {len(directions)}." if len(directions) > 1 else "It holds one.",
        )
    numbers = range(1, len(directions) + 1) if index is None else [index]
    many = len(numbers) > 1
    paths = [out.with_stem(f"{out.stem}-{i}") if many else out for i in numbers]
    for path in paths:
        options.check_writable(path, source=file)
    generator = open_world(world, "cpu").generator
    cards = {}
    for path, i in zip(paths, numbers, strict=True):
        card_name = f"{name}-{i}" if name and many else name
        cards[path] = to_card(directions[i - 1], generator, space=space, name=card_name)
    doubts = [doubt for card in cards.values() if (doubt := doubt_of(card, generator))]
    if doubts:
        console.note(doubts[0] + (f" So do {len(doubts) - 1} others." if doubts[1:] else ""))
    for path, card in cards.items():
        card.save(path)
    facts = {
        "cards": [
            {**written_facts(path, card), "numbers": card.vector.numel()}
            for path, card in cards.items()
        ],
        "origin": directions[0].origin,
        "world": world,
        "directions": len(directions),
    }
    console.result(facts, _words, as_json=as_json)


def _words(facts: console.Facts) -> str:
    cards = facts["cards"]
    rows = [[c["card"], c["name"], f"{c['space']}, {c['numbers']} numbers"] for c in cards]
    return f"wrote {len(cards)} of {facts['directions']} ({facts['origin']})\n{table(rows)}"
