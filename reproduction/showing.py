"""The parts that reports are put together of: tables of variants and pairs, curves, strips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from eclipsed.bench import charts
from eclipsed.bench.charts import Series
from eclipsed.bench.pages import Block, Cell, Charts, Heading, Picture, Table, Text
from eclipsed.bench.summary import Measure
from eclipsed.directions import Direction
from eclipsed.editing.images import strength_label, strip_picture
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.errors import EclipsedError
from reproduction.comparing import Pair, difference, level, verdict_of, worded
from reproduction.study import Job
from reproduction.variants import Variant, as_edited, order_of, own_seed

NOTHING = "–"
SIMILARITY = Measure("similarity", "similarity", "higher", 3)
SUCCESS = Measure("success", "success", "higher")
REVERSAL = Measure("reversal", "reversal", "higher")
LOCALITY = Measure("locality", "locality", "higher")
LEAKAGE = Measure("leakage", "leakage", "lower", 3)
PRESERVATION = Measure("preservation", "preservation", "higher")
IDENTITY = Measure("identity", "identity", "higher", 3)
GAIN = Measure("text_gain", "text gain", "higher")
STRANGE = Measure("strange", "strange", "lower")
CHANGED = Measure("changed", "changed", "neither", 3)
ARTIFACT = Measure("artifact", "artifact", "lower", 3)
USUAL = (SIMILARITY, GAIN, SUCCESS, LOCALITY, LEAKAGE, PRESERVATION, IDENTITY, STRANGE)
COLUMNS = (
    "Similarity is the paper's number, the cosine of prompt and image, in an encoder that no "
    "training used. Flip: of images without the attribute, how many show it. Share: of the change, "
    "how much lies in the right region; outside: mean change of a pixel beyond it. Kept: of the "
    "other visible attributes, how many stay. Identity: how alike the rest is. Strange: images "
    "that do not look like the generator's own. Means with 95% bootstrap intervals over trainings."
)


def numbers(job: Job, variants: Sequence[Variant], measures: Sequence[Measure]) -> Table:
    """A row for each variant and strength, with its unit; means over trainings."""
    many = any(len(variant.strengths) > 1 for variant in variants)
    rows = []
    for variant in variants:
        for strength in variant.strengths:
            cells = [Cell(variant.label)]
            cells += [Cell(strength_label(strength))] if many else []
            cells.append(Cell(_units(job, variant)))
            rows.append((*cells, *(_cell(job, variant, m, strength) for m in measures)))
    headings = ["variant", *(["strength"] if many else []), "strength 1 is α"]
    return Table((*headings, *(measure.title for measure in measures)), tuple(rows))


def _units(job: Job, variant: Variant) -> str:
    found = [row["unit"] for row in job.records.of("direction", variant=variant.label)]
    return f"{1.0 if variant.fixed else median(found):.2g}" if found else NOTHING


def _cell(job: Job, variant: Variant, measure: Measure, strength: float) -> Cell:
    found = level(job.records, variant.label, measure.key, strength)
    if found is None:
        return Cell(NOTHING)
    middle, low, high = (f"{found[k]:.{measure.digits}f}" for k in ("median", "low", "high"))
    return Cell(middle, f"[{low}, {high}]")


def pairs_table(job: Job, pairs: Sequence[Pair]) -> Table:
    """A row for each comparison; bold where the difference is told from 0."""
    rows = []
    for pair in pairs:
        found = difference(job.records, pair)
        levels = [
            level(job.records, label, pair.measure, pair.strength)
            for label in (pair.first, pair.second)
        ]
        here = [NOTHING if one is None else f"{one['median']:.{pair.digits}f}" for one in levels]
        paper = [f"{x:.3f}" for x in pair.paper] if pair.paper else [NOTHING, NOTHING]
        told, agree = Cell(NOTHING), NOTHING
        verdict = verdict_of(found, pair.sign)
        if found is not None:
            mean, low, high = (f"{x:+.{pair.digits}f}" for x in (found.mean, found.low, found.high))
            told = Cell(mean, f"[{low}, {high}]", verdict != "cannot be told")
            agree = f"{found.agree:.0%}"
        rows.append(
            (
                Cell(pair.what),
                *map(Cell, paper),
                *map(Cell, here),
                told,
                Cell(agree),
                Cell(worded(pair, verdict)),
            )
        )
    headings = (
        "comparison",
        "paper, first",
        "paper, second",
        "here, first",
        "here, second",
        "difference",
        "one pair agrees",
        "verdict",
    )
    return Table(headings, tuple(rows))


def differences_chart(job: Job, pairs: Sequence[Pair], name: str) -> Charts:
    """A row for each pair of variants, with a mark for each pair of trainings."""
    found = [(pair.what, difference(job.records, pair)) for pair in pairs]
    rows = [
        charts.Row(what, one.trainings, one.mean, one.low, one.high)
        for what, one in found
        if one is not None
    ]
    title = "difference of each pair of trainings, their mean and its interval"
    return Charts(((f"{name}.svg", charts.rows(rows, title, "first minus second")),))


@dataclass(frozen=True)
class Line:
    """A curve of a chart: its name, and (x, label, strength) of its points."""

    name: str
    points: tuple[tuple[float, str, float], ...]


def curves(
    job: Job, lines: Sequence[Line], measures: Sequence[Measure], x_title: str, name: str
) -> Charts:
    """A chart for each measure that can be told, with a legend where there are several lines."""
    made = []
    if len(lines) > 1:
        made.append((f"{name}-legend.svg", charts.legend([line.name for line in lines])))
    for measure in measures:
        series = []
        for style, line in enumerate(lines):
            points = []
            for x, label, strength in line.points:
                found = level(job.records, label, measure.key, strength)
                if found is not None:
                    points.append((x, found["median"]))
            series.append(Series(line.name, tuple(points), style))
        if any(one.points for one in series):
            svg = charts.lines(series, measure.title, x_title)
            made.append((f"{name}-{measure.key}.svg", svg))
    return Charts(tuple(made))


def strip(
    job: Job,
    variants: Sequence[Variant],
    strengths: Sequence[float],
    *,
    name: str,
    shows: str,
    images: int = 2,
    training: int = 0,
) -> Iterator[Block]:
    """A picture with a row for each variant; columns are images, each at some strengths.

    Nothing where no variant has a card.
    """
    rows, labels = [], []
    for variant in variants:
        direction = _direction(job, variant, training)
        if direction is not None:
            seeds = [own_seed(training)] if variant.own else job.held_out[:images]
            rows.append(_cells(job, direction, seeds, strengths))
            labels.append(variant.label)
    if rows:
        columns = [
            strength_label(s) for _ in range(len(rows[0]) // len(strengths)) for s in strengths
        ]
        picture = strip_picture(torch.stack(rows), labels, columns)
        yield Picture(f"{name}.jpg", shows, picture)


def _direction(job: Job, variant: Variant, training: int) -> Direction | None:
    try:
        card = order_of(job.world, variant, training, job.cards).card
        if not card.exists():
            return None
        return as_edited(job.world.generator, Direction.load(card), variant)
    except EclipsedError:
        return None  # it is in the list of what was refused


def _cells(
    job: Job, direction: Direction, seeds: Sequence[int], strengths: Sequence[float]
) -> Tensor:
    """[seeds·strengths, 3, H, W]"""
    world = job.world
    cells = []
    for seed in seeds:
        latents = world.generator.sample([seed], space="z")
        for strength in strengths:
            stack = EditStack((Edit(direction, strength),))
            made = render(world.generator, latents, stack, space="z", truncation=world.truncation)
            cells.append(made[0])
    return torch.stack(cells)


def refused(job: Job) -> Iterator[Block]:
    """What variants could not do, if anything."""
    rows = [(Cell(row["variant"]), Cell(row["error"])) for row in job.records.of("failure")]
    if rows:
        yield Heading("What was refused", 3)
        yield Table(("variant", "reason"), tuple(rows))


def explained() -> Text:
    """What the columns of `numbers` are."""
    return Text(COLUMNS)
