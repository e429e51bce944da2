"""The verb that shows strengths beside each other: strip."""

from __future__ import annotations

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import check_source, fitted, open_source, open_world, warn_beyond
from eclipsed.editing.choices import edit_facts_of, open_edits

_STRENGTHS = "-2:2:7"


def strip(
    direction: options.Cards,
    out: options.Picture,
    seeds: options.Seeds = None,
    latent: options.Latents = None,
    space: options.LatentSpace = None,
    index: options.LatentIndex = None,
    strengths: options.Strengths = None,
    layers: options.Layers = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Draw seeds or latents as rows, strengths as columns.

    Several directions move together, by default through -2:2:7.
    """
    check_source(seeds, latent, option="--seeds")
    options.check_latent(latent, space=space, index=index)
    rows, columns = seeds or (), strengths or options.parse_strengths(_STRENGTHS)
    if any(choice.strength is not None for choice in direction):
        raise typer.BadParameter("a strip sets the strengths with --strengths.", param_hint="-d")
    options.check_images(len(rows) * len(columns))

    from eclipsed.editing import stack
    from eclipsed.editing.images import save_png, strength_label, strip_picture
    from eclipsed.editing.recipes import recipe_head

    loaded = fitted(open_world(world, device, which), latent)
    edits = open_edits(direction, loaded, layers)
    for each in edits:
        warn_beyond(each.direction, *columns)
    cards = [each.direction for each in edits]
    source = open_source(loaded, rows, latent, space=space, index=index)
    options.check_images(len(source.labels) * len(columns))
    images = stack.strip(
        loaded.generator,
        cards,
        source.latents,
        columns,
        space=source.space,
        layers=edits[0].layers,
        truncation=source.truncation,
        segmenter=loaded.segmenter if any(card.keep for card in cards) else None,
    )
    picture = strip_picture(
        images,
        row_labels=source.labels,
        column_labels=[strength_label(strength) for strength in columns],
        title=" + ".join(card.name for card in cards),
    )
    facts = {"strengths": list(columns), "edits": edit_facts_of(direction, edits, fixed=0)}
    recipe = recipe_head("strip", loaded) | source.facts | facts
    save_png(picture, out, recipe)
    console.wrote(out, recipe, as_json=as_json)
