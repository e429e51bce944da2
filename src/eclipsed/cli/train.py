"""The verb that finds a direction: train."""

from __future__ import annotations

import shutil
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console
from eclipsed.cli.check import near_words
from eclipsed.cli.loading import check_place, open_world
from eclipsed.cli.options import (
    DeviceOption,
    JsonOption,
    PromptArgument,
    RegionOption,
    SpaceName,
    WorldOption,
    check_ending,
    check_prompt,
    parse_layers,
    parse_regions,
    parse_seed,
)
from eclipsed.cli.progress import training_progress
from eclipsed.cli.wording import score_table
from eclipsed.methods.registry import names
from eclipsed.naming import file_name

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.methods.method import Method
    from eclipsed.search.preflight import Preflight
    from eclipsed.types import Goal, World

_AGAIN = "The same command goes on from there."


def train(
    prompt: PromptArgument,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="The card to write; by default named after the prompt."),
    ] = None,
    method: Annotated[
        str,
        typer.Option("--method", metavar="NAME", help=f"How to find it: {', '.join(names())}."),
    ] = "default",
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
        int | None,
        typer.Option("--seed", min=0, help="Of all draws; by default the method's."),
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
    from there. Methods that are not trained step by step keep nothing before they are done.
    """
    began = time.monotonic()
    words = check_prompt(prompt)
    regions, chosen = parse_regions(region), parse_layers(layers)
    card = out if out is not None else Path(f"{file_name(words)}.safetensors")
    check_place(check_ending(card, ".safetensors"))
    chosen_method, config = _configured(
        method, image=image, space=space, layers=chosen, steps=steps, seed=seed
    )

    from eclipsed.prompts.goals import goal_from_prompt

    loaded = open_world(world, device)
    goal = goal_from_prompt(words, loaded, regions=regions)
    if space is None:
        config = _on_generator(config, loaded)
    prediction = _predicted(loaded, goal)
    direction = _found(chosen_method, loaded, goal, config, card)
    direction = _scored(loaded, direction, card, image)
    found = {
        **direction.scores,
        "judged_by": direction.judged_by,
        "card": str(card),
        "name": direction.name,
        "regions": list(direction.regions),
        "range": list(direction.range),
        "predicted": {
            "verdict": prediction.verdict,
            "probability": round(prediction.probability, 4),
        },
        "seconds": round(time.monotonic() - began, 2),
    }
    if image is not None:
        found["image"] = image
    console.result(found, as_json=as_json, words=lambda: _train_words(direction, found))


def _predicted(world: World, goal: Goal) -> Preflight:
    """What pre-flight says; a word of warning where the generator can hardly do it."""
    from eclipsed.search import preflight

    found = preflight.check(world, goal)
    if found.verdict == "unlikely":
        near = f" {near_words(found)}" if found.instead else ""
        console.note(f"Unlikely to work ({found.probability:.0%}): {found.reason}{near}")
    return found


def _configured(name: str, *, image: int | None, **changes: Any) -> tuple[Method, Any]:
    """The method and its config with the changes that are not None.

    Raises BadParameter for what the method does not know or refuses, and for a method of one image
    where it is not said which.
    """
    from eclipsed.methods.registry import config_for, method_named

    if name not in names():
        raise typer.BadParameter(
            f"{name!r} is not one of {', '.join(names())}.", param_hint="--method"
        )
    if image is not None:
        parse_seed(image, "--image")
    method, given = method_named(name), {**changes, "image": image}
    known = {field.name for field in fields(method.config)}
    for option, value in given.items():
        if value is not None and option not in known:
            raise typer.BadParameter(
                f"the method {name} has no such setting.", param_hint=f"--{option}"
            )
    if method.per_image and image is None:
        raise typer.BadParameter(
            f"the method {name} changes one image: say the seed of which.", param_hint="--image"
        )
    try:
        return method, config_for(name, **given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _on_generator(config: Any, world: World) -> Any:
    """The config in the generator's best space, where its own is one that the generator lacks."""
    from eclipsed.generators.spaces import best_space

    spaces = (*world.generator.spaces, None)
    if "space" not in {field.name for field in fields(config)} or config.space in spaces:
        return config
    return replace(config, space=best_space(world.generator))


def _found(method: Method, world: World, goal: Goal, config: Any, card: Path) -> Direction:
    """The direction, whose card is written; with a progress bar where it is trained, and no state
    left once that is done."""
    from eclipsed.methods.training import train_direction

    if method.plan is not None:
        return _trained(world, goal, config, card)
    console.note(f"looking for '{goal.prompt}' by {method.name}")
    try:
        direction = train_direction(world, goal, config)
    except KeyboardInterrupt:
        raise console.Stopped("Stopped before there was a direction to keep.") from None
    direction.save(card)
    return direction


def _trained(world: World, goal: Goal, config: Any, card: Path) -> Direction:
    from eclipsed.cache import cache_folder
    from eclipsed.methods.training import train_direction
    from eclipsed.search.loop import training_identity

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
