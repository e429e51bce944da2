"""Two variants side by side: differences image by image, averaged within each training.

What varies from training to training is what one pair of trainings cannot tell, so the interval is
a bootstrap over trainings, not over images.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eclipsed.bench.records import Records
from eclipsed.evaluation import metrics

Verdict = Literal["survives", "reverses", "cannot be told"]
# With fewer trainings a bootstrap says nothing.
LEAST = 5
_NORMAL = 1.959964


@dataclass(frozen=True)
class Pair:
    """What the paper says of two variants: that the first has more (sign 1) or less (−1) of a
    measure than the second, judged at `strength`. what: how a sentence names the two. paper: its
    numbers, if any. ours: the paper says nothing of it, and we would expect the sign."""

    what: str
    first: str
    second: str
    sign: int
    measure: str = "similarity"
    paper: tuple[float, float] | None = None
    strength: float = 1.0
    digits: int = 3
    ours: bool = False


@dataclass(frozen=True)
class Difference:
    """First minus second: mean over trainings of their mean over images, and its 95% interval.
    agree: how often one training and one image, drawn by chance, have the mean's sign."""

    mean: float
    low: float
    high: float
    trainings: tuple[float, ...]
    pairs: int
    agree: float


def values(
    records: Records, label: str, measure: str, strength: float = 1.0
) -> dict[tuple[int, int], float]:
    """(training, seed) → a variant's score, where it can be told."""
    found = {}
    for row in records.of("judged", variant=label, strength=strength):
        value = row["scores"].get(measure)
        if value is not None:
            found[row["training"], row["seed"]] = float(value)
    return found


def over_trainings(means: Iterable[float]) -> dict[str, float] | None:
    """Mean of some trainings' numbers with its 95% interval; None of none.

    The percentile bootstrap of a few numbers is too narrow, as a normal interval is that takes the
    spread of the sample for the true one: its ends are moved outwards by what turns that one into
    Student's (after Hesterberg 2015, The American Statistician 69).
    """
    listed = list(means)
    found = metrics.interval(listed, statistic="mean")
    if found is None or len(listed) < 2:
        return found
    free = len(listed) - 1
    # Cornish and Fisher's expansion of Student's quantile at 0.975.
    student = _NORMAL + (_NORMAL**3 + _NORMAL) / (4 * free)
    student += (5 * _NORMAL**5 + 16 * _NORMAL**3 + 3 * _NORMAL) / (96 * free**2)
    wider = student / _NORMAL * (len(listed) / free) ** 0.5
    middle = found["median"]
    ends = {key: middle + wider * (found[key] - middle) for key in ("low", "high")}
    return {"median": middle, **ends}


def by_training(found: Mapping[tuple[int, int], float]) -> dict[int, float]:
    """Training → mean over its images."""
    parts: dict[int, list[float]] = {}
    for (training, _), value in found.items():
        parts.setdefault(training, []).append(value)
    return {training: statistics.fmean(part) for training, part in sorted(parts.items())}


def level(
    records: Records, label: str, measure: str, strength: float = 1.0
) -> dict[str, float] | None:
    """A variant's mean with its interval over trainings, {median, low, high} as everywhere; None
    where nothing can be told. That of shares ends at 0 and 1."""
    means = by_training(values(records, label, measure, strength)).values()
    found = over_trainings(means)
    if found is not None and all(0.0 <= mean <= 1.0 for mean in means):
        found = {key: min(max(value, 0.0), 1.0) for key, value in found.items()}
    return found


def difference(records: Records, pair: Pair) -> Difference | None:
    """The first variant minus the second; None where no training and image has both."""
    one = values(records, pair.first, pair.measure, pair.strength)
    two = values(records, pair.second, pair.measure, pair.strength)
    return compared(one, two)


def compared(
    one: Mapping[tuple[int, int], float], two: Mapping[tuple[int, int], float]
) -> Difference | None:
    """Numbers of (training, seed), minus others of the same; None where nothing has both."""
    both = {key: one[key] - two[key] for key in one if key in two}
    means = tuple(by_training(both).values())
    found = over_trainings(means)
    if found is None:
        return None
    sign = _sign(found["median"])
    agree = statistics.fmean(float(_sign(value) == sign) for value in both.values())
    return Difference(found["median"], found["low"], found["high"], means, len(both), agree)


def verdict_of(found: Difference | None, sign: int) -> Verdict:
    """Whether a claimed sign holds: the interval says so, says the opposite, or holds 0."""
    if found is None or len(found.trainings) < LEAST:
        return "cannot be told"
    if found.low <= 0.0 <= found.high:
        return "cannot be told"
    return "survives" if _sign(found.mean) == sign else "reverses"


def worded(pair: Pair, verdict: Verdict) -> str:
    """A verdict as reports have it: what the paper never claimed does not survive, but holds."""
    if not pair.ours or verdict == "cannot be told":
        return verdict
    return "holds" if verdict == "survives" else "the reverse holds"


def sentence(pair: Pair, found: Difference | None) -> str:
    """What a comparison says, in words and numbers."""
    said = ""
    if pair.paper is not None:
        said = f" The paper's pictures: {pair.paper[0] - pair.paper[1]:+.3f}."
    if found is None:
        return f"{pair.what}: cannot be told, nothing here can be compared.{said}"
    verdict = verdict_of(found, pair.sign)
    mean, low, high = (f"{x:+.{pair.digits}f}" for x in (found.mean, found.low, found.high))
    why = ""
    if len(found.trainings) < LEAST:
        why = f" from {len(found.trainings)} of the {LEAST} trainings that it takes at least"
    elif verdict == "cannot be told":
        why = ", the interval holds 0"
    many = f"{len(found.trainings)} pair" + "s" * (len(found.trainings) != 1)
    return (
        f"{pair.what}: {worded(pair, verdict)}{why}.{said} Here the difference in "
        f"{named(pair.measure)} is {mean} [{low}, {high}] over {many} of "
        f"trainings; one training and one picture, drawn by chance, have its sign in "
        f"{found.agree:.0%}."
    )


def threshold(what: str, found: dict[str, float] | None, trainings: int, least: float = 0.5) -> str:
    """Whether a share is above a level, in words."""
    if found is None:
        return f"{what}: cannot be told, no judge here can see it."
    numbers = f"{found['median']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
    if trainings < LEAST:
        return f"{what}: cannot be told from {trainings} of at least {LEAST} trainings; {numbers}."
    if found["low"] > least:
        return f"{what}: survives, {numbers}."
    if found["high"] < least:
        return f"{what}: does not survive, {numbers}."
    return f"{what}: cannot be told, {numbers} holds {least:g}."


def named(measure: str) -> str:
    """A measure as a sentence names it."""
    names: dict[str, str] = {
        "similarity": "similarity of prompt and image",
        "gained": "similarity gained",
        "leakage": "mean change outside the region",
        "identity": "similarity of what is outside the region before and after",
        "preservation": "fraction of other attributes that stay",
        "locality": "fraction of the change inside the region",
        "strange": "share of strange images",
        "success": "fraction of images that show it",
        "changed": "mean change of a pixel",
        "risen": "rise of the attribute's probability",
        "dragged": "coupled values that come along in an image",
    }
    return names.get(measure, measure.replace("_", " "))


def sentences(records: Records, pairs: Sequence[Pair]) -> list[str]:
    """A sentence for each comparison."""
    return [sentence(pair, difference(records, pair)) for pair in pairs]


def _sign(value: float) -> int:
    return int(value > 0.0) - int(value < 0.0)
