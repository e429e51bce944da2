"""The verb that lets a direction move: animate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from eclipsed.cli import console, options
from eclipsed.cli.loading import (
    check_single,
    check_source,
    draw,
    fitted,
    open_source,
    open_world,
    warn_beyond,
)
from eclipsed.editing.choices import edit_facts_of, open_edits

if TYPE_CHECKING:
    from eclipsed.editing.animation import Kind
    from eclipsed.editing.stack import Edit

# Strengths from end to end where none are given, and how long each is shown.
COUNT, MILLISECONDS = 25, 60


def animate(
    direction: options.Cards,
    out: Annotated[
        Path, options.out_file("The .webp, .gif or .mp4 file to write.", ".webp", ".gif", ".mp4")
    ],
    seed: options.Seed = None,
    latent: options.Latent = None,
    space: options.LatentSpace = None,
    index: options.LatentIndex = None,
    strengths: options.Strengths = None,
    layers: options.Layers = None,
    truncation: options.Truncation = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Show an image while a direction goes from end to end and back.

    By default the image of seed 1 and the card's range. Of several directions the last one moves,
    the others stay at their strengths.
    """
    kind = cast("Kind", out.suffix.lower()[1:])
    check_source(seed, latent, default=True)
    options.check_latent(latent, space=space, index=index)

    from eclipsed.editing.animation import animated, need_video, there_and_back
    from eclipsed.editing.images import to_pil
    from eclipsed.editing.recipes import recipe_head
    from eclipsed.files import write_atomic

    if kind == "mp4":
        need_video()  # before minutes are spent on pictures
    loaded = fitted(open_world(world, device, which), latent)
    *others, moving = open_edits(direction, loaded, layers)
    ladder = strengths or _ladder(direction[-1].strength, moving)
    for each in others:
        warn_beyond(each.direction, each.strength)
    warn_beyond(moving.direction, *ladder)
    files = None if latent is None else [latent]
    seeds = [1 if seed is None else seed]
    source = open_source(loaded, seeds, files, truncation, space=space, index=index)
    if latent is not None:
        check_single(source, latent)
    steps = [(*others, replace(moving, strength=strength)) for strength in ladder]
    pictures = there_and_back([to_pil(draw(loaded, source, edits)[0]) for edits in steps])
    write_atomic(out, animated(pictures, kind, milliseconds=MILLISECONDS))
    facts = {
        "strengths": list(ladder),
        "edits": edit_facts_of(direction, steps[0], fixed=len(others)),
        "pictures": len(pictures),
        "milliseconds": MILLISECONDS,
    }
    recipe = recipe_head("animate", loaded) | source.facts | facts
    console.wrote(out, recipe, as_json=as_json)


def _ladder(strength: float | None, moving: Edit) -> Sequence[float]:
    """The strengths that the moving edit goes through: from 0 to the one that stands after its
    card, or from end to end of the card's range."""
    low, high = moving.direction.range if strength is None else (0.0, strength)
    return options.spaced(low, high, COUNT)
