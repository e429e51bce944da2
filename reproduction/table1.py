"""Table 1: one parameter changed at a time, by the similarity of prompt and image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eclipsed.bench.pages import Block, Heading, Text
from reproduction.comparing import Pair, level, sentences
from reproduction.engine import carry_variants
from reproduction.showing import (
    LEAKAGE,
    LOCALITY,
    SIMILARITY,
    STRANGE,
    SUCCESS,
    USUAL,
    differences_chart,
    explained,
    numbers,
    pairs_table,
    refused,
    strip,
)
from reproduction.study import Job, Study
from reproduction.variants import PAPER, Variant

PROMPT = "a photo of a person with curly hair"
# The chunk that says what is asked for is said so many times.
EXPANDED = 3
# How the paper edits for this table: rows of W+, and a strength that it chose by eye, 6 or 7.
LAYERS, ALPHA = (3, 4), 6.0

FINAL = Variant(label="final", prompt=PROMPT)
EXTENDED = replace(FINAL, label="extended prompt", expand=EXPANDED)
SINGLE = replace(FINAL, label="single image", images=1)
FLAT = replace(FINAL, label="W", config=replace(PAPER, space="w"))


def localized(weight: float) -> Variant:
    """The final training with another weight of localization."""
    return replace(
        FINAL, label=f"localization {weight:g}", config=replace(PAPER, local_weight=weight)
    )


WHOLE = (
    FINAL,
    EXTENDED,
    SINGLE,
    FLAT,
    localized(0.0),
    localized(0.2),
    replace(FINAL, label="final, on the single image", own=True),
    replace(SINGLE, label="single image, on itself", own=True),
)
# What the paper prints: comparison, labels of its final and its other choice, and their scores.
_ROWS = (
    ("The prompt as it is, against extended", 0, 1, 0.192, 0.177),
    ("Random images, against the single image that is judged", 6, 7, 0.188, 0.205),
    ("Random images, against a single other image", 0, 2, 0.207, 0.193),
    ("W+ against W", 0, 3, 0.213, 0.201),
    ("Localization 0.05 against 0", 0, 4, 0.201, 0.204),
    ("Localization 0.05 against 0.2", 0, 5, 0.201, 0.174),
)


@dataclass(frozen=True)
class Way:
    """A way to edit with the same directions: its title, what it is, and its variants."""

    title: str
    about: str
    variants: tuple[Variant, ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The table's rows, edited in this way."""
        return tuple(
            Pair(
                what,
                self.variants[first].label,
                self.variants[second].label,
                1 if one > two else -1,
                paper=(one, two),
                strength=self.variants[first].strengths[0],
            )
            for what, first, second, one, two in _ROWS
        )


WAYS = (
    Way(
        "The whole direction at its calibrated strength",
        "Each direction moves all layers at its own strength 1, where its prompt is reached, so "
        "that nobody has to choose an α. It says nothing of what else has become of the image.",
        WHOLE,
    ),
    Way(
        "As far as images stay usual",
        "The same, but no further than to where images of the direction no longer look like the "
        "generator's own, which every card knows of itself.",
        tuple(replace(each, label=f"{each.label}, in range", within=True) for each in WHOLE),
    ),
    Way(
        "As the paper edits",
        f"Rows {LAYERS[0]} and {LAYERS[1]} only, at α {ALPHA:g} for everybody. A training that "
        "takes a longer way looks better here, and one that takes a shorter way worse.",
        tuple(
            replace(
                each,
                label=f"{each.label}, as the paper edits",
                layers=LAYERS,
                fixed=True,
                strengths=(ALPHA,),
            )
            for each in WHOLE
        ),
    ),
)
VARIANTS = tuple(variant for way in WAYS for variant in way.variants)


def _blocks(job: Job) -> Iterator[Block]:
    yield Text(
        "The paper's training, with its rate multiplied by the spread of the space (preset "
        "paper-scaled): 200 steps at the rate as published move no number of a direction by more "
        "than 0.1, which is little in this generator's spaces. Every variant is trained from the "
        "same starts and, unless that is what varies, on the same images. What is judged is the "
        "prompt as it is, however it was extended for training. What is trained on a single image "
        "and judged on it has one image a training."
    )
    for number, way in enumerate(WAYS):
        yield Heading(way.title, 3)
        yield Text(way.about)
        yield pairs_table(job, way.pairs)
        if not number:
            yield differences_chart(job, way.pairs, "differences")
    yield Heading("All numbers", 3)
    yield explained()
    yield numbers(job, WHOLE, USUAL)
    others = tuple(variant for way in WAYS[1:] for variant in way.variants)
    yield numbers(job, others, (SIMILARITY, SUCCESS, LOCALITY, LEAKAGE, STRANGE))
    shows = "two images before and at strength 1"
    yield from strip(job, WHOLE[:6], (0.0, 1.0), name="variants", shows=shows)
    yield from refused(job)


def _verdicts(job: Job) -> list[str]:
    said = []
    for way in WAYS:
        said.append(f"{way.title}{_quality(job, way)}:")
        said += sentences(job.records, way.pairs)
    return said


def _quality(job: Job, way: Way) -> str:
    """How good the images are that the scores are of, in brackets."""
    final = way.variants[0]
    success, strange = (
        level(job.records, final.label, measure, final.strengths[0])
        for measure in ("success", "strange")
    )
    shown = (
        "" if success is None else f"{success['median']:.0%} of the final choice's images show it"
    )
    odd = "" if strange is None else f"{strange['median']:.0%} do not look like the generator's own"
    parts = ", ".join(part for part in (shown, odd) if part)
    return f" ({parts})" if parts else ""


STUDY = Study(
    title="Table 1: one parameter at a time",
    says=(
        f"“{PROMPT}”: one model for each choice, one random seed, layers 3 and 4, α 6 or 7 by "
        "the looks of the image. Similarity by CLIP, final choice against alternative: prompt as "
        "it is 0.192, extended 0.177; trained on random seeds 0.188, on the very seed that is "
        "judged 0.205; on another seed 0.207 against 0.193; W+ 0.213, W 0.201; localization 0.05 "
        "0.201, without 0.204; 0.05 0.201, 0.2 0.174.",
        "The paper itself calls CLIP's score “an unreliable metric to report results by”: "
        "each number is one picture of one training.",
    ),
    trainings=20,
    seeds=50,
    carry=lambda job: carry_variants(job, VARIANTS),
    blocks=_blocks,
    verdicts=_verdicts,
)
