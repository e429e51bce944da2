"""One direction on a bench's seeds: a row for each, by evaluation's measures, and its slider."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from eclipsed.bench.protocol import ENDS, LADDER, SLIDER
from eclipsed.bench.records import rounded
from eclipsed.bench.slider import slider_columns
from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation import metrics
from eclipsed.evaluation.claims import in_sight, shown
from eclipsed.evaluation.evaluate import Row, column, measure
from eclipsed.evaluation.observe import Evaluator, Observation, Sample, Target, edited

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
        _short({"seed": seed, **row, "slider": slider or None})
        for seed, row, slider in zip(sample.seeds, rows, sliders, strict=True)
    ]


def _slider(target: Target, observed: Mapping[float, Observation]) -> list[Row]:
    """How the slider feels, of each image; empty where nothing can be told."""
    reach = None
    if target.text is not None:
        codes = [observed[strength].codes for strength in SLIDER]
        reach = torch.stack(
            [metrics.projection(target.text, observed[0.0].codes, code) for code in codes], dim=1
        )
    found = slider_columns(reach, [observed[strength].maps for strength in SLIDER], SLIDER)
    columns = {name: column(values) for name, values in found.items()}
    return [
        {name: values[i] for name, values in columns.items()}
        for i in range(len(observed[0.0].codes))
    ]


@torch.no_grad()
def reaches(
    evaluator: Evaluator, target: Target, direction: Direction, sample: Sample, strength: float
) -> list[float]:
    """How far each image moves along the text at a strength; nothing else is looked at."""
    assert target.text is not None
    parts = []
    for latents in sample.latents.split(BATCH):
        image = edited(evaluator, direction, latents, strength, sample.space).image
        parts.append(evaluator.judge.encoder.encode_image(image.clamp(-1.0, 1.0)))
    moved: list[float] = metrics.projection(
        target.text, sample.before.codes, torch.cat(parts)
    ).tolist()
    return moved


@torch.no_grad()
def successes(
    evaluator: Evaluator, target: Target, direction: Direction, sample: Sample, strength: float
) -> list[bool]:
    """Which of the images without the attribute show it at a strength; nothing else is asked."""
    assert target.claims
    judge, before = evaluator.judge, sample.before.verdict
    without = in_sight(target.claims, before) & ~shown(judge, target.claims, before)
    answers: list[bool] = []
    for latents in sample.latents[without].split(BATCH):
        image = edited(evaluator, direction, latents, strength, sample.space).image
        answers += shown(judge, target.claims, judge.attributes(image)).tolist()
    return answers


def try_strength(
    evaluator: Evaluator, target: Target, direction: Direction, sample: Sample, strength: float
) -> list[Row]:
    """A row for each seed with its scores at one strength, success included."""
    rows = measure(evaluator, target, direction, sample, (0.0, strength), at=strength)
    return [
        _short({"seed": seed, "has": row["has"], "scores": row["scores"]})
        for seed, row in zip(sample.seeds, rows, strict=True)
    ]


def _short(row: Row) -> Row:
    """The row with four digits of everything but the reach, which strengths are matched by."""
    reach = row.get("curves", {}).get("reach")
    short: Row = rounded(row, DIGITS)
    if reach is not None:
        short["curves"]["reach"] = reach
    return short
