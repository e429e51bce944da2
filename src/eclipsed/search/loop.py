"""Training: a goal on a world becomes a direction.

This is the loop alone: it runs any preset's Plan, reports each step, keeps a state on disk and
turns the result into directions. What is minimised is the preset's business (`presets/`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from eclipsed.cache import NETWORKS
from eclipsed.directions import Direction
from eclipsed.errors import BadSetting, EclipsedError, UnknownName
from eclipsed.files import failure
from eclipsed.generators.spaces import best_space
from eclipsed.methods.composite import plan_parts
from eclipsed.methods.default import DefaultConfig
from eclipsed.methods.paper import PaperConfig, paper_plan
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search.logs import OnStep, StepReport, both, json_log
from eclipsed.search.optimizer import State, advance, initial_state, load_state, save_state
from eclipsed.search.plan import Plan
from eclipsed.search.pool import view_of
from eclipsed.types import Goal, World

TrainConfig = PaperConfig | DefaultConfig

PRESETS = ("default", "paper", "paper-scaled")
METHOD = "eclipsed"
# Of all code that a training runs, calibration and its constants included: to be raised when the
# same goal and config come to mean another direction.
VERSION = 1
# A state is small (some 20 kB) and quick to write; at most this many steps are done again.
SAVE_EVERY = 5


def paper_config(*, directions: int = 1, **changes: Any) -> PaperConfig:
    """The paper's numbers for K directions: 200·K steps, γ 0 for one and 1 for more.

    Any field of PaperConfig can be given; it wins.
    """
    numbers = {
        "steps": 200 * directions,
        "correlation_weight": 0.0 if directions == 1 else 1.0,
        **changes,
    }
    return PaperConfig(directions=directions, **numbers)


def paper_scaled_config(*, directions: int = 1, **changes: Any) -> PaperConfig:
    """The paper's numbers with the rate multiplied by the generator's spread of the space."""
    return paper_config(directions=directions, scaled=True, **changes)


def default_config(**changes: Any) -> DefaultConfig:
    """The default preset's numbers; any field of DefaultConfig can be given."""
    return DefaultConfig(**changes)


def config_for(preset: str, **changes: Any) -> TrainConfig:
    """A preset's configuration by its name, with changes; None leaves a field as it is.

    Raises UnknownName for an unknown preset or space and BadSetting for numbers without sense.
    """
    makers: dict[str, Callable[..., TrainConfig]] = {
        "default": default_config,
        "paper": paper_config,
        "paper-scaled": paper_scaled_config,
    }
    if preset not in makers:
        raise UnknownName(f"There is no preset {preset!r}.", f"Choose {', '.join(PRESETS)}.")
    return makers[preset](**{key: value for key, value in changes.items() if value is not None})


def train_direction(
    world: World,
    goal: Goal | str,
    config: TrainConfig | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> Direction:
    """One direction for a goal or a prompt; options as in `train_directions`."""
    if isinstance(config, PaperConfig) and config.directions != 1:
        raise BadSetting("Several directions at once come from train_directions, not from here.")
    return train_directions(world, goal, config, on_step, **options)[0]


def train_directions(
    world: World,
    goal: Goal | str,
    config: TrainConfig | None = None,
    on_step: OnStep | None = None,
    *,
    stop: Callable[[], bool] | None = None,
    work: Path | None = None,
    log: Path | None = None,
) -> list[Direction]:
    """Train the K directions of a configuration (K is 1 but for the paper preset).

    goal: a string is parsed by `goal_from_prompt`.
    config: without one, the default preset in the generator's best space.
    on_step: called after every step. stop: asked before every step; true ends training early, as
    Ctrl-C does, and what was learned is kept. work: a folder for the state, made if missing; a
    training that was cut short there goes on where it stood, with the same result. log: a
    JSON-lines file.

    The result is a function of world, goal and config: bit-identical on the same machine with the
    same torch, device and number of threads. Raises EclipsedError (and its kinds) for what the
    user can mend.
    """
    goal = goal_from_prompt(goal, world) if isinstance(goal, str) else goal
    config = config or default_config(space=best_space(world.generator))
    plan = make_plan(world, goal, config)
    path = identity = None
    state = initial_state(plan.start)
    if work is not None:
        identity = training_identity(world, goal, config)
        make_folder(work)
        path = work / f"{identity[:16]}.safetensors"
        state = load_state(path, identity, plan.start) or state
    report = both(json_log(log) if log is not None else None, on_step)

    def save(reached: State) -> None:
        if path is not None and identity is not None:
            save_state(path, reached, identity)

    state = run(plan, state, report, stop=stop, save=save)
    return finish(world, goal, config, plan, state)


def make_folder(path: Path) -> None:
    """Make a folder, with those above it; raises BadFile where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure("make the folder", path, error) from error


def make_plan(world: World, goal: Goal, config: TrainConfig) -> Plan:
    """What the preset of this configuration would do."""
    if isinstance(config, PaperConfig):
        return paper_plan(world, goal, config)
    return plan_parts(world, goal, config)


def training_identity(world: World, goal: Goal, config: TrainConfig) -> str:
    """SHA-256 over everything that decides the result of a training."""
    facts = config.preset, asdict(config), asdict(goal), list(world.vocabulary.items())
    view = view_of(world, config.space)
    return view.key("training", VERSION, NETWORKS, *facts).digest


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
            state, losses = advance(state, plan)
            seconds = time.monotonic() - began
            on_step(StepReport(state.step, plan.steps, losses, seconds, state.directions))
            if state.step % SAVE_EVERY == 0:
                save(state)
    except KeyboardInterrupt:
        if state.step == 0:
            raise
    if state.step == 0:
        raise EclipsedError("Training was stopped before its first step, nothing was learned.")
    save(state)
    return state


def finish(
    world: World, goal: Goal, config: TrainConfig, plan: Plan, state: State
) -> list[Direction]:
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
    count = vectors.shape[0]
    made = []
    for index, vector in enumerate(vectors):
        done = plan.finish(vector)
        made.append(
            Direction(
                vector=vector,
                name=goal.prompt if count == 1 else f"{goal.prompt} {index + 1}",
                prompt=goal.prompt,
                neutral=goal.neutral,
                regions=goal.regions,
                space=config.space,
                layers=generator.layers(config.space),
                generator_name=generator.name,
                generator_fingerprint=generator.fingerprint,
                method=METHOD,
                preset=config.preset,
                config={**facts, **done.facts},
                unit=done.unit,
                range=done.range,
            )
        )
    return made
