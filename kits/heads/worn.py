"""What is worn: glasses and earrings as tubes, a collar, and how hat and shirt thicken the mesh."""

from __future__ import annotations

import numpy as np

from eclipsed.worlds.heads.attributes import REGIONS
from kits.heads.colors import frame_color, linear
from kits.heads.ground import NECK_POINTS, grounds
from kits.heads.jit import compiled
from kits.heads.light import HALF, KEY, SKY, TOWARD, Light
from kits.heads.mesh import Floats, Ints, load_mesh
from kits.heads.raster import Camera, Canvas, project
from kits.heads.shape import Posed, Values, rest, smooth
from kits.heads.skin import GLASSES, hat_edge_at, neck_edge, step

_EARRINGS = REGIONS.index("earrings")
NO_HAT = 99.0  # the edge of a hat that nobody wears
_GOLD = linear((0.93, 0.74, 0.32))
_LENS_TINT = linear((0.10, 0.10, 0.11))


def hat_edge(p: Values) -> float:
    """Height at rest of the hat's lower edge."""
    return 8.30 - 1.04 * p["hat"] ** 0.6 if p["hat"] > 0.01 else NO_HAT


def thickness(p: Values) -> Floats:
    """How far hat and shirt stand off each vertex along its normal, dm [V]."""
    x, y, z = rest().T
    body = load_mesh().masks["inner"] < 0.3
    out = np.zeros(len(x), dtype=np.float32)
    above = y - hat_edge_at(z, hat_edge(p))
    near = body & (above > -0.10)
    rise = 0.15 + 0.04 * smooth(0.24, 0.16, above) + 0.10 * smooth(0.2, 0.7, above)
    out[near] = (smooth(-0.10, 0.02, above) * rise)[near]
    _lift_shirt(rest(), body, p["neckline"], out)
    return out


@compiled
def _lift_shirt(places, body, neckline, out):
    for v in range(len(out)):
        if body[v] and places[v, 1] < 6.2:
            below = neck_edge(places[v, 0], places[v, 2], neckline) - places[v, 1]
            out[v] += 0.05 * step(0.0, 0.12, below)


def _collar_grid(columns: int) -> Ints:
    """Triangles between the rows of a strip, seen from both sides."""
    first = np.arange(columns - 1)
    faces = []
    for row in range(3):
        a, b = row * columns + first, row * columns + first + 1
        c, d = a + columns, b + columns
        faces += [np.stack([a, b, c], 1), np.stack([b, d, c], 1)]
    one = np.concatenate(faces)
    return np.concatenate([one, one[:, ::-1] + 4 * columns]).astype(np.int32)


_COLLAR_COLUMNS = 41
_COLLAR_GAP = 0.16  # radians at each side of the throat


def collar(p: Values, vertices: Floats) -> tuple[Floats, Ints, Floats]:
    """A folded collar around the neck: vertices [C, 3], triangles, and their (0, across, 0) [C, 3].

    It stands up from the neck and folds down into two points; at slider 0 it is inside the neck.
    """
    ring = grounds().neck.on(vertices)
    angle = np.linspace(_COLLAR_GAP, 2 * np.pi - _COLLAR_GAP, _COLLAR_COLUMNS)
    at = angle / (2 * np.pi) * NECK_POINTS
    around = np.arange(NECK_POINTS + 1)
    closed = np.concatenate([ring, ring[:1]])
    base = np.stack([np.interp(at, around, closed[:, c]) for c in range(3)], axis=1)
    away = base - ring.mean(0)
    away[:, 1] = 0
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    size = p["collar"]
    front = np.exp(-(((np.minimum(angle, 2 * np.pi - angle) - _COLLAR_GAP) / 0.45) ** 2))[:, None]
    up = np.array([0, 1.0, 0])
    spread = np.stack([np.sin(angle), 0 * angle, 0 * angle], 1) * front * 0.22 * size
    rows = [
        base - 0.10 * up - 0.06 * away,
        base + (0.20 - 0.10 * front) * size * up + (0.11 * size - 0.05) * away,
        base + (0.19 - 0.10 * front) * size * up + (0.19 * size - 0.06) * away,
        base - (0.05 + 0.26 * front) * size * up + (0.34 * size - 0.07) * away + spread,
    ]
    across = np.repeat([0.0, 0.3, 0.5, 1.0], _COLLAR_COLUMNS)
    flat = np.stack([0 * across, across, 0 * across], axis=1).astype(np.float32)
    both_sides = np.concatenate(2 * rows).astype(np.float32)
    return both_sides, _collar_grid(_COLLAR_COLUMNS), np.concatenate([flat, flat])


@compiled
def tube(canvas, points, radius, color, opacity, label, rays):
    """A thick shaded poly-line; points: screen [K, 3], radius in samples."""
    size = canvas.depth.shape[0]
    for k in range(len(points) - 1):
        x0, y0, z0 = points[k]
        dx, dy, dz = points[k + 1] - points[k]
        long = dx * dx + dy * dy + 1e-9
        left, right = int(min(x0, x0 + dx) - radius), int(max(x0, x0 + dx) + radius) + 1
        top, bottom = int(min(y0, y0 + dy) - radius), int(max(y0, y0 + dy) + radius) + 1
        for y in range(max(0, top), min(size - 1, bottom) + 1):
            for x in range(max(0, left), min(size - 1, right) + 1):
                t = min(1.0, max(0.0, ((x + 0.5 - x0) * dx + (y + 0.5 - y0) * dy) / long))
                ex, ey = x + 0.5 - x0 - t * dx, y + 0.5 - y0 - t * dy
                out = (ex * ex + ey * ey) / (radius * radius)
                nz = np.sqrt(max(0.0, 1 - out))
                z = z0 + t * dz + 0.03 * nz
                if out >= 1 or z <= canvas.depth[y, x]:
                    continue
                nx, ny = ex / radius, -ey / radius
                facing = max(0.0, nx * rays[TOWARD] + ny * rays[TOWARD + 1] + nz * rays[TOWARD + 2])
                glint = nx * rays[HALF] + ny * rays[HALF + 1] + nz * rays[HALF + 2]
                glint = 0.35 * max(0.0, glint) ** 40
                canvas.depth[y, x] = z
                if opacity > 0.5:
                    canvas.label[y, x] = label
                for c in range(3):
                    own = color[c] * (
                        rays[KEY + c] * 0.9 * facing + rays[SKY + c] * (0.6 + 0.4 * ny)
                    )
                    canvas.color[y, x, c] += (
                        own + glint * rays[KEY + c] - canvas.color[y, x, c]
                    ) * opacity


@compiled
def _inside(outline, x, y):
    """Whether a point lies inside a closed screen polygon."""
    inside, j = False, len(outline) - 1
    for i in range(len(outline)):
        if (outline[i, 1] > y) != (outline[j, 1] > y):
            slope = (outline[j, 0] - outline[i, 0]) / (outline[j, 1] - outline[i, 1])
            if x < slope * (y - outline[i, 1]) + outline[i, 0]:
                inside = not inside
        j = i
    return inside


@compiled
def _lens(canvas, outline, dark, tint, opacity, label):
    """Darkens what lies behind a lens and adds the reflection of a window."""
    size = canvas.depth.shape[0]
    x0, x1 = outline[:, 0].min(), outline[:, 0].max()
    y0, y1 = outline[:, 1].min(), outline[:, 1].max()
    near = outline[:, 2].mean()
    for y in range(max(0, int(y0)), min(size - 1, int(y1) + 1) + 1):
        for x in range(max(0, int(x0)), min(size - 1, int(x1) + 1) + 1):
            if canvas.depth[y, x] >= near or not _inside(outline, x + 0.5, y + 0.5):
                continue
            u, v = (x - x0) / (x1 - x0 + 1e-6), (y - y0) / (y1 - y0 + 1e-6)
            cover = dark * (1 - 0.25 * v) * opacity
            gleam = (0.03 + 0.15 * dark) * step(0.55, 0.1, v + 0.5 * u) * opacity
            for c in range(3):
                canvas.color[y, x, c] += (0.25 * tint[c] - canvas.color[y, x, c]) * cover + gleam
            if cover > 0.5:
                canvas.label[y, x] = label


def _glasses_lines(p: Values, eyes: Floats, ears: Floats) -> tuple[list[Floats], list[Floats]]:
    """Rims and the other lines of the frames in the head's frame."""
    middle = eyes.mean(0)
    gap = float(abs(eyes[0, 0] - eyes[1, 0])) / 2
    a = np.linspace(0, 2 * np.pi, 41)
    power = 2 / (2 + 3.5 * (1 - p["glasses_round"]))
    width, height = 0.255, 0.195 + 0.05 * p["glasses_round"]
    front = middle[2] + 0.36
    cos, sin = np.cos(a), np.sin(a)
    x = width * np.sign(cos) * np.abs(cos) ** power
    y = height * np.sign(sin) * np.abs(sin) ** power + middle[1] - 0.035
    rims, lines = [], []
    for side in (-1, 1):
        across = x + side * (gap + 0.02)
        rims.append(np.stack([across, y, front - 0.4 * across**2], axis=1))
        k = np.linspace(0, 1, 8)[:, None]
        hinge = side * (gap + 0.02 + width)
        start = np.array([[hinge, middle[1] + 0.05, front - 0.4 * hinge**2]])
        own = ears[np.sign(ears[:, 0]) == side]
        end = [
            side * np.abs(own[:, 0]).mean() * 1.02,
            own[:, 1].max() - 0.10,
            own[:, 2].max() - 0.05,
        ]
        lines.append(start * (1 - k) + k * np.array([end]))
    t = np.linspace(-1, 1, 9)
    bridge = [t * (gap + 0.02 - width), middle[1] + 0.03 + 0.03 * (1 - t * t), front + 0 * t]
    return rims, [*rims, np.stack(bridge, axis=1), *lines]


def draw_glasses(
    canvas: Canvas, p: Values, posed: Posed, eyes: Floats, camera: Camera, light: Light
) -> None:
    """Frames and lenses; below slider .5 they grow out of nothing."""
    if p["glasses"] <= 0:
        return
    opacity = min(1.0, 2 * p["glasses"])
    ears = posed.vertices[load_mesh().masks["ears"] > 0.5] @ posed.turn
    rims, lines = _glasses_lines(p, eyes @ posed.turn, ears)

    def screen(points: Floats) -> Floats:
        return project((points @ posed.turn.T).astype(np.float32), camera)

    for rim in rims:
        _lens(canvas, screen(rim), 0.96 * p["lens_dark"], _LENS_TINT, opacity, GLASSES)
    radius = (0.008 + 0.026 * p["glasses_thick"]) * camera.scale * (0.4 + 0.6 * p["glasses"])
    for points in lines:
        tube(canvas, screen(points), max(0.6, radius), frame_color(p), opacity, GLASSES, light.rays)


def _lobes(side: int) -> int:
    """The lowest vertex of an ear at rest."""
    places, ears = rest(), load_mesh().masks["ears"]
    low = np.where((ears > 0.5) & (np.sign(places[:, 0]) == side), places[:, 1], np.inf)
    return int(low.argmin())


def draw_earrings(canvas: Canvas, p: Values, posed: Posed, camera: Camera, light: Light) -> None:
    """Golden rings under the lobes."""
    size = p["earrings"]
    if size <= 0:
        return
    a = np.linspace(0, 2 * np.pi, 21)
    radius = 0.015 + 0.13 * size
    for side in (-1, 1):
        top = posed.vertices[_lobes(side)] + np.array([0.015 * side, 0.02, 0.03])
        ring = np.stack(
            [0.75 * np.sin(a) * radius, radius * (np.cos(a) - 1), 0.3 * np.sin(a) * radius], 1
        )
        points = project((top + ring).astype(np.float32), camera)
        thick = max(0.6, (0.012 + 0.012 * size) * camera.scale)
        tube(canvas, points, thick, _GOLD, min(1.0, 3 * size), _EARRINGS, light.rays)
