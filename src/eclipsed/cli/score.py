"""The verb that measures a direction: score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eclipsed.cli import console, options
from eclipsed.cli.loading import check_source, fitted, open_source, open_world
from eclipsed.cli.wording import score_table
from eclipsed.editing.choices import open_card


def score(
    card: Annotated[Path, typer.Argument(help="The direction's card.", show_default=False)],
    seeds: options.Seeds = None,
    latent: options.Latents = None,
    space: options.LatentSpace = None,
    index: options.LatentIndex = None,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Score a direction on unseen seeds, or on latents.

    By default on the held-out seeds. The judges are networks that no training used, or the world's
    own where it has no others, which is said. Each number has its 95% interval.
    """
    check_source(seeds, latent, option="--seeds", default=True)
    options.check_latent(latent, space=space, index=index)

    from eclipsed.evaluation import evaluate

    loaded = fitted(open_world(world, device, which), latent)
    direction = open_card(card, loaded)
    chosen = seeds or evaluate.HELD_OUT_SEEDS
    source = open_source(loaded, chosen, latent, space=space, index=index)
    rows = evaluate.evaluate(loaded, direction, source.latents, space=source.space)
    scores, judge = evaluate.summary(rows), evaluate.judged_by(loaded)
    verdict = evaluate.verdict_on(loaded, direction, rows)
    console.result(
        {**scores, "judged_by": judge, "verdict": verdict.to_json()},
        lambda _: f"{card}: '{direction.name}'\n  {verdict.sentence}\n{score_table(scores, judge)}",
        as_json=as_json,
    )
