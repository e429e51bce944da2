"""How good a direction is, on latents it has not seen, judged by networks that no training used.

Where a world has no such networks its own have to judge; `judged_by` says which it was. `measure`
makes a row of every latent, `evaluate` the scores of it, `summary` medians and intervals of those,
and `score_direction` does all of that; `scored` gives the direction with scores and verdict. What a
judge cannot tell is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.masks import change_region, region_masks
from eclipsed.editing.stack import BATCH
from eclipsed.evaluation import claims, metrics, slider
from eclipsed.evaluation.credibility import SecondLook
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
from eclipsed.evaluation.scores import CARD, COUNTED, INDEPENDENT, MEASURED, OWN, Better
from eclipsed.evaluation.verdict import DirectionVerdict, changed_in, verdict_of
from eclipsed.generators.memory import in_parts
from eclipsed.generators.spaces import as_latents
from eclipsed.prompts.goals import goal_of
from eclipsed.types import Space, World

# Far from the small seeds that people look at and that training draws.
HELD_OUT_SEEDS = tuple(range(1_000_000, 1_000_048))
QUICK_SEEDS = HELD_OUT_SEEDS[:32]  # of them, those that a fresh direction is scored on
STRENGTHS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
# What a judge without the attribute may see its score fall by, as a part of the score's own range,
# and one that measures the attribute, of that range: it does not measure more exactly.
SLACK = 0.05
# What a row holds of every strength.
CURVES = (
    "projection",
    "text_gain",
    "shows",
    "probability",
    "preservation",
    "dependency",
    "artifact",
)

# Equal images have an infinite ratio, which no average and no JSON can hold.
MOST_DECIBELS = 100.0

# One value for each image; None is what the judge cannot tell.
Column = list[Any]
Columns = dict[str, Column]
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
    success: reached at +1, without the attribute before; where the judge measures it, a move of a
    quarter of its range counts too (`claims.fulfilled`). reversal: lost at −1, with it before.
    backward: reached at −1, without it before. probabilities: of the attribute, one for each
    strength. changed: the other attributes, visible before and after, that have another value at
    +1.
    move, drift, linearity: where the judge measures attributes, else None. How far the one that is
    asked for moves at +1, as a part of its range; the mean move of the others, visible and not
    asked for, as a part of that; and how straight it follows the strengths (`slider`).
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
    backward: bool | None = None
    changed: tuple[str, ...] = ()
    move: float | None = None
    drift: float | None = None
    linearity: float | None = None


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
    """A direction's scores: for each of `KEYS`, {median, low, high, worst, …} or None; see
    `summary`.

    seeds: not used in training; 32 give a quick score, 200 a claim. latents: [N, D] of `space`, in
    place of seeds. strengths: where monotonicity is measured; −1, 0 and 1 are always added.

    Raises WrongGenerator for a direction of another generator.
    """
    if latents is None:
        latents, space = world.generator.sample(seeds, space="z"), "z"
    return summary(evaluate(world, direction, latents, space=space, strengths=strengths))


def scored(
    world: World, direction: Direction, *, seeds: Sequence[int] = HELD_OUT_SEEDS
) -> Direction:
    """The direction with its scores, who judged, and the verdict on them.

    One that fails while its reversal does what was asked for is turned round: its vector is
    negated, its range mirrored, and `config["turned"]` true. seeds: as in `score_direction`;
    monotonicity and linearity are measured on the first half of them, as their `of` says.

    Raises WrongGenerator for a direction of another generator.
    """
    latents = world.generator.sample(seeds, space="z")
    rows, doubt = _evaluated(world, direction, latents)
    if verdict_on(world, direction, rows).kind == "reversed" and direction.range[0] < 0.0:
        direction = direction.turned()
        direction = replace(direction, config={**direction.config, "turned": True})
        rows, doubt = _evaluated(world, direction, latents)
    verdict = verdict_on(world, direction, rows).doubted(doubt)
    return replace(
        direction, scores=summary(rows), judged_by=judged_by(world), verdict=verdict.to_json()
    )


def _evaluated(
    world: World, direction: Direction, latents: Float[Tensor, "n d"]
) -> tuple[list[LatentScores], str]:
    """The scores of a fresh direction, and why nobody should believe them: where the world's own
    networks gave them and a second look doubts it."""
    again = SecondLook(world, goal_of(direction, world))
    asked = judged_by(world) == OWN and bool(direction.prompt)

    def watch(observed: Mapping[float, Observation]) -> None:
        again.see(observed[0.0].synthesis, observed[1.0].synthesis)

    # What all strengths cost is six of nine images, and half of the seeds tell as much as is told.
    steadied = (len(latents) + 1) // 2
    rows = evaluate(world, direction, latents, steadied=steadied, watch=watch if asked else None)
    return rows, again.doubt if asked else ""


def verdict_on(
    world: World, direction: Direction, rows: Sequence[LatentScores]
) -> DirectionVerdict:
    """What the scores of a direction's latents amount to, with the other attributes that change."""
    changed = changed_in([row.changed for row in lacking(rows)])
    return verdict_of(summary(rows), judged_by(world), direction.prompt, changed)


def lacking(scores: Sequence[LatentScores]) -> list[LatentScores]:
    """The latents that lack what is asked for, so that strength 1 has something to change.

    All of them where no judge knows, or where none lacks it.
    """
    return [score for score in scores if score.has is False] or list(scores)


def summary(scores: Sequence[LatentScores]) -> dict[str, Score | None]:
    """For each of `KEYS` {median, low, high, worst, of}; None where no latent has an answer.
    For each of `MEASURED` too, where the judge measures attributes.

    median: over latents; of success, reversal and monotonicity, which are yes or no, the fraction
    of latents, and of preservation the mean, since its median is 1 as a rule. low, high: the 95%
    bootstrap interval. worst: what nine of ten latents do better than; None of yes or no. of: how
    many latents have an answer, and `count` how many say yes. success has `backward` as well: how
    many of its latents show the attribute at −1.

    What is measured at strength 1 is of latents that lack the attribute (`lacking`).
    """
    result: dict[str, Score | None] = {}
    for key, (_, better) in CARD.items():
        rows = scores if key in ("reversal", "monotonicity", "linearity") else lacking(scores)
        values = [value for row in rows if (value := getattr(row, key)) is not None]
        if key in MEASURED and not values:
            continue
        result[key] = one = statistics(values, better, key in COUNTED)
        if one is None:
            continue
        one["of"] = len(values)
        if all(isinstance(value, bool) for value in values):
            one["count"] = sum(values)
        if key == "success":
            one["backward"] = sum(row.backward is True for row in rows)
    return result


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
    steadied: int | None = None,
    watch: Watch | None = None,
) -> list[LatentScores]:
    """The scores of each latent [N, D] of `space`, in order; see `score_direction`.

    steadied: how many of the latents, the first ones, are seen at all strengths; all unless given,
    the others at −1, 0 and 1, so that nobody can tell their monotonicity. watch: shown every few
    latents by rising strength, once each.
    """
    direction.check(world.generator)
    latents = as_latents(world.generator, latents, space)
    ladder = tuple(sorted({float(strength) for strength in strengths} | {-1.0, 0.0, 1.0}))
    evaluator = Evaluator(world, judge_of(world), draws=None)
    target = target_of(evaluator, goal_of(direction, world))
    rows: list[Row] = []
    options: dict[str, Any] = {"fidelity": False, "watch": watch}
    count = len(latents) if steadied is None else steadied
    for some, at in ((latents[:count], ladder), (latents[count:], (-1.0, 0.0, 1.0))):
        options["steady"] = at if at == ladder else ()
        for part in some.split(BATCH) if len(some) else ():
            sample = sample_of(evaluator, part, space, maps=False)
            rows += measure(evaluator, target, direction, sample, at, **options)
    return [_scores_of(row) for row in rows]


def _scores_of(row: Row) -> LatentScores:
    probabilities = row["curves"].get("probability")
    return LatentScores(
        **{key: row["scores"].get(key) for key in CARD},
        has=row["has"],
        strengths=tuple(row["strengths"]),
        probabilities=None if probabilities is None else tuple(probabilities),
        backward=_backward(row),
        changed=tuple(row["changed"]),
    )


def _backward(row: Row) -> bool | None:
    """Whether a latent without the attribute shows it at −1."""
    shows = row["curves"].get("shows")
    return None if shows is None else succeeds(row, shows[row["strengths"].index(-1.0)])


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
    """A row for each latent: has, strengths, curves over the strengths, scores at one of them, and
    the attributes that nothing is claimed of which are changed there.

    strengths: 0 and `at` among them. steady: those that monotonicity is measured on. maps: those
    where the judge's feature maps are wanted. fidelity: whether psnr, ssim and distance are.
    """

    def observed_at(part: Sample, strength: float) -> Observation:
        if strength == 0.0:
            return part.before
        synthesis = edited(evaluator, direction, part.latents, strength, part.space)
        return observe(evaluator, synthesis, maps=strength in maps)

    def measured(numbers: Tensor) -> list[Row]:
        part = sample.take(slice(int(numbers[0]), int(numbers[-1]) + 1))
        observed = {strength: observed_at(part, strength) for strength in strengths}
        rows = _rows(evaluator, target, observed, at=at, steady=steady, fidelity=fidelity)
        if watch:
            watch(observed)
        return rows

    return list(chain(*in_parts(measured, torch.arange(len(sample.latents)), BATCH)))


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
        visible = claims.in_sight(target.claims, before.verdict)
        has = column(claims.shown(evaluator.judge, target.claims, before.verdict), visible)
    changed = claims.changed(target.claims, before.verdict, after.verdict)
    rows: list[Row] = []
    for i, had in enumerate(has):
        names = [name for name in CURVES if name in quick[at]]
        curves = {name: [columns[name][i] for columns in quick.values()] for name in names}
        row: Row = {"has": had, "strengths": list(observed), "curves": curves}
        row["changed"] = [group for group, images in changed.items() if images[i]]
        row["scores"] = {name: values[i] for name, values in scores.items() if name != "shows"}
        row["scores"] |= _yes_or_no(row, at, steady)
        rows.append(row)
    return rows


def _yes_or_no(row: Row, at: float, steady: Sequence[float]) -> Row:
    """success, reversal, monotonicity and linearity of a row, as far as its curves tell them."""
    curves, answers = row["curves"], Row()
    if "shows" in curves:
        shows = dict(zip(row["strengths"], curves["shows"], strict=True))
        answers["success"] = succeeds(row, shows[at])
        if -1.0 in shows:
            answers["reversal"] = not shows[-1.0] if row["has"] else None
    line = curves.get("probability", curves.get("projection"))
    if steady and line is not None:
        levels = dict(zip(row["strengths"], line, strict=True))
        rise = torch.tensor([[levels[strength] for strength in steady]])
        if "probability" in curves:
            measured = "move" in row["scores"]
            steadily = metrics.monotonicity(rise, SLACK if measured else metrics.STEADY)
            answers["monotonicity"] = None if row["has"] is None else bool(steadily[0])
            if measured and row["has"] is not None:
                answers["linearity"] = column(slider.level_linearity(rise, steady))[0]
        else:
            answers["monotonicity"] = _rises_by_text(rise)
    return answers


def succeeds(row: Mapping[str, Any], shows: bool | None) -> bool | None:
    """Whether a latent without the attribute shows it; None for others."""
    return None if row["has"] is not False or shows is None else shows


def _rises_by_text(levels: Float[Tensor, "1 a"]) -> bool:
    """Whether the way along the text never falls by more than `SLACK` of its own range."""
    low, high = levels.amin(), levels.amax()
    return bool(metrics.monotonicity((levels - low) / (high - low).clamp(min=1e-6), SLACK)[0])


def quick_columns(
    evaluator: Evaluator, target: Target, before: Observation, after: Observation
) -> Columns:
    """The measures of every strength: text_gain, projection, shows, probability, preservation,
    dependency, move, drift, artifact."""
    values: dict[str, Tensor] = {}
    if target.text is not None:
        codes = before.codes, after.codes
        values["text_gain"] = metrics.directional(target.text, *codes)
        values["projection"] = metrics.projection(target.text, *codes)
    if target.claims:
        judge, verdicts = evaluator.judge, (before.verdict, after.verdict)
        values["shows"] = claims.fulfilled(judge, target.claims, *verdicts)
        values["probability"] = claims.probability(judge, target.claims, after.verdict)
        others = claims.others(target.claims, *verdicts)
        if others:
            first, then = ({name: v.probabilities[name] for name in others} for v in verdicts)
            values["preservation"] = metrics.preservation(claims.same(*verdicts), others)
            values["dependency"] = metrics.dependency(first, then, others)
        move = claims.move(target.claims, *verdicts)
        if move is not None:
            values["move"] = move
            if others:
                values["drift"] = metrics.drift(values["dependency"], move)
    if before.artifact is not None and after.artifact is not None:
        values["artifact"] = after.artifact - before.artifact
    return {name: column(each) for name, each in values.items()}


@torch.no_grad()
def preservation_of(
    world: World, directions: Sequence[Direction], before: Tensor, after: Tensor
) -> float | None:
    """The fraction of the attributes that no direction is about and that stay, of one image
    [1, 3, H, W] before and after; None where the world's judge cannot tell."""
    judge = judge_of(world)
    verdicts = judge.attributes(before), judge.attributes(after)
    goals = [goal_of(direction, world) for direction in directions]
    asked = tuple(claim for goal in goals for claim in claims.claims_of(judge, goal))
    others = claims.others(asked, *verdicts)
    if not any(bool(seen.any()) for seen in others.values()):
        return None
    return float(metrics.preservation(claims.same(*verdicts), others)[0])


@torch.no_grad()
def close_columns(
    evaluator: Evaluator,
    target: Target,
    before: Observation,
    after: Observation,
    *,
    fidelity: bool,
) -> Columns:
    """What takes a second look: locality, leakage, identity; psnr, ssim, distance for fidelity.

    All but identity are of the pixels in and out of the regions: the union of the judge's masks
    before and after, dilated. Where the goal has no region there is no outside.
    """
    judge, regions = evaluator.judge, target.goal.regions
    # As they are shown: what lies beyond black and white is no change that anyone sees.
    images = before.synthesis.image.clamp(-1.0, 1.0), after.synthesis.image.clamp(-1.0, 1.0)
    if not set(regions) <= set(judge.segmenter.regions):
        return {}
    values: dict[str, Tensor] = {}
    hidden = torch.zeros_like(images[0][:, 0])
    if regions:
        masks = [region_masks(seen.synthesis, judge.segmenter, regions) for seen in (before, after)]
        hidden = change_region(*masks)
        values["locality"] = metrics.locality(*images, hidden)
        values["leakage"] = metrics.leakage(*images, hidden)
        if fidelity:
            values |= _fidelity(evaluator, before, images[1], hidden)
    first, then = (judge.features(image, hidden) for image in images)
    values["identity"] = torch.cosine_similarity(first, then, dim=1)
    return {name: column(each) for name, each in values.items()}


def _fidelity(
    evaluator: Evaluator,
    before: Observation,
    after: Float[Tensor, "n 3 h w"],
    hidden: Float[Tensor, "n h w"],
) -> dict[str, Tensor]:
    """psnr, ssim and distance outside, of images as they are shown."""
    first, then = before.synthesis.image.clamp(-1.0, 1.0), after.clamp(-1.0, 1.0)
    values = {
        "psnr": metrics.psnr_outside(first, then, hidden).clamp(max=MOST_DECIBELS),
        "ssim": metrics.ssim_outside(first, then, hidden),
    }
    if before.maps:
        # What lies inside is left as it was, so that no map sees it from beyond the border.
        rest = torch.lerp(then, first, hidden[:, None])
        maps = evaluator.judge.maps(rest)  # type: ignore[attr-defined]
        values["distance"] = metrics.feature_distance(before.maps, maps, hidden)
    return values


def column(values: Tensor, valid: Bool[Tensor, " n"] | None = None) -> Column:
    """Plain numbers or truths; None where not valid, and for what is not a number."""
    known = ~values.isnan() if valid is None else valid
    pairs = zip(values.tolist(), known.tolist(), strict=True)
    return [value if ok else None for value, ok in pairs]
