"""The verb that edits images: edit. No encoder is asked anything here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import (
    check_single,
    check_source,
    draw,
    draw_folder,
    fitted,
    open_source,
    open_world,
    warn_beyond,
)
from eclipsed.cli.photos import (
    Where,
    edit_file,
    edit_folder,
    edited_words,
    folder_words,
    photo_job,
    say_notes,
)
from eclipsed.editing.choices import edit_facts_of, open_edits


def edit(
    direction: options.Cards,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="The .png, .jpg or .webp to write, of several images a folder; of a photo a file "
            "of its own kind, or a .png.",
        ),
    ],
    seed: options.Seed = None,
    seeds: options.Seeds = None,
    photo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own photo in place of a seed.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="All photos of a folder; -o is another folder."),
    ] = None,
    face: options.Face = None,
    points: options.Points = None,
    box: options.Box = None,
    no_align: options.NoAlign = False,
    method: options.InvertMethod = "optimise",
    blend: Annotated[
        bool,
        typer.Option("--blend", help="Lay the generator's image into the photo, not the change."),
    ] = False,
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
    """Apply directions to an image, to several, or to a photo.

    A photo keeps its size, its kind and, outside the edit, its pixels.

    After a strength may stand the layers that one direction is limited to, and that it must not
    change a pixel outside its regions, outside others, or outside what is white in a picture:
    CARD=1.2@3-5@hard, CARD=1@hard:hair,hat, CARD=1@hard:mask.png.
    """
    where = Where(face, points, box, no_align, method)
    _check_photo(photo, photos, where, seed, seeds, latent, blend)
    if photo is not None or photos is not None:
        settings = direction, layers, world, which, device, where
        _edit_photos(settings, photo, photos, out, latent, blend=blend, as_json=as_json)
        return
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

    loaded = fitted(open_world(world, device, which), latent)
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


def _check_photo(
    photo: Path | None,
    photos: Path | None,
    where: Where,
    seed: object,
    seeds: object,
    latent: object,
    blend: bool,
) -> None:
    """Raise BadParameter for what does not go with a photo, or not without one."""
    if photo is None and photos is None:
        if where != Where() or blend:
            hint = "--face, --points, --box, --no-align, --method or --blend"
            raise typer.BadParameter("they are about photos: give --photo.", param_hint=hint)
        return
    if (photo is not None and photos is not None) or seed is not None or seeds is not None:
        hint = "--photo, --photos, --seed or --seeds"
        raise typer.BadParameter("give exactly one of them.", param_hint=hint)
    if latent is not None and (photos is not None or where != Where()):
        hint = "--latent"
        raise typer.BadParameter("it says already how one photo is inverted.", param_hint=hint)


def _edit_photos(
    settings: tuple[Any, ...],
    photo: Path | None,
    folder: Path | None,
    out: Path,
    latent: Path | None,
    *,
    blend: bool,
    as_json: bool,
) -> None:
    if folder is not None:
        options.check_folder(out)
        report = edit_folder(photo_job(*settings, mixed=blend), folder, out)
        console.result(report, folder_words, as_json=as_json)
        if report["failures"]:
            raise typer.Exit(console.COULD_NOT)
    elif photo is not None:
        options.check_writable(out, source=photo)
        facts = edit_file(photo_job(*settings, mixed=blend), photo, out, latent)
        say_notes(facts)
        console.result(facts, edited_words, as_json=as_json)
