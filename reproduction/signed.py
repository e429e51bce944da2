"""Figs. 7 and 8: a direction in both senses, by the paper's training and by the default."""

from __future__ import annotations

from collections.abc import Sequence

from eclipsed.bench.summary import Measure
from eclipsed.search.loop import default_config
from reproduction.comparing import Pair, level, threshold
from reproduction.showing import (
    GAIN,
    IDENTITY,
    LOCALITY,
    PRESERVATION,
    REVERSAL,
    STRANGE,
    SUCCESS,
    Line,
)
from reproduction.study import Job, Study
from reproduction.sweeps import Shown, sweep
from reproduction.variants import Variant

STRENGTHS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
TRAININGS = 5
_RISEN = Measure("risen", "rise of the probability", "neither")
_LISTED = (SUCCESS, REVERSAL, _RISEN, LOCALITY, PRESERVATION, IDENTITY, GAIN, STRANGE)


def signed(title: str, says: tuple[str, ...], prompt: str) -> Study:
    """The study of one prompt."""
    variants = (
        Variant(label="paper-scaled", prompt=prompt, strengths=STRENGTHS),
        Variant(label="default", prompt=prompt, strengths=STRENGTHS, config=default_config()),
    )

    return sweep(
        title,
        says,
        (
            "Opposite: of the images that have the attribute, how many lose it. The rise of its "
            "probability counts all images, and falls below 0 where the opposite is reached. "
            "Default is this package's own preset, for comparison.",
        ),
        variants,
        (
            Pair(
                "Default against paper-scaled, at 1",
                "default",
                "paper-scaled",
                1,
                "success",
                ours=True,
            ),
            Pair("The same, locality", "default", "paper-scaled", 1, "locality", ours=True),
            Pair("The same, preservation", "default", "paper-scaled", 1, "preservation", ours=True),
        ),
        Shown(
            lines=tuple(
                Line(each.label, tuple((s, each.label, s) for s in STRENGTHS)) for each in variants
            ),
            x_title="strength",
            charted=(_RISEN, LOCALITY, PRESERVATION),
            listed=_LISTED,
            strengths=(-2.0, -1.0, 0.0, 1.0, 2.0),
            images=2,
        ),
        trainings=TRAININGS,
        more=lambda job: _claims(job, variants),
    )


def _claims(job: Job, variants: Sequence[Variant]) -> list[str]:
    """What the paper says of such a direction, of each variant's."""
    said = []
    for variant in variants:
        for what, measure, strength in (
            ("at 1 more than half of the images without it show it", "success", 1.0),
            ("at −1 more than half of the images that have it lose it", "reversal", -1.0),
        ):
            found = level(job.records, variant.label, measure, strength)
            count = len(_trainings(job, variant.label))
            said.append(threshold(f"{variant.label}: {what}", found, count))
        found = level(job.records, variant.label, "preservation", 1.0)
        what = f"{variant.label}: nothing else changes (19 of 20 other attributes stay)"
        said.append(threshold(what, found, len(_trainings(job, variant.label)), 0.95))
    return said


def _trainings(job: Job, label: str) -> set[int]:
    return {row["training"] for row in job.records.of("judged", variant=label)}
