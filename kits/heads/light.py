"""Key light, sky and fill, the soft shadow map, and how a lit surface looks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kits.heads.colors import Color
from kits.heads.jit import compiled
from kits.heads.mesh import Floats, Ints
from kits.heads.raster import NOWHERE, blur, strands_depth, triangles_depth
from kits.heads.shape import Values

_MAP = 160  # samples across the light's view
_SPAN = 4.4  # dm across it
_HEIGHT = 0.35  # dm; what the light looks at
_FLOOR = np.float32(-2.2)  # depth of what is empty, dm


# Where the vectors and linear colours of Light.rays begin: unit vectors to the key light and
# halfway between it and the camera, then the colours of key light, sky, ground and fill.
TOWARD, HALF, KEY, SKY, GROUND, FILL = range(0, 18, 3)


class Light(NamedTuple):
    """rays: [18], see TOWARD … FILL; one array, since compiled calls pass few of them fast.

    view: [3, 3], rows are right, up and toward the light. mean, square: blurred depth and its
    square in the light's view.
    """

    rays: np.ndarray
    view: np.ndarray
    mean: np.ndarray
    square: np.ndarray


def _unit(vector: Color) -> Color:
    return vector / np.linalg.norm(vector)


def light_of(p: Values, background: Color) -> Light:
    """The light without shadows; `with_shadows` adds them."""
    side, height = (p["light_x"] - 0.5) * 1.1, 0.39 + (p["light_y"] - 0.5) * 0.65
    hard, warm = p["light_hard"], p["light_warm"] - 0.5
    toward = _unit(
        np.array(
            [np.sin(side) * np.cos(height), np.sin(height), np.cos(side) * np.cos(height)],
        )
    )
    right = _unit(np.cross([0.0, 1.0, 0.0], toward))
    open_map = np.full((_MAP, _MAP), _FLOOR, dtype=np.float32)
    rays = [
        toward,
        _unit(toward + np.array([0, 0, 1.0])),
        np.array([1 + 0.14 * warm, 1.0, 1 - 0.22 * warm]) * (1.02 + 0.34 * hard),
        (np.array([0.74, 0.78, 0.84]) + 0.2 * background) * (0.60 - 0.24 * hard),
        np.array([0.62, 0.52, 0.46]) * (0.40 - 0.15 * hard),
        np.array([0.85, 0.95, 1.1]) * (0.20 - 0.07 * hard),
    ]
    view = np.stack([right, np.cross(toward, right), toward]).astype(np.float32)
    return Light(np.concatenate(rays), view, open_map, open_map**2)


@compiled
def seen_from(points, view):
    """World points [N, 3] → the light's view in samples of its map, and depth."""
    out = np.empty_like(points)
    scale = np.float32(_MAP / _SPAN)
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        out[i, 0] = 0.5 * _MAP + (view[0, 0] * x + view[0, 1] * y + view[0, 2] * z) * scale
        up = view[1, 0] * x + view[1, 1] * y + view[1, 2] * z
        out[i, 1] = 0.5 * _MAP - (up - _HEIGHT) * scale
        out[i, 2] = view[2, 0] * x + view[2, 1] * y + view[2, 2] * z
    return out


def with_shadows(
    light: Light,
    hard: float,
    vertices: Floats,
    triangles: Ints,
    strands: tuple[Floats, Floats] | None,
) -> Light:
    """The light with the shadows of a mesh and of strands ([N, K, 3], and how alive each is)."""
    depth = np.full((_MAP, _MAP), NOWHERE, dtype=np.float32)
    nothing = np.empty((0, 0), np.int32), np.empty((0, 0, 2), np.float32)
    triangles_depth(seen_from(vertices, light.view), triangles, depth, *nothing)
    if strands is not None:
        points, alive = strands
        seen = seen_from(points.reshape(-1, 3), light.view)
        strands_depth(seen.reshape(points.shape), alive, depth)
    mean = np.maximum(depth, _FLOOR)
    square = mean * mean
    for moment in (mean, square):
        blur(moment, 1, 2)
    soft_mean, soft_square = mean.copy(), square.copy()
    for moment in (soft_mean, soft_square):
        blur(moment, 2, 2)
    share = np.float32(hard)
    return light._replace(
        mean=mean * share + soft_mean * (1 - share),
        square=square * share + soft_square * (1 - share),
    )
