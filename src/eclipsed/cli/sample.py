"""The verb that draws images of seeds: sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import draw, draw_folder, open_generator, open_source


def sample(
    seeds: Annotated[Sequence[int], options.SEEDS],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="One .png for a grid, or a folder for single ones.")
    ],
    truncation: options.Truncation = None,
    world: options.World = "starter",
    which: options.Class = None,
    generator: options.GeneratorFile = None,
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

    from eclipsed.editing.images import grid, save_png
    from eclipsed.editing.recipes import recipe_head

    loaded = open_generator(world, generator, device, which)
    source = open_source(loaded, seeds, truncation=truncation)
    recipe = recipe_head("sample", loaded) | source.facts
    if one_grid:
        columns = math.ceil(math.sqrt(len(seeds)))
        save_png(grid(draw(loaded, source), columns=columns, labels=source.labels), out, recipe)
        files = [str(out)]
    else:
        files = draw_folder(loaded, source, (), out, recipe)
    facts = {"seeds": list(seeds), "files": files}
    console.wrote(out, recipe | facts, as_json=as_json)
