"""A bench's rows as numbers: for each method medians, or fractions, with their 95% intervals.

A prompt of which pre-flight says that this generator cannot do it is shown, but counts in no
overall number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from eclipsed.bench.matching import Curve, Row, curves_of, level_of
from eclipsed.bench.records import Records
from eclipsed.evaluation import metrics, scores
from eclipsed.evaluation.evaluate import Score, statistics

Numbers = dict[str, Score | None]

# Every score that a table may show: what it says, and which way is better.
SCORES = {**scores.CARD, **scores.MORE, **scores.SLIDER}
_SAME = ("identity", "preservation")
AT_ONE = ("success", "reversal", "text_gain", "projection", "locality", *_SAME, "artifact")
_MEASURED_AT_ONE = ("move", "drift")  # where the judge measures attributes
_OUTSIDE = ("leakage", "psnr", "ssim", "distance")
MATCHED = ("projection", "success", "locality", *_OUTSIDE, *_SAME, "dependency", "artifact")
SLIDER = ("text_gain", "monotonicity", *scores.SLIDER)


@dataclass(frozen=True, eq=False)
class Results:
    """The rows of a bench, and the prompts and methods to show, in order."""

    records: Records
    prompts: tuple[str, ...]
    methods: tuple[str, ...]

    @property
    def possible(self) -> tuple[str, ...]:
        """Prompts that pre-flight does not call unlikely."""
        unlikely = {row["prompt"] for row in self.records.of("prompt", verdict="unlikely")}
        return tuple(prompt for prompt in self.prompts if prompt not in unlikely)

    @property
    def searched(self) -> tuple[str, ...]:
        """Prompts that somebody tried to find a direction for."""
        tried = {prompt for prompt, _ in _tried(self.records)}
        return tuple(prompt for prompt in self.prompts if prompt in tried)

    @cached_property
    def curves(self) -> dict[str, dict[str, Curve]]:
        """Prompt → method → its curve, where it has one."""
        return {prompt: curves_of(self.records, prompt, self.methods) for prompt in self.prompts}

    @cached_property
    def levels(self) -> dict[str, float]:
        """Prompt → the text projection at which its methods are compared, where there is one."""
        levels = {prompt: level_of(curves.values()) for prompt, curves in self.curves.items()}
        return {prompt: level.projection for prompt, level in levels.items() if level is not None}

    def rows(self, kind: str, method: str, prompts: Iterable[str]) -> list[Row]:
        """A method's rows for prompts, one for each prompt and seed; of kind "matched" those at the
        level that holds among the methods that are shown."""
        wanted = set(prompts)
        return [
            row
            for row in self.records.of(kind, method=method)
            if row["prompt"] in wanted
            and (kind != "matched" or row["level"] == self.levels.get(row["prompt"]))
        ]


def results_of(records: Records, prompts: Sequence[str], methods: Sequence[str]) -> Results:
    """Of what was asked for, what there are rows of."""
    asked = {row["prompt"] for row in records.of("prompt")}
    tried = {method for _, method in _tried(records)}
    return Results(
        records,
        tuple(prompt for prompt in prompts if prompt in asked),
        tuple(name for name in methods if name in tried),
    )


def _tried(records: Records) -> set[tuple[str, str]]:
    """Prompts and the methods that were tried on them."""
    rows = (row for kind in ("seed", "failure") for row in records.of(kind))
    return {(row["prompt"], row["method"]) for row in rows}


def score(rows: Iterable[Row], key: str) -> Score | None:
    """A score's statistic over rows, `worst` included; None where no row can tell."""
    values = [{**row["scores"], **(row.get("slider") or {})}.get(key) for row in rows]
    better, counted = SCORES[key][1], key in scores.COUNTED
    if better is None:
        return metrics.interval(values, statistic="median")
    return statistics(values, better, counted)


def numbers_of(rows: Sequence[Row], keys: Iterable[str]) -> Numbers:
    """`score` for each of some keys."""
    return {key: score(rows, key) for key in keys}


def against(rows: Iterable[Row], base: Iterable[Row], key: str) -> Score | None:
    """A score of a method's rows minus that of another's, prompt by prompt and seed by seed, so
    that what is hard for everybody cancels; None where no pair can tell."""
    theirs = {(row["prompt"], row["seed"]): row["scores"].get(key) for row in base}
    differences = []
    for row in rows:
        one, two = row["scores"].get(key), theirs.get((row["prompt"], row["seed"]))
        if one is not None and two is not None:
            differences.append(float(one) - float(two))
    return metrics.interval(differences, statistic="mean" if key in scores.COUNTED else "median")


def at_one_keys(results: Results) -> tuple[str, ...]:
    """The scores at strength 1 that these results have."""
    told = {key for row in results.records.of("seed") for key in row["scores"]}
    return (*AT_ONE, *(key for key in _MEASURED_AT_ONE if key in told))


def costs_of(results: Results, method: str) -> dict[str, float | None]:
    """Median seconds of a search with the world's caches there; seconds and memory (MiB) of the
    first one of all, without; None where that was not measured."""
    rows = list(results.records.of("direction", method=method))
    cold: Row = next((row["cold"] for row in rows if row["cold"]), {})
    return {
        "warm_seconds": median(row["warm"]["seconds"] for row in rows) if rows else None,
        "cold_seconds": cold.get("seconds"),
        "memory_mib": cold.get("memory"),
    }


def overall(results: Results) -> dict[str, dict[str, Any]]:
    """Method → what the report's first tables say, as plain JSON."""
    numbers = {}
    for name in results.methods:
        seeds, matched, half = (
            results.rows(kind, name, results.possible) for kind in ("seed", "matched", "half")
        )
        numbers[name] = {
            "at_one": numbers_of(seeds, at_one_keys(results)),
            "matched": numbers_of(matched, MATCHED),
            "matched_prompts": len({row["prompt"] for row in matched}),
            "half": numbers_of(half, MATCHED),
            "half_prompts": len({row["prompt"] for row in half}),
            "slider": numbers_of([row for row in seeds if row["slider"]], SLIDER),
            **costs_of(results, name),
        }
    return numbers
