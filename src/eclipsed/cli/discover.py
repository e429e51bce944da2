"""The verb that finds directions without a prompt: discover."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import free_path, is_of, open_source, open_world, written_facts
from eclipsed.cli.train import configured
from eclipsed.cli.wording import table
from eclipsed.text import file_name

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.methods.method import Method
    from eclipsed.types import World

# Within every direction's range.
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
SHEET = "sheet.png"
MOST = options.MAX_IMAGES // len(STRENGTHS)  # directions


def discover(
    method: Annotated[
        str,
        typer.Argument(help="How: ganspace, sefa, or lelsd with --region.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A folder for cards and sheet; by default the method's."),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, max=MOST, help="How many.")] = None,
    layers: options.Layers = None,
    region: options.Region = None,
    seed: options.Seed = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Find directions without a prompt.

    Writes a card for each into a folder, and a sheet that shows what they do to one image, by
    default that of seed 1.
    """
    began = time.monotonic()
    named = Path(file_name(method))
    options.check_folder(out or named)
    options.check_writable((out or named).parent / SHEET)
    chosen, config = _configured(method, region, count=count, layers=layers)

    from eclipsed.files import make_folder
    from eclipsed.generators.spaces import best_space
    from eclipsed.prompts.goals import checked_regions
    from eclipsed.types import Goal

    loaded = open_world(world, device, which)
    goal = Goal("", "", checked_regions(region or (), loaded))
    if layers is None and "layers" in config.__dataclass_fields__:
        every = loaded.generator.layers(best_space(loaded.generator))
        config = replace(config, layers=tuple(range(len(every))))
    console.note(f"looking at the world '{loaded.name}' with {chosen.name}")
    directions = chosen.find(loaded, goal, config)
    names = [f"{file_name(direction.name)}.safetensors" for direction in directions]

    def is_own(folder: Path) -> bool:
        return all(is_of(folder / name, loaded, goal, config) for name in names)

    folder = out or free_path(named, is_own)
    make_folder(folder)
    cards = []
    for direction, name in zip(directions, names, strict=True):
        path = folder / name
        direction.save(path)
        cards.append(written_facts(path, direction))
    _write_sheet(folder / SHEET, loaded, chosen.name, directions, 1 if seed is None else seed)
    facts = {
        "method": chosen.name,
        "world": loaded.name,
        "folder": str(folder),
        "sheet": str(folder / SHEET),
        "cards": cards,
        "seconds": round(time.monotonic() - began, 2),
    }
    console.result(facts, _words, as_json=as_json)


def _configured(name: str, regions: Sequence[str] | None, **changes: Any) -> tuple[Method, Any]:
    """The method and its config; raises BadParameter for one that these options do not fit."""
    from eclipsed.methods.registry import method_named, names

    method, config = configured(name, **changes)
    if method.takes == "prompt":
        others = [other for other in names() if method_named(other).takes != "prompt"]
        raise typer.BadParameter(
            f"the method {name!r} needs a prompt; choose {', '.join(others)}.", param_hint="METHOD"
        )
    if (method.takes == "regions") != bool(regions):
        why = "knows no regions" if regions else "needs a region"
        raise typer.BadParameter(f"{name} {why}.", param_hint="--region")
    return method, config


def _write_sheet(
    path: Path, world: World, method: str, directions: Sequence[Direction], seed: int
) -> None:
    """A row for each direction, a column for each strength."""
    import torch

    from eclipsed.editing.images import save_png, strength_label, strip_picture
    from eclipsed.editing.recipes import recipe_head
    from eclipsed.editing.stack import strip

    source, names = open_source(world, [seed]), [direction.name for direction in directions]
    rows = [
        strip(
            world.generator,
            [direction],
            source.latents,
            STRENGTHS,
            space=source.space,
            truncation=source.truncation,
        )
        for direction in directions
    ]
    picture = strip_picture(
        torch.cat(rows),
        row_labels=names,
        column_labels=[strength_label(strength) for strength in STRENGTHS],
        title=f"{method}, seed {seed}",
    )
    facts = {"method": method, "strengths": list(STRENGTHS), "directions": names}
    save_png(picture, path, recipe_head("discover", world) | source.facts | facts)


def _words(facts: console.Facts) -> str:
    rows = [[card["name"], card["card"]] for card in facts["cards"]]
    head = f"wrote {len(rows)} directions of {facts['method']}, {facts['seconds']:.1f} s"
    return f"{head}\n{table(rows)}\nlook at them: {facts['sheet']}"
