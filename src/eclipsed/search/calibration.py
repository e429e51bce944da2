"""Strengths that mean the same for every direction: 1 is where the prompt is reached, or where
images end that look like the generator's own, if that comes first and most have the prompt there.

Measured on images that lack what is asked for and were not trained on, by the encoder that trained;
no judge is involved. How far a direction can be used is read off the images themselves
(`eclipsed.search.realism`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.directions import within_range
from eclipsed.search.losses import alignment
from eclipsed.search.plan import Calibration
from eclipsed.search.pool import View, picture, seen, text_direction
from eclipsed.search.realism import realism_of, unrealistic
from eclipsed.types import Goal

# Images that nothing else uses; those that lack what a prompt asks for are edited.
SEEDS = range(21_000_000, 21_000_040)
# The fewest of them, whatever they have.
FEWEST = 4
# Images lack what most others have where they are a smaller part than this, and this part of the
# scores' variance lies between them and the others.
FEW, CLEAR = 0.4, 0.75
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
# It lies no further out than images stay realistic, unless fewer than these have the prompt there.
HALF = 0.5
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
    if not goal.prompt:
        some = SEEDS[:UNPROMPTED]
        latents = view.world.generator.sample(some, truncation=view.truncation, space=view.space)
        return calibrate_unprompted(view, latents, vector, goal.regions)
    text = text_direction(view, goal)
    latents, before = _negatives(view, text)
    return calibrate(view, latents, vector, text, goal.regions, multiples, before=before)


def _negatives(view: View, text: Float[Tensor, " e"]) -> tuple[Tensor, Tensor]:
    """Of SEEDS, the latents [N, D] and embeddings [N, E] of the images that lack what the text [E]
    asks for."""
    latents = view.world.generator.sample(SEEDS, truncation=view.truncation, space=view.space)
    embeddings = picture(view, latents)[1]
    rows = lacking(embeddings @ text)
    return latents[rows], embeddings[rows]


def lacking(along: Float[Tensor, " n"]) -> Int[Tensor, " m"]:
    """The rows of the images that lack what is asked for, by where they lie along its text, the
    clearest first: the lower half of them, or fewer where most images clearly have it.

    Of the starter world's images 15% wear a hat; of those that are said to lack "no hat" 96% do, of
    the lower half 29%.
    """
    few = few_lacking(along) or len(along) // 2
    return along.argsort()[: min(len(along) // 2, max(FEWEST, few))]


def few_lacking(along: Float[Tensor, " n"]) -> int | None:
    """How many images lack what most clearly have; None where it is not most, or not clear.

    The scores are cut in two where most of their variance lies between the groups (Otsu 1979). Of
    evenly spread scores that is three quarters; what is clear is more.
    """
    ordered = along.sort().values.double()
    count, sums = len(ordered), ordered.cumsum(0)
    sizes = torch.arange(1, count).to(ordered)
    apart = (sums[-1] - sums[:-1]) / (count - sizes) - sums[:-1] / sizes
    between = sizes * (count - sizes) * apart.square() / count**2
    lower = int(between.argmax())
    clear = float(between[lower]) > CLEAR * float(ordered.var(correction=0))
    return lower + 1 if clear and lower + 1 < FEW * count else None


def calibrate(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    text: Float[Tensor, " e"],
    regions: Sequence[str] = (),
    multiples: Sequence[float] = MULTIPLES,
    *,
    before: Float[Tensor, "n e"] | None = None,
) -> Calibration:
    """Calibrate a vector on images [N] without the attribute that it brings.

    text: the unit direction [E] from the neutral text's embedding to the prompt's. regions: where
    images are to change. before: embeddings of the images, where they are known.
    """
    curve = alignment_curve(view, latents, vector, text, multiples, before=before)
    unit = MARGIN * unit_of(curve, multiples)
    low, high = range_of(view, latents[:RANGE_IMAGES], unit * vector, regions)
    reached = lengths_of(curve, multiples) <= unit * high
    if high < 1.0 and len(reached) and float(reached.float().mean()) < HALF:
        high = 1.0  # it would look natural and do nothing
    return Calibration(*within_range(unit, (low, high)), tuple(curve.mean(dim=0).tolist()))


@torch.no_grad()
def alignment_curve(
    view: View,
    latents: Float[Tensor, "n d"],
    vector: Float[Tensor, " d"],
    text: Float[Tensor, " e"],
    multiples: Sequence[float] = MULTIPLES,
    *,
    before: Float[Tensor, "n e"] | None = None,
) -> Float[Tensor, "n m"]:
    """The text's alignment per image and multiple of the vector; before: embeddings, if known.

    The gain along the text alone would go on rising with other things that change.
    """
    start = picture(view, latents)[1] if before is None else before
    after = [picture(view, latents + factor * vector)[1] for factor in multiples]
    return torch.stack([alignment(moved - start, text) for moved in after], dim=1)


def unit_of(curve: Float[Tensor, "n m"], multiples: Sequence[float] = MULTIPLES) -> float:
    """The multiple at which MOST of the images have the prompt; 1 where none aligns, since then
    there is no scale to speak of."""
    lengths = lengths_of(curve, multiples)
    return float(lengths.quantile(MOST)) if len(lengths) else 1.0


def lengths_of(
    curve: Float[Tensor, "n m"], multiples: Sequence[float] = MULTIPLES
) -> Float[Tensor, " k"]:
    """The multiple at which each image has REACHED of its peak, interpolated.

    An image's peak is its greatest alignment; an image that never aligns does not count.
    """
    rising = torch.cat([torch.zeros_like(curve[:, :1]), curve], dim=1)
    peak = rising.amax(dim=1)
    rising = rising[(peak > 0.25 * float(peak.max())) & (peak > 0.0)]
    goal = REACHED * rising.amax(dim=1)
    steps = torch.tensor([0.0, *multiples]).to(rising)
    last = (rising >= goal[:, None]).float().argmax(dim=1)
    low, high = (rising.gather(1, at[:, None])[:, 0] for at in (last - 1, last))
    part = (goal - low) / (high - low)
    return steps[last - 1] + part * (steps[last] - steps[last - 1])


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
    return Calibration(*within_range(unit, ends), tuple(moves[1:]))


def calibrate_reached(view: View, vector: Float[Tensor, " d"], goal: Goal) -> Calibration:
    """Calibrate a vector that reaches the goal's prompt as it is: its range alone is measured."""
    latents = _negatives(view, text_direction(view, goal))[0][:RANGE_IMAGES]
    return Calibration(*within_range(1.0, range_of(view, latents, vector, goal.regions)))


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
        # From far away: most ranges end there, and what is not too far makes no image unrealistic.
        beyond = None
        for strength in STRENGTHS[::-1]:
            image = seen(view, latents + sign * strength * step).image
            fraction = float(unrealistic(realism, image, regions).float().mean())
            if fraction <= UNREALISTIC:
                return _between((strength, fraction), beyond)
            beyond = strength, fraction
        return _between((0.0, 0.0), beyond)

    return -round(end(-1.0), 4), round(end(1.0), 4)


def _between(near: tuple[float, float], far: tuple[float, float] | None) -> float:
    """Where the fraction of unrealistic images exceeds what is allowed, between two strengths with
    their fractions; the nearer one where there is none beyond it."""
    (last, before), (strength, fraction) = near, far or near
    if far is None:
        return last
    return last + (strength - last) * (UNREALISTIC - before) / (fraction - before)
