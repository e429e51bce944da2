"""How good a direction is, on latents it has not seen, judged by networks that no training used.

Where a world has no such networks its own have to judge; `judged_by` says which it was. `measure`
makes a row of every latent, `evaluate` the scores of it, `summary` medians and intervals of those,
and `score_direction` does all of that. What a judge cannot tell is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation import metrics
from eclipsed.evaluation.claims import in_sight, shown
from eclipsed.evaluation.measures import Column, close_columns, column, quick_columns
from eclipsed.evaluation.observe import (
    Evaluator,
    Observation,
    Sample,
    Target,
    edited,
    judge_of,
    observe,
    sample_of,
    target_of,
)
from eclipsed.evaluation.scores import COUNTED, INDEPENDENT, KEYS, OWN, SCORES, Better
from eclipsed.prompts.goals import goal_of
from eclipsed.types import Space, World

# Far from the small seeds that people look at and that training draws.
HELD_OUT_SEEDS = tuple(range(1_000_000, 1_000_048))
QUICK_SEEDS = HELD_OUT_SEEDS[:32]  # of them, those that a fresh direction is scored on
STRENGTHS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
# What a judge without the attribute may see its score fall by, as a part of the score's own range.
SLACK = 0.05
# What a row holds of every strength.
CURVES = ("reach", "text_gain", "shows", "probability", "preservation", "dependency", "artifact")

Score = dict[str, Any]  # numbers; `worst` may be None
Row = dict[str, Any]
# Told of every few latents: strength → what is seen there, in the strengths' order.
Watch = Callable[[Mapping[float, Observation]], None]


@dataclass(frozen=True)
class LatentScores:
    """What the judge says of one latent's edit; None where it cannot tell or the question is void.

    text_gain, locality, leakage, identity, preservation: at strength 1, as `metrics` defines them.
    monotonicity: over all strengths, the probability of the attribute where the judge knows it,
    else how much nearer its encoder finds the image to the prompt than to the neutral text.
    has: whether the unedited image shows the attribute, None where its part is out of sight.
    success: reached at +1, without the attribute before. reversal: lost at −1, with it before.
    probabilities: of the attribute, one for each strength.
    """

    text_gain: float | None
    success: bool | None
    reversal: bool | None
    locality: float | None
    leakage: float | None
    preservation: float | None
    identity: float | None
    monotonicity: bool | None
    has: bool | None
    strengths: tuple[float, ...]
    probabilities: tuple[float, ...] | None


def judged_by(world: World) -> str:
    """Who scores a world's directions: `INDEPENDENT` networks, or its `OWN`, which trained them."""
    return INDEPENDENT if world.judge else OWN


def score_direction(
    world: World,
    direction: Direction,
    *,
    seeds: Sequence[int] = HELD_OUT_SEEDS,
    latents: Float[Tensor, "n d"] | None = None,
    space: Space = "w+",
    strengths: Sequence[float] = STRENGTHS,
) -> dict[str, Score | None]:
    """A direction's scores: for each of `KEYS`, {median, low, high, worst} or None; see `summary`.

    seeds: not used in training; 32 give a quick score, 200 a claim. latents: [N, D] of `space`, in
    place of seeds. strengths: where monotonicity is looked at; −1, 0 and 1 are always added.

    Raises WrongGenerator for a direction of another generator.
    """
    if latents is None:
        latents, space = world.generator.sample(seeds, space="z"), "z"
    return summary(evaluate(world, direction, latents, space=space, strengths=strengths))


def summary(scores: Sequence[LatentScores]) -> dict[str, Score | None]:
    """For each of `KEYS` {median, low, high, worst}; None where no latent has an answer.

    median: over latents; of success, reversal and monotonicity, which are yes or no, the fraction
    of latents, and of preservation the mean, since its median is 1 as a rule. low, high: the 95%
    bootstrap interval. worst: what nine of ten latents do better than; None of yes or no.
    """
    return {
        key: statistics([getattr(score, key) for score in scores], better, key in COUNTED)
        for key, (_, better) in SCORES.items()
    }


def statistics(
    values: Sequence[float | bool | None], better: Better, counted: bool
) -> Score | None:
    """{median, low, high, worst} of one score; `counted`: its statistic is the mean."""
    interval = metrics.interval(values, statistic="mean" if counted else "median")
    if interval is None:
        return None
    return {**interval, "worst": metrics.worst_tenth(values, better)}


def evaluate(
    world: World,
    direction: Direction,
    latents: Float[Tensor, "n d"],
    *,
    space: Space = "z",
    strengths: Sequence[float] = STRENGTHS,
    watch: Watch | None = None,
) -> list[LatentScores]:
    """The scores of each latent [N, D] of `space`, in order; see `score_direction`.

    watch: shown every few latents by rising strength, once each.
    """
    direction.check(world.generator)
    ladder = tuple(sorted({float(strength) for strength in strengths} | {-1.0, 0.0, 1.0}))
    evaluator = Evaluator(world, judge_of(world), draws=None)
    target = target_of(evaluator, goal_of(direction, world))
    rows: list[Row] = []
    for part in latents.split(BATCH):
        sample = sample_of(evaluator, part, space, maps=False)
        rows += measure(
            evaluator,
            target,
            direction,
            sample,
            ladder,
            steady=ladder,
            fidelity=False,
            watch=watch,
        )
    return [_scores_of(row) for row in rows]


def _scores_of(row: Row) -> LatentScores:
    probabilities = row["curves"].get("probability")
    return LatentScores(
        **{key: row["scores"].get(key) for key in KEYS},
        has=row["has"],
        strengths=tuple(row["strengths"]),
        probabilities=None if probabilities is None else tuple(probabilities),
    )


@torch.no_grad()
def measure(
    evaluator: Evaluator,
    target: Target,
    direction: Direction,
    sample: Sample,
    strengths: Sequence[float],
    *,
    at: float = 1.0,
    steady: Sequence[float] = (),
    maps: Sequence[float] = (),
    fidelity: bool = True,
    watch: Watch | None = None,
) -> list[Row]:
    """A row for each latent: has, strengths, curves over the strengths, scores at one of them.

    strengths: 0 and `at` among them. steady: those that monotonicity is looked at on. maps: those
    where the judge's feature maps are wanted. fidelity: whether psnr, ssim and distance are.
    """
    rows: list[Row] = []
    for start in range(0, len(sample.latents), BATCH):
        part = sample.take(slice(start, start + BATCH))
        observed = {
            strength: part.before
            if strength == 0.0
            else observe(
                evaluator,
                edited(evaluator, direction, part.latents, strength, part.space),
                maps=strength in maps,
            )
            for strength in strengths
        }
        if watch:
            watch(observed)
        rows += _rows(evaluator, target, observed, at=at, steady=steady, fidelity=fidelity)
    return rows


def _rows(
    evaluator: Evaluator,
    target: Target,
    observed: Mapping[float, Observation],
    *,
    at: float,
    steady: Sequence[float],
    fidelity: bool,
) -> list[Row]:
    before, after = observed[0.0], observed[at]
    quick = {
        strength: quick_columns(evaluator, target, before, one)
        for strength, one in observed.items()
    }
    scores = quick[at] | close_columns(evaluator, target, before, after, fidelity=fidelity)
    has: Column = [None] * len(before.codes)
    if target.claims:
        visible = in_sight(target.claims, before.verdict)
        has = column(shown(evaluator.judge, target.claims, before.verdict), visible)
    rows: list[Row] = []
    for i, had in enumerate(has):
        curves = {
            name: [columns[name][i] for columns in quick.values()]
            for name in CURVES
            if name in quick[at]
        }
        row: Row = {"has": had, "strengths": list(observed), "curves": curves}
        row["scores"] = {name: values[i] for name, values in scores.items() if name != "shows"}
        row["scores"] |= _yes_or_no(row, at, steady)
        rows.append(row)
    return rows


def _yes_or_no(row: Row, at: float, steady: Sequence[float]) -> Row:
    """success, reversal and monotonicity of a row, as far as its curves tell them."""
    curves, answers = row["curves"], Row()
    if "shows" in curves:
        shows = dict(zip(row["strengths"], curves["shows"], strict=True))
        answers["success"] = succeeds(row, shows[at])
        if -1.0 in shows:
            answers["reversal"] = not shows[-1.0] if row["has"] else None
    line = curves.get("probability", curves.get("reach"))
    if steady and line is not None:
        levels = dict(zip(row["strengths"], line, strict=True))
        rise = torch.tensor([[levels[strength] for strength in steady]])
        if "probability" in curves:
            answers["monotonicity"] = None if row["has"] is None else _rises(rise)
        else:
            answers["monotonicity"] = _rises_by_text(rise)
    return answers


def succeeds(row: Mapping[str, Any], shows: bool | None) -> bool | None:
    """Whether a latent without the attribute shows it; None for others."""
    return None if row["has"] is not False or shows is None else shows


def _rises(probabilities: Float[Tensor, "1 a"]) -> bool:
    return bool(metrics.monotonicity(probabilities)[0])


def _rises_by_text(reach: Float[Tensor, "1 a"]) -> bool:
    """Whether the way along the text never falls by more than `SLACK` of its own range."""
    low, high = reach.amin(), reach.amax()
    return bool(metrics.monotonicity((reach - low) / (high - low).clamp(min=1e-6), SLACK)[0])
