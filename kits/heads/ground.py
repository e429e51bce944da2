"""Where things grow and lie on the head, found once on the head at rest.

Roots of hair, beard and brows, the skull as a map of directions, and the fields that say how far a
place is from the hairline or how densely a beard grows there. Everything is kept as a triangle and
barycentric weights (Anchors), so that it follows every morph. Coordinates are those of shape.rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kits.heads.jit import compiled
from kits.heads.mesh import BODY, Floats, Ints, load_mesh
from kits.heads.shape import rest, smooth

SKULL = np.array([0, 7.25, 0.50], dtype=np.float32)  # its centre
HAIRS, BEARD_HAIRS, MOUSTACHE_HAIRS, BROW_HAIRS, LOCKS = 3200, 1400, 500, 140, 220
_ROWS, _COLUMNS = 25, 48  # of the map of the skull
_SEED = 7


@dataclass(frozen=True)
class Anchors:
    """Points on the mesh: vertices [N, 3] of a triangle, shares [N, 3] that sum to 1."""

    vertices: Ints
    shares: Floats

    def on(self, values: Floats) -> Floats:
        """Values of vertices [V, C], interpolated at the points, [N, C]."""
        return np.einsum("nk,nkc->nc", self.shares, values[self.vertices])


@dataclass(frozen=True)
class Roots:
    """Strands' roots.

    places: [N, 3] at rest. fields: [N, F], what the kind of hair needs to know about the place.
    random: [N, 5], 0 to 1: four of its own and, last, one per lock.
    """

    anchors: Anchors
    places: Floats
    fields: Floats
    random: Floats


@dataclass(frozen=True)
class Grounds:
    """Everything that is found at rest.

    locks: [HAIRS], the strand that leads each strand's lock. skull: anchors of a map of directions,
    row by row, of skull_shape (see skull_directions). neck: anchors of a ring on which a collar
    stands. fields: [V, F], what shading needs to know of each vertex.
    """

    hair: Roots
    locks: Ints
    beard: Roots
    brows: Roots
    skull: Anchors
    skull_shape: tuple[int, int]
    neck: Anchors
    fields: Floats


def hairline(places: Floats) -> Floats:
    """About the distance in dm from the edge of the hair, positive on the scalp."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    depth = [-0.6, -0.15, 0.15, 0.30, 0.42, 0.55, 0.75, 0.95, 1.10, 1.45]
    height = [6.40, 6.45, 6.72, 7.02, 7.10, 7.16, 7.28, 7.52, 7.66, 7.74]
    edge = np.interp(z, depth, height)
    edge = edge - 0.10 * smooth(0.75, 1.2, z) * smooth(0.45, 0.2, x)
    edge += 0.05 * smooth(0.9, 1.2, z) * np.exp(-(((x - 0.35) / 0.14) ** 2))
    return (y - edge).astype(np.float32)


def beard_fields(places: Floats) -> tuple[Floats, Floats]:
    """Density of beard and of moustache, 0 to 1."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    top = np.interp(
        z, [0.2, 0.45, 0.7, 0.95, 1.15, 1.35, 1.6], [7.0, 7.0, 6.80, 6.60, 6.50, 6.44, 6.34]
    )
    beard = smooth(0.02, 0.10, top - y) * smooth(0.30, 0.42, z)
    beard *= smooth(5.93, 6.07, y - 0.25 * np.maximum(0, 0.62 - z))
    beard *= 1 - np.exp(-((x / 0.20) ** 4) - ((y - 6.44) / 0.13) ** 4)  # the mouth stays free
    moustache = smooth(0.0, 0.03, 6.655 - x * x - y) * smooth(6.46, 6.50, y + 1.2 * x * x)
    moustache *= smooth(0.33, 0.22, x) * (z > 1.1)
    return beard.astype(np.float32), moustache.astype(np.float32)


def brow_line(along: Floats) -> tuple[Floats, Floats]:
    """x and y of the middle of a brow, from 0 at its inner to 1 at its outer end."""
    rise = np.sin(np.pi * np.minimum(1, 0.08 + 0.88 * along) ** 1.2)
    return 0.115 + 0.40 * along, 7.275 + 0.075 * rise - 0.035 * along**2


def _corners(kept: NDArray[np.bool_] | None = None) -> tuple[Ints, Floats]:
    """Triangles [T, 3] of the body, and their corners at rest, [T, 3, 3]."""
    mesh = load_mesh()
    triangles = mesh.triangles[mesh.parts == BODY]
    triangles = triangles if kept is None else triangles[kept]
    return triangles, rest()[triangles]


@compiled
def _farthest(corners, starts, along):
    """Triangle and barycentric weights of the last hit of each ray; zero weights where none is."""
    hit = np.zeros(len(along), np.int64)
    shares = np.zeros((len(along), 3), np.float32)
    for ray in range(len(along)):
        farthest = 0.0
        ox, oy, oz = starts[ray]
        dx, dy, dz = along[ray]
        for t in range(len(corners)):
            ax, ay, az = corners[t, 0]
            bx, by, bz = corners[t, 1, 0] - ax, corners[t, 1, 1] - ay, corners[t, 1, 2] - az
            cx, cy, cz = corners[t, 2, 0] - ax, corners[t, 2, 1] - ay, corners[t, 2, 2] - az
            nx, ny, nz = dy * cz - dz * cy, dz * cx - dx * cz, dx * cy - dy * cx
            scale = bx * nx + by * ny + bz * nz
            if abs(scale) < 1e-9:
                continue
            sx, sy, sz = ox - ax, oy - ay, oz - az
            u = (sx * nx + sy * ny + sz * nz) / scale
            qx, qy, qz = sy * bz - sz * by, sz * bx - sx * bz, sx * by - sy * bx
            v = (qx * dx + qy * dy + qz * dz) / scale
            far = (cx * qx + cy * qy + cz * qz) / scale
            if u > -1e-4 and v > -1e-4 and u + v < 1 + 1e-4 and far > farthest:
                farthest, hit[ray] = far, t
                shares[ray, 0], shares[ray, 1], shares[ray, 2] = 1 - u - v, u, v
    return hit, shares


def cast(triangles: Ints, start: Floats, along: Floats) -> Anchors:
    """The farthest hit of each ray (start [3] or [N, 3], direction [N, 3]); shares 0: no hit."""
    corners = rest()[triangles].astype(np.float64)
    starts = np.broadcast_to(start, along.shape).astype(np.float64)
    hit, shares = _farthest(corners, starts, along.astype(np.float64))
    return Anchors(triangles[hit], shares)


def _scatter(n: int, eligible: NDArray[np.bool_], rng: np.random.Generator) -> Anchors:
    """Random points, uniform by area over the eligible triangles of the body."""
    triangles, corners = _corners(eligible)
    sides = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.linalg.norm(np.cross(*sides), axis=1)
    chosen = rng.choice(len(triangles), n, p=area / area.sum())
    u = rng.random((n, 2))
    u = np.where(u.sum(1, keepdims=True) > 1, 1 - u, u)
    shares = np.stack([1 - u.sum(1), u[:, 0], u[:, 1]], axis=1).astype(np.float32)
    return Anchors(triangles[chosen], shares)


def _take(anchors: Anchors, fields: Floats, chosen: NDArray, rng: np.random.Generator) -> Roots:
    kept = Anchors(anchors.vertices[chosen], anchors.shares[chosen])
    random = rng.random((len(chosen), 5)).astype(np.float32)
    return Roots(kept, kept.on(rest()), fields[chosen].astype(np.float32), random)


def _centres() -> tuple[Floats, Floats]:
    """Centre of each triangle of the body, and how much of ear or inner mouth it is."""
    triangles, corners = _corners()
    masks = load_mesh().masks
    return corners.mean(1), np.maximum(masks["ears"], masks["inner"])[triangles].max(1)


def _hair(rng: np.random.Generator) -> tuple[Roots, Ints]:
    centre, hollow = _centres()
    scattered = _scatter(14 * HAIRS, (centre[:, 1] > 6.1) & (hollow < 0.3), rng)
    distance = hairline(scattered.on(rest()))
    roots = _take(scattered, distance[:, None], np.flatnonzero(distance > 0)[:HAIRS], rng)
    leaders = rng.choice(HAIRS, LOCKS, replace=False)
    apart = ((roots.places[:, None] - roots.places[leaders][None]) ** 2).sum(2)
    nearest = apart.argmin(1)
    roots.random[:, 4] = rng.random(LOCKS)[nearest]
    return roots, leaders[nearest].astype(np.int32)


def _beard(rng: np.random.Generator) -> Roots:
    centre, hollow = _centres()
    zone = (centre[:, 1] < 7.0) & (centre[:, 1] > 5.7) & (centre[:, 2] > 0.3) & (hollow < 0.3)
    scattered = _scatter(100_000, zone, rng)
    beard, moustache = beard_fields(scattered.on(rest()))
    lips = scattered.on(load_mesh().masks["lips"][:, None])[:, 0]
    free = (np.maximum(beard, moustache) > 0.08) & (lips < 0.25)
    upper = np.flatnonzero(free & (moustache > beard))[:MOUSTACHE_HAIRS]
    lower = np.flatnonzero(free & (moustache <= beard))[:BEARD_HAIRS]
    fields = np.stack([beard, moustache], axis=1)
    return _take(scattered, fields, np.concatenate([lower, upper]), rng)


def _brows(rng: np.random.Generator) -> Roots:
    """Fields: how far along the brow (0 to 1), how far across it (-1 to 1), and its side (±1)."""
    along, across = rng.random(BROW_HAIRS), rng.uniform(-1, 1, BROW_HAIRS)
    x, y = brow_line(along)
    y = y + across * 0.075 * (1 - 0.55 * along)
    starts = np.stack([np.tile([1, -1], (BROW_HAIRS, 1)).T * x, np.stack([y, y])], axis=2)
    starts = np.concatenate([starts.reshape(-1, 2), np.zeros((2 * BROW_HAIRS, 1))], axis=1)
    forward = np.tile([[0.0, 0.0, 1.0]], (2 * BROW_HAIRS, 1))
    anchors = cast(_corners()[0], starts, forward)
    side = np.repeat([1, -1], BROW_HAIRS)
    fields = np.stack([np.tile(along, 2), np.tile(across, 2), side], axis=1)
    return _take(anchors, fields, np.arange(2 * BROW_HAIRS), rng)


def skull_directions() -> Floats:
    """Unit vectors of the map's cells, [rows · columns, 3].

    Rows are even in y; columns are even in the diamond angle, which needs no trigonometry.
    """
    height = np.clip(np.linspace(-1, 1, _ROWS), -0.9995, 0.9995)
    diamond = ((np.arange(_COLUMNS) + 0.5) / _COLUMNS - 0.5) * 4  # -2 to 2, 0 is forward
    x = np.where(np.abs(diamond) <= 1, diamond, np.sign(diamond) * 2 - diamond)
    z = np.where(np.abs(diamond) <= 1, 1, -1) * (1 - np.abs(x))
    flat = np.stack([x, z], axis=1) / np.hypot(x, z)[:, None]
    width = np.sqrt(1 - height**2)
    grid = np.stack(
        [
            width[:, None] * flat[None, :, 0],
            np.broadcast_to(height[:, None], (_ROWS, _COLUMNS)),
            width[:, None] * flat[None, :, 1],
        ],
        axis=2,
    )
    return grid.reshape(-1, 3)


def _skull() -> Anchors:
    """The outermost surface in each direction; the ears are left out and their holes filled."""
    centre, hollow = _centres()
    anchors = cast(_corners((hollow < 0.3) & (centre[:, 1] > 5.5))[0], SKULL, skull_directions())
    hit = np.flatnonzero(anchors.shares.sum(1) > 0.5)
    directions = skull_directions()
    for missing in np.flatnonzero(anchors.shares.sum(1) <= 0.5):
        nearest = hit[(directions[hit] @ directions[missing]).argmax()]
        anchors.vertices[missing] = anchors.vertices[nearest]
        anchors.shares[missing] = anchors.shares[nearest]
    return anchors


NECK_POINTS = 32


def _neck() -> Anchors:
    """A ring around the neck where a collar stands, from the nape to the pit of the throat."""
    angle = np.arange(NECK_POINTS) / NECK_POINTS * 2 * np.pi
    along = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)
    starts = np.zeros_like(along) + np.array([0, 5.74, 0.22])
    starts[:, 1] -= 0.30 * along[:, 2]
    centre, _ = _centres()
    low = (centre[:, 1] > 5.2) & (centre[:, 1] < 6.15) & (np.hypot(centre[:, 0], centre[:, 2]) < 1)
    return cast(_corners(low)[0], starts, along)


def _vertex_fields() -> Floats:
    """What the skin's shading needs at each vertex, [V, F]; skin.py names the columns."""
    places, masks = rest().astype(np.float64), load_mesh().masks
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    front = smooth(0.6, 1.0, z)
    beard, moustache = beard_fields(places)
    blush = front * np.exp(-(((x - 0.42) / 0.20) ** 2) - ((y - 6.78) / 0.18) ** 2)
    blush = np.maximum(blush, 0.6 * masks["nose"] * smooth(6.62, 6.7, y))
    blush = np.maximum(blush, 0.5 * masks["ears"])
    under = front * np.exp(-(((x - 0.27) / 0.16) ** 2) - ((y - 6.955) / 0.055) ** 2)
    lid = front * np.exp(-(((x - 0.30) / 0.17) ** 2) - ((y - 7.19) / 0.07) ** 2)
    line = y - 6.60 - 0.35 * (x - 0.5)
    hollow = front * np.exp(-(((x - 0.50) / 0.15) ** 2) - (line / 0.09) ** 2)
    columns = [masks["lips"], masks["ears"], masks["inner"], masks["nose"], hairline(places)]
    columns += [beard, moustache, blush, under, lid, hollow]
    return np.stack(columns, axis=1).astype(np.float32)


@cache
def grounds() -> Grounds:
    """Found once per process, always the same."""
    rng = np.random.default_rng(_SEED)
    hair, locks = _hair(rng)
    return Grounds(
        hair=hair,
        locks=locks,
        beard=_beard(rng),
        brows=_brows(rng),
        skull=_skull(),
        skull_shape=(_ROWS, _COLUMNS),
        neck=_neck(),
        fields=_vertex_fields(),
    )
