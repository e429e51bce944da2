"""What every study is: the paper's claim, work that leaves rows, and a report made of these rows.

Nothing here knows what any study measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from eclipsed.bench.pages import Block, Heading, Text, write_pages
from eclipsed.bench.records import ROWS, Records, open_records
from eclipsed.errors import BadSetting
from eclipsed.evaluation.evaluate import judged_by
from eclipsed.files import shown
from eclipsed.search.loop import make_folder
from eclipsed.types import World

REPORT = "report"
CARDS = "cards"
# Images to judge on, that nothing else looks at.
FIRST_SEED = 6_000_000
MOST_SEEDS = 2_000


@dataclass(frozen=True, eq=False)
class Job:
    """A study under way: its rows, the cards that all studies of a folder share, how many trainings
    and images it is asked for, and whom to tell."""

    world: World
    records: Records
    cards: Path
    trainings: int
    seeds: int
    note: Callable[[str], None]

    @property
    def held_out(self) -> tuple[int, ...]:
        """The seeds of the images to judge on."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self.seeds))


@dataclass(frozen=True)
class Study:
    """says: what the paper says, a paragraph each. trainings: how many a variant, 0 where nothing
    is trained. carry: does the work that no row is there of yet. blocks: what was measured.
    verdicts: sentences on what survives. facts: what rows must have been made with."""

    title: str
    says: tuple[str, ...]
    trainings: int
    seeds: int
    carry: Callable[[Job], None]
    blocks: Callable[[Job], Iterator[Block]]
    verdicts: Callable[[Job], list[str]]
    facts: Callable[[World], Mapping[str, Any]] = lambda _: {}


@dataclass(frozen=True)
class Done:
    """Where a study's report lies, and what it concludes."""

    report: Path
    verdicts: tuple[str, ...]


def run_study(
    world: World,
    name: str,
    study: Study,
    folder: Path,
    *,
    trainings: int | None = None,
    seeds: int | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Done:
    """Do all of a study that `folder`/`name` does not hold yet, and write its report there.

    trainings, seeds: how many, instead of the study's own numbers; more can be added later.

    Raises BadSetting where the folder holds what was made otherwise, BadFile where it cannot be
    written.
    """
    facts = {
        "study": name,
        "world": world.name,
        "generator": world.generator.fingerprint,
        "judged_by": judged_by(world),
        "device": world.generator.device.type,
        "torch": torch.__version__,
        **study.facts(world),
    }
    job = Job(
        world=world,
        records=_records(folder / name, facts),
        cards=folder / CARDS,
        trainings=(trainings or study.trainings) if study.trainings else 0,
        seeds=seeds or study.seeds,
        note=note,
    )
    make_folder(job.cards)
    study.carry(job)
    job = _asked(job)
    sentences = study.verdicts(job)
    write_pages(list(_blocks(study, job, sentences)), folder / name, REPORT)
    return Done(folder / name / f"{REPORT}.md", tuple(sentences))


def _records(folder: Path, facts: Mapping[str, Any]) -> Records:
    try:
        return open_records(folder, facts)
    except BadSetting as error:
        raise BadSetting(
            f"{shown(folder / ROWS)} was made with another world, device, version or study.",
            error.hint,
        ) from error


def _asked(job: Job) -> Job:
    """The job with those rows alone that are of the trainings and images which are asked for."""
    beyond = range(FIRST_SEED + job.seeds, FIRST_SEED + MOST_SEEDS)
    trainings = max(1, job.trainings)
    rows = [
        row
        for row in job.records.rows
        if row.get("seed") not in beyond and row.get("training", 0) < trainings
    ]
    return replace(job, records=Records(job.records.path, rows))


def _blocks(study: Study, job: Job, sentences: list[str]) -> Iterator[Block]:
    yield Heading(study.title, 1)
    yield Heading("What the paper says", 2)
    yield from map(Text, study.says)
    yield Heading("What was measured here", 2)
    yield Text(_about(study, job))
    yield from study.blocks(job)
    yield Heading("What survives", 2)
    yield from map(Text, sentences)


def _about(study: Study, job: Job) -> str:
    facts = job.records.rows[0]
    trained = f"{counted(job.trainings, 'training')} of each variant, " if study.trainings else ""
    return (
        f"On the world {facts['world']}: {trained}{counted(job.seeds, 'image')} of seeds that no "
        f"training saw, judged by {facts['judged_by']}; {facts['device']}, torch {facts['torch']}."
    )


def counted(number: int, name: str) -> str:
    """3, "training" → "3 trainings"."""
    return f"{number} {name}" + "s" * (number != 1)
