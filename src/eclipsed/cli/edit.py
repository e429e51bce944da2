"""The verb that edits images: edit. No encoder is asked anything here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import (
    check_single,
    check_source,
    draw,
    draw_folder,
    edit_facts_of,
    open_edits,
    open_source,
    open_world,
    warn_beyond,
)


def edit(
    direction: options.Cards,
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="The .png, .jpg or .webp to write, or of several images a folder."
        ),
    ],
    seed: options.Seed = None,
    seeds: options.Seeds = None,
    latent: options.Latent = None,
    space: options.LatentSpace = None,
    index: options.LatentIndex = None,
    layers: options.Layers = None,
    truncation: options.Truncation = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Apply directions to an image, or to several.

    After a strength may stand the layers that one direction is limited to, and that it must not
    change a pixel outside its regions, outside others, or outside what is white in a picture:
    CARD=1.2@3-5@hard, CARD=1@hard:hair,hat, CARD=1@hard:mask.png.
    """
    if seed is not None and seeds is not None:
        raise typer.BadParameter("give exactly one of them.", param_hint="--seed or --seeds")
    chosen = seeds if seed is None else [seed]
    check_source(chosen, latent)
    options.check_latent(latent, space=space, index=index)
    if latent is not None and truncation is not None:
        raise typer.BadParameter("a latent is not truncated.", param_hint="--truncation")
    into_folder = out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp")
    if into_folder:
        options.check_folder(out)
    elif len(chosen or ()) > 1:
        raise typer.BadParameter(
            f"several images need a folder, not {out.name!r}.", param_hint="-o"
        )
    else:
        options.check_writable(out)

    from eclipsed.editing.images import save_picture, to_pil
    from eclipsed.editing.recipes import recipe_head

    loaded = open_world(world, device, which)
    edits = open_edits(direction, loaded, layers)
    for each in edits:
        warn_beyond(each.direction, each.strength)
    files = None if latent is None else [latent]
    source = open_source(loaded, chosen or (), files, truncation, space=space, index=index)
    recipe = recipe_head("edit", loaded) | {"edits": edit_facts_of(direction, edits)}
    result = {"out": str(out), **recipe, **source.facts}
    if into_folder:
        result["files"] = draw_folder(loaded, source, edits, out, recipe)
    else:
        if latent is not None:
            check_single(source, latent, "or name a folder with -o.")
        save_picture(to_pil(draw(loaded, source, edits)[0]), out, {**recipe, **source.facts})
    console.result(result, lambda _: f"wrote {out}", as_json=as_json)
