"""The verb that draws images of seeds: sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import draw, open_source, open_world

BATCH = 32


def sample(
    seeds: Annotated[Sequence[int], options.SEEDS],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="One .png for a grid, or a folder for single ones.")
    ],
    truncation: options.Truncation = None,
    world: options.World = "starter",
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Draw the images of seeds.

    As a grid in one picture, or one picture each in a folder.
    """
    one_grid = out.suffix.lower() == ".png"
    if one_grid:
        options.check_images(len(seeds))
        options.check_writable(out)
    else:
        options.check_folder(out)

    from eclipsed.editing.images import grid, save_png, to_pil
    from eclipsed.editing.recipes import recipe_head
    from eclipsed.files import make_folder

    loaded = open_world(world, device)
    recipe = recipe_head("sample", loaded)
    if one_grid:
        source = open_source(loaded, seeds, truncation=truncation)
        recipe |= source.facts
        columns = math.ceil(math.sqrt(len(seeds)))
        save_png(grid(draw(loaded, source), columns=columns, labels=source.labels), out, recipe)
        files = [out]
    else:
        make_folder(out)
        files = []
        for start in range(0, len(seeds), BATCH):
            source = open_source(loaded, seeds[start : start + BATCH], truncation=truncation)
            recipe |= source.facts
            for label, image in zip(source.labels, draw(loaded, source), strict=True):
                files.append(out / f"seed-{label}.png")
                save_png(to_pil(image), files[-1], {**recipe, "seeds": [int(label)]})
    facts = {"seeds": list(seeds), "files": [str(file) for file in files]}
    console.wrote(out, recipe | facts, as_json=as_json)
