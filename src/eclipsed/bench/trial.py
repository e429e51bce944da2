"""One direction on a bench's seeds: a row for each, by evaluation's measures, and its slider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from eclipsed.bench.protocol import ENDS, LADDER, SLIDER
from eclipsed.bench.records import rounded
from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation import metrics
from eclipsed.evaluation.claims import is_measured
from eclipsed.evaluation.evaluate import Row, column, measure, quick_columns
from eclipsed.evaluation.observe import Evaluator, Observation, Sample, Target, edited, observe
from eclipsed.evaluation.slider import slider_columns

# Of every number in a row: there are tens of thousands, and what is read are means of hundreds.
DIGITS = 4


def try_direction(
    evaluator: Evaluator, target: Target, direction: Direction, sample: Sample, ladder_seeds: int
) -> list[Row]:
    """A row for each seed: scores at strength 1, curves over strengths, slider.

    The first `ladder_seeds` are judged at all strengths of LADDER, the others at ENDS.
    """
    sliders: list[Row] = []

    def watch(observed: Mapping[float, Observation]) -> None:
        sliders.extend(_slider(target, observed))

    first, rest = sample.take(slice(0, ladder_seeds)), sample.take(slice(ladder_seeds, None))
    about = evaluator, target, direction
    rows = measure(*about, first, LADDER, steady=SLIDER, maps=SLIDER, watch=watch)
    rows += measure(*about, rest, ENDS)
    sliders += [{}] * len(rest.seeds)
    return [
        rounded({"seed": seed, **row, "slider": slider or None}, DIGITS)
        for seed, row, slider in zip(sample.seeds, rows, sliders, strict=True)
    ]


def _slider(target: Target, observed: Mapping[float, Observation]) -> list[Row]:
    """How the slider feels, of each image; empty where nothing can be told."""
    steps = [observed[strength] for strength in SLIDER]
    before = observed[0.0].codes
    projection = None
    if target.text is not None:
        moves = [metrics.projection(target.text, before, step.codes) for step in steps]
        projection = torch.stack(moves, dim=1)
    measured = slider_columns(projection, [step.maps for step in steps], SLIDER)
    if is_measured(target.claims, observed[0.0].verdict):
        measured.pop("linearity", None)  # the row's scores have that of the attribute
    columns = {name: column(values) for name, values in measured.items()}
    return [{name: values[i] for name, values in columns.items()} for i in range(len(before))]


@torch.no_grad()
def quick_look(
    evaluator: Evaluator, target: Target, direction: Direction, sample: Sample, strength: float
) -> dict[int, tuple[float, bool | None]]:
    """Seed → its text projection at a strength and, where the judge can tell, whether it shows the
    attribute there; nothing else is asked."""
    quick = replace(evaluator, draws=None)
    looks: dict[int, tuple[float, bool | None]] = {}
    for start in range(0, len(sample.latents), BATCH):
        part = sample.take(slice(start, start + BATCH))
        synthesis = edited(evaluator, direction, part.latents, strength, part.space)
        after = observe(quick, synthesis, maps=False)
        columns = quick_columns(quick, target, part.before, after)
        shows = columns.get("shows", [None] * len(part.seeds))
        looks |= dict(zip(part.seeds, zip(columns["projection"], shows, strict=True), strict=True))
    return looks


def try_strength(
    evaluator: Evaluator, target: Target, direction: Direction, sample: Sample, strength: float
) -> list[Row]:
    """A row for each seed with its scores at one strength, success included."""
    rows = measure(evaluator, target, direction, sample, (0.0, strength), at=strength)
    return [
        rounded({"seed": seed, "has": row["has"], "scores": row["scores"]}, DIGITS)
        for seed, row in zip(sample.seeds, rows, strict=True)
    ]
