"""Fig. 9 and §4: what fails, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eclipsed.bench.pages import Block, Cell, Heading, Table, Text
from eclipsed.errors import EclipsedError
from eclipsed.search import preflight
from eclipsed.search.loop import default_config
from reproduction.comparing import Pair, level, sentences, threshold
from reproduction.engine import carry_variants
from reproduction.showing import (
    USUAL,
    explained,
    numbers,
    pairs_table,
    refused,
    strip,
)
from reproduction.study import Job, Study
from reproduction.variants import PAPER, Variant, judged_goal, trained_goal

GLASSES = "a person with glasses"
BY_SPACY = Variant(label="glasses, spaCy's region", prompt=GLASSES, chooser="spacy")
RIGHT = Variant(label="glasses, right region", prompt=GLASSES)
DEFAULT = Variant(label="glasses, default", prompt=GLASSES, config=default_config())
_FREE = replace(PAPER, local_weight=0.0)
OUTLANDISH = tuple(
    Variant(label=name, prompt=f"a picture of {a} {name}", config=_FREE, strengths=(1.0, 2.0))
    for a, name in (("an", "alien"), ("a", "truck"))
)
VARIANTS = (BY_SPACY, RIGHT, DEFAULT, *OUTLANDISH)
PAIRS = (
    Pair("Glasses do better in the right region", RIGHT.label, BY_SPACY.label, 1, "success"),
    Pair("Less else changes in the right region", RIGHT.label, BY_SPACY.label, 1, "preservation"),
    Pair(
        "Default against paper-scaled in the right region", DEFAULT.label, RIGHT.label, 1, "success"
    ),
    Pair("The same, preservation", DEFAULT.label, RIGHT.label, 1, "preservation", ours=True),
)


def _carry(job: Job) -> None:
    for variant in (RIGHT, *OUTLANDISH):
        if not any(job.records.of("check", prompt=variant.prompt)):
            found = preflight.check(job.world, judged_goal(job.world, variant))
            facts = {"verdict": found.verdict, "rank": found.rank, "contrast": found.contrast}
            job.records.add(kind="check", prompt=variant.prompt, reason=found.reason, **facts)
    carry_variants(job, VARIANTS)


def _blocks(job: Job) -> Iterator[Block]:
    yield Text(
        "Glasses by the paper's training in the region that spaCy's similarity chooses, as the "
        "paper has it, and in the one that our chooser finds; alien and truck without a region. "
        "Which region the paper trained for glasses it does not say."
    )
    rows = [(Cell(variant.label), Cell(_regions(job, variant))) for variant in VARIANTS]
    yield Table(("variant", "trained in"), tuple(rows))
    yield Heading("What pre-flight says, before anything is trained", 3)
    checks = [
        (Cell(row["prompt"]), Cell(row["verdict"]), Cell(f"{row['rank']:.2f}"), Cell(row["reason"]))
        for row in job.records.of("check")
    ]
    yield Table(("prompt", "verdict", "rank", "why"), tuple(checks))
    yield Heading("What training makes of it", 3)
    yield pairs_table(job, PAIRS)
    yield explained()
    yield numbers(job, VARIANTS, USUAL)
    shows = "the first training of each, two images before, at strength 1 and at 2"
    yield from strip(job, VARIANTS, (0.0, 1.0, 2.0), name="strip", shows=shows)
    yield from refused(job)


def _regions(job: Job, variant: Variant) -> str:
    try:
        return ", ".join(trained_goal(job.world, variant).regions) or "the whole image"
    except EclipsedError as error:
        return error.message


def _verdicts(job: Job) -> list[str]:
    records, count = job.records, job.trainings
    hard = level(records, RIGHT.label, "success")
    stays = level(records, RIGHT.label, "preservation")
    said = [
        threshold("Even in the right region glasses come (success above half)", hard, count),
        threshold("And leave other attributes as they are (19 of 20 stay)", stays, count, 0.95),
        *sentences(records, PAIRS),
    ]
    for variant in OUTLANDISH:
        check = next(records.of("check", prompt=variant.prompt))
        far = level(records, variant.label, "strange", 2.0)
        called = f"{variant.label}, which pre-flight calls {check['verdict']}"
        what = f"{called}: at strength 2 most images are strange"
        said.append(threshold(what, far, count))
    return said


STUDY = Study(
    title="Fig. 9: failures",
    says=(
        "“A person with glasses”: “eCLIPsed had difficulty generating images for people with "
        "glasses without modifying other attributes”, in part because the language model "
        "“sometimes selects the wrong segmentation part. However, even by manually specifying "
        "which semantic element to mask, we did not obtain good results.”",
        "“A picture of an alien” and “a picture of a truck” with localization turned off: "
        "directions “which do not seem to correspond to any particular edit”; alien “made people "
        "paler, but quickly started generating images which did not look human or alien”.",
    ),
    trainings=5,
    seeds=50,
    carry=_carry,
    blocks=_blocks,
    verdicts=_verdicts,
)
