"""Verbs around finding a direction: train, check, score."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.loading import check_place, open_cards, open_world
from eclipsed.cli.methods import Find, by_method
from eclipsed.cli.options import (
    CardChoice,
    DeviceOption,
    JsonOption,
    MethodName,
    PresetName,
    SpaceName,
    WorldOption,
    check_ending,
    check_prompt,
    parse_layers,
    parse_regions,
    parse_seed,
    parse_seeds,
)
from eclipsed.cli.progress import training_progress
from eclipsed.cli.wording import score_table, table
from eclipsed.naming import file_name

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.search.loop import TrainConfig
    from eclipsed.search.preflight import Preflight
    from eclipsed.types import Goal, World

_AGAIN = "The same command goes on from there."

PromptArgument = Annotated[
    str, typer.Argument(help="What should change, such as 'curly hair'.", show_default=False)
]
RegionOption = Annotated[
    str,
    typer.Option(
        "--region",
        metavar="auto|none|NAME[,NAME]",
        help="Where the change belongs; none: anywhere.",
    ),
]


def train(
    prompt: PromptArgument,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The card to write; by default named after the prompt."),
    ] = None,
    method: Annotated[
        MethodName, typer.Option("--method", help="How to find it; eclipsed trains it.")
    ] = "eclipsed",
    preset: Annotated[
        PresetName | None,
        typer.Option("--preset", help="How eclipsed trains; paper is the published way."),
    ] = None,
    region: RegionOption = "auto",
    space: Annotated[
        SpaceName | None,
        typer.Option(
            "--space",
            help="Which latents to move; by default what suits the method and the generator.",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option("--layers", metavar="3,4", help="Train only these layers, from 0."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="How many; by default the method's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of all chance; by default the method's.")
    ] = None,
    image: Annotated[
        int | None,
        typer.Option("--image", metavar="SEED", help="For methods that change one image: which."),
    ] = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find the direction that a prompt asks for.

    Trains it, scores it on seeds that were not trained on, and writes its card; a JSON-lines log
    of every step lies beside the card. Ctrl-C keeps what was learned; the same command goes on
    from there. Other methods than eclipsed find it in their own ways, and keep nothing before they
    are done.
    """
    began = time.monotonic()
    words = check_prompt(prompt)
    regions, chosen = parse_regions(region), parse_layers(layers)
    card = out if out is not None else Path(f"{file_name(words)}.safetensors")
    check_place(check_ending(card, ".safetensors"))
    changes = {"space": space, "layers": chosen, "steps": steps, "seed": seed}
    find = _way(method, preset, image, **changes)

    from eclipsed.prompts.goals import goal_from_prompt

    loaded = open_world(world, device)
    goal = goal_from_prompt(words, loaded, regions=regions)
    foretold = _foretold(loaded, goal)
    direction = find(loaded, goal, card)
    direction = _scored(loaded, direction, card, image)
    found = {
        **direction.scores,
        "judged_by": direction.judged_by,
        "card": str(card),
        "name": direction.name,
        "regions": list(direction.regions),
        "range": list(direction.range),
        "foretold": {"verdict": foretold.verdict, "probability": round(foretold.probability, 4)},
        "seconds": round(time.monotonic() - began, 2),
    }
    if image is not None:
        found["image"] = image
    console.result(found, as_json=as_json, words=lambda: _train_words(direction, found))


def _foretold(world: World, goal: Goal) -> Preflight:
    """What pre-flight says; a word of warning where the generator can hardly do it."""
    from eclipsed.search import preflight

    found = preflight.check(world, goal)
    if found.verdict == "unlikely":
        near = f" {_near_words(found)}" if found.instead else ""
        console.note(f"Unlikely to work ({found.probability:.0%}): {found.reason}{near}")
    return found


def _near_words(found: Preflight) -> str:
    return f"Near to it, and likely: {' or '.join(repr(phrase) for phrase in found.instead)}."


def _way(method: str, preset: str | None, image: int | None, **changes: Any) -> Find:
    """How to find a direction and write its card; what does not go together is wrong usage."""
    if image is not None:
        parse_seed(image, "--image")
    if method == "eclipsed":
        if image is not None:
            raise typer.BadParameter("eclipsed changes every image.", param_hint="--image")
        return _by_training(preset or "default", **changes)
    if preset is not None:
        raise typer.BadParameter(f"{method} has no presets.", param_hint="--preset")
    return by_method(method, image=image, **changes)


def _by_training(preset: str, **changes: Any) -> Find:
    """How to train a direction with a preset; numbers that make no sense are wrong usage."""
    from eclipsed.generators.spaces import best_space
    from eclipsed.search.loop import config_for

    try:
        config = config_for(preset, **changes)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error

    def find(world: World, goal: Goal, card: Path) -> Direction:
        space = changes["space"] or best_space(world.generator)
        return _trained(world, goal, replace(config, space=space), card)

    return find


def _trained(world: World, goal: Goal, config: TrainConfig, card: Path) -> Direction:
    """Train with a progress bar; the card is on disk afterwards, the state is gone if done."""
    from eclipsed.cache import cache_folder
    from eclipsed.search.loop import train_direction, training_identity

    work = cache_folder() / "directions" / training_identity(world, goal, config)[:16]
    log = card.with_suffix(".jsonl")
    try:
        with training_progress(goal.prompt) as on_step:
            direction = train_direction(world, goal, config, on_step, work=work, log=log)
    except KeyboardInterrupt:
        raise console.Stopped("Stopped before there was a direction to keep.", _AGAIN) from None
    direction.save(card)
    if direction.config.get("interrupted"):
        done = f"{direction.config['steps_done']} of {config.steps} steps"
        raise console.Stopped(
            f"Stopped after {done}, which are kept in {card}, not scored.", _AGAIN
        )
    shutil.rmtree(work, ignore_errors=True)
    return direction


def _scored(world: World, direction: Direction, card: Path, image: int | None) -> Direction:
    """The direction with its scores, written again: on held-out seeds, or on the one image that
    it was made for."""
    from eclipsed.evaluation.evaluate import QUICK_SEEDS, judged_by, score_direction

    try:
        seeds = QUICK_SEEDS if image is None else (image,)
        scores = score_direction(world, direction, seeds=seeds)
        scored = replace(direction, scores=scores, judged_by=judged_by(world))
    except KeyboardInterrupt:
        raise console.Stopped(f"Stopped while scoring; {card} is kept without scores.") from None
    scored.save(card)
    return scored


def _train_words(direction: Direction, found: dict[str, Any]) -> str:
    where = ", ".join(direction.regions) or "the whole image"
    lines = [f"wrote {found['card']}: '{direction.name}' in {where}, {found['seconds']:.1f} s"]
    parts = [part["prompt"] for part in direction.config.get("changes", ())]
    if parts:
        lines.append(f"  trained change by change: {', '.join(map(repr, parts))}")
    lines.append(score_table(direction.scores, direction.judged_by))
    low, high = direction.range
    lines.append(f"  good from {low:.1f} to {high:.1f}; 1 is where the prompt is reached")
    seeds = "1,2,3"
    if "image" in found:
        seeds = f"{found['image']} --strengths 0:1:5"
        lines.append(f"  on the image of seed {found['image']} alone, which it was made for")
    lines.append(f"look at it: eclipsed strip -d {found['card']} --seeds {seeds} -o strip.png")
    return "\n".join(lines)


def check(
    prompt: PromptArgument,
    region: RegionOption = "auto",
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Ask whether this generator can do it.

    Says how the prompt is understood and what sampled images say to it; trains nothing.
    """
    words, regions = check_prompt(prompt), parse_regions(region)

    from eclipsed.prompts.goals import goal_from_prompt, understand
    from eclipsed.search import preflight

    loaded = open_world(world, device)
    goal = goal_from_prompt(words, loaded, regions=regions)
    why = understand(words, loaded).reason if regions is None else "The region was given."
    found = preflight.check(loaded, goal)
    changes = [change.prompt for change in goal.parts or (goal,)]
    console.result(
        {**found.to_json(), "changes": changes, "understood": why},
        as_json=as_json,
        words=lambda: _check_words(found, changes, why),
    )


def _check_words(found: Preflight, changes: list[str], why: str) -> str:
    several = [["changes", ", ".join(map(repr, changes))]] if changes[1:] else []
    rows = [
        ["prompt", found.goal.prompt],
        *several,
        ["neutral text", found.goal.neutral],
        ["regions", ", ".join(found.goal.regions) or "the whole image"],
        ["because", why],
        ["in sight", f"in {found.present:.0%} of the images"],
        ["coverage", f"{found.coverage:.1%} of an image where in sight"],
        ["chance", f"{found.probability:.0%}"],
        ["contrast", f"{found.contrast:.2f}, more than {found.rank:.0%} of unrelated texts get"],
        ["clarity", f"{found.clarity:.1f} standard deviations above theirs"],
        ["trial", f"{found.trial:.1f} standard deviations above theirs"],
        ["spread", f"{found.spread:.1f} standard deviations above theirs"],
        ["best seeds", " ".join(map(str, found.best()))],
        ["worst seeds", " ".join(map(str, found.worst()))],
    ]
    near = f"\n{_near_words(found)}" if found.instead else ""
    return f"{found.verdict}: {found.reason}\n{table(rows)}{near}"


def score(
    card: Annotated[Path, typer.Argument(help="The direction's card.", show_default=False)],
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", metavar="1,2,5-9", help="Other seeds than the usual held-out ones."
        ),
    ] = None,
    world: WorldOption = "starter",
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a direction on unseen seeds.

    The judges are networks that no training used, or the world's own where it has no others, which
    is said. Each number has its 95% interval.
    """
    chosen = None if seeds is None else parse_seeds(seeds)

    from eclipsed.evaluation.evaluate import judged_by, score_direction

    loaded = open_world(world, device)
    (direction,) = open_cards([CardChoice(card, None)], loaded)
    scores = score_direction(loaded, direction, **({} if chosen is None else {"seeds": chosen}))
    judge = judged_by(loaded)
    console.result(
        {**scores, "judged_by": judge},
        as_json=as_json,
        words=lambda: f"{card}: '{direction.name}'\n{score_table(scores, judge)}",
    )
