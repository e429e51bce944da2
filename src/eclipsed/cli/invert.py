"""The verb that finds a photo's latent: invert. It is read wherever a latent is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world
from eclipsed.cli.photos import Where, inverted, say_notes


def invert(
    photo: Annotated[Path, typer.Argument(help="The photo.", show_default=False)],
    out: Annotated[
        Path, options.out_file("The .safetensors file to write the latent to.", ".safetensors")
    ],
    face: options.Face = None,
    points: options.Points = None,
    box: options.Box = None,
    no_align: options.NoAlign = False,
    method: options.InvertMethod = "optimise",
    sheet: Annotated[
        Path | None,
        options.optional_file(
            "--sheet", "A picture of the photo's square, its inversion, what was lost.", ".png"
        ),
    ] = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Find the latent that shows a photo.

    edit, strip, animate and score take it as --latent. encoder takes a glance, optimise some
    seconds; tune also bends the generator a little, so that it shows this very photo.
    """
    where = Where(face, points, box, no_align, method)

    from eclipsed.editing.photos.files import inversion_facts
    from eclipsed.editing.photos.reading import read_photo
    from eclipsed.editing.recipes import recipe_head

    opened = read_photo(photo)
    loaded = open_world(world, device, which)
    inversion = inverted(loaded, opened, where)
    inversion.save(out)
    if sheet is not None:
        from eclipsed.editing.images import save_png
        from eclipsed.editing.photos.session import inversion_sheet

        save_png(inversion_sheet(loaded, opened, inversion), sheet)
    facts: dict[str, Any] = {
        "out": str(out),
        **recipe_head("invert", loaded),
        "photo": dict(inversion.photo),
        **inversion_facts(inversion),
        "losses": [dict(each) for each in inversion.losses],
        "notes": list(inversion.notes),
    }
    say_notes(facts)
    console.result(facts, _words, as_json=as_json)


def _words(facts: console.Facts) -> str:
    scores = facts["scores"]
    return (
        f"wrote {facts['out']}: {scores['psnr']:.1f} dB by {facts['method']} in "
        f"{facts['seconds']:.1f} s; its latent lies {scores['latent_distance']:.2f} times as far "
        "out as 99 in 100 of the generator's own"
    )
