"""Fig. 5 and §3.3: prompts expanded, and prompts that describe against prompts that command."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from eclipsed.bench import charts
from eclipsed.bench.charts import Series
from eclipsed.bench.pages import Block, Cell, Charts, Heading, Table, Text
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.types import World
from reproduction.comparing import over_trainings
from reproduction.fig3 import QUESTIONS
from reproduction.reading import (
    Question,
    Reading,
    Said,
    all_texts,
    apart,
    auc,
    facts_of,
    photographs_missing,
    read,
    reading_of,
)
from reproduction.study import Job, Study

FACTORS = (1, 2, 3, 5)
# What a person may wish for: as a picture is described, and as somebody is told to do it.
ATTRIBUTES: tuple[tuple[str, str], ...] = (
    ("a photo of a person with curly hair", "make the hair curly"),
    ("a photo of a person with straight hair", "make the hair straight"),
    ("a photo of a person with wavy hair", "make the hair wavy"),
    ("a photo of a person with short hair", "cut the hair short"),
    ("a photo of a person with long hair", "make the hair long"),
    ("a photo of a person with an afro", "give the person an afro"),
    ("a photo of a person with dreadlocks", "give the person dreadlocks"),
    ("a photo of a person with a bun", "put the hair in a bun"),
    ("a photo of a person with a mohawk", "give the person a mohawk"),
    ("a photo of a bald person", "make the person bald"),
    ("a photo of a person with black hair", "make the hair black"),
    ("a photo of a person with brown hair", "make the hair brown"),
    ("a photo of a person with blond hair", "make the hair blond"),
    ("a photo of a person with red hair", "dye the hair red"),
    ("a photo of a person with gray hair", "make the hair gray"),
    ("a photo of a person with pink hair", "dye the hair pink"),
    ("a photo of a person with a hat", "put a hat on the person"),
    ("a photo of a person with a beanie", "put a beanie on the person"),
    ("a photo of a person with a turban", "put a turban on the person"),
    ("a photo of a person with glasses", "put glasses on the person"),
    ("a photo of a person with sunglasses", "put sunglasses on the person"),
    ("a photo of a person with round glasses", "put round glasses on the person"),
    ("a photo of a person with an eyepatch", "put an eyepatch on the person"),
    ("a photo of a person with a beard", "give the person a beard"),
    ("a photo of a person with a long beard", "make the beard long"),
    ("a photo of a person with a moustache", "give the person a moustache"),
    ("a photo of a person with an open mouth", "open the mouth"),
    ("a photo of a person with a closed mouth", "close the mouth"),
    ("a photo of a smiling person", "make the person smile"),
    ("a photo of a sad person", "make the person sad"),
    ("a photo of a person with the tongue out", "stick the tongue out"),
    ("a photo of a person with closed eyes", "close the eyes"),
    ("a photo of a winking person", "make the person wink"),
    ("a photo of a person with angry eyebrows", "make the eyebrows angry"),
    ("a photo of a person with raised eyebrows", "raise the eyebrows"),
    ("a photo of a person in a hoodie", "dress the person in a hoodie"),
    ("a photo of a person in a blazer", "dress the person in a blazer"),
    ("a photo of a person in overalls", "dress the person in overalls"),
    ("a photo of a person in red clothes", "make the clothes red"),
    ("a photo of a person in white clothes", "make the clothes white"),
    ("a photo of a person with pale skin", "make the skin pale"),
    ("a photo of a person with dark skin", "make the skin dark"),
    ("a photo of a person on a blue background", "make the background blue"),
    ("a photo of a person on a green background", "make the background green"),
)
EXPANDED = 3
# An attribute counts where so many images have it, and so many lack it.
ENOUGH = 5


WAYS = ("descriptive", "imperative", "expanded")


@dataclass(frozen=True, eq=False)
class Wordings:
    """questions: times said (0: as it is) → Fig. 3's questions so expanded. attributes: for each
    of ATTRIBUTES, every way to say it."""

    questions: dict[int, tuple[Question, ...]]
    attributes: tuple[dict[str, Said], ...]

    @property
    def texts(self) -> list[Said]:
        """All of them once."""
        asked = [question for questions in self.questions.values() for question in questions]
        said = [text for ways in self.attributes for text in ways.values()]
        return list(dict.fromkeys([*all_texts(asked), *said]))


_kept: list[tuple[World, Wordings]] = []  # the last one, because finding chunks takes seconds


def wordings(world: World) -> Wordings:
    """What is read; expansion repeats the chunk that is nearest to the prompt's region."""
    if not _kept or _kept[0][0] is not world:
        _kept[:] = [(world, _wordings(world))]
    return _kept[0][1]


def _wordings(world: World) -> Wordings:

    def expanded(text: str, times: int) -> Said:
        return Said(goal_from_prompt(text, world, expand=times).prompt, text)

    questions: dict[int, tuple[Question, ...]] = {0: QUESTIONS}
    for times in FACTORS:
        questions[times] = tuple(
            Question(q.name, tuple(expanded(text.text, times) for text in q.texts))
            for q in QUESTIONS
        )
    ways = (
        (Said(described), Said(command, described), expanded(described, EXPANDED))
        for described, command in ATTRIBUTES
    )
    return Wordings(questions, tuple(dict(zip(WAYS, texts, strict=True)) for texts in ways))


@dataclass(frozen=True)
class Ranked:
    """An attribute, how many images show it, and how well each way to say it tells them from the
    others: by AUC, and by how far apart they are in standard deviations."""

    described: str
    images: int
    aucs: dict[str, float]
    apart: dict[str, float]


def ranked(reading: Reading, attributes: Sequence[dict[str, Said]]) -> list[Ranked]:
    """The attributes that enough images have and lack."""
    found = []
    for ways in attributes:
        truths, _ = reading.scores(ways["descriptive"])
        if min(sum(truths), len(truths) - sum(truths)) >= ENOUGH:
            name = ways["descriptive"].text
            scores = {way: reading.scores(text) for way, text in ways.items()}
            aucs, gaps = _told(scores, auc), _told(scores, apart)
            found.append(Ranked(name, sum(truths), aucs, gaps))
    return found


def _told(
    scores: Mapping[str, tuple[list[bool], list[float]]],
    measure: Callable[[Sequence[bool], Sequence[float]], float | None],
) -> dict[str, float]:
    found = {way: measure(*both) for way, both in scores.items()}
    return {way: value for way, value in found.items() if value is not None}


def _blocks(job: Job) -> Iterator[Block]:
    asked = wordings(job.world)
    reading = reading_of(job, asked.texts)
    yield from photographs_missing(job)
    yield Heading("Expansion", 3)
    yield Text(
        "Fig. 3's questions, where every text is cut to its noun chunks and the one nearest to the "
        "whole is said 1, 2, 3 or 5 times. Accuracy over images, and the gap between the true "
        "text's cosine and the nearest other's, which expansion was meant to widen. Where chunks "
        "are all that is left, “with a hat” and “without a hat” are the same words; such "
        "questions stand in the table, but count for no verdict."
    )
    yield _expansion_table(reading, asked.questions)
    yield _expansion_chart(reading, asked.questions)
    found = ranked(reading, asked.attributes)
    yield Heading("Describing, commanding, expanding", 3)
    yield Text(
        f"{len(found)} of {len(ATTRIBUTES)} attributes that at least {ENOUGH} images have and as "
        "many lack. AUC: how often an image that has the attribute is nearer to the text than one "
        "that lacks it; 0.5 is chance. d′: how many standard deviations lie between the two kinds' "
        f"mean cosines, which goes on rising where AUC is 1. Expanded {EXPANDED} times."
    )
    yield _attribute_table(found)
    yield _attribute_chart(found)


def _right(reading: Reading, question: Question) -> tuple[list[bool], list[float]]:
    """Of each image whether the answer is right, and the gap."""
    right, gaps = [], []
    for answer in reading.answers(question):
        others = [c for place, c in enumerate(answer.cosines) if place != answer.truth]
        right.append(answer.right)
        gaps.append(answer.cosines[answer.truth] - max(others))
    return right, gaps


def _expansion_table(reading: Reading, ways: Mapping[int, tuple[Question, ...]]) -> Table:
    rows = []
    for number, question in enumerate(QUESTIONS):
        cells = [Cell(question.name)]
        for questions in ways.values():
            right, gaps = _right(reading, questions[number])
            told = f"{statistics.fmean(right):.2f}" if right else "–"
            cells.append(Cell(told, f"(gap {statistics.median(gaps):+.2f})" if gaps else ""))
        rows.append(tuple(cells))
    names = (f"said {times}×" if times else "as it is" for times in ways)
    return Table(("question", *names), tuple(rows))


def _expansion_chart(reading: Reading, ways: Mapping[int, tuple[Question, ...]]) -> Charts:
    series = []
    for style, question in enumerate(QUESTIONS):
        points = []
        for times, questions in ways.items():
            right, _ = _right(reading, questions[style])
            if right:
                points.append((float(times), statistics.fmean(right)))
        series.append(Series(question.name, tuple(points), style))
    legend = charts.legend([question.name for question in QUESTIONS])
    svg = charts.lines(series, "accuracy", "times said; 0 is the prompt as it is")
    return Charts((("legend.svg", legend), ("expansion.svg", svg)))


def _attribute_table(found: Sequence[Ranked]) -> Table:
    """AUC and d′ of each way; bold is the largest d′."""
    rows = []
    for one in found:
        most = max(one.apart.values(), default=0.0)
        cells = [Cell(f"{one.aucs[way]:.2f}") for way in WAYS]
        cells += [
            Cell(f"{one.apart[way]:.1f}", best=one.apart[way] == most)
            if way in one.apart
            else Cell("–")
            for way in WAYS
        ]
        rows.append((Cell(one.described), Cell(str(one.images)), *cells))
    headings = (f"{measure}, {way}" for measure in ("AUC", "d′") for way in WAYS)
    return Table(("attribute", "images", *headings), tuple(rows))


def _attribute_chart(found: Sequence[Ranked]) -> Charts:
    known = [one for one in found if len(one.apart) == len(WAYS)]
    series = [
        Series(way, tuple((one.apart["descriptive"], one.apart[way]) for one in known), style)
        for style, way in enumerate(WAYS)
    ]
    svg = charts.dots(series, "d′ of each way to say it", "d′ of the description")
    return Charts((("ways-legend.svg", charts.legend(WAYS)), ("ways.svg", svg)))


@dataclass(frozen=True)
class Changes:
    """What expansion does to each question: to its accuracy, and to its median gap."""

    accuracy: list[float]
    gap: list[float]


def expansion_changes(
    reading: Reading, plain_ones: Sequence[Question], expanded_ones: Sequence[Question]
) -> Changes:
    """Expanded texts' numbers minus those of plain ones, for each question that can be told and
    whose texts still differ."""
    changes = Changes([], [])
    for plain, expanded in zip(plain_ones, expanded_ones, strict=True):
        if len({text.text for text in expanded.texts}) < len(expanded.texts):
            continue
        (right, gap), (right_then, gap_then) = (_right(reading, q) for q in (plain, expanded))
        if right:
            changes.accuracy.append(statistics.fmean(right_then) - statistics.fmean(right))
            changes.gap.append(statistics.median(gap_then) - statistics.median(gap))
    return changes


def _verdicts(job: Job) -> list[str]:
    asked = wordings(job.world)
    reading = reading_of(job, asked.texts)
    found = ranked(reading, asked.attributes)
    changes = expansion_changes(reading, asked.questions[0], asked.questions[EXPANDED])
    times = f"{EXPANDED} times"
    said = [
        told(
            f"That expansion ({times}) makes answers worse",
            changes.accuracy,
            "accuracy",
            "questions",
        ),
        told("That it narrows the gap between answers", changes.gap, "gap", "questions"),
    ]
    for way, claim in (
        ("expanded", f"That expansion ({times}) tells images less apart"),
        ("imperative", "That commands tell images less apart than descriptions"),
    ):
        both = [one.apart for one in found if {way, "descriptive"} <= set(one.apart)]
        said.append(
            told(claim, [one[way] - one["descriptive"] for one in both], "d′", "attributes")
        )
    return said


def told(claim: str, changes: Sequence[float], measure: str, things: str) -> str:
    """Whether changes are below 0, in words; the interval is over what changed."""
    found = over_trainings(changes)
    if found is None:
        return f"{claim}: cannot be told, no judge here sees what it is about."
    said = "cannot be told"
    if found["high"] < 0.0:
        said = "survives"
    elif found["low"] > 0.0:
        said = "reverses"
    worse = sum(change < 0.0 for change in changes)
    return (
        f"{claim}: {said}, mean change of {measure} {found['median']:+.3f} [{found['low']:+.3f}, "
        f"{found['high']:+.3f}] over {len(changes)} {things}, worse in {worse}."
    )


STUDY = Study(
    title="Fig. 5: what a prompt says, and how",
    says=(
        "Two similar faces get similar scores for “the face of a man with …”. To widen the gap "
        "the paper keeps only noun chunks and repeats the most relevant one. “This did not "
        "produce convincing results: CLIP's evaluation worsened, even where it used to give "
        "good results, such as short/long hair differentiation.”",
        "§3.3: “The imperative sentence had very poor result, as CLIP works best with a "
        "description of a picture. Enhancing the main part had little to no result.” No "
        "numbers are given.",
    ),
    trainings=0,
    seeds=600,
    carry=lambda job: read(job, wordings(job.world).texts),
    blocks=_blocks,
    verdicts=_verdicts,
    facts=lambda world: facts_of(wordings(world).texts),
)
