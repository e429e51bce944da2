"""What changed between images and the same images edited: one column of numbers per measure.

Definitions are those of `scoring` and `metrics`. A column holds one value for each image; None is
what the judge cannot tell.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.bench.seeing import Asked, Court, Seen
from eclipsed.editing.masks import dilate, pixels_at
from eclipsed.evaluation import claims, metrics
from eclipsed.evaluation.evaluate import DILATION, Column, column

Columns = dict[str, Column]
# Equal images have an infinite ratio, which no average and no JSON can hold.
MOST_DECIBELS = 100.0


def quick_columns(court: Court, asked: Asked, before: Seen, after: Seen) -> Columns:
    """What can be told of every strength: text_gain, reach, shows, probability, preservation,
    dependency, artifact."""
    columns: Columns = {}
    if asked.text is not None:
        codes = before.codes, after.codes
        columns["text_gain"] = column(metrics.directional(asked.text, *codes))
        columns["reach"] = column(metrics.reach(asked.text, *codes))
    if asked.claims:
        columns |= _claim_columns(court, asked, after)
    columns |= _other_columns(asked, before, after)
    if before.unclean is not None and after.unclean is not None:
        columns["artifact"] = column(after.unclean - before.unclean)
    return columns


def _claim_columns(court: Court, asked: Asked, seen: Seen) -> Columns:
    about = court.judge, asked.claims, seen.verdict
    return {
        "shows": column(claims.shown(*about)),
        "probability": column(claims.probability(*about)),
    }


def _other_columns(asked: Asked, before: Seen, after: Seen) -> Columns:
    """preservation and dependency of the attributes that were not asked for."""
    others = claims.others(asked.claims, before.verdict, after.verdict) if asked.claims else {}
    if not others:
        return {}
    first = {name: before.verdict.probabilities[name] for name in others}
    then = {name: after.verdict.probabilities[name] for name in others}
    return {
        "preservation": column(metrics.preservation(first, then, others)),
        "dependency": column(metrics.dependency(first, then, others)),
    }


@torch.no_grad()
def close_columns(court: Court, asked: Asked, before: Seen, after: Seen) -> Columns:
    """What takes a second look: locality, leakage, psnr, ssim, distance, identity.

    All but identity are of the pixels in and out of the regions: the union of the judge's masks
    before and after, dilated. Where the goal has no region there is no outside.
    """
    judge, regions = court.judge, asked.goal.regions
    images = before.made.image, after.made.image
    columns: Columns = {}
    if not regions:
        hidden = torch.zeros_like(images[0][:, 0])
    elif set(regions) <= set(judge.segmenter.regions):
        masks = [judge.segmenter.masks(seen.made, regions) for seen in (before, after)]
        pixels = pixels_at(images[0].shape[-1], DILATION)
        hidden = dilate(torch.maximum(*masks), pixels)
        columns["locality"] = column(metrics.locality(*images, hidden))
        columns["leakage"] = column(metrics.leakage(*images, hidden))
        columns |= _shown_columns(court, before, images[1], hidden)
    else:
        return columns
    first, then = (judge.features(image, hidden) for image in images)
    columns["identity"] = column(torch.cosine_similarity(first, then, dim=1))
    return columns


def _shown_columns(
    court: Court, before: Seen, after: Float[Tensor, "n 3 h w"], hidden: Float[Tensor, "n h w"]
) -> Columns:
    """psnr, ssim and distance outside, of images as they are shown."""
    first, then = before.made.image.clamp(-1.0, 1.0), after.clamp(-1.0, 1.0)
    columns = {
        "psnr": column(metrics.psnr_outside(first, then, hidden).clamp(max=MOST_DECIBELS)),
        "ssim": column(metrics.ssim_outside(first, then, hidden)),
    }
    if before.maps:
        # What lies inside is left as it was, so that no map sees it from beyond the border.
        rest = torch.lerp(then, first, hidden[:, None])
        maps = court.judge.maps(rest)  # type: ignore[attr-defined]
        columns["distance"] = column(metrics.feature_distance(before.maps, maps, hidden))
    return columns
