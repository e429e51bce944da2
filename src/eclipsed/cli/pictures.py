"""Verbs that make pictures: edit, strip, sample. No encoder is asked anything here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import check_place, make_folder, open_cards, open_world
from eclipsed.cli.options import (
    MAX_IMAGES,
    CardChoice,
    CardsOption,
    DeviceOption,
    JsonOption,
    LayersOption,
    WorldOption,
    check_ending,
    check_folder,
    parse_card,
    parse_layers,
    parse_seed,
    parse_seeds,
    parse_strengths,
    parse_truncation,
)
from eclipsed.cli.sources import LatentsOption, check_source, open_source
from eclipsed.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor

    from eclipsed.directions import Direction
    from eclipsed.editing.stack import Edit
    from eclipsed.types import World

BATCH = 32

OutOption = Annotated[Path, typer.Option("-o", "--out", help="The picture to write.")]
TruncationOption = Annotated[
    float | None, typer.Option("--truncation", help="ψ: 0 is the mean image, 1 the full range.")
]
SeedsOption = Annotated[
    str, typer.Option("--seeds", metavar="1,2,5-9", help="Seeds, and ranges of seeds.")
]


def edit(
    direction: CardsOption,
    out: OutOption,
    seed: Annotated[int | None, typer.Option("--seed", help="Edit the image of this seed.")] = None,
    latent: Annotated[
        Path | None,
        typer.Option("--latent", help="Edit the image of a latent: a .safetensors or .npy file."),
    ] = None,
    layers: LayersOption = None,
    truncation: TruncationOption = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Apply directions to one image.

    After a strength may stand the layers that one direction is kept to, and that it must not reach
    beyond its regions, beyond others, or beyond what is white in a picture: CARD=1.2@3-5@hard,
    CARD=1@hard:hair,hat, CARD=1@hard:mask.png.
    """
    files = None if latent is None else [latent]
    check_source(seed, files, option="--seed")
    if seed is not None:
        parse_seed(seed)
    elif truncation is not None:
        raise typer.BadParameter("a latent is not truncated.", param_hint="--truncation")
    choices = [parse_card(text) for text in direction]
    chosen = parse_layers(layers)
    psi = None if truncation is None else parse_truncation(truncation)
    check_place(check_ending(out, ".png"))

    from eclipsed.editing.images import save_png, to_pil
    from eclipsed.editing.recipes import recipe_head
    from eclipsed.editing.stack import EditStack, render

    loaded = open_world(world, device)
    psi = loaded.truncation if psi is None else psi
    cards = open_cards(choices, loaded)
    edits = [edit_of(*pair, chosen) for pair in zip(choices, cards, strict=True)]
    for made in edits:
        warn_beyond(made.direction, made.strength)
    check_regions(choices, loaded)
    source = open_source(loaded, [] if seed is None else [seed], files, psi)
    images = render(
        loaded.generator,
        source.latents,
        EditStack(tuple(edits)),
        space=source.space,
        truncation=psi,
        segmenter=loaded.segmenter if any(made.hard for made in edits) else None,
    )
    recipe = recipe_head("edit", loaded) | source.facts | {"edits": facts_of(choices, edits)}
    save_png(to_pil(images[0]), out, recipe)
    _report(out, recipe, as_json=as_json)


def edit_of(choice: CardChoice, card: Direction, layers: tuple[int, ...] | None) -> Edit:
    """What a -d asks for; strength 1 and the layers of --layers where it says nothing itself.

    Raises BadFile for a drawn mask that cannot be read, BadSetting for one of too much detail.
    """
    from eclipsed.editing.masks import Mask
    from eclipsed.editing.stack import Edit

    mask = None if choice.mask is None else Mask.load(choice.mask)
    if mask is not None:
        mask.text()  # a recipe must be able to hold it: asked before the work
    return Edit(
        card if choice.regions is None else replace(card, regions=choice.regions),
        1.0 if choice.strength is None else choice.strength,
        layers if choice.layers is None else choice.layers,
        choice.hard,
        mask=mask,
    )


def facts_of(choices: Sequence[CardChoice], edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """The edits of a recipe."""
    from eclipsed.editing.recipes import edit_facts

    pairs = zip(choices, edits, strict=True)
    return [edit_facts(choice.path.name, made, regions=choice.regions) for choice, made in pairs]


def check_regions(choices: Sequence[CardChoice], world: World) -> None:
    """Raise UnknownName for a region of a hard edit that the world lacks."""
    known = world.segmenter.regions
    for region in (region for choice in choices for region in choice.regions or ()):
        if region not in known:
            raise UnknownName(f"There is no region '{region}'.", f"Choose from {', '.join(known)}.")


def warn_beyond(card: Direction, strength: float) -> None:
    """Say so on stderr where a strength lies beyond the card's range."""
    low, high = card.range
    if not low <= strength <= high:
        console.note(
            f"'{card.name}' is good from {low:.1f} to {high:.1f}: at {strength:g} the image may no "
            "longer look like the generator's own."
        )


def strip(
    direction: CardsOption,
    out: OutOption,
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="1,2,5-9", help="Seeds, and ranges of seeds."),
    ] = None,
    latent: LatentsOption = None,
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="-2:2:7", help="FROM:TO:COUNT, or a list.")
    ] = "-2:2:7",
    layers: LayersOption = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw seeds or latents as rows, strengths as columns.

    Several directions move together.
    """
    check_source(seeds, latent, option="--seeds")
    rows = () if seeds is None else parse_seeds(seeds)
    columns = parse_strengths(strengths)
    choices = [parse_card(text) for text in direction]
    if any(choice.strength is not None for choice in choices):
        raise typer.BadParameter("a strip sets the strengths with --strengths.", param_hint="-d")
    if len(latent or rows) * len(columns) > MAX_IMAGES:
        raise typer.BadParameter(f"that is more than {MAX_IMAGES} images.", param_hint="--seeds")
    chosen = parse_layers(layers)
    check_place(check_ending(out, ".png"))

    from eclipsed.editing.images import save_png, strength_label, strip_picture
    from eclipsed.editing.recipes import edit_facts, recipe_head
    from eclipsed.editing.stack import Edit
    from eclipsed.editing.stack import strip as render_strip

    loaded = open_world(world, device)
    cards = open_cards(choices, loaded)
    source = open_source(loaded, rows, latent, loaded.truncation)
    images = render_strip(
        loaded.generator,
        cards,
        source.latents,
        columns,
        space=source.space,
        layers=chosen,
        truncation=loaded.truncation,
    )
    picture = strip_picture(
        images,
        row_labels=source.labels,
        column_labels=[strength_label(strength) for strength in columns],
        title=" + ".join(card.name for card in cards),
    )
    recipe = (
        recipe_head("strip", loaded)
        | source.facts
        | {
            "strengths": list(columns),
            "edits": [
                edit_facts(choice.path.name, Edit(card, layers=chosen), strength=False)
                for choice, card in zip(choices, cards, strict=True)
            ],
        }
    )
    save_png(picture, out, recipe)
    _report(out, recipe, as_json=as_json)


def sample(
    seeds: SeedsOption,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="One .png for a grid, or a folder for single ones.")
    ],
    truncation: TruncationOption = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Draw the images of seeds.

    As a grid in one picture, or one picture each in a folder.
    """
    numbers = parse_seeds(seeds)
    psi = None if truncation is None else parse_truncation(truncation)
    one_grid = out.suffix.lower() == ".png"
    if one_grid:
        if len(numbers) > MAX_IMAGES:
            raise typer.BadParameter(f"a grid holds at most {MAX_IMAGES}.", param_hint="--seeds")
        check_place(out)
    else:
        check_folder(out)

    from eclipsed.editing.recipes import recipe_head

    loaded = open_world(world, device)
    psi = loaded.truncation if psi is None else psi
    recipe = recipe_head("sample", loaded) | {"seeds": list(numbers), "truncation": psi}
    if one_grid:
        _write_grid(loaded, numbers, psi, out, recipe)
        files = [out]
    else:
        make_folder(out)
        files = _write_each(loaded, numbers, psi, out, recipe)
    _report(out, recipe | {"files": [str(file) for file in files]}, as_json=as_json)


def _write_grid(
    world: World, seeds: Sequence[int], psi: float, out: Path, recipe: Mapping[str, Any]
) -> None:
    from eclipsed.editing.images import grid, save_png

    columns = math.ceil(math.sqrt(len(seeds)))
    images = _images(world, seeds, psi)
    save_png(grid(images, columns=columns, labels=[str(seed) for seed in seeds]), out, recipe)


def _write_each(
    world: World, seeds: Sequence[int], psi: float, folder: Path, recipe: Mapping[str, Any]
) -> list[Path]:
    from eclipsed.editing.images import save_png, to_pil

    files = []
    for start in range(0, len(seeds), BATCH):
        some = seeds[start : start + BATCH]
        for seed, image in zip(some, _images(world, some, psi), strict=True):
            files.append(folder / f"seed-{seed}.png")
            save_png(to_pil(image), files[-1], {**recipe, "seeds": [seed]})
    return files


def _images(world: World, seeds: Sequence[int], psi: float) -> Tensor:
    from eclipsed.editing.stack import EditStack, render

    latents = world.generator.sample(seeds, space="z")
    return render(world.generator, latents, EditStack(), space="z", truncation=psi)


def _report(out: Path, recipe: Mapping[str, Any], *, as_json: bool) -> None:
    console.result({"out": str(out), **recipe}, as_json=as_json, words=lambda: f"wrote {out}")
