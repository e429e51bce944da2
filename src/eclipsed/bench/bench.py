"""The bench: methods × prompts × seeds on a world, row by row into a folder.

What is there is never done again, so a bench that was cut goes on where it stood, and more prompts
or methods can be added to one that is done. Nothing here knows how a result is shown.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch

from eclipsed.bench.cost import Cost, Finder, measured_warm
from eclipsed.bench.matching import HALF, Point, curves_of, level_of, strength_at
from eclipsed.bench.protocol import LADDER, BenchConfig
from eclipsed.bench.records import Records, open_records
from eclipsed.bench.trial import quick_look, try_direction, try_strength
from eclipsed.directions import Direction
from eclipsed.errors import EclipsedError
from eclipsed.evaluation import observe
from eclipsed.evaluation.evaluate import judged_by
from eclipsed.evaluation.observe import Evaluator, Sample, Target
from eclipsed.methods.method import Method
from eclipsed.methods.registry import method_named
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.text import file_name
from eclipsed.types import Goal, World

CARDS = "cards"
# Method, prompt and image of a search → what it costs without any cache.
Cold = Callable[[str, str, int | None], Cost | None]
Note = Callable[[str], None]
# What rows are about, such as a method, a prompt and an image.
Facts = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Bench:
    """What stays the same for all methods: judge, seeds, numbers, rows, and whom to tell."""

    evaluator: Evaluator
    sample: Sample
    config: BenchConfig
    records: Records
    finder: Finder
    cold: Cold | None
    note: Note
    # Seconds of this prompt that were spent on what is done once.
    once: list[float] = field(default_factory=list)

    def sample_for(self, image: int | None) -> Sample:
        """The seeds that a direction is judged on: all, or the one that it was searched for."""
        if image is None:
            return self.sample
        index = self.sample.seeds.index(image)
        return self.sample.take(slice(index, index + 1))


def run_bench(
    world: World,
    config: BenchConfig,
    folder: Path,
    *,
    cold: Cold | None = None,
    note: Note = lambda _: None,
) -> Bench:
    """Do all of a bench that its folder does not hold yet.

    cold: measures a method's first search without caches; None leaves that out. note: is told what
    is done, in a line each.

    Raises UnknownName for an unknown method, BadSetting where the folder holds another bench,
    BadFile where it cannot be written. What a method refuses is a row, not an end.
    """
    methods = tuple(map(method_named, config.methods))
    evaluator = observe.evaluator_of(world)
    records = open_records(folder, _facts(evaluator, config))
    sample = observe.sample_seeds(evaluator, config.held_out)
    bench = Bench(evaluator, sample, config, records, Finder(world), cold, note)
    (folder / CARDS).mkdir(exist_ok=True)
    began, last = time.monotonic(), 0.0
    for number, prompt in enumerate(config.prompts):
        start = time.monotonic()
        if config.minutes is not None and start + last - began > 60.0 * config.minutes:
            count = len(config.prompts)
            note(
                f"{count - number} of {count} prompts are left out after "
                f"{(start - began) / 60.0:.0f} minutes; the same command goes on with them."
            )
            break
        bench.once.clear()
        if _run_prompt(bench, methods, prompt):
            # What was only done once says nothing about the next prompt.
            last = time.monotonic() - start - sum(bench.once)
    return bench


def _facts(evaluator: Evaluator, config: BenchConfig) -> Facts:
    """What must be the same for rows to stand side by side; who and what is asked may grow."""
    world = evaluator.world
    return {
        "world": world.name,
        "generator": world.generator.fingerprint,
        "judged_by": judged_by(world),
        "drawn": evaluator.draws is not None,
        "seeds": config.seeds,
        "ladder_seeds": config.ladder_seeds,
        "images": config.images,
        "ladder": list(LADDER),
        "device": world.generator.device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _run_prompt(bench: Bench, methods: Sequence[Method], prompt: str) -> bool:
    """All methods on one prompt; whether it was searched for at all."""
    goal = goal_from_prompt(prompt, bench.evaluator.world)
    target = observe.target_of(bench.evaluator, goal)
    if _preflight(bench, target) == "unlikely" and not bench.config.unlikely:
        bench.note(f"pre-flight calls '{prompt}' unlikely, so nobody searches for it")
        return False
    for method in methods:
        images = bench.sample.seeds[: bench.config.images] if method.per_image else (None,)
        for image in images:
            _enter(bench, method, target, image)
    _compare(bench, methods, target)
    return True


def _preflight(bench: Bench, target: Target) -> str:
    """What pre-flight says of a prompt; it is asked once, and the row says what was understood."""
    goal = target.goal
    for row in bench.records.of("prompt", prompt=goal.prompt):
        return str(row["verdict"])
    report = preflight.check(bench.evaluator.world, goal)
    bench.records.add(
        kind="prompt",
        prompt=goal.prompt,
        neutral=goal.neutral,
        regions=list(goal.regions),
        claims=[asdict(claim) for claim in target.claims],
        verdict=report.verdict,
        contrast=report.contrast,
        rank=report.rank,
        reason=report.reason,
    )
    return report.verdict


def _enter(bench: Bench, method: Method, target: Target, image: int | None) -> None:
    """One method on one prompt: its direction, then a row for each seed that has none yet."""
    key: Facts = {"method": method.name, "prompt": target.goal.prompt, "image": image}
    try:
        direction = _direction(bench, method, target.goal, key)
    except EclipsedError as error:
        # Tried again by the next run: it may be mended, for example by installing an extra.
        if not any(bench.records.of("failure", **key, error=str(error))):
            bench.records.add(kind="failure", **key, error=str(error))
        bench.note(f"{method.name}, '{target.goal.prompt}': {error}")
        return
    sample = bench.sample_for(image)
    done = {row["seed"] for row in bench.records.of("seed", **key)}
    if done >= set(sample.seeds):
        return
    for row in try_direction(bench.evaluator, target, direction, sample, bench.config.ladder_seeds):
        if row["seed"] not in done:
            bench.records.add(kind="seed", **key, **row)


def _direction(bench: Bench, method: Method, goal: Goal, key: Facts) -> Direction:
    """The direction from its card; or searched for, timed and written there."""
    for row in bench.records.of("direction", **key):
        return Direction.load(bench.records.folder / row["card"])
    image = key["image"]
    bench.note(f"{method.name}: '{goal.prompt}'" + ("" if image is None else f", {image}"))
    cold = None
    if bench.cold is not None and not any(bench.records.of("direction", method=method.name)):
        began = time.monotonic()
        cold = bench.cold(method.name, goal.prompt, image)
        bench.once.append(time.monotonic() - began)
    if method.takes != "prompt":
        bench.finder.prepare(method, goal)
    direction, warm = measured_warm(lambda: bench.finder.find(method, goal, image))
    card = _card(**key)
    direction.save(bench.records.folder / card)
    bench.records.add(
        kind="direction",
        **key,
        card=card,
        warm=asdict(warm),
        cold=asdict(cold) if cold else None,
        space=direction.space,
        unit=direction.unit,
    )
    return direction


def _card(method: str, prompt: str, image: int | None) -> str:
    """A card's path in the folder: readable, and different for whatever differs."""
    words = [method, file_name(prompt), *([] if image is None else [str(image)])]
    digest = hashlib.sha256(prompt.encode()).hexdigest()[:6]
    return f"{CARDS}/{'--'.join([*words, digest])}.safetensors"


def _compare(bench: Bench, methods: Sequence[Method], target: Target) -> None:
    """Judge every method of a prompt where its text projection is that of the others, and where
    half of its seeds have changed."""
    prompt = target.goal.prompt
    curves = curves_of(bench.records, prompt, [method.name for method in methods])
    level = level_of(curves.values())
    for name, curve in curves.items():
        key = {"method": name, "prompt": prompt}
        if level is not None:
            facts = {"kind": "matched", "level": level.projection, "basis": level.basis}
            _judge_at(bench, target, key, facts, curve.points(curve.projection), level.projection)
        if curve.success is not None:
            _judge_at(bench, target, key, {"kind": "half"}, curve.points(curve.success), HALF)


def _judge_at(
    bench: Bench, target: Target, key: Facts, facts: Facts, curve: Sequence[Point], level: float
) -> None:
    """Rows with these facts for a method's seeds, where its curve gets up to a level."""
    rows, folder = bench.records.of("direction", **key), bench.records.folder
    trials = [
        (Direction.load(folder / row["card"]), bench.sample_for(row["image"]), row["image"])
        for row in rows
    ]
    seeds = {seed for _, sample, _ in trials for seed in sample.seeds}
    done = {row["seed"] for row in bench.records.of(**key, **facts)}
    if done >= seeds:
        return
    lack = {row["seed"] for row in bench.records.of("seed", **key) if row["has"] is False}

    def look(strength: float) -> float:
        values: dict[int, Any] = {}
        for direction, sample, _ in trials:
            values |= quick_look(bench.evaluator, target, direction, sample, strength)
        if facts["kind"] == "matched":
            return float(median(projection for projection, _ in values.values()))
        return fmean(values[seed][1] for seed in lack)

    strength = strength_at(curve, level, look)
    if not strength:
        return
    for direction, sample, image in trials:
        for row in try_strength(bench.evaluator, target, direction, sample, strength):
            if row["seed"] not in done:
                bench.records.add(**facts, **key, image=image, strength=strength, **row)
