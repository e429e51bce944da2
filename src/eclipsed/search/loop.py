"""Training: the loop that turns a plan into directions, and knows no method.

It runs any Plan, reports each step, keeps a state on disk and makes directions of the result.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import NETWORKS, Key
from eclipsed.directions import Direction
from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import disk, make_folder, write_atomic
from eclipsed.search.optimizer import State, advance, initial_state, load_state, save_state
from eclipsed.search.plan import Plan
from eclipsed.search.pool import view_of
from eclipsed.types import Goal, Space, World, weights_of

OnStep = Callable[[State], None]
# Of all code that a training runs, calibration and its constants included: to be raised when the
# same goal and config come to mean another direction.
VERSION = 3
# A state is small (some 20 kB) and quick to write; at most this many steps are done again.
SAVE_EVERY = 5


def train(
    world: World,
    goal: Goal,
    config: Any,
    plan: Plan,
    on_step: OnStep | None = None,
    *,
    stop: Callable[[], bool] | None = None,
    work: Path | None = None,
    log: Path | None = None,
) -> list[Direction]:
    """Carry out the plan that a trained method has for a goal and its config.

    on_step: called after every step. stop: asked before every step; true ends training early, as
    Ctrl-C does, and the state so far becomes the direction. work: a folder for the state, made if
    missing; a training that was cut short there goes on where it stood, with the same result. A
    state that is damaged or can no longer be written costs a warning. log: a JSON-lines file of all
    steps.

    Raises EclipsedError (and its kinds) for what the user can mend.
    """
    callbacks = [json_log(log) if log is not None else None, on_step]

    def report(reached: State) -> None:
        for callback in filter(None, callbacks):
            callback(reached)

    if work is None:
        state = run(plan, initial_state(plan.start), report, stop=stop)
        return finish(world, goal, config, plan, state)
    identity = training_identity(world, goal, config)
    make_folder(work)
    path = work / f"{identity[:16]}.safetensors"
    state = _resumed(path, identity, plan)
    state = run(plan, state, report, stop=stop, save=_saving(path, identity))
    return finish(world, goal, config, plan, state)


def _resumed(path: Path, identity: str, plan: Plan) -> State:
    """Where a training was cut short; the beginning where nothing can be read."""
    try:
        state = load_state(path, identity, plan.start)
    except BadFile as error:
        warnings.warn(f"{error.message} The training begins anew.", RuntimeWarning, stacklevel=3)
        state = None
    return state or initial_state(plan.start)


def _saving(path: Path, identity: str) -> Callable[[State], None]:
    """Saves states until that fails once: a state is an insurance, not worth the training."""
    fails = False

    def save(state: State) -> None:
        nonlocal fails
        try:
            if not fails:
                save_state(path, state, identity)
        except BadFile as error:
            fails = True
            lost = f"{error.message} The training goes on, but cannot be resumed."
            warnings.warn(lost, RuntimeWarning, stacklevel=3)

    return save


def training_identity(world: World, goal: Goal, config: Any) -> str:
    """SHA-256 over everything that decides the result of a training."""
    return training_key(world, goal, config).digest


def training_key(world: World, goal: Goal, config: Any) -> Key:
    """The key of a training's result."""
    facts = config.method, asdict(config), asdict(goal), list(world.vocabulary.items())
    return view_of(world, config.space).key("training", VERSION, NETWORKS, *facts)


def answers(card: Direction, world: World, goal: Goal, method: str, config: Any) -> bool:
    """Whether a card is what a search with this goal, method and config leads to."""
    facts = json.loads(json.dumps(asdict(config)))
    return (
        card.method == method
        and card.prompt == goal.prompt
        and card.regions == goal.regions
        and weights_of(card.generator_fingerprint) == weights_of(world.generator.fingerprint)
        and all(card.config.get(key) == value for key, value in facts.items())
    )


def run(
    plan: Plan,
    state: State,
    on_step: OnStep,
    *,
    stop: Callable[[], bool] | None = None,
    save: Callable[[State], None] = lambda _: None,
) -> State:
    """Step until the plan is done, `stop` says so, or Ctrl-C; the last finished state.

    Raises KeyboardInterrupt where not even one step was finished, so that there is nothing to keep.
    """
    began = time.monotonic()
    try:
        while state.step < plan.steps and not (stop is not None and stop()):
            state = replace(advance(state, plan), seconds=time.monotonic() - began)
            on_step(state)
            if state.step % SAVE_EVERY == 0:
                save(state)
    except KeyboardInterrupt:
        if state.step == 0:
            raise
    if state.step == 0:
        raise EclipsedError("Training was stopped before its first step, nothing was learned.")
    save(state)
    return state


def finish(world: World, goal: Goal, config: Any, plan: Plan, state: State) -> list[Direction]:
    """Calibrate what was trained and make directions of it."""
    generator = world.generator
    facts = {
        **asdict(config),
        **plan.facts,
        "steps_done": state.step,
        "interrupted": state.step < plan.steps,
        "encoder": world.encoder.name,
        "segmenter": world.segmenter.name,
        "made_with": {
            "torch": torch.__version__,
            "device": generator.device.type,
            "threads": torch.get_num_threads(),
        },
    }
    vectors = plan.combine(state.directions)
    directions = []
    for number, vector in enumerate(vectors, start=1):
        result = plan.finish(vector)
        alignments = {"alignments": list(result.alignments)} if result.alignments else {}
        directions.append(
            as_direction(
                world,
                vector,
                goal,
                method=config.method,
                space=config.space,
                name=goal.prompt if len(vectors) == 1 else f"{goal.prompt} {number}",
                config={**facts, **alignments},
                unit=result.unit,
                range=result.range,
            )
        )
    return directions


def as_direction(
    world: World, vector: Float[Tensor, " d"], goal: Goal, *, space: Space, **facts: Any
) -> Direction:
    """A vector [D] as a direction of the world's generator that answers a goal; facts: the other
    fields of a Direction."""
    generator = world.generator
    return Direction(
        vector=vector,
        prompt=goal.prompt,
        neutral=goal.neutral,
        regions=goal.regions,
        keep=goal.keep,
        space=space,
        layers=generator.layers(space),
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        **facts,
    )


def json_log(path: Path) -> OnStep:
    """A callback that writes one JSON line a step.

    When a training is resumed, lines of steps that are now done again are dropped first, so that
    the file always reads as one uninterrupted training. Raises BadFile when it cannot be written.
    """
    begun = False

    def write(state: State) -> None:
        nonlocal begun
        names = ("step", "steps", "losses", "seconds")
        line = json.dumps({name: getattr(state, name) for name in names}) + "\n"
        if not begun:
            write_atomic(path, (_lines_before(path, state.step) + line).encode())
            begun = True
            return
        with disk("write", path), path.open("a", encoding="utf-8") as file:
            file.write(line)

    return write


def _lines_before(path: Path, step: int) -> str:
    """The file's whole lines of earlier steps; a half line that a kill left behind is dropped."""
    lines = []
    with suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                if json.loads(line)["step"] < step:
                    lines.append(line + "\n")
    return "".join(lines)
