"""What changed between images and the same images edited: one column of numbers per measure.

Definitions are those of `metrics`. A column holds one value for each image; None is
what the judge cannot tell.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.editing.masks import dilate, pixels_at
from eclipsed.evaluation import claims, metrics
from eclipsed.evaluation.observe import Evaluator, Observation, Target

Column = list[Any]
Columns = dict[str, Column]
# Pixels around the judge's masks, at 128 px. Locality depends on it, so it goes with every number.
DILATION = 2
# Equal images have an infinite ratio, which no average and no JSON can hold.
MOST_DECIBELS = 100.0


def quick_columns(
    evaluator: Evaluator, target: Target, before: Observation, after: Observation
) -> Columns:
    """What can be told of every strength: text_gain, reach, shows, probability, preservation,
    dependency, artifact."""
    columns: Columns = {}
    if target.text is not None:
        codes = before.codes, after.codes
        columns["text_gain"] = column(metrics.directional(target.text, *codes))
        columns["reach"] = column(metrics.reach(target.text, *codes))
    if target.claims:
        columns |= _claim_columns(evaluator, target, after)
    columns |= _other_columns(target, before, after)
    if before.artifact is not None and after.artifact is not None:
        columns["artifact"] = column(after.artifact - before.artifact)
    return columns


def _claim_columns(evaluator: Evaluator, target: Target, seen: Observation) -> Columns:
    about = evaluator.judge, target.claims, seen.verdict
    return {
        "shows": column(claims.shown(*about)),
        "probability": column(claims.probability(*about)),
    }


def _other_columns(target: Target, before: Observation, after: Observation) -> Columns:
    """preservation and dependency of the attributes that were not target for."""
    others = claims.others(target.claims, before.verdict, after.verdict) if target.claims else {}
    if not others:
        return {}
    first = {name: before.verdict.probabilities[name] for name in others}
    then = {name: after.verdict.probabilities[name] for name in others}
    return {
        "preservation": column(metrics.preservation(first, then, others)),
        "dependency": column(metrics.dependency(first, then, others)),
    }


@torch.no_grad()
def close_columns(
    evaluator: Evaluator,
    target: Target,
    before: Observation,
    after: Observation,
    *,
    fidelity: bool = True,
) -> Columns:
    """What takes a second look: locality, leakage, identity; psnr, ssim, distance for fidelity.

    All but identity are of the pixels in and out of the regions: the union of the judge's masks
    before and after, dilated. Where the goal has no region there is no outside.
    """
    judge, regions = evaluator.judge, target.goal.regions
    images = before.synthesis.image, after.synthesis.image
    columns: Columns = {}
    if not regions:
        hidden = torch.zeros_like(images[0][:, 0])
    elif set(regions) <= set(judge.segmenter.regions):
        masks = [judge.segmenter.masks(seen.synthesis, regions) for seen in (before, after)]
        pixels = pixels_at(images[0].shape[-1], DILATION)
        hidden = dilate(torch.maximum(*masks), pixels)
        columns["locality"] = column(metrics.locality(*images, hidden))
        columns["leakage"] = column(metrics.leakage(*images, hidden))
        if fidelity:
            columns |= _shown_columns(evaluator, before, images[1], hidden)
    else:
        return columns
    first, then = (judge.features(image, hidden) for image in images)
    columns["identity"] = column(torch.cosine_similarity(first, then, dim=1))
    return columns


def _shown_columns(
    evaluator: Evaluator,
    before: Observation,
    after: Float[Tensor, "n 3 h w"],
    hidden: Float[Tensor, "n h w"],
) -> Columns:
    """psnr, ssim and distance outside, of images as they are shown."""
    first, then = before.synthesis.image.clamp(-1.0, 1.0), after.clamp(-1.0, 1.0)
    columns = {
        "psnr": column(metrics.psnr_outside(first, then, hidden).clamp(max=MOST_DECIBELS)),
        "ssim": column(metrics.ssim_outside(first, then, hidden)),
    }
    if before.maps:
        # What lies inside is left as it was, so that no map sees it from beyond the border.
        rest = torch.lerp(then, first, hidden[:, None])
        maps = evaluator.judge.maps(rest)  # type: ignore[attr-defined]
        columns["distance"] = column(metrics.feature_distance(before.maps, maps, hidden))
    return columns


def column(values: Tensor, valid: Bool[Tensor, " n"] | None = None) -> Column:
    """Plain numbers or truths; None where not valid, and for what is not a number."""
    known = ~values.isnan() if valid is None else valid
    pairs = zip(values.tolist(), known.tolist(), strict=True)
    return [value if ok else None for value, ok in pairs]
