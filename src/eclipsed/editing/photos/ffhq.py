"""FFHQ's way to cut a face out of a photo, step by step as its networks' training data was made.

The face is brought upright from five points, the photo is first reduced by a whole factor, and
what lies outside the photo is a reflection that blurs and fades. Pictures are bytes here, because
the original rounds to bytes between its steps; pixel i has its centre at i, as detectors say it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from PIL import Image

# What e4e's encoder reads is cut at its own size; larger pictures at a multiple, then reduced, as
# the data set was: at 4096 for 1024.
_CUT_DIRECTLY = 256
_FINER = 4
_ROWS = 16
_FINE = 8.0  # pixels: a blur of twice as much is done on a smaller picture
_SPREAD = 4.0  # standard deviations at which a blur ends


def face_quad(points: Float64[np.ndarray, "5 2"]) -> Float64[np.ndarray, "4 2"]:
    """The square around a face: top left, bottom left, bottom right, top right.

    points: x, y of the left eye, right eye, nose, left and right mouth corner, as seen in the
    picture. The nose is not used.
    """
    eyes, mouth = (points[0] + points[1]) * 0.5, (points[3] + points[4]) * 0.5
    across, down = points[1] - points[0], mouth - eyes
    half = across + np.array([down[1], -down[0]])
    half /= np.hypot(*half)
    half *= max(np.hypot(*across) * 2.0, np.hypot(*down) * 1.8)
    below = np.array([-half[1], half[0]])
    centre = eyes + down * 0.1
    return np.stack(
        [centre - half - below, centre - half + below, centre + half + below, centre + half - below]
    )


@dataclass(frozen=True)
class _Plan:
    """How a photo of some size is cut.

    reduced: width and height of the reduced photo. window: left, top, right, bottom in it.
    pads: of the window, in the same order; all zero where the photo goes far enough.
    quad: in the padded window. blur: the reflection's, in pixels.
    """

    shrink: int
    reduced: tuple[int, int]
    window: tuple[int, int, int, int]
    pads: tuple[int, int, int, int]
    quad: Float64[np.ndarray, "4 2"]
    blur: float


def _plan(quad: Float64[np.ndarray, "4 2"], size: int, width: int, height: int) -> _Plan:
    side = float(np.hypot(*(quad[3] - quad[0])))
    shrink, reduced = int(side / size * 0.5), (width, height)
    if shrink > 1:
        reduced = (round(width / shrink), round(height / shrink))
        quad, side = quad / shrink, side / shrink
    shrink = max(shrink, 1)
    border = max(round(side * 0.1), 3)
    low, high = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    start, end = np.maximum(low - border, 0), np.minimum(high + border, reduced)
    quad = quad - start
    before = np.maximum(border - np.floor(quad.min(0)).astype(int), 0)
    after = np.maximum(np.ceil(quad.max(0)).astype(int) - (end - start) + border, 0)
    pads = np.concatenate([before, after])
    pads = np.maximum(pads, round(side * 0.3)) if pads.max() > border - 4 else np.zeros_like(pads)
    left, top, right, bottom = (int(pad) for pad in pads)
    window = (int(start[0]), int(start[1]), int(end[0]), int(end[1]))
    quad = quad + pads[:2]
    return _Plan(shrink, reduced, window, (left, top, right, bottom), quad, side * 0.02)


def sampled_corners(
    quad: Float64[np.ndarray, "4 2"], size: int, width: int, height: int
) -> Float64[np.ndarray, "4 2"]:
    """The corners that `cut_face` really samples, where (0, 0) is the photo's top left corner.

    The original adds half a pixel after reducing, so that they depend on the size.
    """
    plan = _plan(quad, size, width, height)
    inside = plan.quad + 0.5 - plan.pads[:2] + plan.window[:2]
    corners: Float64[np.ndarray, "4 2"] = inside * np.divide((width, height), plan.reduced)
    return corners


def cut_face(
    pixels: Float32[np.ndarray, "h w 3"] | UInt8[np.ndarray, "h w 3"],
    quad: Float64[np.ndarray, "4 2"],
    size: int,
) -> UInt8[np.ndarray, "size size 3"]:
    """The aligned face as bytes, from pixels in [0, 1] or bytes."""
    height, width, _ = pixels.shape
    plan = _plan(quad, size, width, height)
    picture = _window(pixels, plan)
    if any(plan.pads):
        picture = _padded(picture, plan)
    finer = size if size <= _CUT_DIRECTLY else size * _FINER
    corners = [float(number) for number in (plan.quad + 0.5).ravel()]
    cut = Image.fromarray(picture).transform(
        (finer, finer), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR
    )
    return np.asarray(cut.resize((size, size), Image.Resampling.LANCZOS))


def _window(
    pixels: Float32[np.ndarray, "h w 3"] | UInt8[np.ndarray, "h w 3"], plan: _Plan
) -> UInt8[np.ndarray, "a b 3"]:
    """The plan's window of the reduced photo; only what it is made of becomes bytes."""
    height, width, _ = pixels.shape
    scale = np.array([width, height]) / np.array(plan.reduced)
    begin, finish = np.array(plan.window[:2]) * scale, np.array(plan.window[2:]) * scale
    margin = 0 if plan.shrink == 1 else 4 * plan.shrink  # as far as the resampling reads
    left, top = np.maximum(np.floor(begin).astype(int) - margin, 0)
    right, bottom = np.minimum(np.ceil(finish).astype(int) + margin, (width, height))
    source = np.empty((bottom - top, right - left, 3), np.uint8)
    # Some rows at a time: all of them as numbers would take several times the photo's memory.
    for row in range(0, len(source), _ROWS):
        rows = pixels[top + row : min(top + row + _ROWS, bottom), left:right]
        is_bytes = rows.dtype == np.uint8
        source[row : row + _ROWS] = rows if is_bytes else _bytes(rows * np.float32(255.0))
    if plan.shrink == 1:
        return source
    wide, high = plan.window[2] - plan.window[0], plan.window[3] - plan.window[1]
    corner, most = np.array([left, top]), np.array([right - left, bottom - top])
    box = (*(begin - corner), *np.minimum(finish - corner, most))
    return np.asarray(
        Image.fromarray(source).resize((wide, high), Image.Resampling.LANCZOS, box=box)
    )


def _padded(picture: UInt8[np.ndarray, "h w 3"], plan: _Plan) -> UInt8[np.ndarray, "a b 3"]:
    """The picture continued by its reflection, which blurs and then fades to its median grey."""
    left, top, right, bottom = plan.pads
    high, wide = picture.shape[0] + top + bottom, picture.shape[1] + left + right
    y, x = np.ogrid[:high, :wide]
    from_sides = np.maximum(1.0 - x / left, 1.0 - (wide - 1 - x) / right)
    depth = np.maximum(from_sides, np.maximum(1.0 - y / top, 1.0 - (high - 1 - y) / bottom))
    result = np.empty((high, wide, 3), np.uint8)
    # One channel at a time: of large photos each takes a hundred megabytes.
    for channel in range(3):
        plane = np.pad(picture[..., channel], ((top, bottom), (left, right)), "reflect")
        plane = plane.astype(np.float32)
        plane += (_blurred(plane, plan.blur) - plane) * np.clip(depth * 3.0 + 1.0, 0.0, 1.0)
        plane += (np.median(plane) - plane) * np.clip(depth, 0.0, 1.0)
        result[..., channel] = _bytes(plane)
    return result


def _bytes(values: Float32[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    rounded = np.rint(values)
    result: UInt8[np.ndarray, "*shape"] = np.clip(rounded, 0, 255, out=rounded).astype(np.uint8)
    return result


def _blurred(plane: Float32[np.ndarray, "h w"], sigma: float) -> Float32[np.ndarray, "h w"]:
    """A Gaussian blur that mirrors at the borders.

    A wide one is done on a smaller picture, from which it differs by less than a grey level.
    """
    factor = int(sigma / _FINE)
    if factor < 2:
        return _filtered(plane, sigma)
    high, wide = plane.shape
    small = Image.fromarray(plane).resize((wide // factor, high // factor), Image.Resampling.BOX)
    blurred = Image.fromarray(_filtered(np.asarray(small), sigma / factor))
    return np.array(blurred.resize((wide, high), Image.Resampling.BICUBIC))


def _filtered(plane: Float32[np.ndarray, "h w"], sigma: float) -> Float32[np.ndarray, "h w"]:
    """Through the spectrum, since the blur is wide."""
    radius = int(_SPREAD * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for _ in range(2):
        lines = np.pad(plane.T, ((0, 0), (radius, radius)), "symmetric").astype(np.float64)
        # Multiples of 64 have a fast transform.
        count = -(-(lines.shape[1] + 2 * radius) // 64) * 64
        spectrum = np.fft.rfft(lines, count, axis=1) * np.fft.rfft(kernel, count)
        full = np.fft.irfft(spectrum, count, axis=1)
        plane = full[:, 2 * radius : 2 * radius + plane.shape[0]].astype(np.float32)
    return plane
