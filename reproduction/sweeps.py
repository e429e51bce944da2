"""A study of variants of which one thing varies: what most of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eclipsed.bench.pages import Block, Heading, Text
from eclipsed.bench.summary import Measure
from reproduction.comparing import Pair, sentences
from reproduction.engine import PLAIN, Looks, carry_variants
from reproduction.showing import (
    USUAL,
    Line,
    curves,
    explained,
    numbers,
    pairs_table,
    refused,
    strip,
)
from reproduction.study import Job, Study
from reproduction.variants import Variant

TRAININGS, SEEDS = 5, 50


@dataclass(frozen=True)
class Shown:
    """What a sweep's report shows. lines, x_title: of its charts. charted, listed: measures of
    charts and of the table. strengths, images: of the picture's columns. pictured: its rows, None
    for all variants."""

    lines: tuple[Line, ...] = ()
    x_title: str = ""
    charted: tuple[Measure, ...] = ()
    listed: tuple[Measure, ...] = USUAL
    strengths: tuple[float, ...] = (0.0, 1.0)
    images: int = 2
    pictured: tuple[Variant, ...] | None = None


def sweep(
    title: str,
    says: tuple[str, ...],
    notes: tuple[str, ...],
    variants: Sequence[Variant],
    pairs: tuple[Pair, ...],
    shown: Shown,
    *,
    looks: Looks = PLAIN,
    trainings: int = TRAININGS,
    more: Callable[[Job], list[str]] = lambda _: [],
    also: Callable[[Job], Iterator[Block]] = lambda _: iter(()),
) -> Study:
    """A study of these variants. notes: paragraphs on what was done. more: further sentences on
    what survives. also: further blocks."""

    def blocks(job: Job) -> Iterator[Block]:
        yield from map(Text, notes)
        if pairs:
            yield pairs_table(job, pairs)
        if shown.lines:
            yield curves(job, shown.lines, shown.charted, shown.x_title, "curve")
        yield Heading("All numbers", 3)
        yield explained()
        yield numbers(job, variants, shown.listed)
        yield from also(job)
        yield from strip(
            job,
            variants if shown.pictured is None else shown.pictured,
            shown.strengths,
            name="strip",
            shows="the first training of each, on images that it has not seen, by strength",
            images=shown.images,
        )
        yield from refused(job)

    return Study(
        title=title,
        says=says,
        trainings=trainings,
        seeds=SEEDS,
        carry=lambda job: carry_variants(job, variants, looks),
        blocks=blocks,
        verdicts=lambda job: [*sentences(job.records, pairs), *more(job)],
    )
