"""Fig. 4: whether the encoder tells emotions apart."""

from __future__ import annotations

from collections.abc import Iterator

from eclipsed.bench import charts
from eclipsed.bench.charts import Series
from eclipsed.bench.pages import Block, Cell, Charts, Heading, Picture, Table, Text
from eclipsed.evaluation import metrics
from reproduction.reading import (
    Answer,
    Reader,
    accuracy,
    all_texts,
    asking,
    commonest,
    facts_of,
    photographs_missing,
    read,
    reading_of,
    recall,
    sheet,
)
from reproduction.study import Job, Study

NAMES = ("neutral", "happy", "sad", "angry", "surprised", "scared")
EMOTIONS = asking(
    "emotion",
    "a picture of a person with a neutral expression",
    *(f"a picture of {'an' if name[0] == 'a' else 'a'} {name} person" for name in NAMES[1:]),
)
TEXTS = all_texts((EMOTIONS,))
NEUTRAL, HAPPY = NAMES.index("neutral"), NAMES.index("happy")


def _answers(job: Job, reader: Reader = "world") -> list[Answer]:
    return reading_of(job, TEXTS).answers(EMOTIONS, reader)


def _blocks(job: Job) -> Iterator[Block]:
    yield from photographs_missing(job)
    answers, others = _answers(job), _answers(job, "judge")
    yield Text(
        "An avatar has an emotion where a classifier that no training used sees its sign: a "
        "smile, a sad or a screaming mouth, angry brows, wide eyes; neutral is a serious mouth. "
        f"Those with exactly one count: {len(answers)} images."
    )
    if not answers:
        return
    yield Heading("What it says of each emotion", 3)
    yield _confusion(answers)
    yield Text(
        f"Accuracy {_numbers(accuracy(answers))}, where always giving the commonest answer scores "
        f"{commonest(answers):.2f}; each emotion weighing the same, {recall(answers):.2f} (chance: "
        f"{1 / len(NAMES):.2f}). The judge's encoder: {_numbers(accuracy(others))}, each emotion "
        f"weighing the same {recall(others):.2f}."
    )
    yield _chart(answers, others)
    # One image of each emotion, the first.
    shown = {answer.truth: answer for answer in reversed(answers)}
    some = [shown[truth] for truth in sorted(shown)]
    labels = [NAMES[answer.said] for answer in some]
    shows = "one image of each emotion, with what the encoder says"
    yield Picture("images.jpg", shows, sheet(job, [answer.seed for answer in some], labels))


def _confusion(answers: list[Answer]) -> Table:
    """Rows: what is true; columns: what the encoder says."""
    rows = []
    for truth, name in enumerate(NAMES):
        own = [answer.said for answer in answers if answer.truth == truth]
        cells = [
            Cell(f"{own.count(said) / len(own):.2f}" if own else "–", best=said == truth)
            for said in range(len(NAMES))
        ]
        rows.append((Cell(name), Cell(str(len(own))), *cells))
    return Table(("true", "images", *(f"said {name}" for name in NAMES)), tuple(rows))


def _chart(answers: list[Answer], others: list[Answer]) -> Charts:
    """How often each emotion is said against how often it is there."""
    series = []
    for style, (who, found) in enumerate((("encoder", answers), ("judge's encoder", others))):
        points = tuple(
            (_share([a.truth == i for a in found]), _share([a.said == i for a in found]))
            for i in range(len(NAMES))
        )
        series.append(Series(who, points, style))
    svg = charts.dots(series, "share of images that it is said of", "share that have the emotion")
    return Charts((("legend.svg", charts.legend([one.name for one in series])), ("said.svg", svg)))


def _share(truths: list[bool]) -> float:
    return sum(truths) / len(truths)


def _numbers(found: dict[str, float] | None) -> str:
    assert found is not None
    return f"{found['median']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def _verdicts(job: Job) -> list[str]:
    answers = _answers(job)
    if not answers:
        return ["Whether everybody looks neutral cannot be told: no judge here sees emotions."]
    said = metrics.interval([answer.said == NEUTRAL for answer in answers], statistic="mean")
    true = _share([answer.truth == NEUTRAL for answer in answers])
    everyone = "survives" if said and said["low"] > max(0.5, true) else "does not survive"
    happy = [answer.said == NEUTRAL for answer in answers if answer.truth == HAPPY]
    smiling = (
        f" Of {len(happy)} smiling faces it calls {_share(happy):.0%} neutral." if happy else ""
    )
    found = accuracy(answers)
    blind = "survives" if found and found["high"] < commonest(answers) else "does not survive"
    return [
        f"That everyone is called neutral: {everyone} here, it is said of {_numbers(said)} of the "
        f"images, and true of {true:.2f}.{smiling}",
        f"That the encoder is no good at emotions (worse than always giving the commonest answer): "
        f"{blind} here, accuracy {_numbers(found)} against {commonest(answers):.2f}. This encoder "
        "was trained on captions that name expressions; a CLIP on photographs may be blind.",
    ]


STUDY = Study(
    title="Fig. 4: emotions",
    says=(
        "CLIP is not good at recognizing emotions: “The model decides that everyone has a "
        "neutral expression, even the images of people who are clearly smiling.” It is taken "
        "for the reason why prompts such as “a picture of a happy person” do badly.",
    ),
    trainings=0,
    seeds=600,
    carry=lambda job: read(job, TEXTS),
    blocks=_blocks,
    verdicts=_verdicts,
    facts=lambda _: facts_of(TEXTS),
)
