"""Scores as pure functions of tensors: what changed, where, and how sure that is.

Images are [N, 3, H, W] in [-1, 1], masks [N, H, W] with 1 inside; each score is one number per
image, [N]. NaN means that a question has no answer for an image (nothing changed, nothing was in
sight); `interval` leaves such images out. No network is asked anything here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torch.nn import functional as F

Images = Float[Tensor, "n 3 h w"]
Masks = Float[Tensor, "n h w"]
PerImage = Float[Tensor, " n"]
Interval = dict[str, float]
STEADY = 0.02  # what a probability that never falls may fall by
# Of an attribute's range: against less than that nothing can be set.
LEAST_MOVE = 0.05


def locality(before: Images, after: Images, mask: Masks) -> PerImage:
    """Σ|Δ| inside the mask over Σ|Δ|, in [0, 1]; NaN where nothing changed."""
    change = (after - before).abs().sum(dim=1)
    return (change * mask).sum(dim=(1, 2)) / change.sum(dim=(1, 2))


def leakage(before: Images, after: Images, mask: Masks) -> PerImage:
    """Mean |Δ| of the pixels outside the mask, where the whole range from black to white is 2.

    NaN where the mask covers everything.
    """
    change = (after - before).abs().mean(dim=1)
    rest = 1.0 - mask
    return (change * rest).sum(dim=(1, 2)) / rest.sum(dim=(1, 2))


def psnr(before: Images, after: Images) -> PerImage:
    """Peak signal-to-noise ratio in dB, for images of range 2; infinite for equal ones."""
    error = (after - before).square().mean(dim=(1, 2, 3))
    return 10.0 * torch.log10(4.0 / error)


def psnr_outside(before: Images, after: Images, mask: Masks) -> PerImage:
    """As `psnr`, of the pixels outside the mask alone; NaN where it covers everything."""
    error = (after - before).square().mean(dim=1)
    rest = 1.0 - mask
    return 10.0 * torch.log10(4.0 / ((error * rest).sum(dim=(1, 2)) / rest.sum(dim=(1, 2))))


def ssim(before: Images, after: Images) -> PerImage:
    """Structural similarity (Wang et al. 2004): 11×11 Gaussian window of σ 1.5.

    Mean over colours and over every place where the window fits; the sides must be ≥ 11 px.
    """
    return _ssim_map(before, after).mean(dim=(1, 2))


def ssim_outside(before: Images, after: Images, mask: Masks) -> PerImage:
    """As `ssim`, of the windows whose middle lies outside the mask.

    What a window sees of the inside is taken from `before` both times, so that it does not count.
    NaN where no window has its middle outside.
    """
    rest = 1.0 - mask[:, 5:-5, 5:-5]
    similar = _ssim_map(before, torch.lerp(after, before, mask[:, None]))
    return (similar * rest).sum(dim=(1, 2)) / rest.sum(dim=(1, 2))


def _ssim_map(before: Images, after: Images) -> Float[Tensor, "n h2 w2"]:
    """Similarity at every place where the window fits, mean over colours."""
    line = torch.exp(-((torch.arange(11.0, device=before.device) - 5.0) ** 2) / (2 * 1.5**2))
    line = line / line.sum()
    window = (line[:, None] * line[None, :]).expand(3, 1, 11, 11)

    def mean(values: Tensor) -> Tensor:
        return F.conv2d(values, window, groups=3)

    low, high = (0.01 * 2.0) ** 2, (0.03 * 2.0) ** 2
    x, y = mean(before), mean(after)
    xx, yy = mean(before * before) - x * x, mean(after * after) - y * y
    xy = mean(before * after) - x * y
    # It compares brightness as a ratio, so black must be 0 there; the rest does not mind.
    x, y = x + 1.0, y + 1.0
    similar = (2 * x * y + low) * (2 * xy + high) / ((x * x + y * y + low) * (xx + yy + high))
    return similar.mean(dim=1)


def directional(
    text: Float[Tensor, " e"], before: Float[Tensor, "n e"], after: Float[Tensor, "n e"]
) -> PerImage:
    """Cosine between the change of a text and the changes of images in an encoder's space.

    The directional similarity of StyleGAN-NADA (Gal et al. 2021). 0 where nothing changed.
    """
    return F.cosine_similarity(after - before, text[None], dim=1)


def projection(
    text: Float[Tensor, " e"], before: Float[Tensor, "n e"], after: Float[Tensor, "n e"]
) -> PerImage:
    """How far images move along the change of a text: (after − before) · text / |text|.

    Unlike the cosine of `directional` it grows with the strength of an edit.
    """
    return (after - before) @ F.normalize(text, dim=0)


def feature_distance(
    before: Sequence[Float[Tensor, "n _ _ _"]],
    after: Sequence[Float[Tensor, "n _ _ _"]],
    mask: Masks | None = None,
) -> PerImage:
    """Distance over several feature maps, normalised over channels as in LPIPS (Zhang et al. 2018).

    The mean over maps of the root of the mean over places of |f̂(after) − f̂(before)|². No weights
    are learned, and the root makes it a metric, so it is not LPIPS. mask: places inside it do not
    count; NaN where nothing else is left.
    """
    total = []
    for x, y in zip(before, after, strict=True):
        change = (F.normalize(y, dim=1) - F.normalize(x, dim=1)).square().sum(dim=1)
        rest = torch.ones_like(change)
        if mask is not None:
            rest = 1.0 - F.adaptive_max_pool2d(mask[:, None], change.shape[1:])[:, 0]
        total.append(((change * rest).sum(dim=(1, 2)) / rest.sum(dim=(1, 2))).sqrt())
    return torch.stack(total).nanmean(dim=0)


def shows(probabilities: Float[Tensor, "n k"], claimed: Bool[Tensor, " k"]) -> Bool[Tensor, " n"]:
    """Whether the claimed values, taken together as one, are more probable than any other value."""
    claimed = claimed.to(probabilities.device)
    rest = probabilities.masked_fill(claimed, 0.0).amax(dim=1)
    return probabilities.masked_fill(~claimed, 0.0).sum(dim=1) > rest


def monotonicity(probabilities: Float[Tensor, "n a"], slack: float = STEADY) -> Bool[Tensor, " n"]:
    """Whether a probability, along rising strengths, never falls by more than `slack`.

    Measured from the highest value so far, so that many small steps down count as one fall.
    """
    falls = probabilities.cummax(dim=1).values - probabilities
    return (falls <= slack + 1e-6).all(dim=1)


def preservation(
    same: Mapping[str, Bool[Tensor, " n"]], visible: Mapping[str, Bool[Tensor, " n"]]
) -> PerImage:
    """Fraction of the visible attributes that stay.

    same: attribute → whether it is the same before and after. visible: whether it counts in an
    image, for each attribute that may. NaN where none counts.
    """
    return _mean_of_visible([same[name].float() for name in visible], list(visible.values()))


def dependency(
    before: Mapping[str, Float[Tensor, "n _"]],
    after: Mapping[str, Float[Tensor, "n _"]],
    visible: Mapping[str, Bool[Tensor, " n"]],
) -> PerImage:
    """How much probability other attributes move to other values, in [0, 1]; mean of the visible.

    After the attribute dependency of StyleSpace (Wu et al. 2021). Of one attribute it is half the
    sum of |Δp|, so 1 is a certain change to something else. NaN where none is visible.
    """
    moved = [(after[name] - before[name]).abs().sum(dim=1) / 2.0 for name in before]
    return _mean_of_visible(moved, [visible[name] for name in before])


def drift(others: PerImage, move: PerImage) -> PerImage:
    """How far other attributes move, as a part of how far the asked one does; 0 is best.

    others, move: both as parts of a range. NaN where the asked one moves by less than `LEAST_MOVE`,
    or the wrong way.
    """
    return torch.where(move >= LEAST_MOVE, others / move, torch.nan)


def _mean_of_visible(values: list[Tensor], visible: list[Tensor]) -> Tensor:
    counted = torch.stack(visible).float()
    return (torch.stack(values) * counted).sum(dim=0) / counted.sum(dim=0)


def worst_tenth(
    values: Iterable[float | bool | None], better: Literal["higher", "lower"]
) -> float | None:
    """The value that the worst tenth of the images attain at best: the 10th percentile, or the 90th
    where less is better. None without numbers, and of yes or no, which has no tenth."""
    known = [value for value in values if value is not None and value == value]
    if not known or all(isinstance(value, bool) for value in known):
        return None
    return float(np.percentile(known, 10 if better == "higher" else 90))


def interval(
    values: Shaped[Tensor, " n"] | Iterable[float | bool | None],
    *,
    statistic: Literal["median", "mean"] | None = None,
    seed: int = 0,
    draws: int = 1000,
) -> Interval | None:
    """A statistic of a sample with its 95% percentile bootstrap interval (Efron 1979).

    values: numbers or truths; NaN and None are left out, and if nothing is left the answer is
    None. statistic: "median" or "mean"; by default the mean (a fraction) of truths and the median
    of numbers. The key is `median` in both cases; `low` and `high` are the interval's ends.
    """
    listed = values.tolist() if isinstance(values, Tensor) else list(values)
    known = [value for value in listed if value is not None and value == value]
    if not known:
        return None
    if statistic is None:
        statistic = "mean" if all(isinstance(value, bool) for value in known) else "median"
    sample = np.asarray(known, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(sample), (draws, len(sample)))
    middle = np.mean if statistic == "mean" else np.median
    low, high = np.percentile(middle(sample[picks], axis=1), (2.5, 97.5))
    return {"median": float(middle(sample)), "low": float(low), "high": float(high)}
