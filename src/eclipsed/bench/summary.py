"""A bench's rows as tables: for each contender medians, or shares, with their 95% intervals.

A prompt of which pre-flight says that this generator cannot do it is shown, but counts in no
overall number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eclipsed.bench.bench import curves_of
from eclipsed.bench.matching import half_strength, level_of
from eclipsed.bench.records import Records
from eclipsed.evaluation import metrics
from eclipsed.evaluation.evaluate import Score, statistics

Row = Mapping[str, Any]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Measure:
    """A column: its key in rows, its heading, which way is better, and how many digits it has.

    counted: its statistic is the share of seeds (or the mean of shares), not the median seed's.
    """

    key: str
    title: str
    better: Better
    digits: int = 2
    counted: bool = False


AT_ONE = (
    Measure("success", "success", "higher", counted=True),
    Measure("reversal", "reversal at −1", "higher", counted=True),
    Measure("text_gain", "text gain", "higher"),
    Measure("reach", "reach", "neither", 3),
    Measure("locality", "locality", "higher"),
    Measure("preservation", "preservation", "higher", counted=True),
    Measure("identity", "identity", "higher", 3),
    Measure("artifact", "artifact", "lower", 3),
)
MATCHED = (
    Measure("reach", "reach", "neither", 3),
    Measure("success", "success", "higher", counted=True),
    Measure("locality", "locality", "higher"),
    Measure("leakage", "leakage", "lower", 3),
    Measure("psnr", "PSNR outside, dB", "higher", 1),
    Measure("ssim", "SSIM outside", "higher", 3),
    Measure("distance", "oracle feature distance outside", "lower", 3),
    Measure("identity", "identity", "higher", 3),
    Measure("preservation", "preservation", "higher", counted=True),
    Measure("dependency", "attribute dependency", "lower", 3),
    Measure("artifact", "artifact", "lower", 3),
)
SLIDER = (
    Measure("text_gain", "text gain at 1", "higher"),
    Measure("reach_range", "reach −2 to 2", "higher", 3),
    Measure("monotonicity", "monotonicity", "higher", counted=True),
    Measure("delta", "δ", "lower"),
    Measure("linearity", "|r|", "higher"),
    Measure("csm", "CSM", "lower"),
    Measure("mid", "MID", "lower"),
)


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of a bench, the prompts and contenders to show, in order."""

    records: Records
    prompts: tuple[str, ...]
    contenders: tuple[str, ...]

    @property
    def possible(self) -> tuple[str, ...]:
        """Prompts that pre-flight does not call unlikely."""
        unlikely = {row["prompt"] for row in self.records.of("prompt", verdict="unlikely")}
        return tuple(prompt for prompt in self.prompts if prompt not in unlikely)

    @property
    def searched(self) -> tuple[str, ...]:
        """Prompts that somebody tried to find a direction for."""
        tried = {row["prompt"] for kind in ("seed", "failure") for row in self.records.of(kind)}
        return tuple(prompt for prompt in self.prompts if prompt in tried)


def results_of(records: Records, prompts: Sequence[str], contenders: Sequence[str]) -> Results:
    """Of what was asked for, what there are rows of."""
    tried = {(row["prompt"], row["contender"]) for row in records.of("seed")}
    tried |= {(row["prompt"], row["contender"]) for row in records.of("failure")}
    asked = {row["prompt"] for row in records.of("prompt")}
    return Results(
        records,
        tuple(prompt for prompt in prompts if prompt in asked),
        tuple(name for name in contenders if any(name == other for _, other in tried)),
    )


def seed_rows(results: Results, contender: str, prompts: Iterable[str]) -> list[Row]:
    """One row for each prompt and seed."""
    wanted = set(prompts)
    rows = results.records.of("seed", contender=contender)
    return [row for row in rows if row["prompt"] in wanted]


def matched_rows(results: Results, contender: str, prompts: Iterable[str]) -> list[Row]:
    """Those at the level that holds among the contenders that are shown."""
    levels = {prompt: level_at(results, prompt) for prompt in prompts}
    return [
        row
        for row in results.records.of("matched", contender=contender)
        if row["prompt"] in levels and row["level"] == levels[row["prompt"]]
    ]


def half_rows(results: Results, contender: str, prompts: Iterable[str]) -> list[Row]:
    """Those at the strength where half of the seeds have changed."""
    wanted = set(prompts)
    rows = results.records.of("half", contender=contender)
    return [row for row in rows if row["prompt"] in wanted]


def level_at(results: Results, prompt: str) -> float | None:
    """The reach at which a prompt's contenders are compared."""
    level = level_of(curves_of(results.records, prompt, results.contenders).values())
    return None if level is None else level.reach


def score(rows: Iterable[Row], measure: Measure, part: str = "scores") -> Score | None:
    """A measure's statistic over rows; None where no row can tell."""
    values = [row[part].get(measure.key) for row in rows if row[part]]
    if measure.better == "neither":
        return metrics.interval(values, statistic="median")
    return statistics(values, measure.better, measure.counted)


def against(rows: Iterable[Row], base: Iterable[Row], measure: Measure) -> Score | None:
    """A measure of matched rows minus that of another contender's, prompt by prompt and seed by
    seed, so that what is hard for everybody cancels; None where no pair can tell."""
    theirs = {(row["prompt"], row["seed"]): row["scores"].get(measure.key) for row in base}
    differences = []
    for row in rows:
        one, two = row["scores"].get(measure.key), theirs.get((row["prompt"], row["seed"]))
        if one is not None and two is not None:
            differences.append(float(one) - float(two))
    return metrics.interval(differences, statistic="mean" if measure.counted else "median")


def slider_score(rows: Iterable[Row], measure: Measure) -> Score | None:
    """As `score`, of the rows that were judged at all strengths."""
    whole = [row for row in rows if row["slider"] is not None]
    in_scores = measure.key in ("text_gain", "monotonicity")
    return score(whole, measure, "scores" if in_scores else "slider")


def strength_of_half(results: Results, contender: str, prompt: str) -> float | None:
    """The strength at which half of a prompt's seeds have changed."""
    curve = curves_of(results.records, prompt, [contender]).get(contender)
    return None if curve is None else half_strength(curve)


@dataclass(frozen=True)
class Costs:
    """Median seconds of a search with the world's caches there; seconds and memory (MiB) of the
    first one of all, without; None where that was not measured."""

    warm: float | None
    cold: float | None
    memory: float | None


def costs_of(results: Results, contender: str) -> Costs:
    """What a contender's searches cost."""
    rows = list(results.records.of("direction", contender=contender))
    warm = metrics.interval([row["warm"]["seconds"] for row in rows], statistic="median")
    first = next((row["cold"] for row in rows if row["cold"]), None)
    return Costs(
        warm=None if warm is None else warm["median"],
        cold=first and first["seconds"],
        memory=first and first["memory"],
    )


def overall(results: Results) -> dict[str, dict[str, Any]]:
    """Contender → what the report's first tables say, as plain JSON."""
    found = {}
    for name in results.contenders:
        rows = seed_rows(results, name, results.possible)
        matched = matched_rows(results, name, results.possible)
        half = half_rows(results, name, results.possible)
        costs = costs_of(results, name)
        found[name] = {
            "at_one": {m.key: score(rows, m) for m in AT_ONE},
            "matched": {m.key: score(matched, m) for m in MATCHED},
            "matched_prompts": len({row["prompt"] for row in matched}),
            "half": {m.key: score(half, m) for m in MATCHED},
            "half_prompts": len({row["prompt"] for row in half}),
            "slider": {m.key: slider_score(rows, m) for m in SLIDER},
            "warm_seconds": costs.warm,
            "cold_seconds": costs.cold,
            "memory_mib": costs.memory,
        }
    return found
