"""A prompt's pictures: for every contender its best, median and worst seed, before and after.

At a matched reach half of the weakest contender's edits are done, and so is half of an edit: the
pictures at strength 1 belong beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from eclipsed.bench.summary import Results, matched_rows, seed_rows
from eclipsed.directions import Direction
from eclipsed.editing.images import strip_picture
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.types import World

Row = Mapping[str, Any]
COLUMNS = tuple(
    column for seed in ("best", "median", "worst") for column in (seed, "matched", "at 1")
)


def ranked(rows: list[Row]) -> list[Row]:
    """Rows from best to worst: successes first, then the cleanest, then the most local.

    Seeds that had the attribute before come into it only where there are no others.
    """
    asked = [row for row in rows if row["scores"].get("success") is not None] or rows

    def merit(row: Row) -> tuple[float, ...]:
        scores = row["scores"]
        keys = ("success", "artifact", "locality", "reach")
        success, artifact, locality, reach = (float(scores.get(key) or 0.0) for key in keys)
        return success, -artifact, locality, reach

    return sorted(asked, key=merit, reverse=True)


def prompt_strip(world: World, results: Results, prompt: str) -> Image.Image | None:
    """A row for each contender that found a direction; seeds as it ranks at matched reach, or at
    strength 1 where it never gets there. None where nobody found any."""
    images, labels = [], []
    for name in results.contenders:
        rows = matched_rows(results, name, [prompt]) or seed_rows(results, name, [prompt])
        if rows:
            images.append(_cells(world, results, rows))
            labels.append(name)
    if not images:
        return None
    return strip_picture(torch.stack(images), labels, COLUMNS, title=prompt)


def _cells(world: World, results: Results, rows: list[Row]) -> Tensor:
    """[9, 3, H, W]: three seeds before, at matched reach (white where it is never got to), at 1."""
    order = ranked(rows)
    cells = []
    for row in (order[0], order[len(order) // 2], order[-1]):
        direction = _direction(results, row)
        latents = world.generator.sample([row["seed"]], space="z")
        for strength in (0.0, row.get("strength"), 1.0):
            stack = EditStack((Edit(direction, strength or 0.0),))
            made = render(world.generator, latents, stack, space="z", truncation=world.truncation)
            cells.append(torch.ones_like(made[0]) if strength is None else made[0])
    return torch.stack(cells)


def _direction(results: Results, row: Row) -> Direction:
    key = {name: row[name] for name in ("contender", "prompt", "image")}
    found = next(results.records.of("direction", **key))
    return Direction.load(results.records.path.parent / found["card"])
