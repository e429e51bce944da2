"""What pre-flight foretold, and what became of it, on the starter world.

    python -m benchmarks.preflight [ROWS.jsonl]

Prompts of four kinds: what the world draws, in held-out sentences, whose scores its record has
(`python -m kits.starter.prompts`), and in short words, and what many images show, which
are trained by method default and judged on 32 unseen seeds; and what it cannot draw, which counts
as failed. Success is
what the judge sees: half of the seeds succeed, and the part of the change inside the region is at
least half of what is aimed at there. Rows are kept in the file (docs/bench/preflight.jsonl) and are
not measured again. Prints a Markdown table, the area under the curve with its interval, and the
logistic curve through what happened.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

import eclipsed
from eclipsed import World
from eclipsed.evaluation.evaluate import evaluate
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search import preflight
from eclipsed.worlds.starter.world import WEIGHTS
from eclipsed.worlds.weights import read_record
from tests.search.test_preflight import CAN, CANNOT, listed

ROWS = Path("docs/bench/preflight.jsonl")
SEEDS = range(1_000_000, 1_000_032)
COMMON = (
    "a smile",
    "no hat",
    "a closed mouth",
    "open eyes",
    "short hair",
    "long hair",
    "dark hair",
    "light skin",
)
SUCCESS = 0.5
# The share of the change inside a region that is aimed at, and how much of it must be reached.
AIMED = {"mouth": 0.6, "eyes": 0.6, "brows": 0.6, "glasses": 0.8}
USUALLY = 0.85
MEASURES = ("contrast", "rank", "clarity", "trial", "spread", "present")
PART = 0.5


@dataclass(frozen=True)
class Asked:
    """A prompt, whether the world can draw it at all, and its success and locality where
    the record has them."""

    prompt: str
    drawn: bool
    scores: Mapping[str, float | None] | None = None


def asked() -> list[Asked]:
    """All prompts, each once."""
    tables = read_record(WEIGHTS)["prompts"]["tables"].values()
    sentences = [Asked(row["prompt"], True, row["scores"]) for rows in tables for row in rows]
    words = [Asked(prompt, True) for prompt in (*listed(CAN), *COMMON)]
    return [*sentences, *words, *(Asked(prompt, False) for prompt in listed(CANNOT))]


def row_of(world: World, one: Asked, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """What pre-flight says, how long that took, and what the judge says after training."""
    began = time.perf_counter()
    found = preflight.check(world, goal_from_prompt(one.prompt, world))
    row = {
        "prompt": one.prompt,
        "drawn": one.drawn,
        "regions": list(found.goal.regions),
        "seconds": round(time.perf_counter() - began, 2),
        **{key: round(getattr(found, key), 4) for key in MEASURES},
    }
    scores: Mapping[str, float | None] = one.scores or {}
    if one.drawn and one.scores is None:
        scores = judged(world, one.prompt, seeds)
    return {**row, **{key: scores.get(key) for key in ("success", "locality")}}


def judged(world: World, prompt: str, seeds: Sequence[int]) -> dict[str, float | None]:
    """success and locality of a direction of method default; locality only of the seeds that lack
    what is asked for, because in the others nothing has to change."""
    direction = eclipsed.train_direction(world, goal_from_prompt(prompt, world))
    rows = evaluate(world, direction, world.generator.sample(seeds, space="z"), strengths=())
    successes = [row.success for row in rows if row.success is not None]
    localities = [row.locality for row in rows if row.locality is not None and row.has is not True]
    return {
        "success": fmean(successes) if successes else None,
        "locality": median(localities) if localities else None,
    }


def worked(row: dict[str, Any]) -> bool:
    """Whether the edit did what was asked for, where it was asked for."""
    aimed = min((AIMED.get(region, USUALLY) for region in row["regions"]), default=USUALLY)
    return (row["success"] or 0.0) >= SUCCESS and (row["locality"] or 0.0) >= PART * aimed


def area(scores: np.ndarray, labels: np.ndarray) -> float:
    """Of pairs of a success and a failure, the share in which the success scores higher."""
    above = scores[labels][:, None] - scores[~labels][None]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def interval(scores: np.ndarray, labels: np.ndarray, times: int = 2000) -> tuple[float, float]:
    """95% bootstrap interval of the area, over prompts."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(times):
        rows = random.integers(len(labels), size=len(labels))
        if labels[rows].any() and not labels[rows].all():
            found.append(area(scores[rows], labels[rows]))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def curve(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Middle and width of the logistic curve through the labels that makes them most likely."""
    mean, spread = scores.mean(), scores.std()
    columns = np.stack([np.ones_like(scores), (scores - mean) / spread], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-columns @ weights))
        hessian = columns.T @ (columns * (p * (1.0 - p))[:, None]) + 1e-6 * np.eye(2)
        weights += np.linalg.solve(hessian, columns.T @ (labels - p))
    width = spread / weights[1]
    return float(mean - weights[0] * width), float(width)


def report(rows: Sequence[dict[str, Any]]) -> str:
    """What to print of the rows."""
    labels = np.array([worked(row) for row in rows])
    lines = [
        f"{len(rows)} prompts, {labels.sum()} worked; a look takes "
        f"{median(row['seconds'] for row in rows):.1f} s (median)",
        "",
        "| by | AUC | 95% interval |",
        "|---|---|---|",
    ]
    found = {name: np.array([row[name] for row in rows]) for name in ("clarity", "trial", "spread")}
    numbers = list(zip(*found.values(), strict=True))
    evidence = np.array([preflight.evidence(*three) for three in numbers])
    for name, scores in {"evidence": evidence, **found}.items():
        low, high = interval(scores, labels)
        lines.append(f"| {name} | {area(scores, labels):.3f} | {low:.3f} … {high:.3f} |")
    middle, width = curve(evidence, labels)
    lines += ["", f"half work where the evidence is {middle:.2f}, width {width:.2f}", ""]
    lines += ["| foretold | prompts | worked |", "|---|---|---|"]
    foretold = np.array([preflight.probability_of(*three) for three in numbers])
    ends = (0.0, preflight.UNLIKELY, preflight.LIKELY, 1.01)
    for low, high in itertools.pairwise(ends):
        inside = (foretold >= low) & (foretold < high)
        name = f"{low:.0%} to {min(high, 1.0):.0%}"
        lines.append(f"| {name} | {inside.sum()} | {labels[inside].sum()} |")
    wrong = [
        f"{row['prompt']} ({p:.0%})"
        for row, p, label in zip(rows, foretold, labels, strict=True)
        if (p >= preflight.LIKELY and not label) or (p < preflight.UNLIKELY and label)
    ]
    return "\n".join([*lines, "", f"Foretold wrongly: {'; '.join(wrong) or 'none'}."])


def main(path: Path = ROWS, world: World | None = None, seeds: Sequence[int] = SEEDS) -> None:
    """Measure what is missing, and print."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = {row["prompt"]: row for row in map(json.loads, lines)}
    made = eclipsed.load_world("starter") if world is None else world
    for one in asked():
        if one.prompt not in done:
            done[one.prompt] = row_of(made, one, seeds)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[one.prompt]) + "\n")
    print(report([done[one.prompt] for one in asked()]))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
