"""How good a card is, measured now: scores with intervals, and what rises and falls with strength.

Measured on seeds that no training uses, by networks that no training uses where the world has any.
A report is bounded in time: what was measured by then is what it says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from eclipsed.app.rendering import Renderer, at_strengths
from eclipsed.app.session import Session, set_seed
from eclipsed.app.sheets import alone, strength_sheet
from eclipsed.directions import Direction, Scores
from eclipsed.editing.masks import DILATION, dilate, pixels_at
from eclipsed.editing.stack import BATCH, Edit
from eclipsed.evaluation import metrics
from eclipsed.evaluation.evaluate import (
    HELD_OUT_SEEDS,
    STRENGTHS,
    LatentScores,
    evaluate,
    judged_by,
    summary,
)
from eclipsed.evaluation.observe import judge_of
from eclipsed.types import Judge, Synthesis, World

COUNTS = (8, 16, 32, 48)
# No further images are begun after so many seconds.
LONGEST = 60.0
_COLUMNS = 7

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Curve:
    """about: what it shows. points: strength, median over seeds, and its 95% interval. ends: of the
    numbers that are possible, None where they have none."""

    about: str
    points: tuple[tuple[float, float, float, float], ...]
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Report:
    """seeds: those that were measured, of `wanted`. ranked: of them the best, the median and the
    worst, by their text gain; fewer where there are fewer."""

    direction: Direction
    seeds: tuple[int, ...]
    wanted: int
    scores: Scores
    curves: tuple[Curve, ...]
    ranked: tuple[tuple[str, int], ...]
    judged_by: str
    seconds: float


def measure(
    world: World,
    direction: Direction,
    count: int,
    on_progress: OnProgress,
    longest: float = LONGEST,
) -> Report:
    """A report on the first `count` held-out seeds, or on fewer once `longest` seconds are over.

    on_progress: told after every few seeds how many are done, and of how many. Raises
    WrongGenerator for a direction of another generator.
    """
    began = time.monotonic()
    seeds = HELD_OUT_SEEDS[:count]
    rows: list[LatentScores] = []
    ladders: list[dict[str, Tensor]] = []
    judge = judge_of(world)
    for start in range(0, len(seeds), BATCH):
        if rows and time.monotonic() - began > longest:
            break
        some = seeds[start : start + BATCH]
        rows += evaluate(
            world,
            direction,
            world.generator.sample(some, space="z"),
            watch=lambda seen: ladders.append(
                _ladder(judge, direction, {at: one.synthesis for at, one in seen.items()})
            ),
        )
        on_progress(len(rows), len(seeds))
    return Report(
        direction=direction,
        seeds=seeds[: len(rows)],
        wanted=len(seeds),
        scores=summary(rows),
        curves=_curves(rows, ladders),
        ranked=_ranked(rows, seeds),
        judged_by=judged_by(world),
        seconds=time.monotonic() - began,
    )


def sheet(renderer: Renderer, session: Session, report: Report) -> bytes:
    """A PNG of the best, the median and the worst seed (rows) at strengths (columns)."""
    low, high = report.direction.range
    strengths = [round(float(x), 2) for x in np.linspace(max(-2.0, low), min(2.0, high), _COLUMNS)]
    truncation = renderer.world.truncation
    rows = [
        at_strengths(
            alone(
                replace(set_seed(session, seed), truncation=truncation), [Edit(report.direction)]
            ),
            0,
            strengths,
        )
        for _, seed in report.ranked
    ]
    images = torch.stack([renderer.images(row) for row in rows])
    return strength_sheet(images, [f"{word} {seed}" for word, seed in report.ranked], strengths)


def _ranked(rows: Sequence[LatentScores], seeds: Sequence[int]) -> tuple[tuple[str, int], ...]:
    gains = {
        seed: row.text_gain
        for row, seed in zip(rows, seeds, strict=False)
        if row.text_gain is not None
    }
    order = sorted(gains, key=lambda seed: -gains[seed]) or list(seeds[: len(rows)])
    ranks = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1}
    named = {order[rank]: word for word, rank in reversed(ranks.items())}
    return tuple((word, seed) for seed, word in reversed(named.items()))


@torch.no_grad()
def _ladder(
    judge: Judge, direction: Direction, shown: Mapping[float, Synthesis]
) -> dict[str, Tensor]:
    """What changes at each strength: name → [N, A], of what this direction can be asked about."""
    syntheses, before = list(shown.values()), shown[0.0]
    changes = _texts(judge, direction, before, syntheses)
    regions = direction.regions
    if regions and set(regions) <= set(judge.segmenter.regions):
        pixels = pixels_at(before.image.shape[-1], DILATION)
        masks = [judge.segmenter.masks(one, regions) for one in syntheses]
        base = masks[list(shown).index(0.0)]
        grown = [dilate(torch.maximum(base, mask), pixels) for mask in masks]
        pairs = list(zip(syntheses, grown, strict=True))
        for name, of in (("locality", metrics.locality), ("leakage", metrics.leakage)):
            columns = [of(before.image, after.image, mask) for after, mask in pairs]
            changes[name] = torch.stack(columns, dim=1)
    return changes


def _texts(
    judge: Judge, direction: Direction, before: Synthesis, syntheses: Sequence[Synthesis]
) -> dict[str, Tensor]:
    if not direction.prompt:
        return {}
    prompt, neutral = judge.encoder.encode_text([direction.prompt, direction.neutral])
    wanted = prompt - neutral
    if wanted.norm() <= 1e-6:
        return {}
    start = judge.encoder.encode_image(before.image.clamp(-1.0, 1.0))
    codes = [judge.encoder.encode_image(one.image.clamp(-1.0, 1.0)) for one in syntheses]
    return {"gain": torch.stack([metrics.projection(wanted, start, code) for code in codes], dim=1)}


_ABOUT: dict[str, tuple[str, tuple[float, float] | None]] = {
    "gain": ("Text gain: how far images move along the prompt", None),
    "probability": ("Judged probability of what the prompt asks for", (0.0, 1.0)),
    "locality": ("Share of the change that lies inside the region", (0.0, 1.0)),
    "leakage": ("Mean change of a pixel outside the region", None),
}


def _curves(
    rows: Sequence[LatentScores], ladders: Sequence[dict[str, Tensor]]
) -> tuple[Curve, ...]:
    columns = {name: torch.cat([one[name] for one in ladders]).T.tolist() for name in ladders[0]}
    judged = [row.probabilities for row in rows if row.probabilities is not None]
    if judged:
        columns["probability"] = [list(column) for column in zip(*judged, strict=True)]
    return tuple(
        Curve(about, _points(columns[name]), ends)
        for name, (about, ends) in _ABOUT.items()
        if name in columns
    )


def _points(columns: Sequence[Sequence[float]]) -> tuple[tuple[float, float, float, float], ...]:
    intervals = zip(STRENGTHS, map(metrics.interval, columns), strict=True)
    return tuple(
        (strength, one["median"], one["low"], one["high"]) for strength, one in intervals if one
    )
