"""A prompt's pictures: for every method its best, median and worst seed, before and after.

At a matched text gain half of the weakest method's edits are done, and so is half of an edit: the
pictures at strength 1 belong beside them.
"""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from eclipsed.bench.summary import Results, Row
from eclipsed.directions import Direction
from eclipsed.editing.images import strip_picture
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.types import World

COLUMNS = tuple(
    column for seed in ("best", "median", "worst") for column in (seed, "matched", "at 1")
)


def ranked(rows: list[Row]) -> list[Row]:
    """Rows from best to worst: successes first, then the cleanest, then the most local.

    Seeds that had the attribute before come into it only where there are no others.
    """
    asked = [row for row in rows if row["scores"].get("success") is not None] or rows

    def merit(row: Row) -> tuple[float, ...]:
        keys = ("success", "artifact", "locality", "reach")
        success, artifact, *rest = (float(row["scores"].get(key) or 0.0) for key in keys)
        return success, -artifact, *rest

    return sorted(asked, key=merit, reverse=True)


def prompt_strip(world: World, results: Results, prompt: str) -> Image.Image | None:
    """A row for each method that found a direction; seeds as it ranks at matched text gain, or at
    strength 1 where it never gets there. None where nobody found any."""
    cells = {}
    for name in results.methods:
        rows = results.rows("matched", name, [prompt]) or results.rows("seed", name, [prompt])
        if rows:
            cells[name] = _cells(world, results, rows)
    if not cells:
        return None
    return strip_picture(torch.stack([*cells.values()]), [*cells], COLUMNS, title=prompt)


def _cells(world: World, results: Results, rows: list[Row]) -> Tensor:
    """[9, 3, H, W]: three seeds before, matched (white where it never gets there), at 1."""
    order = ranked(rows)
    cells = []
    for row in (order[0], order[len(order) // 2], order[-1]):
        key = {name: row[name] for name in ("method", "prompt", "image")}
        card = next(results.records.of("direction", **key))["card"]
        direction = Direction.load(results.records.folder / card)
        latents = world.generator.sample([row["seed"]], space="z")
        for strength in (0.0, row.get("strength"), 1.0):
            stack = EditStack((Edit(direction, strength or 0.0),))
            image = render(world.generator, latents, stack, space="z", truncation=world.truncation)
            cells.append(torch.ones_like(image[0]) if strength is None else image[0])
    return torch.stack(cells)
