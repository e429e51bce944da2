"""The square of a photo that a generator sees: cut out, and later laid back to where it was.

A crop remembers the exact transform, so that what is laid back falls on the pixels it was cut
from. Coordinates are x to the right and y downwards in pixels of the upright photo, where (0, 0)
is the top left corner of its first pixel. This module knows no network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64, Num, UInt8
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.photos import ffhq
from eclipsed.errors import BadSetting
from eclipsed.types import Point

Box = tuple[int, int, int, int]
Recipe = Literal["plain", "ffhq"]

SMALLEST = 16  # pixels of a side: less holds nothing to edit
FEATHER = 0.05  # of a side: over so much a pasted crop fades in
_MOST_ENLARGED = 2048  # pixels; beyond, linear steps between them are not seen
_BAND = 2**21  # pixels that are laid back at a time


@dataclass(frozen=True)
class Crop:
    """A square of the photo, upright or turned, which becomes the generator's image.

    corners: where the image's top left, bottom left, bottom right and top right corner lie in the
    photo; they may lie outside of it.
    recipe: "plain" averages pixels and continues the photo by its reflection; "ffhq" is what the
    face generators' training data was cut by, step by step.

    Raises BadSetting for corners of no parallelogram, of a mirrored or of a tiny one.
    """

    corners: tuple[Point, Point, Point, Point]
    recipe: Recipe = "plain"

    def __post_init__(self) -> None:
        corners = tuple((float(x), float(y)) for x, y in self.corners)
        object.__setattr__(self, "corners", corners)
        quad = np.array(corners)
        across, down = quad[3] - quad[0], quad[1] - quad[0]
        area = float(across[0] * down[1] - across[1] * down[0])
        if quad.shape != (4, 2) or not np.isfinite(quad).all():
            raise BadSetting("A crop has four corners, each of two finite numbers.")
        if area <= 0 or np.abs(quad[0] + across + down - quad[2]).max() > 1e-3 * math.sqrt(area):
            raise BadSetting("A crop is a square that is neither bent nor mirrored.")
        if min(np.hypot(*across), np.hypot(*down)) < SMALLEST:
            raise BadSetting(
                f"A crop of {math.hypot(*across):.0f}×{math.hypot(*down):.0f} pixels is too small.",
                f"Its sides need at least {SMALLEST} pixels.",
            )

    @classmethod
    def around(cls, corners: Float64[np.ndarray, "n 2"], recipe: Recipe = "plain") -> Crop:
        """The crop whose first three corners these are: top left, bottom left, bottom right."""
        first, second, third = ((float(x), float(y)) for x, y in corners[:3])
        fourth = (first[0] + third[0] - second[0], first[1] + third[1] - second[1])
        return cls((first, second, third, fourth), recipe)

    @property
    def side(self) -> float:
        """The length of a side, in pixels of the photo."""
        return math.dist(self.corners[0], self.corners[3])

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of what the crop covers; it may go beyond the photo."""
        xs, ys = zip(*self.corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def as_json(self) -> dict[str, Any]:
        """The crop as plain JSON."""
        return {"recipe": self.recipe, "corners": [list(corner) for corner in self.corners]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Crop:
        """The crop that `as_json` gave; BadSetting for anything else."""
        try:
            first, second, third, fourth = ((float(x), float(y)) for x, y in data["corners"])
            recipe: Recipe = get_args(Recipe)[get_args(Recipe).index(data["recipe"])]
        except (KeyError, TypeError, ValueError) as error:
            raise BadSetting(
                "A crop's JSON needs a `recipe`, plain or ffhq, and four `corners`."
            ) from error
        return cls((first, second, third, fourth), recipe)

    def cut(
        self, pixels: Float[Tensor, "h w 3"] | UInt8[Tensor, "h w 3"], size: int
    ) -> Float[Tensor, "3 {size} {size}"]:
        """The generator's view of the photo in [0, 1], without aliasing, on the CPU.

        pixels: in [0, 1], or bytes, of which only those in the crop become numbers.

        Raises BadSetting where the crop's centre lies outside the photo.
        """
        height, width = pixels.shape[:2]
        left, top, right, bottom = self.bounds
        x, y = (left + right) / 2, (top + bottom) / 2
        if not (0 <= x <= width and 0 <= y <= height):
            raise BadSetting(
                f"The crop around ({x:.0f}, {y:.0f}) lies outside the photo of {width}×{height} "
                "pixels.",
                "Say a box or points inside the photo, as it is seen upright.",
            )
        if self.recipe == "ffhq":
            numbers = pixels if pixels.dtype == torch.uint8 else pixels.float()
            face = ffhq.cut_face(numbers.numpy(), self._quad() - 0.5, size)
            return torch.tensor(face).permute(2, 0, 1) / 255.0
        view = _cut_plain(pixels, self._quad(), size)
        return view / 255.0 if pixels.dtype == torch.uint8 else view

    def back(
        self, values: Float[Tensor, "c s s"], height: int, width: int
    ) -> tuple[Box, Float[Tensor, "c h w"], Float[Tensor, "h w"]]:
        """Values of the generator's pixels, laid back over a photo of that size.

        Gives the window of the photo that the crop touches (left, top, right, bottom), the values
        in it, and how much they count there: 1 inside, fading to 0 at the crop's edges and beyond.
        The values keep their range.

        Raises BadSetting where the crop touches nothing of the photo.
        """
        quad, size = self._quad(), values.shape[-1]
        if self.recipe == "ffhq":
            quad = ffhq.sampled_corners(quad - 0.5, size, width, height)
        low, high = np.floor(quad.min(0)), np.ceil(quad.max(0))
        left, top = (int(number) for number in np.maximum(low, 0))
        right, bottom = (int(number) for number in np.minimum(high, (width, height)))
        if left >= right or top >= bottom:
            raise BadSetting(f"The crop touches nothing of a photo of {width}×{height} pixels.")
        scaled = _near_size(values, quad)
        laid = torch.empty(len(values), bottom - top, right - left)
        coverage = torch.empty(bottom - top, right - left)
        step = max(1, _BAND // (right - left))
        for row in range(0, bottom - top, step):
            rows = slice(row, min(row + step, bottom - top))
            grid = _places(quad, (left, top + row, right, top + rows.stop))
            laid[:, rows] = _sample(scaled, grid)
            coverage[rows] = _coverage(grid)
        return (left, top, right, bottom), laid, coverage

    def _quad(self) -> Float64[np.ndarray, "4 2"]:
        return np.array(self.corners, np.float64)


# --- ways to say a crop -------------------------------------------------------------------------


def ffhq_crop(points: Sequence[Point]) -> Crop:
    """The crop that FFHQ's generators know, from the five points of a face in pixels.

    points: left eye, right eye, nose, left and right mouth corner, as seen in the picture, each
    x, y with (0, 0) at the centre of the first pixel, as detectors give them.

    Raises BadSetting for another number of points, or where they are no face.
    """
    return Crop.around(ffhq.face_quad(_face(points)) + 0.5, "ffhq")


def _face(points: Sequence[Point]) -> Float64[np.ndarray, "5 2"]:
    if len(points) != 5:
        raise BadSetting(
            f"A face is aligned by five points, not by {len(points)}.",
            "Give the left eye, right eye, nose, left and right corner of the mouth.",
        )
    numbers = np.array(points, np.float64)
    eyes, mouth = numbers[:2].mean(0), numbers[3:].mean(0)
    across, down = numbers[1] - numbers[0], mouth - eyes
    if not np.isfinite(numbers).all() or across[0] * down[1] - across[1] * down[0] <= 0:
        raise BadSetting(
            "These five points are no face.",
            "In order they are the eyes, the nose and the corners of the mouth, each time the one "
            "on the left of the picture first.",
        )
    return numbers


def framed_crop(points: Sequence[Point], frame: Sequence[Point]) -> Crop:
    """The square whose image has a face's five points where `frame` says, as nearly as it can.

    points: as `ffhq_crop` takes them. frame: the same five in fractions of the image's sides.

    Raises BadSetting for another number of points, or where they are no face.
    """
    numbers = _face(points)
    photo, image = (numbers + 0.5) @ (1, 1j), np.array(frame) @ (1, 1j)
    # The similarity of least squares; as complex numbers it is one factor and one shift.
    moved = image - image.mean()
    factor = complex(moved.conj() @ (photo - photo.mean()) / (moved.conj() @ moved).real)
    corners = photo.mean() + factor * (np.array([0, 1j, 1 + 1j]) - image.mean())
    return Crop.around(np.stack([corners.real, corners.imag], 1))


def box_crop(left: float, top: float, right: float, bottom: float) -> Crop:
    """A box of the photo as a square: its shorter side is extended on both ends.

    Raises BadSetting for a box without area.
    """
    if not (left < right and top < bottom):
        raise BadSetting(
            f"The box {left:g},{top:g},{right:g},{bottom:g} has no area.",
            "It is said as LEFT,TOP,RIGHT,BOTTOM in pixels.",
        )
    half = max(right - left, bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    return Crop.around(np.array([(x - half, y - half), (x - half, y + half), (x + half, y + half)]))


def centred_crop(width: int, height: int) -> Crop:
    """The largest square in the middle of a photo; odd margins leave the larger part below."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return box_crop(left, top, left + side, top + side)


def shrinking(height: int, width: int, longest: int) -> int:
    """The whole factor by which a photo is averaged so that no side exceeds `longest`."""
    return max(1, min(-(-max(height, width) // longest), height, width))


def shrunk(pixels: Num[Tensor, "h w 3"], longest: int) -> tuple[Float[Tensor, "a b 3"], int]:
    """A photo averaged by that factor, and the factor.

    What does not fill a pixel at the right and at the bottom is left out.
    """
    height, width = pixels.shape[:2]
    factor = shrinking(height, width, longest)
    if factor == 1:
        return pixels.float(), 1
    bands = pixels[: height // factor * factor, : width // factor * factor].split(factor)
    averaged = [band.float().mean(0).unflatten(0, (-1, factor)).mean(1) for band in bands]
    return torch.stack(averaged), factor


# --- resampling ---------------------------------------------------------------------------------


def _cut_plain(
    pixels: Float[Tensor, "h w 3"] | UInt8[Tensor, "h w 3"],
    quad: Float64[np.ndarray, "4 2"],
    size: int,
) -> Float[Tensor, "3 size size"]:
    """Pixels are averaged by a whole factor, and then sampled twice as finely where that is needed,
    so that a box of k times the size is an exact average, and one of the size itself a copy."""
    ratio = max(math.dist(quad[0], quad[3]), math.dist(quad[0], quad[1])) / size
    factor = max(1, int(ratio + 1e-6))
    finer = size * (1 if ratio / factor <= 1 + 1e-6 else 2)
    low = np.floor(quad.min(0)).astype(int) - 2 * factor
    counts = -(-(np.ceil(quad.max(0)).astype(int) - low) // factor) + 2
    columns, rows = (
        _reflected(int(start), int(count) * factor, limit)
        for start, count, limit in zip(low, counts, reversed(pixels.shape[:2]), strict=True)
    )
    averaged = (
        torch.stack(
            [
                pixels[some].float().mean(0)[columns].unflatten(0, (-1, factor)).mean(1)
                for some in rows.split(factor)
            ]
        )
        .permute(2, 0, 1)
        .double()
    )
    corner, right, down = (quad[[0, 3, 1]] - low) / factor
    at = (torch.arange(finer, dtype=torch.float64) + 0.5) / finer
    across, along = (torch.from_numpy(end - corner) for end in (right, down))
    places = torch.from_numpy(corner) + at[:, None, None] * along + at[:, None] * across
    sampled = _sample(averaged, places / torch.from_numpy(counts) * 2 - 1)
    return F.avg_pool2d(sampled[None], finer // size)[0].float()


def _reflected(start: int, count: int, limit: int) -> Tensor:
    """`count` indices from `start`, reflected at the first and the last of `limit` pixels."""
    period = max(2 * (limit - 1), 1)
    index = torch.arange(start, start + count).remainder(period)
    return torch.minimum(index, period - index).clamp(max=limit - 1)


def _near_size(
    values: Float[Tensor, "c s s"], quad: Float64[np.ndarray, "4 2"]
) -> Float[Tensor, "c h w"]:
    """The values at about the photo's scale and in their own range: smoothly enlarged, or averaged
    where the photo is coarser."""
    wide, high = (
        min(round(math.dist(quad[0], quad[end])), max(_MOST_ENLARGED, values.shape[-1]))
        for end in (3, 1)
    )
    if (high, wide) == values.shape[1:]:
        return values.float()
    values = values.float()
    scaled: Tensor = F.interpolate(values[None], (high, wide), mode="bicubic", antialias=True)[0]
    least, most = values.amin((1, 2), keepdim=True), values.amax((1, 2), keepdim=True)
    return torch.minimum(torch.maximum(scaled, least), most)


def _places(quad: Float64[np.ndarray, "4 2"], box: Box) -> Float[Tensor, "h w 2"]:
    """Where the centres of a box's pixels lie in the crop: from -1 to 1 inside it."""
    left, top, right, bottom = box
    inverse: Tensor = torch.from_numpy(np.linalg.inv(quad[[3, 1]] - quad[0]) * 2)
    x = torch.arange(left, right, dtype=torch.float64) + 0.5 - quad[0, 0]
    y = torch.arange(top, bottom, dtype=torch.float64) + 0.5 - quad[0, 1]
    across: Tensor = (x[:, None] * inverse[0]).float() - 1
    along: Tensor = (y[:, None] * inverse[1]).float()
    return across + along[:, None]


def _sample(values: Float[Tensor, "c s t"], grid: Float[Tensor, "h w 2"]) -> Float[Tensor, "c h w"]:
    sampled: Tensor = F.grid_sample(
        values[None], grid[None], mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled[0]


def _coverage(grid: Float[Tensor, "h w 2"]) -> Float[Tensor, "h w"]:
    """A smooth step from 0 at the crop's edge to 1 at the feather's width inside it."""
    # In place: whole photos take a second less.
    step = torch.maximum(grid[..., 0].abs(), grid[..., 1].abs())
    step.neg_().add_(1).div_(2 * FEATHER).clamp_(0, 1)
    coverage: Tensor = step.square() * step.mul_(-2).add_(3)
    return coverage
