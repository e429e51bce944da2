"""The verb that finds a direction: train."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclipsed.cli import console, options
from eclipsed.cli.check import near_words
from eclipsed.cli.loading import free_path, is_of, open_world
from eclipsed.cli.progress import training_progress
from eclipsed.cli.wording import score_table
from eclipsed.errors import BadFile, UnknownName
from eclipsed.methods.registry import names
from eclipsed.text import file_name

if TYPE_CHECKING:
    from eclipsed.directions import Direction
    from eclipsed.methods.method import Method
    from eclipsed.types import Goal, World


def train(
    prompt: options.Prompt,
    out: Annotated[
        Path | None,
        options.out_file("The card to write; by default named after the prompt.", ".safetensors"),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"How to find it: {', '.join(names())}.",
            autocompletion=options.complete_method,
        ),
    ] = "default",
    region: options.Region = None,
    space: options.Space = None,
    layers: options.Layers = None,
    steps: Annotated[int | None, typer.Option(min=1, help="By default the method's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="By default the method's.")] = None,
    image: options.Seed = None,
    draft: Annotated[
        bool,
        typer.Option("--draft", help="Write a rough card at once, for use while it trains."),
    ] = False,
    world: options.World = "starter",
    which: options.Class = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Find the direction that a prompt asks for.

    Trains it, scores it on seeds that were not trained on, and writes its card; a JSON-lines log
    of every step lies beside the card. Ctrl-C keeps what was learned; the same command goes on
    from there. Without -o the card of another search stays. Methods that are not trained step by
    step keep nothing before they are done; those that edit a single image need --image.
    """
    began = time.monotonic()
    chosen, config = configured(
        method, image=image, space=space, layers=layers, steps=steps, seed=seed
    )
    if chosen.per_image and image is None:
        raise typer.BadParameter(
            f"the method {method} edits a single image: give its seed.", param_hint="--image"
        )

    if draft and method != "default":
        raise typer.BadParameter("only method default begins with one.", param_hint="--draft")

    from eclipsed.methods.training import on_generator
    from eclipsed.prompts.goals import goal_from_prompt

    loaded = open_world(world, device, which)
    goal = goal_from_prompt(prompt, loaded, regions=region)
    if space is None:
        config = on_generator(config, loaded)
    named = Path(f"{file_name(prompt)}.safetensors")
    card = out or free_path(named, lambda path: is_of(path, loaded, goal, config))
    options.check_writable(card)
    if draft and not card.exists():
        _drafted(loaded, goal, config).save(card)
        console.note(f"wrote {card}: a draft of no measured length, until it is trained")
    prediction = _predicted(loaded, goal)
    direction = _scored(loaded, _searched(chosen, loaded, goal, config, card), card, image)
    _warn(direction)
    result = {
        **direction.scores,
        "judged_by": direction.judged_by,
        "verdict": direction.verdict,
        "card": str(card),
        "name": direction.name,
        "regions": list(direction.regions),
        "range": list(direction.range),
        "predicted": prediction,
        "seconds": round(time.monotonic() - began, 2),
        **({} if image is None else {"image": image}),
    }
    console.result(result, lambda facts: _words(direction, facts, world, which), as_json=as_json)


def configured(name: str, **changes: Any) -> tuple[Method, Any]:
    """The method and its config with the changes that are not None.

    Raises BadParameter for a method that does not exist, and what it does not know or refuses.
    """
    from eclipsed.methods.registry import config_for, method_named

    try:
        return method_named(name), config_for(name, **changes)
    except (UnknownName, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def _predicted(world: World, goal: Goal) -> dict[str, Any]:
    """What pre-flight says; a word of warning where the generator can hardly do it."""
    from eclipsed.search import preflight

    prediction = preflight.check(world, goal)
    if prediction.verdict == "unlikely":
        near = f" {near_words(prediction.instead)}" if prediction.instead else ""
        chance = f"{prediction.probability:.0%}"
        console.note(f"Unlikely to work ({chance}): {prediction.reason}{near}")
    return {"verdict": prediction.verdict, "probability": round(prediction.probability, 4)}


def _drafted(world: World, goal: Goal, config: Any) -> Direction:
    from eclipsed.methods import forward

    return forward.draft(world, goal, config.space)


def _searched(method: Method, world: World, goal: Goal, config: Any, card: Path) -> Direction:
    """The direction, whose card is written; with a progress bar where it is trained step by step,
    and no state left once that is done."""
    from eclipsed.methods.training import train_direction
    from eclipsed.search.loop import training_identity

    again, work = "", None
    try:
        if method.plan is None:
            console.note(f"looking for '{goal.prompt}' by {method.name}")
            direction = train_direction(world, goal, config)
        else:
            work = _state_folder(training_identity(world, goal, config))
            again = "" if work is None else "The same command goes on from there."
            log = card.with_suffix(".jsonl")
            with training_progress(goal.prompt) as on_step:
                direction = train_direction(world, goal, config, on_step, work=work, log=log)
    except KeyboardInterrupt:
        raise console.Stopped("Stopped before there was a direction to keep.", again) from None
    direction.save(card)
    if direction.config.get("interrupted"):
        done = f"{direction.config['steps_done']} of {config.steps} steps"
        raise console.Stopped(f"Stopped after {done}, which are kept in {card}, not scored.", again)
    if work is not None:
        shutil.rmtree(work, ignore_errors=True)
    return direction


def _state_folder(identity: str) -> Path | None:
    """Where a training's state lies; None, and a remark, where no cache can be written."""
    from eclipsed.cache import cache_folder
    from eclipsed.files import make_folder

    folder = cache_folder() / "directions" / identity[:16]
    try:
        make_folder(folder)
    except BadFile as error:
        console.note(f"{error.message} The training cannot be resumed if it is stopped.")
        return None
    return folder


def _scored(world: World, direction: Direction, card: Path, image: int | None) -> Direction:
    """The direction with its scores, written again: on held-out seeds, or on the one image that
    it was made for."""
    from eclipsed.evaluation import evaluate

    try:
        seeds = evaluate.QUICK_SEEDS if image is None else (image,)
        result = evaluate.scored(world, direction, seeds=seeds)
    except KeyboardInterrupt:
        raise console.Stopped(f"Stopped while scoring; {card} is kept without scores.") from None
    result.save(card)
    return result


def _warn(direction: Direction) -> None:
    """Say on stderr where a direction was turned round, or does not do what was asked for."""
    if direction.config.get("turned"):
        console.note("Strength −1 did what was asked for, so the direction was turned round.")
    if direction.verdict["kind"] in ("fails", "reversed") or "doubt" in direction.verdict:
        console.note(direction.verdict["sentence"])


def _words(direction: Direction, facts: console.Facts, world: str, which: int | None) -> str:
    where = ", ".join(facts["regions"]) or "the whole image"
    lines = [f"wrote {facts['card']}: '{facts['name']}' in {where}, {facts['seconds']:.1f} s"]
    parts = [part["prompt"] for part in direction.config.get("changes", ())]
    if parts:
        lines.append(f"  trained change by change: {', '.join(map(repr, parts))}")
    lines.append(f"  {facts['verdict']['sentence']}")
    lines.append(score_table(direction.scores, facts["judged_by"]))
    low, high = facts["range"]
    lines.append(f"  images stay good from {low:.1f} to {high:.1f}")
    seeds = ["--seeds", "1,2,3"]
    if "image" in facts:
        seeds = ["--seeds", str(facts["image"]), "--strengths", "0:1:5"]
        lines.append(f"  on the image of seed {facts['image']} alone, which it was made for")
    if which is not None:
        seeds += ["--class", str(which)]
    words = ("strip", "-d", facts["card"], *seeds, "-o", "strip.png")
    lines.append(f"look at it: {console.command(*words, world=world)}")
    return "\n".join(lines)
