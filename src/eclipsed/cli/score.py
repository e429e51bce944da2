"""The verb that measures a direction: score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import open_cards, open_world
from eclipsed.cli.options import CardChoice, DeviceOption, JsonOption, WorldOption, parse_seeds
from eclipsed.cli.sources import LatentsOption, check_source, open_source
from eclipsed.cli.wording import score_table


def score(
    card: Annotated[Path, typer.Argument(help="The direction's card.", show_default=False)],
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="1,2,5-9", help="Other seeds than the held-out ones."),
    ] = None,
    latent: LatentsOption = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a direction on unseen seeds, or on latents.

    The judges are networks that no training used, or the world's own where it has no others, which
    is said. Each number has its 95% interval.
    """
    check_source(seeds, latent, option="--seeds", default=True)
    chosen = None if seeds is None else parse_seeds(seeds)

    from eclipsed.evaluation.evaluate import HELD_OUT_SEEDS, judged_by, score_direction

    loaded = open_world(world, device)
    (direction,) = open_cards([CardChoice(card, None)], loaded)
    source = open_source(loaded, chosen or HELD_OUT_SEEDS, latent, loaded.truncation)
    scores = score_direction(loaded, direction, latents=source.latents, space=source.space)
    judge = judged_by(loaded)
    console.result(
        {**scores, "judged_by": judge},
        as_json=as_json,
        words=lambda: f"{card}: '{direction.name}'\n{score_table(scores, judge)}",
    )
