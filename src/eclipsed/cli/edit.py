"""The verb that edits one image: edit. No encoder is asked anything here."""

from __future__ import annotations

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import (
    check_source,
    draw,
    edit_facts_of,
    open_edits,
    open_source,
    open_world,
    warn_beyond,
)


def edit(
    direction: options.Cards,
    out: options.Picture,
    seed: options.Seed = None,
    latent: options.Latent = None,
    layers: options.Layers = None,
    truncation: options.Truncation = None,
    world: options.World = "starter",
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Apply directions to one image.

    After a strength may stand the layers that one direction is limited to, and that it must not
    change a pixel outside its regions, outside others, or outside what is white in a picture:
    CARD=1.2@3-5@hard, CARD=1@hard:hair,hat, CARD=1@hard:mask.png.
    """
    check_source(seed, latent)
    if seed is None and truncation is not None:
        raise typer.BadParameter("a latent is not truncated.", param_hint="--truncation")

    from eclipsed.editing.images import save_png, to_pil
    from eclipsed.editing.recipes import recipe_head

    loaded = open_world(world, device)
    edits = open_edits(direction, loaded, layers)
    for each in edits:
        warn_beyond(each.direction, each.strength)
    seeds, files = [] if seed is None else [seed], None if latent is None else [latent]
    source = open_source(loaded, seeds, files, truncation)
    (image,) = draw(loaded, source, edits)
    facts = {"edits": edit_facts_of(direction, edits)}
    recipe = recipe_head("edit", loaded) | source.facts | facts
    save_png(to_pil(image), out, recipe)
    console.wrote(out, recipe, as_json=as_json)
