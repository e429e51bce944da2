"""A study's rows as a page of Markdown: tables with intervals, and what survives of each claim.

Two variants are compared image by image and averaged within each training. One pair of trainings
cannot tell how much trainings vary, so intervals are over trainings, not over images.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eclipsed.evaluation.metrics import interval
from reproduction.judging import FIRST_SEED, Row
from reproduction.sweeps import Claim, Pair, Study

Verdict = Literal["survives", "reverses", "cannot be told"]
Interval = dict[str, float]
Values = Mapping[tuple[int, int], float]
# With fewer trainings a bootstrap says nothing.
LEAST = 5
_NORMAL = 1.959964
_NOTHING = "–"
_MOST_SEEDS = 2_000


@dataclass(frozen=True)
class Difference:
    """First minus second: mean over trainings and its 95% interval. trainings: their number.
    agree: how often one training and one image, drawn at random, have the mean's sign."""

    mean: float
    low: float
    high: float
    trainings: int
    agree: float


def report(study: Study, rows: Sequence[Row], *, trainings: int, seeds: int) -> str:
    """The page of those rows that belong to so many trainings and images."""
    beyond = range(FIRST_SEED + seeds, FIRST_SEED + _MOST_SEEDS)
    rows = [row for row in rows if row["training"] < trainings and row["seed"] not in beyond]
    about = f"{trainings} trainings of each variant, {seeds} images that no training saw."
    parts = [
        f"# {study.title}",
        "## What the paper says",
        study.says,
        "## What was measured here",
        f"{study.notes} {about} Brackets are 95% bootstrap intervals over trainings.",
        "\n".join(_pairs_table(study, rows)),
        "\n".join(_numbers(study, rows)),
        "## What survives",
        *(sentence(pair, difference(rows, pair)) for pair in study.pairs),
        *(threshold(claim, rows) for claim in study.claims),
    ]
    return "\n\n".join(parts) + "\n"


def _numbers(study: Study, rows: Sequence[Row]) -> Iterator[str]:
    yield f"| variant | strength | {' | '.join(study.measures)} |"
    yield "| --- " * (2 + len(study.measures)) + "|"
    for variant in study.variants:
        for strength in variant.strengths:
            levels = (level(rows, variant.label, key, strength) for key in study.measures)
            cells = (
                f"{one['median']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" if one else _NOTHING
                for one in levels
            )
            yield f"| {variant.label} | {strength:+g} | {' | '.join(cells)} |"


def _pairs_table(study: Study, rows: Sequence[Row]) -> Iterator[str]:
    yield "| comparison | measure | paper | here | difference | one pair agrees | verdict |"
    yield "| --- " * 7 + "|"
    for pair in study.pairs:
        found = difference(rows, pair)
        levels = [
            level(rows, one, pair.measure, pair.strength) for one in (pair.first, pair.second)
        ]
        here = " − ".join(f"{one['median']:.3f}" if one else _NOTHING for one in levels)
        paper = " − ".join(f"{number:.3f}" for number in pair.paper) if pair.paper else _NOTHING
        told, agree = _NOTHING, _NOTHING
        if found:
            told = f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
            agree = f"{found.agree:.0%}"
        verdict = worded(pair, verdict_of(found, pair.sign))
        yield f"| {pair.what} | {pair.measure} | {paper} | {here} | {told} | {agree} | {verdict} |"


def values(rows: Iterable[Row], label: str, measure: str, strength: float = 1.0) -> Values:
    """(training, seed) → a variant's score, where it is known."""
    return {
        (row["training"], row["seed"]): float(row["scores"][measure])
        for row in rows
        if (row["variant"], row["strength"]) == (label, strength)
        and row["scores"].get(measure) is not None
    }


def over_trainings(means: Iterable[float]) -> Interval | None:
    """Mean of some trainings' numbers with its 95% interval; None of none.

    The percentile bootstrap of few numbers is too narrow, as is a normal interval that takes the
    sample's spread for the true one: its ends are moved outwards by the factor that turns the
    latter into Student's (after Hesterberg 2015, The American Statistician 69).
    """
    listed = list(means)
    result = interval(listed, statistic="mean")
    if result is None or len(listed) < 2:
        return result
    free = len(listed) - 1
    # Cornish and Fisher's expansion of Student's quantile at 0.975.
    student = _NORMAL + (_NORMAL**3 + _NORMAL) / (4 * free)
    student += (5 * _NORMAL**5 + 16 * _NORMAL**3 + 3 * _NORMAL) / (96 * free**2)
    wider = student / _NORMAL * (len(listed) / free) ** 0.5
    middle = result["median"]
    ends = {key: middle + wider * (result[key] - middle) for key in ("low", "high")}
    return {"median": middle, **ends}


def by_training(scores: Values) -> dict[int, float]:
    """Training → mean over its images."""
    parts: dict[int, list[float]] = {}
    for (training, _), value in scores.items():
        parts.setdefault(training, []).append(value)
    return {training: statistics.fmean(part) for training, part in sorted(parts.items())}


def level(rows: Iterable[Row], label: str, measure: str, strength: float = 1.0) -> Interval | None:
    """A variant's mean with its interval over trainings; fractions are cut at 0 and 1."""
    means = by_training(values(rows, label, measure, strength)).values()
    result = over_trainings(means)
    if result is not None and all(0.0 <= mean <= 1.0 for mean in means):
        result = {key: min(max(value, 0.0), 1.0) for key, value in result.items()}
    return result


def difference(rows: Sequence[Row], pair: Pair) -> Difference | None:
    """The first variant minus the second; None where no training and image has both."""
    first, second = (
        values(rows, label, pair.measure, pair.strength) for label in (pair.first, pair.second)
    )
    both = {key: first[key] - second[key] for key in first if key in second}
    means = by_training(both).values()
    result = over_trainings(means)
    if result is None:
        return None
    sign = _sign(result["median"])
    agree = statistics.fmean(float(_sign(value) == sign) for value in both.values())
    return Difference(result["median"], result["low"], result["high"], len(means), agree)


def verdict_of(found: Difference | None, sign: int) -> Verdict:
    """Whether a claimed sign holds: the interval says so, says the contrary, or contains 0."""
    if found is None or found.trainings < LEAST or found.low <= 0.0 <= found.high:
        return "cannot be told"
    return "survives" if _sign(found.mean) == sign else "reverses"


def worded(pair: Pair, verdict: Verdict) -> str:
    """A verdict in words; what the paper never claimed does not survive, it holds."""
    if not pair.ours or verdict == "cannot be told":
        return verdict
    return "holds" if verdict == "survives" else "the reverse holds"


def sentence(pair: Pair, found: Difference | None) -> str:
    """What a comparison says, in words and numbers."""
    if found is None:
        return f"{pair.what}: cannot be told, nothing here can be compared."
    verdict = verdict_of(found, pair.sign)
    why = ""
    if found.trainings < LEAST:
        why = f" from {found.trainings} of at least {LEAST} trainings"
    elif verdict == "cannot be told":
        why = ", the interval contains 0"
    return (
        f"{pair.what}: {worded(pair, verdict)}{why}. The difference in {pair.measure} is "
        f"{found.mean:+.3f} \\[{found.low:+.3f}, {found.high:+.3f}\\]; one training and one image, "
        f"drawn at random, have its sign in {found.agree:.0%}."
    )


def threshold(claim: Claim, rows: Sequence[Row]) -> str:
    """Whether a measure is above a level, in words."""
    count = len(by_training(values(rows, claim.variant, claim.measure, claim.strength)))
    found = level(rows, claim.variant, claim.measure, claim.strength)
    if found is None:
        return f"{claim.what}: cannot be told, no judge here can see it."
    numbers = f"{found['median']:.2f} \\[{found['low']:.2f}, {found['high']:.2f}\\]"
    if count < LEAST:
        return (
            f"{claim.what}: cannot be told from {count} of at least {LEAST} trainings; {numbers}."
        )
    if found["low"] > claim.least:
        return f"{claim.what}: survives, {numbers}."
    if found["high"] < claim.least:
        return f"{claim.what}: does not survive, {numbers}."
    return f"{claim.what}: cannot be told, {numbers} contains {claim.least:g}."


def _sign(value: float) -> int:
    return int(value > 0.0) - int(value < 0.0)
