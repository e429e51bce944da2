"""An edit laid into a photo: the difference that it makes, faded in within its mask.

What the generator does not know of the photo stays, because only the difference between two of
its images is added; but where the edit draws other shapes, the photo's own lines would stay beside
them, and the generator's image takes their place. This module knows no file and no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.masks import REFERENCE
from eclipsed.editing.photos.crop import Crop
from eclipsed.editing.photos.reading import Box, Photo, Pixels, in_8_bits

FEATHER = 8  # pixels of images of 128 over which a colour that fills the mask fades in
_FINEST = 256  # pixels of a side, for what is smooth
# The photo's pixels within a mask's edge over which all fades in, as wide as a JPEG's block.
_RIM = 8
_MARGIN = 6  # pixels of images of 128, which a mask is wider than its region
GHOST = 0.3  # of the strength of the edit's lines: so strong, an old shape is seen beside the new
_ROWS = 256  # of a photo that are mixed at a time
_LUMA = (0.299, 0.587, 0.114)  # of grey photos
# Pixels of images of 128: how near a line of the other image is the same one, how far around lines
# that came or went all is drawn anew, how soft that ends, and how wide the photo's light is taken.
_NEAR, _AROUND, _SOFT, _LIGHT = 2, 4, 2, 16
_FADED = 4.0  # times weaker, and a line is gone rather than of another colour
_LINE = 0.04  # the least step from pixel to pixel, in [-1, 1], that is a line


@dataclass(frozen=True)
class Pasted:
    """What becomes of a photo: other pixels in a window, all else as it is.

    box: left, top, right, bottom of the window, upright. pixels: what is in it, in the photo's own
    depth and colours. mask: where they may differ from the photo's.
    """

    photo: Photo
    box: Box
    pixels: Pixels
    mask: Bool[np.ndarray, "h w"]

    @property
    def before(self) -> Pixels:
        """The photo's own pixels in the window."""
        return _window(self.photo.pixels, self.box)

    @cached_property
    def changed(self) -> int:
        """How many pixels differ from the photo's."""
        return int(differing(self.pixels, self.before).sum())

    def stored(self) -> Pixels:
        """All pixels with the edit in them, as the photo's file stores them."""
        stored = self.photo.stored.copy()
        _window(self.photo.turned(stored), self.box)[...] = self.pixels
        return stored


def differing(first: Pixels, second: Pixels) -> Bool[np.ndarray, "_h _w"]:
    """Which pixels are not the same."""
    if np.array_equal(first, second):  # most of a photo is, and this is quick
        return np.zeros(first.shape[:2], bool)
    # Channel by channel, because numpy is slow along an axis of three.
    pairs = zip(np.moveaxis(first, 2, 0), np.moveaxis(second, 2, 0), strict=True)
    result: NDArray[np.bool_] = np.logical_or.reduce([one != other for one, other in pairs])
    return result


def _window(pixels: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box
    return pixels[top:bottom, left:right]


class Redrawn(NamedTuple):
    """image: [3, s, s] in [-1, 1], what takes the photo's place. share: [s, s], how much of it."""

    image: Tensor
    share: Tensor


def paste(
    photo: Photo,
    crop: Crop,
    difference: Float[Tensor, "3 s s"],
    mask: Float[Tensor, "s s"],
    anew: Redrawn | None = None,
) -> Pasted:
    """Add the difference of two of the generator's images to a photo, within a mask.

    difference: edited minus unedited, both in [-1, 1]. mask: from 0 (stays) to 1 (may change).
    anew: what replaces the photo instead, as `redrawn` gives it. Where the mask is 0 no pixel
    changes, nor does any where there is no difference and nothing anew.

    Raises BadSetting where the crop touches nothing of the photo.
    """
    added, lost = faded(difference, mask), torch.zeros_like(mask)
    if anew is not None:
        lost = anew.share
        added = torch.lerp(added, anew.image, lost)
    # Of a face that is small in its photo, even the lines start softly: the blocks of a JPEG carry
    # whatever is cut off at the mask's edge beyond it.
    size = len(mask)
    steps = min(round(_RIM * size / crop.side), _pixels(_MARGIN, size))
    edge = _ramp(mask > 0, steps) if steps else 1.0
    return _laid(photo, crop, added * edge, lost * edge, mask)


def blend(
    photo: Photo, crop: Crop, edited: Float[Tensor, "3 s s"], mask: Float[Tensor, "s s"]
) -> Pasted:
    """Mix the generator's edited image itself into a photo, within a mask.

    No old shape stays beside the new one, but inside the mask the photo becomes the generator's
    picture of it. Image and mask are as for `paste`, and so is what is raised.
    """
    everywhere = Redrawn(edited, _ramp(mask > 0) * mask)
    return paste(photo, crop, torch.zeros_like(edited), mask, everywhere)


def _laid(
    photo: Photo,
    crop: Crop,
    added: Float[Tensor, "3 s s"],
    lost: Float[Tensor, "s s"],
    mask: Float[Tensor, "s s"],
) -> Pasted:
    """Colours in [-1, 1] added to a photo's, of which a part from 0 to 1 is lost before."""
    channels = torch.cat([added, lost[None], (mask > 0)[None]]).float().cpu()
    box, laid, coverage = crop.back(channels, *photo.size)
    # Between the last pixel inside the mask and the first outside it, half of the way is outside.
    share = (2.0 * laid[4] - 1.0).clamp_(0.0, 1.0).mul_(coverage)
    box, inside = _trimmed(box, share > 0.0)
    share, laid = share[inside], laid[(slice(0, 4), *inside)]
    before = _window(photo.pixels, box)
    after = before.copy()
    for start in range(0, len(after), _ROWS):
        rows = slice(start, start + _ROWS)
        _mix_rows(photo, after[rows], before[rows], laid[:, rows], share[rows])
    return Pasted(photo, box, after, (share > 0.0).numpy())


def _mix_rows(
    photo: Photo,
    after: Pixels,
    before: Pixels,
    laid: Float[Tensor, "4 h w"],
    share: Float[Tensor, "h w"],
) -> None:
    """Mix some rows, in `after`; alpha, the last of 2 or 4 channels, stays."""
    most = float(photo.most)
    if photo.colours is not None:
        own = in_8_bits(before[..., :3])
        seen = photo.colours.to_srgb(own)
        mixed = _mixed(seen, 255.0, laid, share)
        # As a difference, so that colours beyond sRGB stay what they are.
        old, new = (photo.colours.from_srgb(each) for each in (seen, mixed.astype(np.uint8)))
        numbers = before[..., :3] + (new.astype(np.float32) - old) * (most / 255.0)
        numbers = numbers.round().clip(0.0, most)
    elif after.shape[2] < 3:
        grey = (laid[:3] * laid.new_tensor(_LUMA)[:, None, None]).sum(0, keepdim=True)
        numbers = _mixed(before[..., :1], most, torch.cat([grey, laid[3:]]), share)
    else:
        numbers = _mixed(before[..., :3], most, laid, share)
    own, changes = after[..., : numbers.shape[2]], (share > 0.0).numpy()
    np.copyto(own, numbers, where=changes[..., None], casting="unsafe")


def _mixed(
    pixels: Pixels, most: float, laid: Float[Tensor, "_c h w"], share: Float[Tensor, "h w"]
) -> NDArray[np.float32]:
    """Whole numbers from 0 to `most` of pixels with what is laid on them."""
    own = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)
    own = own.mul_(2.0 / most).sub_(1.0)
    change = torch.addcmul(laid[:-1], own, laid[-1:], value=-1.0).mul_(share)
    numbers = change.add_(own).add_(1.0).mul_(most / 2.0).round_().clamp_(0.0, most)
    result: NDArray[np.float32] = numbers.permute(1, 2, 0).numpy()
    return result


def _trimmed(box: Box, inside: Bool[Tensor, "h w"]) -> tuple[Box, tuple[slice, slice]]:
    """The smallest window that holds all of a mask, in the photo and in the old window."""
    spans = []
    for axis in (1, 0):
        where = torch.nonzero(inside.any(axis)).flatten().tolist()
        spans.append(slice(where[0], where[-1] + 1) if where else slice(0, 0))
    rows, columns = spans
    left, top = box[:2]
    moved = (left + columns.start, top + rows.start, left + columns.stop, top + rows.stop)
    return moved, (rows, columns)


# --- fading in ----------------------------------------------------------------------------------


def faded(difference: Float[Tensor, "3 s s"], mask: Float[Tensor, "s s"]) -> Float[Tensor, "3 s s"]:
    """A difference that ends at a mask's edge without a seam.

    What it has at the edge goes on inwards and is taken away, less and less over some pixels. So
    a colour that fills the mask fades in, while what lies within the mask stays as it is, up to
    its edge. Outside it is 0.
    """
    ramp = _ramp(mask > 0)
    return (difference.float() - _from_edge(difference, mask > 0) * (1.0 - ramp)) * mask


def _ramp(inside: Bool[Tensor, "s s"], step: int | None = None) -> Float[Tensor, "s s"]:
    """From 0 at a mask's edge to 1 within, over `step` pixels or over half of what is there."""
    step = step or _pixels(FEATHER, len(inside))
    distance = _distance(inside, step)
    # A thin part of the mask must not lose its edit: there the way is shorter.
    near = F.max_pool2d(distance[None], 2 * step + 1, 1, step)[0].clamp(max=2.0 * step)
    ramp = (distance / (near / 2.0).clamp(min=1.0)).clamp(max=1.0)
    return ramp.square() * (3.0 - 2.0 * ramp)


def _pixels(width: float, size: int) -> int:
    return max(1, round(width * size / REFERENCE))


def _from_edge(
    difference: Float[Tensor, "3 s s"], inside: Bool[Tensor, "s s"]
) -> Float[Tensor, "3 s s"]:
    """What a difference has along a mask's edge, carried on to both sides, ever smoother."""
    size = len(inside)
    values, mask = difference.float()[None], inside.float()[None, None]
    if size > _FINEST:  # what is carried on is smooth, and large images would take long
        values = F.interpolate(values, (_FINEST, _FINEST), mode="area")
        mask = (F.interpolate(mask, (_FINEST, _FINEST), mode="area") > 0.5).float()
    is_known = mask * F.max_pool2d(1.0 - mask, 3, 1, 1)
    # Along the edge too it is smooth: else single pixels would draw streaks.
    carried = F.avg_pool2d(torch.cat([values * is_known, is_known], 1), 5, 1, 2)
    carried = carried / carried[:, 3:].clamp(min=1e-6) * is_known
    for _ in range(2 * _pixels(FEATHER, values.shape[-1])):
        mean = F.avg_pool2d(carried, 3, 1, 1)
        weight = mean[:, 3:]
        is_new = (carried[:, 3:] == 0.0) & (weight > 0.0)
        mean = torch.cat([mean[:, :3] / weight.clamp(min=1e-6), torch.ones_like(weight)], 1)
        carried = torch.where(is_new, mean, carried)
    edge = carried[:, :3]
    if size > _FINEST:
        edge = F.interpolate(edge, (size, size), mode="bilinear")
    return edge[0]


def _distance(inside: Bool[Tensor, "s s"], most: int) -> Float[Tensor, "s s"]:
    """How many pixels the nearest one outside is away, at most twice `most`."""
    # Squares and crosses in turn make nearly round steps.
    outside = (~inside).float()[None]
    total = inside.float()
    for step in range(2 * most - 1):
        across = F.max_pool2d(outside, (1, 3), 1, (0, 1))
        if step % 2:
            outside = F.max_pool2d(across, (3, 1), 1, (1, 0))
        else:
            outside = torch.maximum(across, F.max_pool2d(outside, (3, 1), 1, (1, 0)))
        total = total + 1.0 - outside[0]
    return total


# --- other shapes -------------------------------------------------------------------------------


def redrawn(
    view: Float[Tensor, "3 s s"],
    unedited: Float[Tensor, "3 s s"],
    edited: Float[Tensor, "3 s s"],
    mask: Float[Tensor, "s s"],
) -> Redrawn:
    """Where an edit draws other shapes: the edited image in the photo's own light.

    view: the photo's crop, unedited: its inversion; all in [-1, 1]. Its lines come or go there, and
    those that the photo has in other places than its inversion would stay. What only changes its
    colour is not redrawn.
    """
    around = _most((_moved(unedited, edited, mask) > 0).float(), _AROUND)
    share = _mean(around[None], _SOFT)
    light = _coarse(view - unedited)
    stays = 1.0 - share
    # What is known of the light is what the photo shows around the new shapes.
    known, weight = _mean(light * stays, _LIGHT), _mean(stays, _LIGHT)
    light = known / weight.clamp(min=1e-3)
    size = edited.shape[-2:]
    light, share = (F.interpolate(each[None], size, mode="bilinear")[0] for each in (light, share))
    return Redrawn(edited + light, share[0] * _ramp(mask > 0) * mask)


def ghosting(
    view: Float[Tensor, "3 s s"],
    unedited: Float[Tensor, "3 s s"],
    edited: Float[Tensor, "3 s s"],
    mask: Float[Tensor, "s s"],
    anew: Redrawn | None = None,
) -> float:
    """How strongly the photo's own lines stay where an edit draws others; from GHOST on it is seen.

    view: the photo's crop, unedited: its inversion; all in [-1, 1]. Where the two differ along
    lines that come or go, the old shape stays beside the new one, unless it is drawn `anew`. 0
    where the edit only colours.
    """
    moved = _moved(unedited, edited, mask)
    left = _lines(view - unedited)
    if anew is not None:
        left = left * (1.0 - _coarse(anew.share[None])[0])
    strength = float(moved.square().sum())
    return float((moved * left).sum()) / strength if strength else 0.0


def _moved(
    unedited: Float[Tensor, "3 s s"], edited: Float[Tensor, "3 s s"], mask: Float[Tensor, "s s"]
) -> Float[Tensor, "_h _w"]:
    """The lines within a mask that come or go, as strong as they are; of coarse images."""
    before, after = _lines(unedited), _lines(edited)
    gone = before - _FADED * _most(after, _NEAR)
    come = after - _FADED * _most(before, _NEAR)
    moved = torch.maximum(gone, come) * (_coarse(mask[None])[0] > 0)
    return moved * (moved > _LINE)


def _coarse(values: Float[Tensor, "c s s"]) -> Float[Tensor, "c _h _w"]:
    """At most REFERENCE pixels across, for which the widths here are told."""
    size = min(values.shape[-1], REFERENCE)
    return F.interpolate(values.float()[None], (size, size), mode="area")[0]


def _most(values: Float[Tensor, "h w"], pixels: int) -> Float[Tensor, "h w"]:
    return F.max_pool2d(values[None], 2 * pixels + 1, 1, pixels)[0]


def _mean(values: Float[Tensor, "c h w"], pixels: int) -> Float[Tensor, "c h w"]:
    """Twice over a square, which makes a soft pyramid."""
    size = min(pixels, values.shape[-1] // 4)
    for _ in range(2):
        values = F.avg_pool2d(values, 2 * size + 1, 1, size, count_include_pad=False)
    return values


def _lines(image: Float[Tensor, "3 s s"]) -> Float[Tensor, "_h _w"]:
    """How much an image changes from pixel to pixel, without its noise."""
    smooth = _coarse(image)[None]
    smooth = F.avg_pool2d(F.pad(smooth, (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
    down = F.pad(smooth[:, 1:] - smooth[:, :-1], (0, 0, 0, 1))
    across = F.pad(smooth[:, :, 1:] - smooth[:, :, :-1], (0, 1))
    return torch.sqrt(down.square() + across.square()).amax(0)
