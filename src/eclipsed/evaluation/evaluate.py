"""How good a direction is, on seeds it has not seen, judged by networks that no training used.

Where a world has no such networks its own have to judge; `judged_by` says which it was.
`score_seeds` measures every seed, `summary` makes medians and intervals of that, and
`score_direction` does both. What a judge cannot tell is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH, Edit, EditStack
from eclipsed.evaluation import claims as claiming
from eclipsed.evaluation import metrics
from eclipsed.evaluation.claims import Claims, claims_of
from eclipsed.evaluation.judges import NetworkJudge
from eclipsed.prompts.goals import goal_of
from eclipsed.types import Judge, Synthesis, Verdict, World

KEYS = ("text_gain", "flip", "share", "outside", "kept", "identity", "monotone", "opposite")
# Far from the small seeds that people look at and that training draws.
HELD_OUT_SEEDS = tuple(range(1_000_000, 1_000_048))
QUICK_SEEDS = HELD_OUT_SEEDS[:32]  # of them, those that a fresh direction is scored on
STRENGTHS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
# Pixels around the judge's masks, at 128 px. Share depends on it, so it goes with every number.
DILATION = 2
# What a judge without the attribute may see its score fall by, as a part of the score's own range.
SLACK = 0.05
INDEPENDENT, OWN = "independent networks", "the world's own networks"
# Counted over things, so their statistic is the share of all of them, not the median seed's.
_COUNTED = ("flip", "kept", "monotone", "opposite")

Score = dict[str, float]
Column = list[Any]


@dataclass(frozen=True)
class SeedScores:
    """What the judge says of one seed's edit; None where it cannot tell or the question is void.

    text_gain, share, outside, identity, kept: at strength 1, as `metrics` defines them.
    monotone: over all strengths, the probability of the attribute where the judge knows it, else
    how much nearer its encoder finds the image to the prompt than to the neutral text.
    has: whether the unedited image shows the attribute, None where its part is out of sight.
    flip: reached at +1, for seeds without it. opposite: lost at −1, for seeds with it.
    probabilities: of the attribute, one for each strength.
    """

    seed: int
    text_gain: float | None
    flip: bool | None
    share: float | None
    outside: float | None
    kept: float | None
    identity: float | None
    monotone: bool | None
    opposite: bool | None
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
    strengths: Sequence[float] = STRENGTHS,
) -> dict[str, Score | None]:
    """A direction's scores: for each of `KEYS`, {median, low, high} or None.

    seeds: not used in training; 32 give a quick score, 200 a claim. strengths: where monotonicity
    is looked at; −1, 0 and 1 are always added.

    Raises WrongGenerator for a direction of another generator.
    """
    return summary(score_seeds(world, direction, seeds=seeds, strengths=strengths))


def summary(scores: Sequence[SeedScores]) -> dict[str, Score | None]:
    """For each of `KEYS` the median over seeds, or the share where things are counted, with its
    95% bootstrap interval; None where no seed has an answer."""
    return {
        key: metrics.interval(
            [getattr(score, key) for score in scores],
            statistic="mean" if key in _COUNTED else "median",
        )
        for key in KEYS
    }


@torch.no_grad()
def score_seeds(
    world: World,
    direction: Direction,
    *,
    seeds: Sequence[int] = HELD_OUT_SEEDS,
    strengths: Sequence[float] = STRENGTHS,
    watch: Callable[[Mapping[float, Synthesis]], None] | None = None,
) -> list[SeedScores]:
    """One row for each seed, in order; see `score_direction`.

    watch: shown the images of every few seeds, by rising strength, with what the judge's segmenter
    reads.
    """
    direction.check(world.generator)
    ladder = tuple(sorted({float(strength) for strength in strengths} | {-1.0, 0.0, 1.0}))
    judge = judge_of(world)
    claims = claims_of(judge, goal_of(direction, world)) if direction.prompt else ()
    question = _Question(direction, claims, _wanted(judge, direction))
    rows: list[SeedScores] = []
    for start in range(0, len(seeds), BATCH):
        some = seeds[start : start + BATCH]
        rows += _score_batch(world, judge, question, some, ladder, watch)
    return rows


def judge_of(world: World) -> Judge:
    """Who judges a world's directions; see `judged_by`."""
    return world.judge() if world.judge else NetworkJudge(world.encoder, world.segmenter)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is judged: the claims that images are to show, if the judge knows any, and the way [E]
    from the neutral text to the prompt in the judge's encoder, None where there is none."""

    direction: Direction
    claims: Claims
    wanted: Tensor | None


def _wanted(judge: Judge, direction: Direction) -> Tensor | None:
    if not direction.prompt:
        return None
    prompt, neutral = judge.encoder.encode_text([direction.prompt, direction.neutral])
    return None if (prompt - neutral).norm() <= 1e-6 else prompt - neutral


def _score_batch(
    world: World,
    judge: Judge,
    question: _Question,
    seeds: Sequence[int],
    ladder: tuple[float, ...],
    watch: Callable[[Mapping[float, Synthesis]], None] | None,
) -> list[SeedScores]:
    claims = question.claims
    latents = world.generator.sample(seeds, space="z")
    shown: dict[float, Synthesis] = {}
    codes: dict[float, Tensor] = {}
    verdicts: dict[float, Verdict] = {}
    for strength in ladder:
        made = edited(world, judge, question.direction, latents, strength)
        ends = strength in (0.0, 1.0)
        if claims:
            verdicts[strength] = judge.attributes(made.image)
        if ends or not claims:
            codes[strength] = judge.encoder.encode_image(made.image.clamp(-1.0, 1.0))
        if ends or watch:
            shown[strength] = made
    if watch:
        watch(shown)
    columns = _picture_columns(judge, question.direction, shown[0.0], shown[1.0])
    columns |= {} if question.wanted is None else _text_columns(question.wanted, codes)
    if claims:
        columns |= _claim_columns(judge, claims, verdicts)
    unknown: Column = [None] * len(seeds)
    return [
        SeedScores(
            seed=seed,
            strengths=ladder,
            **{key: columns.get(key, unknown)[i] for key in (*KEYS, "has", "probabilities")},
        )
        for i, seed in enumerate(seeds)
    ]


def edited(
    world: World,
    judge: Judge,
    direction: Direction,
    latents: Float[Tensor, "n z"],
    strength: float,
) -> Synthesis:
    """Images of z [N, D] with a direction at a strength, at the world's truncation, and the
    features that the judge's segmenter reads."""
    stack = EditStack((Edit(direction, strength),))
    return world.generator.synthesize(
        stack.apply(world.generator, latents, "z", truncation=world.truncation),
        stack.space("z"),
        features=judge.segmenter.feature_names,
        truncation=world.truncation,
    )


def _text_columns(
    wanted: Float[Tensor, " e"], codes: Mapping[float, Float[Tensor, "n e"]]
) -> dict[str, Column]:
    """text_gain and monotone from embeddings of images along rising strengths, 0 and 1 at least."""
    ladder = torch.stack([code @ wanted for code in codes.values()], dim=1)
    low, high = ladder.amin(dim=1, keepdim=True), ladder.amax(dim=1, keepdim=True)
    risen = (ladder - low) / (high - low).clamp(min=1e-6)
    return {
        "text_gain": column(metrics.directional(wanted, codes[0.0], codes[1.0])),
        "monotone": column(metrics.monotone(risen, SLACK)),
    }


def _picture_columns(
    judge: Judge, direction: Direction, before: Synthesis, after: Synthesis
) -> dict[str, Column]:
    """share, outside and identity of images at strengths 0 and 1."""
    columns = {}
    images = before.image, after.image
    regions = direction.regions
    if not regions:
        # The whole image is the region: nothing is outside, and nothing can be masked out.
        hidden = torch.zeros_like(before.image[:, 0])
    elif set(regions) <= set(judge.segmenter.regions):
        masks = [judge.segmenter.masks(made, regions) for made in (before, after)]
        pixels = metrics.pixels_at(before.image.shape[-1], DILATION)
        hidden = metrics.dilate(torch.maximum(*masks), pixels)
        columns["share"] = column(metrics.share(*images, hidden))
        columns["outside"] = column(metrics.outside(*images, hidden))
    else:
        return columns
    first, second = (judge.features(image, hidden) for image in images)
    columns["identity"] = column(torch.cosine_similarity(first, second, dim=1))
    return columns


def _claim_columns(
    judge: Judge, claims: Claims, verdicts: Mapping[float, Verdict]
) -> dict[str, Column]:
    """flip, kept, monotone, opposite, has and probabilities along rising strengths."""
    shown = {at: claiming.shown(judge, claims, one) for at, one in verdicts.items()}
    ladder = torch.stack(
        [claiming.probability(judge, claims, one) for one in verdicts.values()], dim=1
    )
    before, after = verdicts[0.0], verdicts[1.0]
    visible = claiming.in_sight(claims, before)
    others = claiming.others(claims, before, after)
    unchanged = metrics.kept(
        {group: before.probabilities[group] for group in others},
        {group: after.probabilities[group] for group in others},
        others,
    )
    return {
        "has": column(shown[0.0], visible),
        "flip": column(shown[1.0], visible & ~shown[0.0]),
        "opposite": column(~shown[-1.0], visible & shown[0.0]),
        "monotone": column(metrics.monotone(ladder), visible),
        "kept": column(unchanged),
        "probabilities": [tuple(row) for row in ladder.tolist()],
    }


def column(values: Tensor, valid: Bool[Tensor, " n"] | None = None) -> Column:
    """Plain numbers or truths; None where not valid, and for what is not a number."""
    known = ~values.isnan() if valid is None else valid
    pairs = zip(values.tolist(), known.tolist(), strict=True)
    return [value if ok else None for value, ok in pairs]
