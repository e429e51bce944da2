"""Compiled loops over samples: triangles, lines, soft shadows, ambient shade, resolve.

A sample is one point of the picture's grid; `samples`² of them make a pixel. Screen coordinates are
in samples, x to the right, y down; depth grows towards the camera (or towards the light).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kits.heads.jit import compiled
from kits.heads.mesh import Floats

NOWHERE = np.float32(-1e9)  # depth of a sample that nothing covers
_LIGHT_BLEED = 0.22  # of the variance shadow map; cut off
_LEAST_VARIANCE = 0.0015
_AMBIENT_REACH = np.float32(0.35)  # dm


class Canvas(NamedTuple):
    """What has been drawn so far: linear color [S, S, 3], depth [S, S], label [S, S]."""

    color: Floats
    depth: Floats
    label: np.ndarray


class Camera(NamedTuple):
    """Perspective. size: samples across. scale: samples per dm at the origin.

    distance: dm from the origin. height: of the picture's middle above the origin, dm.
    """

    size: float
    distance: float
    scale: float
    height: float


@compiled
def project(points, camera):
    """World [N, 3] → screen x, y and depth, [N, 3]."""
    screen = np.empty_like(points)
    for i in range(len(points)):
        k = camera.distance / (camera.distance - points[i, 2]) * camera.scale
        screen[i, 0] = 0.5 * camera.size + points[i, 0] * k
        screen[i, 1] = 0.5 * camera.size - (points[i, 1] - camera.height) * k
        screen[i, 2] = points[i, 2]
    return screen


@compiled
def normals(vertices, triangles):
    """Unit normals of vertices, [V, 3]."""
    out = np.zeros_like(vertices)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        wx, wy, wz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for k in (a, b, c):
            out[k, 0] += nx
            out[k, 1] += ny
            out[k, 2] += nz
    for i in range(len(out)):
        length = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2) + 1e-12
        for axis in range(3):
            out[i, axis] /= length
    return out


@compiled
def triangles_depth(screen, triangles, depth, number, weights):
    """Nearest triangle at each sample; where only depth counts, the other two may be empty."""
    size = depth.shape[0]
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = screen[a, 0], screen[a, 1]
        x1, y1 = screen[b, 0] - x0, screen[b, 1] - y0
        x2, y2 = screen[c, 0] - x0, screen[c, 1] - y0
        area = x1 * y2 - x2 * y1
        if area >= -1e-9:  # faces away
            continue
        left = max(0, int(np.ceil(x0 + min(0.0, x1, x2) - 0.5)))
        right = min(size - 1, int(np.floor(x0 + max(0.0, x1, x2) - 0.5)))
        top = max(0, int(np.ceil(y0 + min(0.0, y1, y2) - 0.5)))
        bottom = min(size - 1, int(np.floor(y0 + max(0.0, y1, y2) - 0.5)))
        z0, z1, z2 = screen[a, 2], screen[b, 2] - screen[a, 2], screen[c, 2] - screen[a, 2]
        for y in range(top, bottom + 1):
            py = y + 0.5 - y0
            for x in range(left, right + 1):
                px = x + 0.5 - x0
                u, v = (px * y2 - x2 * py) / area, (x1 * py - px * y1) / area
                if u >= 0 and v >= 0 and u + v <= 1:
                    z = z0 + u * z1 + v * z2
                    if z > depth[y, x]:
                        depth[y, x] = z
                        if len(number) > 0:
                            number[y, x] = t
                            weights[y, x, 0], weights[y, x, 1] = u, v


@compiled
def strands_depth(screen, alive, depth):
    """Strands [N, K, 3] as 3 × 3 splats in the light's view; every second one is enough."""
    size = depth.shape[0]
    for i in range(0, screen.shape[0], 2):
        if alive[i] <= 0:
            continue
        for k in range(2, screen.shape[1]):
            for half in range(2):
                w = 0.5 * half
                x = int(screen[i, k, 0] * (1 - w) + screen[i, k - 1, 0] * w)
                y = int(screen[i, k, 1] * (1 - w) + screen[i, k - 1, 1] * w)
                z = screen[i, k, 2] * (1 - w) + screen[i, k - 1, 2] * w
                if 1 <= x < size - 1 and 1 <= y < size - 1:
                    for row in range(y - 1, y + 2):
                        for column in range(x - 1, x + 2):
                            depth[row, column] = max(z, depth[row, column])


@compiled
def blur(image, radius, passes):
    """Box blur in place, edges repeated."""
    size = image.shape[0]
    line = np.empty(size, np.float32)
    share = np.float32(1.0 / (2 * radius + 1))
    for _ in range(passes):
        for axis in range(2):
            for i in range(size):
                row = image[i] if axis == 0 else image[:, i]
                total = np.float32(0)
                for j in range(-radius, radius + 1):
                    total += row[min(size - 1, max(0, j))]
                for j in range(size):
                    line[j] = total * share
                    total += row[min(size - 1, j + radius + 1)] - row[max(0, j - radius)]
                row[:] = line


@compiled
def lit(mean, square, x, y, z, bias):
    """Share of the key light that reaches a point of the light's view (variance shadow map)."""
    size = mean.shape[0]
    column, row = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    if column < 0 or row < 0 or column >= size - 1 or row >= size - 1:
        return 1.0
    u, v = x - 0.5 - column, y - 0.5 - row
    a = (mean[row, column] * (1 - u) + mean[row, column + 1] * u) * (1 - v)
    a += (mean[row + 1, column] * (1 - u) + mean[row + 1, column + 1] * u) * v
    s = (square[row, column] * (1 - u) + square[row, column + 1] * u) * (1 - v)
    s += (square[row + 1, column] * (1 - u) + square[row + 1, column + 1] * u) * v
    behind = a - z - bias
    if behind <= 0:
        return 1.0
    variance = max(_LEAST_VARIANCE, s - a * a)
    reached = variance / (variance + behind * behind)
    return max(0.0, (reached - _LIGHT_BLEED) / (1 - _LIGHT_BLEED))


@compiled
def line(color, depth, label, start, start_color, end, end_color, width, name):
    """A straight line between two screen points, `width` samples thick, its colour interpolated."""
    size = depth.shape[0]
    steep = abs(end[1] - start[1]) > abs(end[0] - start[0])
    along, across = (1, 0) if steep else (0, 1)
    if end[along] < start[along]:
        start, start_color, end, end_color = end, end_color, start, start_color
    first = max(0, int(np.floor(start[along])))
    last = min(size - 1, int(np.floor(end[along])))
    scale = 1.0 / max(end[along] - start[along], 1e-6)
    for i in range(first, last + 1):
        t = min(1.0, max(0.0, (i + 0.5 - start[along]) * scale))
        middle = start[across] + t * (end[across] - start[across])
        z = start[2] + t * (end[2] - start[2])
        low = max(0, int(np.floor(middle - 0.5 * width + 0.5)))
        high = min(size - 1, int(np.floor(middle + 0.5 * width + 0.5)) - 1)
        for j in range(low, high + 1):
            x, y = (j, i) if steep else (i, j)
            if z > depth[y, x]:
                depth[y, x] = z
                label[y, x] = name
                for c in range(3):
                    color[y, x, c] = start_color[c] + t * (end_color[c] - start_color[c])


@compiled
def ambient(canvas, near, radius, strength, spared):
    """Darken samples that lie behind the blurred depth `near` around them, but those of a label."""
    blur(near, radius, 1)
    size = near.shape[0]
    for y in range(size):
        for x in range(size):
            if canvas.label[y, x] == 0 or canvas.label[y, x] == spared:
                continue
            behind = near[y, x] - canvas.depth[y, x]
            if behind > 0:
                left = 1 - strength * min(behind, _AMBIENT_REACH) / _AMBIENT_REACH
                canvas.color[y, x, 0] *= left**0.8
                canvas.color[y, x, 1] *= left
                canvas.color[y, x, 2] *= left


@compiled
def _tone(value):
    """Linear light → 0 to 255: a soft shoulder, then sRGB."""
    q = max(0.0, value)
    q = min(1.0, q * (1 + 0.10 * q) / (1 + 0.36 * q))
    q = 12.92 * q if q < 0.0031308 else 1.055 * q ** (1 / 2.4) - 0.055
    return np.uint8(q * 255 + 0.5)


@compiled
def resolve(canvas, middle, corner, samples, image, shares):
    """Mean of each pixel's samples over a radial background; shares [R, H, W] sum to 255."""
    size = canvas.depth.shape[0]
    total = samples * samples
    light = np.zeros(3)
    counts = np.zeros(shares.shape[0], np.int64)
    for row in range(size // samples):
        for column in range(size // samples):
            light[:] = 0
            counts[:] = 0
            for y in range(row * samples, (row + 1) * samples):
                for x in range(column * samples, (column + 1) * samples):
                    label = canvas.label[y, x]
                    counts[label] += 1
                    far = np.sqrt(((x + 0.5) / size - 0.5) ** 2 + ((y + 0.5) / size - 0.45) ** 2)
                    t = min(1.0, far * 1.35)
                    t = t * t * (3 - 2 * t)
                    for c in range(3):
                        if label == 0:
                            light[c] += middle[c] * (1 - t) + corner[c] * t
                        else:
                            light[c] += min(canvas.color[y, x, c], 2.5)
            for c in range(3):
                image[row, column, c] = _tone(light[c] / total)
            done, given = 0, 0
            for r in range(len(counts)):
                done += counts[r]
                upto = (done * 255 + total // 2) // total
                shares[r, row, column] = upto - given
                given = upto
