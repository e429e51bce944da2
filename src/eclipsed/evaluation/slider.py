"""How a direction feels as a slider: evenly spaced strengths on both sides, one image at a time.

Every measure takes what was seen at rising strengths and gives one number per image; NaN where it
has no meaning. Smoothness alone says little: what does nothing is perfectly smooth, so these
numbers belong next to `projection_range`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.evaluation import metrics

PerImage = Float[Tensor, " n"]
# A text gain that moves by less than this from end to end cannot be cut into steps.
_LEAST = 1e-3
# So near to an end of its range a measured attribute is at the end.
EDGE = 0.03


def distances(
    maps: Sequence[Sequence[Tensor]], middle: int
) -> tuple[Float[Tensor, "n s"], Float[Tensor, "n _"], Float[Tensor, "n _"]]:
    """Feature distances along S strengths: from strength 0, which is the one at `middle`, [N, S];
    from each to the next, [N, S−1]; and to the next but one, [N, S−2]."""

    def between(one: int, other: int) -> Tensor:
        return metrics.feature_distance(maps[one], maps[other])

    count = len(maps)
    start = torch.stack([between(middle, i) for i in range(count)], dim=1)
    steps = torch.stack([between(i, i + 1) for i in range(count - 1)], dim=1)
    double = torch.stack([between(i, i + 2) for i in range(count - 2)], dim=1)
    return start, steps, double


def delta(steps: Float[Tensor, "n s"], double: Float[Tensor, "n _"]) -> PerImage:
    """The largest detour of three neighbours, (d₁₂ + d₂₃ − d₁₃) / d₁₃: 0 on a straight way.

    Parihar et al., Kontinuous Kontext (arXiv:2510.08532). Where three neighbours look the same
    there is no way, and they do not count.
    """
    detour = (steps[:, :-1] + steps[:, 1:] - double) / double
    known = torch.where(double > 1e-6, detour, -torch.inf).amax(dim=1)
    return torch.where(known.isinf(), torch.nan, known)


def linearity(start: Float[Tensor, "n s"], strengths: Sequence[float]) -> PerImage:
    """|r| between the distance from the unedited image, signed as the strength is, and the
    strength."""
    at = torch.tensor(strengths).to(start)
    signed = start * at.sign()
    x, y = at - at.mean(), signed - signed.mean(dim=1, keepdim=True)
    r: Tensor = (y @ x) / (x.norm() * y.norm(dim=1))
    return r.abs()


def level_linearity(levels: Float[Tensor, "n s"], strengths: Sequence[float]) -> PerImage:
    """r between a measured attribute, from 0 to 1, and the strength; below 0 where it falls.

    Strengths beyond the one at which the attribute has come to an end of its range do not count:
    it has nowhere to go. NaN with fewer than three others, or where nothing moves.
    """
    at_end = ((levels <= EDGE) | (levels >= 1.0 - EDGE)).long()
    # Of a run at an end, the innermost strength counts.
    first = (at_end.cumprod(dim=1).sum(dim=1, keepdim=True) - 1).clamp(min=0)
    last = (at_end.flip(1).cumprod(dim=1).sum(dim=1, keepdim=True) - 1).clamp(min=0)
    number = torch.arange(levels.shape[1]).to(levels.device)
    counts = ((number >= first) & (number < levels.shape[1] - last)).to(levels)
    total = counts.sum(dim=1, keepdim=True)
    x = torch.tensor(strengths).to(levels).expand_as(levels)
    x, y = (counts * (v - (counts * v).sum(dim=1, keepdim=True) / total) for v in (x, levels))
    moves = y.norm(dim=1) > 1e-3
    r = (x * y).sum(dim=1) / (x.norm(dim=1) * y.norm(dim=1))
    return torch.where(moves & (total[:, 0] >= 3), r, torch.nan)


def steps_of(projection: Float[Tensor, "n s"]) -> Float[Tensor, "n _"]:
    """How the way along the text from end to end is divided into steps; they sum to 1.

    Steps back are negative and count. NaN where the ends are as good as equal.
    """
    whole = projection[:, -1:] - projection[:, :1]
    return torch.where(whole.abs() > _LEAST, projection.diff(dim=1) / whole, torch.nan)


def csm(steps: Float[Tensor, "n s"]) -> PerImage:
    """Standard deviation of the steps: the smoothness of FreeSliders (arXiv:2511.00103)."""
    return steps.std(dim=1, correction=0)


def mid(steps: Float[Tensor, "n s"]) -> PerImage:
    """Share of the way that would have to move for all steps to be equal: ½ Σ |step − 1/S|.

    0 is even, 1 − 1/S is all in one step, and more is to and fro. It follows the idea of the
    monotonic increment deviation of Ekin and Gandelsman (arXiv:2603.17998); the scale is our own.
    """
    return (steps - 1.0 / steps.shape[1]).abs().sum(dim=1) / 2.0


def slider_columns(
    projection: Float[Tensor, "n s"] | None,
    maps: Sequence[Sequence[Tensor]],
    strengths: Sequence[float],
) -> dict[str, PerImage]:
    """What of `scores.SLIDER` can be told. maps: per strength, of the same images, or none."""
    columns: dict[str, PerImage] = {}
    if all(maps):
        start, steps, double = distances(maps, list(strengths).index(0.0))
        columns["delta"] = delta(steps, double)
        columns["linearity"] = linearity(start, strengths)
    if projection is not None:
        parts = steps_of(projection)
        columns["csm"], columns["mid"] = csm(parts), mid(parts)
        columns["projection_range"] = projection[:, -1] - projection[:, 0]
    return columns
