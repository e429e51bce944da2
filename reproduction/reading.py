"""What an encoder tells apart: sampled images against texts, with the judge's truth beside them.

One row an image: the cosines of every text by the world's encoder and by the judge's, and whether
each text is true of it, None where the judge cannot tell.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from eclipsed.bench.pages import Block, Text
from eclipsed.editing.images import grid
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation import metrics
from eclipsed.evaluation.observe import evaluator_of
from eclipsed.types import Claim, Judge, Verdict
from reproduction.study import Job

Row = Mapping[str, Any]
Reader = Literal["world", "judge"]
# CLIP's own scale from cosines to probabilities, which Fig. 3 and 4 show.
SCALE = 100.0
# A probability that the paper is surprised at: 78% for glasses that are not there.
SURE = 0.78


@dataclass(frozen=True)
class Said:
    """A text that is read, and the plain one that says when it is true, where that is another."""

    text: str
    means: str = ""

    @property
    def truth(self) -> str:
        return self.means or self.text


@dataclass(frozen=True)
class Question:
    """Texts of which an image should choose the one that is true of it."""

    name: str
    texts: tuple[Said, ...]


def asking(name: str, *texts: str) -> Question:
    """A question of plain texts."""
    return Question(name, tuple(Said(text) for text in texts))


def all_texts(questions: Sequence[Question]) -> list[Said]:
    """Every text of the questions once, in order."""
    return list(dict.fromkeys(text for question in questions for text in question.texts))


def facts_of(texts: Sequence[Said]) -> dict[str, Any]:
    """What rows of these texts must have been made with."""
    return {"texts": [[text.text, text.truth] for text in texts]}


@torch.no_grad()
def read(job: Job, texts: Sequence[Said]) -> None:
    """A row for each image that has none."""
    world = job.world
    evaluator = evaluator_of(world)
    done = {row["seed"] for row in job.records.of("read")}
    left = [seed for seed in job.held_out if seed not in done]
    encoders = {"world": world.encoder, "judge": evaluator.judge.encoder}
    claims = [evaluator.judge.claim(text.truth) for text in texts] if left else []
    codes = {key: one.encode_text([text.text for text in texts]) for key, one in encoders.items()}
    for start in range(0, len(left), BATCH):
        seeds = left[start : start + BATCH]
        latents = world.generator.sample(seeds, space="z")
        made = world.generator.synthesize(latents, "z", truncation=world.truncation)
        images = made.image.clamp(-1.0, 1.0)
        cosines = {
            key: (one.encode_image(images) @ codes[key].t()).tolist()
            for key, one in encoders.items()
        }
        verdict = evaluator.judge.attributes(made.image)
        truths = _truths(evaluator.judge, verdict, claims, len(seeds))
        for i, seed in enumerate(seeds):
            row = {key: cosines[key][i] for key in encoders}
            job.records.add(kind="read", seed=seed, truths=truths[i], **row)


def _truths(
    judge: Judge, verdict: Verdict, claims: Sequence[Claim | None], count: int
) -> list[list[bool | None]]:
    """For each image and text's claim, whether it is true."""
    columns: list[list[bool | None]] = []
    for claim in claims:
        if claim is None:
            columns.append([None] * count)
            continue
        claimed = torch.tensor([value in claim.values for value in judge.groups[claim.group]])
        shown = metrics.shows(verdict.probabilities[claim.group], claimed).tolist()
        seen = verdict.visible[claim.group].tolist()
        columns.append([one if there else None for one, there in zip(shown, seen, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, eq=False)
class Reading:
    """The rows of a job's images, and where each text stands in them."""

    rows: tuple[Row, ...]
    places: Mapping[Said, int]

    def answers(self, question: Question, reader: Reader = "world") -> list[Answer]:
        """Of the images of which exactly one text is true and all others are known to be false."""
        places = [self.places[text] for text in question.texts]
        found = []
        for row in self.rows:
            truths = [row["truths"][place] for place in places]
            if None not in truths and sum(truths) == 1:
                cosines = tuple(row[reader][place] for place in places)
                found.append(Answer(row["seed"], truths.index(True), cosines))
        return found

    def scores(self, text: Said, reader: Reader = "world") -> tuple[list[bool], list[float]]:
        """Of the images of which it is known: whether the text is true, and its cosine."""
        place = self.places[text]
        known = [row for row in self.rows if row["truths"][place] is not None]
        return [row["truths"][place] for row in known], [row[reader][place] for row in known]


@dataclass(frozen=True)
class Answer:
    """An image's seed, the number of the text that is true of it, and all texts' cosines."""

    seed: int
    truth: int
    cosines: tuple[float, ...]

    @property
    def said(self) -> int:
        """The text that is nearest."""
        return max(range(len(self.cosines)), key=self.cosines.__getitem__)

    @property
    def right(self) -> bool:
        return self.said == self.truth

    @property
    def probabilities(self) -> tuple[float, ...]:
        """As Fig. 3 and 4 have them."""
        return probabilities(self.cosines)


def probabilities(cosines: Sequence[float]) -> tuple[float, ...]:
    """Softmax of CLIP's scale times the cosines."""
    top = max(cosines)
    weights = [math.exp(SCALE * (cosine - top)) for cosine in cosines]
    return tuple(weight / sum(weights) for weight in weights)


def reading_of(job: Job, texts: Sequence[Said]) -> Reading:
    """What the job's rows say of the texts that they were made with."""
    return Reading(tuple(job.records.of("read")), {text: place for place, text in enumerate(texts)})


def accuracy(answers: Sequence[Answer]) -> dict[str, float] | None:
    """Share of right answers with its interval over images."""
    return metrics.interval([answer.right for answer in answers], statistic="mean")


def commonest(answers: Sequence[Answer]) -> float:
    """What always giving the commonest answer would score."""
    truths = [answer.truth for answer in answers]
    return max(truths.count(truth) for truth in set(truths)) / len(truths)


def recall(answers: Sequence[Answer]) -> float:
    """Share of right answers, each true text weighing the same; a coin scores 1 / texts."""
    parts: dict[int, list[float]] = {}
    for answer in answers:
        parts.setdefault(answer.truth, []).append(float(answer.right))
    return statistics.fmean(statistics.fmean(part) for part in parts.values())


def auc(truths: Sequence[bool], scores: Sequence[float]) -> float | None:
    """How often an image of which a text is true scores higher than one of which it is not, ties
    counting half; None without both kinds."""
    good = [score for score, truth in zip(scores, truths, strict=True) if truth]
    bad = [score for score, truth in zip(scores, truths, strict=True) if not truth]
    if not good or not bad:
        return None
    ahead = np.asarray(good)[:, None] - np.asarray(bad)[None, :]
    return float((ahead > 0).mean() + 0.5 * (ahead == 0).mean())


def apart(truths: Sequence[bool], scores: Sequence[float]) -> float | None:
    """How far images of which a text is true score above the others, in standard deviations (d′);
    None without two of each kind."""
    parts = [
        [score for score, truth in zip(scores, truths, strict=True) if truth is kind]
        for kind in (True, False)
    ]
    if min(map(len, parts)) < 2:
        return None
    spread = math.sqrt(sum(statistics.variance(part) for part in parts) / 2.0)
    gap = statistics.fmean(parts[0]) - statistics.fmean(parts[1])
    return gap / spread if spread else None


@torch.no_grad()
def sheet(job: Job, seeds: Sequence[int], labels: Sequence[str]) -> Image.Image:
    """The seeds' images in one line, each with its label."""
    world = job.world
    latents = world.generator.sample(seeds, space="z")
    made = world.generator.synthesize(latents, "z", truncation=world.truncation)
    return grid(made.image, columns=len(seeds), labels=labels)


def photographs_missing(job: Job) -> Iterator[Block]:
    """A sentence about what needs real faces, where this world has none and none is here."""
    from eclipsed.worlds.catalogue import catalogue, present

    if job.world.name in catalogue():
        return
    here = any(all(present(entry).values()) for entry in catalogue().values() if entry.files)
    also = "one is here: give it with -w" if here else "no weights of such a world are here"
    yield Text(
        "Missing: man, woman and child, and anything else that needs photographs of faces. This "
        f"takes a world of photographs, and {also}."
    )
