"""Strengths that mean the same for every direction: 1 is where the prompt is reached.

Measured on images that were not trained on, by the encoder that trained; no judge is involved. How
far a direction can be used is read off the images themselves (`eclipsed.search.realism`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.search.losses import alignment
from eclipsed.search.plan import Calibration
from eclipsed.search.pool import View, picture, text_direction
from eclipsed.search.realism import realism_of, unrealistic
from eclipsed.types import Goal

# Images that nothing else uses; the half that answers a prompt least is edited.
SEEDS = range(21_000_000, 21_000_040)
# How many of them tell how far a vector without a prompt moves images.
UNPROMPTED = 12
# Multiples of the trained vector that are tried.
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.35, 1.8, 2.4, 3.2)
# The prompt counts as reached in an image where its alignment is this fraction of the greatest,
# and on the whole where it is reached in this fraction of the images.
REACHED = 0.9
MOST = 0.85
# Strength 1 lies this much beyond: the encoder approves before the last images have changed wholly.
MARGIN = 1.25
# Strengths of each sign that are tried for a direction's range, and on how many images.
STRENGTHS = (1.0, 2.0, 3.0)
RANGE_IMAGES = 16
# No strength beyond this is offered.
LIMIT = STRENGTHS[-1]
# A range ends where more than this fraction of the images is unrealistic.
UNREALISTIC = 0.35


@torch.no_grad()
def calibrate_for(
    view: View, vector: Float[Tensor, " d"], goal: Goal, multiples: Sequence[float] = MULTIPLES
) -> Calibration:
    """Calibrate a vector on SEEDS: by the goal's prompt, or without one where it is empty."""
    latents = view.world.generator.sample(SEEDS, truncation=view.truncation, space=view.space)
    if not goal.prompt:
        return calibrate_unprompted(view, latents[:UNPROMPTED], vector, goal.regions)
    text = text_direction(view.world, goal)
    along = picture(view, latents)[1] @ text
    negatives = latents[along.argsort()[: len(along) // 2]]
    return calibrate(view, negatives, vector, text, goal.regions, multiples)


def calibrate(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    text: Float[Tensor, " e"],
    regions: Sequence[str] = (),
    multiples: Sequence[float] = MULTIPLES,
) -> Calibration:
    """Calibrate a vector on images [N] without the attribute that it brings.

    text: the unit direction [E] from the neutral text's embedding to the prompt's. regions: where
    images are to change.
    """
    curve = alignment_curve(view, latents, vector, text, multiples)
    unit = MARGIN * unit_of(curve, multiples)
    ends = range_of(view, latents[:RANGE_IMAGES], unit * vector, regions)
    return Calibration(unit, ends, tuple(curve.mean(dim=0).tolist()))


@torch.no_grad()
def alignment_curve(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    text: Float[Tensor, " e"],
    multiples: Sequence[float] = MULTIPLES,
) -> Float[Tensor, "n m"]:
    """The text's alignment per image and multiple of the vector.

    The gain along the text alone would go on rising with other things that change.
    """
    start = picture(view, latents)[1]
    after = [picture(view, latents + factor * vector)[1] for factor in multiples]
    return torch.stack([alignment(moved - start, text) for moved in after], dim=1)


def unit_of(
    curve: Float[Tensor, "n m"],
    multiples: Sequence[float] = MULTIPLES,
    reached: float = REACHED,
    most: float = MOST,
) -> float:
    """The multiple at which `most` of the images have `reached` of their peak, interpolated.

    An image's peak is its greatest alignment; an image that never aligns does not count. 1 where
    none aligns: then there is no scale to speak of.
    """
    rising = torch.cat([torch.zeros_like(curve[:, :1]), curve], dim=1)
    peak = rising.amax(dim=1)
    rising = rising[peak > 0.25 * float(peak.max())]
    if not len(rising) or float(peak.max()) <= 0.0:
        return 1.0
    goal = reached * rising.amax(dim=1)
    steps = torch.tensor([0.0, *multiples]).to(rising)
    last = (rising >= goal[:, None]).float().argmax(dim=1)
    low, high = (rising.gather(1, at[:, None])[:, 0] for at in (last - 1, last))
    part = (goal - low) / (high - low)
    lengths = steps[last - 1] + part * (steps[last] - steps[last - 1])
    return float(lengths.quantile(most))


@torch.no_grad()
def calibrate_unprompted(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    regions: Sequence[str] = (),
) -> Calibration:
    """Calibrate a vector that no prompt describes.

    Strength 1 is where the median image has moved, in the encoder's space, half as far as two
    random images [N] lie from each other.
    """
    start = picture(view, latents)[1]
    goal = float((start - start.roll(1, dims=0)).norm(dim=1).median()) / 2
    unit, moves = MULTIPLES[-1], [0.0]
    for last, factor in zip((0.0, *MULTIPLES), MULTIPLES, strict=False):
        before = max(moves)
        after = picture(view, latents + factor * vector)[1]
        moves.append(float((after - start).norm(dim=1).median()))
        if moves[-1] >= goal:  # and there is no need to look further
            unit = last + (factor - last) * (goal - before) / (moves[-1] - before)
            break
    # There may be many such vectors, and the one that is chosen for a prompt is calibrated again.
    ends = range_of(view, latents[: RANGE_IMAGES // 3], unit * vector, regions)
    return Calibration(unit, ends, tuple(moves[1:]))


def range_for(
    view: View, step: Float[Tensor, " d"], regions: Sequence[str] = ()
) -> tuple[float, float]:
    """The range on SEEDS of a vector whose strength 1 is known."""
    some = SEEDS[:RANGE_IMAGES]
    latents = view.world.generator.sample(some, truncation=view.truncation, space=view.space)
    return range_of(view, latents, step, regions)


@torch.no_grad()
def range_of(
    view: View,
    latents: Float[Tensor, "n d"],
    step: Float[Tensor, " d"],
    regions: Sequence[str] = (),
) -> tuple[float, float]:
    """The strengths, at most LIMIT, up to which two of three images [N] stay realistic; `step` is
    strength 1."""
    realism = realism_of(view.world)

    def end(sign: float) -> float:
        last, before = 0.0, 0.0
        for strength in STRENGTHS:
            synthesis, _ = picture(view, latents + sign * strength * step)
            fraction = float(unrealistic(realism, synthesis.image, regions).float().mean())
            if fraction > UNREALISTIC:
                return last + (strength - last) * (UNREALISTIC - before) / (fraction - before)
            last, before = strength, fraction
        return LIMIT

    return -end(-1.0), end(1.0)
