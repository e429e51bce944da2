"""The bench: contenders × prompts × seeds on a world, row by row into a folder.

What is there is never done again, so a bench that was cut goes on where it stood, and more prompts
or contenders can be added to one that is done. Nothing here knows how a result is shown.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from eclipsed.bench.cost import Cost, measured_warm
from eclipsed.bench.finder import Finder
from eclipsed.bench.matching import (
    Curve,
    curve_of,
    halving_strength,
    level_of,
    matched_strength,
)
from eclipsed.bench.protocol import LADDER, BenchConfig
from eclipsed.bench.records import Records, open_records
from eclipsed.bench.trial import reaches, successes, try_direction, try_strength
from eclipsed.directions import Direction
from eclipsed.errors import EclipsedError
from eclipsed.evaluation.evaluate import judged_by
from eclipsed.evaluation.observe import (
    Evaluator,
    Sample,
    Target,
    evaluator_of,
    sample_seeds,
    target_of,
)
from eclipsed.methods.method import Method
from eclipsed.methods.registry import method_named
from eclipsed.naming import file_name
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.types import Goal, World

CARDS = "cards"
# Contender, prompt and image of the search whose cost without any cache is target for.
Cold = Callable[[str, str, int | None], Cost | None]
Note = Callable[[str], None]
# A contender's directions, each with the seeds that it is judged on and the image it was made for.
Pairs = list[tuple[Direction, Sample, int | None]]


@dataclass(frozen=True, eq=False)
class Bench:
    """What stays the same for all contenders: judge, seeds, numbers, rows, and whom to tell.

    once: seconds of this prompt that were spent on what is done once.
    """

    evaluator: Evaluator
    sample: Sample
    config: BenchConfig
    records: Records
    finder: Finder
    cold: Cold | None
    note: Note
    once: list[float] = field(default_factory=list)

    @property
    def cards(self) -> Path:
        """The folder of the directions."""
        return self.records.path.parent / CARDS


def run_bench(
    world: World,
    config: BenchConfig,
    folder: Path,
    *,
    cold: Cold | None = None,
    note: Note = lambda _: None,
) -> Bench:
    """Do all of a bench that its folder does not hold yet.

    cold: measures a contender's first search without caches; None leaves that out. note: is told
    what is done, in a line each.

    Raises UnknownName for an unknown contender, BadSetting where the folder holds another bench,
    BadFile where it cannot be written. What a method refuses is a row, not an end.
    """
    contenders = tuple(map(method_named, config.contenders))
    evaluator = evaluator_of(world)
    records = open_records(folder, _facts(evaluator, config))
    bench = Bench(
        evaluator=evaluator,
        sample=sample_seeds(evaluator, config.held_out),
        config=config,
        records=records,
        finder=Finder(world),
        cold=cold,
        note=note,
    )
    bench.cards.mkdir(exist_ok=True)
    _run(bench, contenders)
    return bench


def _run(bench: Bench, contenders: tuple[Method, ...]) -> None:
    """Prompt by prompt, so that what there is can be compared at any time."""
    began, last = time.monotonic(), 0.0
    bench.once.clear()
    for number, prompt in enumerate(bench.config.prompts):
        start = time.monotonic()
        minutes = bench.config.minutes
        if minutes is not None and start + last - began > 60.0 * minutes:
            left = len(bench.config.prompts) - number
            spent = (start - began) / 60.0
            bench.note(
                f"{left} of {len(bench.config.prompts)} prompts are left out after {spent:.0f} "
                "minutes; the same command goes on with them."
            )
            return
        target, likely = _understand(bench, prompt)
        if not (likely or bench.config.unlikely):
            bench.note(f"pre-flight calls '{prompt}' unlikely, so nobody searches for it")
            continue
        for contender in contenders:
            _enter(bench, contender, target)
        _match(bench, contenders, target)
        # What was only done once says nothing about the next prompt.
        last = time.monotonic() - start - sum(bench.once)
        bench.once.clear()


def _facts(evaluator: Evaluator, config: BenchConfig) -> dict[str, Any]:
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


def _understand(bench: Bench, prompt: str) -> tuple[Target, bool]:
    """The prompt's goal as the judge takes it, and whether pre-flight, whose word is kept once,
    does not call it unlikely."""
    world = bench.evaluator.world
    goal = goal_from_prompt(prompt, world)
    target = target_of(bench.evaluator, goal)
    if not any(bench.records.of("prompt", prompt=prompt)):
        found = preflight.check(world, goal)
        bench.records.add(
            kind="prompt",
            prompt=prompt,
            neutral=goal.neutral,
            regions=list(goal.regions),
            claims=[asdict(claim) for claim in target.claims],
            verdict=found.verdict,
            contrast=found.contrast,
            rank=found.rank,
            reason=found.reason,
        )
    return target, not any(bench.records.of("prompt", prompt=prompt, verdict="unlikely"))


def _enter(bench: Bench, contender: Method, target: Target) -> None:
    """One contender on one prompt: find, then judge; for each image anew where it must be."""
    images: list[int | None] = [None]
    if contender.per_image:
        images = list(bench.sample.seeds[: bench.config.images])
    for image in images:
        key = {"contender": contender.name, "prompt": target.goal.prompt, "image": image}
        try:
            direction = _found(bench, contender, target.goal, image)
        except EclipsedError as error:
            # Tried again by the next run: it may be mended, for example by installing an extra.
            if not any(bench.records.of("failure", **key, error=str(error))):
                bench.records.add(kind="failure", **key, error=str(error))
            bench.note(f"{contender.name}, '{target.goal.prompt}': {error}")
            continue
        _judge(bench, target, direction, key)


def _judge(bench: Bench, target: Target, direction: Direction, key: dict[str, Any]) -> None:
    """Rows for the seeds of a direction that have none yet; all of them, or none are there."""
    sample, ladder = _seeds_for(bench, key["image"])
    done = {row["seed"] for row in bench.records.of("seed", **key)}
    if done >= set(sample.seeds):
        return
    for row in try_direction(bench.evaluator, target, direction, sample, ladder):
        if row["seed"] not in done:
            bench.records.add(kind="seed", **key, **row)


def _seeds_for(bench: Bench, image: int | None) -> tuple[Sample, int]:
    """The seeds that a direction is judged on, and how many of them on the whole ladder."""
    if image is None:
        return bench.sample, bench.config.ladder_seeds
    place = bench.sample.seeds.index(image)
    return bench.sample.take(slice(place, place + 1)), 1


def _found(bench: Bench, contender: Method, goal: Goal, image: int | None) -> Direction:
    """The direction from its card, or found, timed and kept."""
    key = {"contender": contender.name, "prompt": goal.prompt, "image": image}
    for row in bench.records.of("direction", **key):
        return Direction.load(bench.records.path.parent / row["card"])
    bench.note(f"{contender.name}: '{goal.prompt}'" + ("" if image is None else f", {image}"))
    cold = None
    first = not any(bench.records.of("direction", contender=contender.name))
    if first and bench.cold is not None:
        began = time.monotonic()
        cold = bench.cold(contender.name, goal.prompt, image)
        bench.once.append(time.monotonic() - began)
    bench.finder.prepare(contender, goal)
    direction, cost = measured_warm(lambda: bench.finder.find(contender, goal, image))
    card = f"{CARDS}/{_file_name(contender.name, goal.prompt, image)}.safetensors"
    direction.save(bench.records.path.parent / card)
    bench.records.add(
        kind="direction",
        **key,
        card=card,
        warm=asdict(cost),
        cold=asdict(cold) if cold else None,
        space=direction.space,
        unit=direction.unit,
    )
    return direction


def _file_name(contender: str, prompt: str, image: int | None) -> str:
    """Readable, and different for whatever differs."""
    words = [contender, file_name(prompt)]
    words += [] if image is None else [str(image)]
    return "--".join([*words, hashlib.sha256(prompt.encode()).hexdigest()[:6]])


def curves_of(records: Records, prompt: str, names: Iterable[str]) -> dict[str, Curve]:
    """The curve of each contender that has one on a prompt."""
    found = {name: curve_of(records.of("seed", prompt=prompt, contender=name)) for name in names}
    return {name: curve for name, curve in found.items() if curve is not None}


def _match(bench: Bench, contenders: tuple[Method, ...], target: Target) -> None:
    """Judge every contender of a prompt where its reach is that of the others, and where half of
    its seeds have changed."""
    prompt = target.goal.prompt
    curves = curves_of(bench.records, prompt, [contender.name for contender in contenders])
    level = level_of(curves.values())
    for name, curve in curves.items():
        pairs = _directions(bench, {"contender": name, "prompt": prompt})
        if level is not None:
            facts = {"level": level.reach, "basis": level.basis}
            look = partial(_median_reach, bench, target, pairs)
            find = partial(matched_strength, curve, level, look)
            _judge_at(bench, target, pairs, find, kind="matched", contender=name, **facts)
        half = partial(halving_strength, curve, partial(_success_rate, bench, target, pairs))
        _judge_at(bench, target, pairs, half, kind="half", contender=name)


def _judge_at(
    bench: Bench,
    target: Target,
    pairs: Pairs,
    find: Callable[[], float | None],
    *,
    kind: str,
    **facts: Any,
) -> None:
    """Rows of a kind for the seeds of a contender's directions, at the strength that is found."""
    facts["prompt"] = target.goal.prompt
    done = {row["seed"] for row in bench.records.of(kind, **facts)}
    if done >= {seed for _, sample, _ in pairs for seed in sample.seeds}:
        return
    strength = find()
    if strength is None or strength <= 0.0:
        return
    for direction, sample, image in pairs:
        for row in try_strength(bench.evaluator, target, direction, sample, strength):
            if row["seed"] not in done:
                bench.records.add(kind=kind, **facts, image=image, strength=strength, **row)


def _directions(bench: Bench, key: dict[str, Any]) -> Pairs:
    """A contender's directions for a prompt, each with the seeds that it is judged on."""
    folder = bench.records.path.parent
    return [
        (Direction.load(folder / row["card"]), _seeds_for(bench, row["image"])[0], row["image"])
        for row in bench.records.of("direction", **key)
    ]


def _median_reach(bench: Bench, target: Target, pairs: Pairs, strength: float) -> float:
    """Of all seeds of a contender's directions."""
    return statistics.median(
        reach
        for direction, sample, _ in pairs
        for reach in reaches(bench.evaluator, target, direction, sample, strength)
    )


def _success_rate(bench: Bench, target: Target, pairs: Pairs, strength: float) -> float:
    """Of all seeds of a contender's directions that lack the attribute."""
    found = [
        success
        for direction, sample, _ in pairs
        for success in successes(bench.evaluator, target, direction, sample, strength)
    ]
    return sum(found) / len(found) if found else 0.0
