"""Variants × trainings × images: trained once, judged once, a row each, going on where it stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from eclipsed.bench.records import rounded
from eclipsed.bench.trial import DIGITS
from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH
from eclipsed.errors import EclipsedError
from eclipsed.evaluation import metrics
from eclipsed.evaluation.claims import in_sight
from eclipsed.evaluation.evaluate import succeeds
from eclipsed.evaluation.measures import close_columns, column, quick_columns
from eclipsed.evaluation.observe import (
    Evaluator,
    Observation,
    Sample,
    Target,
    edited,
    evaluator_of,
    observe,
    sample_seeds,
    target_of,
)
from eclipsed.search.realism import strange, usual_of
from eclipsed.types import Verdict
from reproduction.study import Job
from reproduction.variants import (
    Variant,
    as_edited,
    card_of,
    judged_goal,
    order_of,
    own_seed,
)

Row = dict[str, Any]
# Of all that the judge can say, what studies read.
_KEPT = (
    "text_gain",
    "reach",
    "probability",
    "preservation",
    "dependency",
    "artifact",
    "locality",
    "leakage",
    "identity",
)


@dataclass(frozen=True)
class Looks:
    """What takes time and room: `places`, how much of the change falls into each region of the
    judge's; `artifact`, how far images are from clean drawings; `scores`, all numbers but these."""

    places: bool = False
    artifact: bool = False
    scores: bool = True


PLAIN = Looks()


def carry_variants(job: Job, variants: Sequence[Variant], looks: Looks = PLAIN) -> None:
    """Train and judge what there are no rows of; training by training, so that whatever is there
    at any time can be compared. What a variant refuses is a row, not an end."""
    bench = _Bench(job, looks)
    for training in range(job.trainings):
        for variant in variants:
            try:
                bench.enter(variant, training)
            except EclipsedError as error:
                told = {"variant": variant.label, "error": str(error)}
                if not any(job.records.of("failure", **told)):
                    job.records.add(kind="failure", **told)
                job.note(f"{variant.label}: {error}")


class _Bench:
    """A job with its judge, and images that were looked at once."""

    def __init__(self, job: Job, looks: Looks) -> None:
        evaluator = evaluator_of(job.world)
        self.job, self.looks = job, looks
        self.evaluator: Evaluator = evaluator if looks.artifact else replace(evaluator, draws=None)
        self.samples: dict[tuple[int, ...], Sample] = {}

    def enter(self, variant: Variant, training: int) -> None:
        """Rows for the images and strengths of one training that have none yet."""
        job = self.job
        key = {"variant": variant.label, "training": training}
        seeds = (own_seed(training),) if variant.own else job.held_out
        done = {(row["seed"], row["strength"]) for row in job.records.of("judged", **key)}
        wanted = [(seed, strength) for strength in variant.strengths for seed in seeds]
        if done >= set(wanted):
            return
        direction = as_edited(job.world.generator, self.found(variant, training), variant)
        target = target_of(self.evaluator, judged_goal(job.world, variant))
        sample = self.sample(seeds)
        for strength in variant.strengths:
            for start in range(0, len(seeds), BATCH):
                part = sample.take(slice(start, start + BATCH))
                if done >= {(seed, strength) for seed in part.seeds}:
                    continue
                for row in judge(self.evaluator, target, direction, part, strength, self.looks):
                    if (row["seed"], strength) not in done:
                        job.records.add(kind="judged", **key, **row)

    def found(self, variant: Variant, training: int) -> Direction:
        """The direction, trained where it must be, with a row that says which card it is."""
        job = self.job
        order = order_of(job.world, variant, training, job.cards)
        if not order.card.exists():
            job.note(f"{variant.label}: training {training + 1} of {job.trainings}")
        direction = card_of(job.world, order)
        key = {"variant": variant.label, "training": training}
        if not any(job.records.of("direction", **key)):
            facts = {"unit": direction.unit, "range": direction.range, "card": order.card.name}
            job.records.add(kind="direction", **key, **facts)
        return direction

    def sample(self, seeds: tuple[int, ...]) -> Sample:
        """The seeds' images before any edit, each with a row of what it shows."""
        if seeds not in self.samples:
            # Maps are large, and nothing here reads them.
            made = sample_seeds(self.evaluator, seeds, maps=False)
            self.samples[seeds] = made
            done = {row["seed"] for row in self.job.records.of("image")}
            shown = seen_values(made.before.verdict, self.evaluator.judge.groups, len(seeds))
            for seed, shows in zip(seeds, shown, strict=True):
                if seed not in done:
                    self.job.records.add(kind="image", seed=seed, shows=shows)
        return self.samples[seeds]


def seen_values(
    verdict: Verdict, groups: Mapping[str, tuple[str, ...]], count: int
) -> list[dict[str, str | None]]:
    """For each image, group → its most probable value, None where the part is out of sight."""
    rows: list[dict[str, str | None]] = [{} for _ in range(count)]
    for group, probabilities in verdict.probabilities.items():
        best, visible = probabilities.argmax(dim=1).tolist(), verdict.visible[group].tolist()
        for row, value, shown in zip(rows, best, visible, strict=True):
            row[group] = groups[group][value] if shown else None
    return rows


@torch.no_grad()
def judge(
    evaluator: Evaluator,
    target: Target,
    direction: Direction,
    sample: Sample,
    strength: float,
    looks: Looks,
) -> list[Row]:
    """A row for each image edited at a strength.

    scores: what `measures` and `metrics` define; `similarity`, the paper's number, is the cosine of
    prompt and image in the judge's encoder, `gained` and `risen` are similarity and probability
    after minus before; `changed` is mean |Δ| of all pixels; `strange` whether the image no longer
    looks like the generator's own. shows: group → value. places: region → share of the change.
    """
    before = sample.before
    after = observe(evaluator, edited(evaluator, direction, sample.latents, strength), maps=False)
    rows: list[Row] = [{"seed": seed, "strength": strength} for seed in sample.seeds]
    if looks.scores:
        _add_scores(evaluator, target, before, after, rows)
    values = seen_values(after.verdict, evaluator.judge.groups, len(rows))
    places = _places(evaluator, before, after) if looks.places else {}
    for i, row in enumerate(rows):
        row["shows"] = values[i]
        if places:
            row["places"] = {region: numbers[i] for region, numbers in places.items()}
    return [rounded(row, DIGITS) for row in rows]


def _add_scores(
    evaluator: Evaluator,
    target: Target,
    before: Observation,
    after: Observation,
    rows: list[Row],
) -> None:
    """has, and scores with success and reversal, of each image."""
    found = quick_columns(evaluator, target, before, after)
    found |= close_columns(evaluator, target, before, after, fidelity=False)
    scores = {name: found[name] for name in _KEPT if name in found}
    text = evaluator.judge.encoder.encode_text([target.goal.prompt])[0]
    scores["similarity"] = column(after.codes @ text)
    scores["gained"] = column((after.codes - before.codes) @ text)
    images = before.synthesis.image, after.synthesis.image
    scores["changed"] = column((images[1] - images[0]).abs().mean(dim=(1, 2, 3)))
    known = [name for name in target.goal.regions if name in evaluator.world.segmenter.regions]
    scores["strange"] = strange(usual_of(evaluator.world), images[1], known).tolist()
    claimed = _claimed(evaluator, target, before, found)
    scores |= claimed.scores
    for i, row in enumerate(rows):
        row["has"] = claimed.has[i]
        row["scores"] = {name: numbers[i] for name, numbers in scores.items()}
        row["scores"]["success"] = succeeds(row, claimed.shows[i])
        row["scores"]["reversal"] = not claimed.shows[i] if row["has"] else None


@dataclass(frozen=True)
class _Claimed:
    """Of each image: whether it has what is asked for, None where that is out of sight, whether it
    shows it after the edit, and how its probability rises; all None where no judge can tell."""

    has: list[bool | None]
    shows: list[bool | None]
    scores: dict[str, list[Any]]


def _claimed(
    evaluator: Evaluator, target: Target, before: Observation, found: dict[str, list[Any]]
) -> _Claimed:
    if not target.claims:
        nothing: list[bool | None] = [None] * len(before.codes)
        return _Claimed(nothing, nothing, {})
    first = quick_columns(evaluator, target, before, before)
    visible = in_sight(target.claims, before.verdict).tolist()
    has = [shown if seen else None for shown, seen in zip(first["shows"], visible, strict=True)]
    pairs = zip(found["probability"], first["probability"], strict=True)
    return _Claimed(has, found["shows"], {"risen": [then - start for then, start in pairs]})


def _places(evaluator: Evaluator, before: Observation, after: Observation) -> dict[str, list[Any]]:
    """Region → share of Σ|Δ| that falls into it, before or after the edit."""
    segmenter = evaluator.judge.segmenter
    images = before.synthesis.image, after.synthesis.image
    places = {}
    for region in segmenter.regions:
        masks: list[Tensor] = [
            segmenter.masks(seen.synthesis, [region]) for seen in (before, after)
        ]
        places[region] = column(metrics.locality(*images, torch.maximum(*masks)))
    return places
