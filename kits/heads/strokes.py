"""Beard, brows and lashes: short strands that stand on the skin."""

from __future__ import annotations

import numpy as np

from kits.heads.ground import grounds
from kits.heads.mesh import Floats, load_mesh
from kits.heads.shape import Values, rest, smooth

Strands = tuple[Floats, Floats]  # [N, K, 3] in the world, and how far each is alive, [N]
_BEARD_POINTS, _BROW_POINTS = 6, 4


def _unit(vectors: Floats) -> Floats:
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


def beard(p: Values, vertices: Floats, normals: Floats, turn: Floats) -> Strands:
    roots = grounds().beard
    place, normal = roots.anchors.on(vertices), roots.anchors.on(normals)
    random, (x, y, _) = roots.random, roots.places.T
    upper = (roots.fields[:, 1] > roots.fields[:, 0]).astype(np.float32)
    wanted = roots.fields * 1.4 * np.array([p["beard"], p["moustache"]])
    alive = np.clip((wanted - 0.6 * random[:, 3:4]) * 4, 0, 1).max(axis=1)
    chin = np.exp(-((x / 0.35) ** 2)) * smooth(6.4, 6.1, y)
    longest = upper * 0.19 + (1 - upper) * (0.22 + 0.85 * chin)
    length = (0.03 + p["beard_length"] ** 1.4 * longest) * alive * (0.7 + 0.6 * random[:, 1])
    sideways = np.stack(
        [
            np.sign(x) * np.where(upper > 0, 1.0, 0.1),
            np.where(upper > 0, -0.45, -1.0),
            np.where(upper > 0, 0.1, 0.25),
        ],
        axis=1,
    )
    jitter = (random[:, [2, 1, 4]] - 0.5) * np.array([0.5, 0.15, 0.5])
    way = _unit(normal * 0.5 + 0.9 * sideways @ turn.T + jitter)
    q = np.linspace(0, 1, _BEARD_POINTS)
    curve = np.sin(q * 5 + random[:, 4:5] * 20) * q * p["hair_curl"] * 0.06
    strands = place[:, None] + way[:, None] * (length[:, None] * q)[..., None]
    strands += normal[:, None] * curve[..., None]
    strands[..., 1] -= length[:, None] * 0.35 * q**2
    return strands.astype(np.float32), alive.astype(np.float32)


def brow_thickness(p: Values) -> float:
    """Men's are thicker."""
    return float(np.clip(p["brow_thick"] + 0.22 * (p["gender"] - 0.5), 0, 1.1))


def brows(p: Values, vertices: Floats, normals: Floats, turn: Floats) -> Strands:
    roots = grounds().brows
    place, normal = roots.anchors.on(vertices), roots.anchors.on(normals)
    along, across, side = roots.fields.T
    thick = brow_thickness(p)
    alive = np.clip((0.15 + 0.95 * thick - np.abs(across)) * 4, 0, 1) * min(1.0, 8 * thick)
    rise = 0.75 - 1.05 * along - 0.35 * across
    way = np.stack([side * (0.35 + 0.75 * along), rise, np.zeros_like(along)], axis=1) @ turn.T
    way = way - (way * normal).sum(1, keepdims=True) * normal
    length = 0.085 * (0.7 + 0.6 * roots.random[:, 1]) * alive
    q = np.linspace(0, 1, _BROW_POINTS)
    strands = (place + 0.012 * normal)[:, None]
    strands = strands + _unit(way + 0.15 * normal)[:, None] * (length[:, None] * q)[..., None]
    return strands.astype(np.float32), alive.astype(np.float32)


def lashes(vertices: Floats) -> Strands:
    """The upper ones; the lower are too fine to be drawn."""
    pairs, eyes = load_mesh().lashes, rest()[load_mesh().eyes[0], 1].mean()
    ends = vertices[pairs[rest()[pairs[:, 0], 1] > eyes]]
    strands = np.stack([ends[:, 0], ends.mean(1), ends[:, 1]], axis=1)
    strands[..., 2] += 0.01
    return strands, np.ones(len(strands), dtype=np.float32)
