"""The verb that lets a direction move: animate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import check_place, open_cards, open_world
from eclipsed.cli.options import (
    CardChoice,
    CardsOption,
    DeviceOption,
    JsonOption,
    LayersOption,
    WorldOption,
    parse_card,
    parse_layers,
    parse_seed,
    parse_strengths,
    parse_truncation,
)
from eclipsed.cli.pictures import (
    TruncationOption,
    check_regions,
    edit_of,
    facts_of,
    warn_beyond,
)
from eclipsed.cli.sources import Source, check_source, open_source

if TYPE_CHECKING:
    from PIL.Image import Image

    from eclipsed.editing.animation import Kind
    from eclipsed.editing.stack import Edit
    from eclipsed.types import World

# Strengths from end to end where none are given, and how long each is shown.
COUNT, MILLISECONDS = 25, 60


def animate(
    direction: CardsOption,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The .webp, .gif or .mp4 file to write.")
    ],
    seed: Annotated[
        int | None, typer.Option("--seed", help="The image of this seed (1 without it).")
    ] = None,
    latent: Annotated[
        Path | None,
        typer.Option("--latent", help="The image of a latent: a .safetensors or .npy file."),
    ] = None,
    strengths: Annotated[
        str | None,
        typer.Option("--strengths", metavar="-2:2:25", help="By default the card's range."),
    ] = None,
    layers: LayersOption = None,
    truncation: TruncationOption = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Show an image while a direction goes from end to end and back.

    Of several directions the last one moves, the others stay at their strengths.
    """
    kind = _kind(out)
    files = None if latent is None else [latent]
    check_source(seed, files, option="--seed", default=True)
    number = parse_seed(1 if seed is None else seed)
    choices = [parse_card(text) for text in direction]
    listed = None if strengths is None else parse_strengths(strengths)
    chosen = parse_layers(layers)
    psi = None if truncation is None else parse_truncation(truncation)
    check_place(out)

    from eclipsed.editing.animation import animated, need_video, there_and_back
    from eclipsed.editing.recipes import recipe_head
    from eclipsed.files import write_atomic

    if kind == "mp4":
        need_video()  # before minutes are spent on pictures
    loaded = open_world(world, device)
    psi = loaded.truncation if psi is None else psi
    cards = open_cards(choices, loaded)
    edits = [edit_of(*pair, chosen) for pair in zip(choices, cards, strict=True)]
    ladder = _ladder(choices[-1], edits[-1], listed)
    _warn(edits, ladder)
    check_regions(choices, loaded)
    source = open_source(loaded, [number], files, psi)
    pictures = there_and_back(_pictures(loaded, source, psi, edits, ladder))
    write_atomic(out, animated(pictures, kind, milliseconds=MILLISECONDS))
    facts = (
        recipe_head("animate", loaded)
        | source.facts
        | {
            "strengths": list(ladder),
            "edits": _facts(choices, edits),
            "pictures": len(pictures),
            "milliseconds": MILLISECONDS,
        }
    )
    console.result({"out": str(out), **facts}, as_json=as_json, words=lambda: f"wrote {out}")


def _kind(path: Path) -> Kind:
    """What a file's ending says that it holds; raises BadParameter for any other ending."""
    kinds: tuple[Kind, ...] = ("webp", "gif", "mp4")
    for kind in kinds:
        if path.suffix.lower() == f".{kind}":
            return kind
    raise typer.BadParameter(
        f"{path.name!r} must end in .webp, .gif or .mp4, which is what is written.",
        param_hint="-o",
    )


def _ladder(choice: CardChoice, edit: Edit, listed: tuple[float, ...] | None) -> tuple[float, ...]:
    """The strengths that the moving edit goes through: those listed, or from 0 to the one that
    stands after its card, or from end to end of the card's range."""
    if listed is not None:
        return listed
    low, high = edit.direction.range if choice.strength is None else (0.0, choice.strength)
    step = (high - low) / (COUNT - 1)
    return tuple(round(low + step * i, 10) for i in range(COUNT))


def _warn(edits: Sequence[Edit], ladder: Sequence[float]) -> None:
    for edit in edits[:-1]:
        warn_beyond(edit.direction, edit.strength)
    for end in (min(ladder), max(ladder)):
        warn_beyond(edits[-1].direction, end)


def _pictures(
    world: World, source: Source, psi: float, edits: Sequence[Edit], ladder: Sequence[float]
) -> list[Image]:
    """The source's image with the last edit at each strength."""
    from eclipsed.editing.images import to_pil
    from eclipsed.editing.stack import EditStack, render

    segmenter = world.segmenter if any(edit.hard for edit in edits) else None
    stacks = [EditStack((*edits[:-1], replace(edits[-1], strength=each))) for each in ladder]
    return [
        to_pil(
            render(
                world.generator,
                source.latents,
                stack,
                space=source.space,
                truncation=psi,
                segmenter=segmenter,
            )[0]
        )
        for stack in stacks
    ]


def _facts(choices: Sequence[CardChoice], edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """The edits of the recipe; the one that moves has no strength of its own."""
    facts = facts_of(choices, edits)
    del facts[-1]["strength"]
    return facts
