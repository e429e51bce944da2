"""The verb that finds directions without a prompt: discover."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import check_place, make_folder, open_world
from eclipsed.cli.options import (
    MAX_IMAGES,
    DeviceOption,
    JsonOption,
    WorldOption,
    check_folder,
    parse_layers,
    parse_regions,
    parse_seed,
)
from eclipsed.cli.wording import table
from eclipsed.naming import file_name

if TYPE_CHECKING:
    from PIL.Image import Image

    from eclipsed.directions import Direction
    from eclipsed.methods.method import Method
    from eclipsed.types import Goal, World

# Within every direction's range.
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
SHEET = "sheet.png"


def discover(
    method: Annotated[
        str,
        typer.Argument(help="How: ganspace, sefa, or lelsd with --region.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A folder for cards and sheet; by default the method's."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            max=MAX_IMAGES // len(STRENGTHS),
            help="How many directions; by default the method's number.",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option("--layers", metavar="0-4", help="Move only these layers, from 0."),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="NAME[,NAME]", help="Where images should change (lelsd)."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The image that the sheet shows.")] = 1,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find directions without a prompt.

    Writes a card for each into a folder, and a sheet that shows what they do to one image.
    """
    began = time.monotonic()
    chosen, regions = parse_layers(layers), _regions(region)
    parse_seed(seed)
    folder = check_folder(out if out is not None else Path(file_name(method)))
    check_place(folder.parent / SHEET)

    way = _method(method, count, chosen, regions)
    loaded = open_world(world, device)
    goal = _goal(loaded, regions)
    config = _config(way, loaded, count, chosen)
    console.note(f"looking at the world '{loaded.name}' with {way.name}")
    found = way.find(loaded, goal, config)
    make_folder(folder)
    cards = [folder / f"{file_name(direction.name)}.safetensors" for direction in found]
    for card, direction in zip(cards, found, strict=True):
        direction.save(card)
    _write_sheet(folder / SHEET, loaded, way, found, seed)
    written = [_facts(card, direction) for card, direction in zip(cards, found, strict=True)]
    data = {
        "method": way.name,
        "world": loaded.name,
        "folder": str(folder),
        "sheet": str(folder / SHEET),
        "cards": written,
        "seconds": round(time.monotonic() - began, 2),
    }
    console.result(data, as_json=as_json, words=lambda: _words(data))


def _regions(text: str | None) -> tuple[str, ...] | None:
    """The named regions, at least one; None where the option was not given."""
    if text is None:
        return None
    named = parse_regions(text)
    if not named:
        raise typer.BadParameter(f"{text!r} names no region.", param_hint="--region")
    return named


def _method(
    name: str, count: int | None, layers: Sequence[int] | None, regions: Sequence[str] | None
) -> Method:
    """The method by its name; raises BadParameter for one that these options do not fit."""
    from eclipsed.methods.registry import method_named, names

    methods = {name: method_named(name) for name in names()}
    known = {name: method for name, method in methods.items() if method.takes != "prompt"}
    if name not in known:
        why = "needs a prompt" if name in methods else "does not exist"
        raise typer.BadParameter(
            f"the method {name!r} {why}; choose {', '.join(known)}.", param_hint="METHOD"
        )
    method = known[name]
    if method.takes == "regions" and regions is None:
        raise typer.BadParameter(f"{name} needs a region.", param_hint="--region")
    if method.takes == "nothing" and regions is not None:
        raise typer.BadParameter(f"{name} knows no regions.", param_hint="--region")
    numbers = {field.name for field in fields(method.config)}
    for option, value in (("count", count), ("layers", layers)):
        if value is not None and option not in numbers:
            raise typer.BadParameter(f"{name} has no such choice.", param_hint=f"--{option}")
    return method


def _goal(world: World, regions: tuple[str, ...] | None) -> Goal:
    """What to look for: nothing but the regions. Raises UnknownName for one that is not there."""
    from eclipsed.prompts.goals import checked_regions
    from eclipsed.types import Goal

    return Goal("", "", () if regions is None else checked_regions(regions, world))


def _config(method: Method, world: World, count: int | None, layers: tuple[int, ...] | None) -> Any:
    """The method's numbers with what was chosen; all layers where none were, each at once."""
    from eclipsed.generators.spaces import best_space

    numbers = {field.name for field in fields(method.config)}
    every = tuple(range(len(world.generator.layers(best_space(world.generator)))))
    changes: dict[str, Any] = {} if count is None else {"count": count}
    if "layers" in numbers:
        changes["layers"] = layers if layers is not None else every
    return method.config(**changes)


def _write_sheet(
    path: Path, world: World, method: Method, found: Sequence[Direction], seed: int
) -> None:
    from eclipsed import __version__
    from eclipsed.editing.images import save_png

    generator = world.generator
    recipe = {
        "made_by": f"eclipsed {__version__}",
        "verb": "discover",
        "world": world.name,
        "generator": {"name": generator.name, "fingerprint": generator.fingerprint},
        "method": method.name,
        "seeds": [seed],
        "truncation": world.truncation,
        "strengths": list(STRENGTHS),
        "directions": [direction.name for direction in found],
    }
    save_png(_sheet(world, method, found, seed), path, recipe)


def _sheet(world: World, method: Method, found: Sequence[Direction], seed: int) -> Image:
    """A row for each direction, a column for each strength."""
    import torch

    from eclipsed.editing.images import strength_label, strip_picture
    from eclipsed.editing.stack import strip

    rows = [
        strip(
            world.generator,
            [direction],
            world.generator.sample([seed], space="z"),
            STRENGTHS,
            space="z",
            truncation=world.truncation,
        )
        for direction in found
    ]
    return strip_picture(
        torch.cat(rows),
        row_labels=[direction.name for direction in found],
        column_labels=[strength_label(strength) for strength in STRENGTHS],
        title=f"{method.name}, seed {seed}",
    )


def _facts(card: Path, direction: Direction) -> dict[str, Any]:
    return {
        "card": str(card),
        "name": direction.name,
        "space": direction.space,
        "unit": direction.unit,
        "range": list(direction.range),
    }


def _words(data: dict[str, Any]) -> str:
    rows = [[card["name"], card["card"]] for card in data["cards"]]
    head = f"wrote {len(rows)} directions of {data['method']}, {data['seconds']:.1f} s"
    return f"{head}\n{table(rows)}\nlook at them: {data['sheet']}"
