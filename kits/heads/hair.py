"""Hair: strands that walk over the skull along a comb direction and then hang.

Everything happens in the head's frame with the skull's centre at the origin, in dm; heads turn so
little that gravity may turn with them. Roots and random numbers are fixed, so strands move as their
attributes do and never jump.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kits.heads.jit import compiled
from kits.heads.light import GROUND, HALF, KEY, SKY, TOWARD
from kits.heads.raster import line, lit
from kits.heads.shape import Values
from kits.heads.skin import hat_edge_at, receding, step

POINTS = 16  # of a strand
_LENGTHS = (
    (0, 0.06, 0.15, 0.32, 0.55, 0.8, 1),
    (0, 0.01, 0.06, 0.38, 1.3, 2.25, 3.2),
)  # slider → dm
_SKULL_Y, _SKULL_Z = 7.25, 0.50  # the skull's centre at rest
_WINDOW_WIDTH, _WINDOW_RISE, _WINDOW_DEPTH = 0.60, 0.33, 0.75  # of the face, which stays free
_NO_HAT = 90.0


class Style(NamedTuple):
    """What grows. Lengths in dm, shares from 0 to 1.

    eyes: height of the eyes. neck: its z, radius, and the height of the shoulders. chest, back: z
    of what hair lies on below the shoulders. hat_edge: height at rest of the hat's lower edge.
    """

    length: float
    volume: float
    curl: float
    layers: float
    fringe: float
    parting: float
    receded: float
    afro: float
    hat_edge: float
    eyes: float
    neck_z: float
    neck_radius: float
    shoulders: float
    chest: float
    back: float


def hair_length(p: Values) -> float:
    """dm."""
    return float(np.interp(p["hair_length"], *_LENGTHS))


def receded(p: Values) -> float:
    return 0.95 * p["hairline"] ** 1.3


@compiled
def _radius(skull, x, y, z):
    """The skull's radius in a direction, bilinear in its map (see ground.skull_directions)."""
    rows, columns = skull.shape
    length = np.sqrt(x * x + y * y + z * z) + 1e-9
    up = (y / length * 0.5 + 0.5) * (rows - 1)
    diamond = x / (abs(x) + abs(z) + 1e-9)
    if z < 0:
        diamond = (2 - diamond) if x >= 0 else (-2 - diamond)
    around = (diamond * 0.25 + 0.5) * columns - 0.5
    i = min(rows - 2, max(0, int(up)))
    j = int(np.floor(around))
    u, v = up - i, around - j
    left, right = (j + columns) % columns, (j + 1 + columns) % columns
    low = skull[i, left] * (1 - v) + skull[i, right] * v
    high = skull[i + 1, left] * (1 - v) + skull[i + 1, right] * v
    return low * (1 - u) + high * u


@compiled
def _scale_to(place, radius):
    k = radius / (np.sqrt(place[0] ** 2 + place[1] ** 2 + place[2] ** 2) + 1e-9)
    place[0] *= k
    place[1] *= k
    place[2] *= k


@compiled
def _under_hat(place, style):
    """Height of a point above the edge of the hat, as at rest; far below zero without a hat."""
    return place[1] + _SKULL_Y - hat_edge_at(place[2] + _SKULL_Z, style.hat_edge)


@compiled
def _strand_length(x, y, z, whole, random, style):
    """Length in dm of a strand rooted at rest x, y, z; `whole` fades it out at the hairline."""
    own = 0.80 + 0.09 * random[1] + 0.11 * random[4]
    # Three classes of locks: one keeps its length, two are cut shorter.
    lock = random[4] * 3
    cut = 0.62 * step(1.0, 0.85, lock) + 0.34 * step(0.9, 1.1, lock) * step(2.1, 1.9, lock)
    length = style.length * own * (1 - style.layers * cut * step(0.5, 1.3, style.length))
    length *= 0.55 + 0.45 * whole
    low = 1 - step(6.75, 7.6, y)
    length *= 1 - 0.65 * low * (1 - step(0.5, 1.6, style.length))  # short cuts taper to the nape
    burns = step(0.52, 0.62, abs(x)) * step(7.42, 7.22, y) * step(-0.05, 0.15, z)
    length *= 1 - 0.85 * burns * (1 - step(0.9, 2.0, style.length))
    length *= 1 - 0.30 * style.curl * (1 - style.afro)
    ball = (0.84 + 0.16 * random[1]) * min(style.length, 0.20 + 0.50 * style.volume)
    return length * (1 - style.afro) + ball * style.afro


@compiled
def _comb(x, y, z, random, style, comb):
    """Direction a strand is combed to; returns how far it belongs to the fringe."""
    side = np.tanh((x - style.parting) / 0.12)
    front = step(0.45, 0.95, z) * step(0.78, 0.45, abs(x)) * step(7.35, 7.55, y)
    lean = min(
        1.0, max(0.0, style.fringe * 1.15 + 0.16 * (random[4] - 0.5) * step(0, 0.2, style.fringe))
    )
    swept, full = min(1.0, lean / 0.45), max(0.0, (lean - 0.45) / 0.55)
    comb[0] = side * (0.9 * (1 - front) + front * (0.40 + 0.75 * swept - 0.80 * full))
    comb[1] = -0.35 * (1 - front) + front * (-0.10 - 0.28 * swept - 0.25 * full)
    comb[2] = -0.55 * (1 - front) + front * (-1.10 + 1.45 * swept + 0.75 * full)
    comb[0] += (random[2] - 0.5) * 0.34 + (random[4] - 0.5) * 0.30
    comb[2] += (random[3] - 0.5) * 0.40
    return front * lean


@compiled
def _spread(random, style):
    """Long hair around the neck is a thick curtain, not a shell: a strand's own distance, dm."""
    return 0.30 * random[0] * step(0.5, 1.4, style.length)


@compiled
def _steer(place, way, comb, root_normal, walked, fringe, random, style):
    """Turns `way`, the strand's unit direction, for its next step."""
    x, y, z = place[0], place[1], place[2]
    down = step(0.05, 0.75, walked)
    above_face = step(0.10, 0.5, z) * step(0.20, 0.45, y - style.eyes) * step(0.72, 0.5, abs(x))
    down *= 1 - 0.92 * above_face * (1 - step(0.22, 0.55, fringe))
    tx, ty, tz = comb[0] * (1 - down), comb[1] * (1 - down) - down, comb[2] * (1 - down)
    length = np.sqrt(x * x + y * y + z * z) + 1e-9
    nx, ny, nz = x / length, y / length, z / length
    if y < -0.15:  # below the widest part, hair hangs along a cylinder
        flat, m = np.sqrt(x * x + z * z) + 1e-6, step(-0.15, -0.6, y)
        nx, ny, nz = nx * (1 - m) + m * x / flat, ny * (1 - m), nz * (1 - m) + m * z / flat
    if walked < 0.6 or y > -0.2:
        into = tx * nx + ty * ny + tz * nz
        tx, ty, tz = tx - into * nx, ty - into * ny, tz - into * nz
    offset = 0.03 + 0.42 * style.volume * random[0]
    offset += _spread(random, style)
    if y < 0.05:
        ax, az = x, z - style.neck_z
        away = np.sqrt(ax * ax + az * az) + 1e-6
        pull = 0.30 * step(0.05, -0.7, y) * (1 - 0.6 * style.volume)
        pull *= step(style.neck_radius + 0.12 + offset, style.neck_radius + offset + 0.45, away)
        tx, tz = tx - pull * ax / away, tz - pull * az / away
    length = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
    fall = 1 + walked / (0.24 + style.volume)
    fall *= fall
    lift = (0.32 + 1.2 * style.volume) / (fall * fall)
    afro, keep = style.afro, 0.45 * (1 - down) + 0.1
    tame, turn = (1 - afro) * (1 - keep), afro * (1 - keep)
    wx = root_normal[0] + 0.7 * (random[2] - 0.5)
    wy = root_normal[1] + 0.7 * (random[3] - 0.5)
    wz = root_normal[2] + 0.7 * (random[4] - 0.5)
    way[0] = way[0] * keep + (tx / length + lift * nx) * tame + wx * turn
    way[1] = way[1] * keep + (ty / length + lift * ny) * tame + wy * turn
    way[2] = way[2] * keep + (tz / length + lift * nz) * tame + wz * turn
    _scale_to(way, 1.0)


@compiled
def _keep_off(place, skull, walked, stride, offset, spread, forward, style):
    """Moves a point out of skull, neck and shoulders, and floating hair back to its layer."""
    x, y, z = place[0], place[1], place[2]
    if y > -0.75:
        radius = _radius(skull, x, y, z) + offset * step(0.0, 0.3, walked)
        length = np.sqrt(x * x + y * y + z * z) + 1e-9
        under = _under_hat(place, style)
        if under > -0.3:
            radius -= offset * step(-0.3, 0.0, under) * step(0.0, 0.3, walked)
            length = min(length, radius + max(0.0, length - radius) * step(0.05, -0.3, under))
            _scale_to(place, length)
        if length < radius:
            _scale_to(place, radius)
        elif y > -0.35:
            settle = (1 - style.afro) * (1 - 0.45 * style.volume) * stride / (stride + 0.12)
            _scale_to(place, length - (length - radius) * settle * step(-0.35, 0.1, y))
        return
    ax, az = x, z - style.neck_z
    away = np.sqrt(ax * ax + az * az) + 1e-6
    offset += spread
    if away < style.neck_radius + offset:
        k = (style.neck_radius + offset) / away
        place[0], place[2] = ax * k, style.neck_z + az * k
    low = step(style.shoulders + 0.35, style.shoulders - 0.5, y)
    if low > 0:
        if forward:
            place[2] = max(place[2], place[2] + (style.chest + 0.6 * offset - place[2]) * low)
        else:
            place[2] = min(place[2], place[2] + (style.back - offset - place[2]) * low)


@compiled
def _clear_face(place, side, fringe, random, style):
    """Keeps the face free: pushes a point sideways; True where a strand of the fringe ends."""
    if place[2] < 0.15 or style.afro > 0.6:
        return False
    middle = style.eyes + _WINDOW_RISE - _WINDOW_DEPTH - 0.10 * random[2] * min(1.0, fringe * 2)
    up = place[1] - middle
    up /= _WINDOW_DEPTH + (0.27 * step(0.42, 0.12, style.fringe) if up > 0 else 0.0)
    if up > 1 or up < -2.5:
        return False
    width = _WINDOW_WIDTH + 0.04 * random[1]
    edge = width * np.sqrt(np.sqrt(1 - up**4)) if up > 0 else width * (1 - 0.10 * min(1.0, -up))
    if abs(place[0]) >= edge:
        return False
    if fringe > 0.42:
        return abs(place[0]) < edge - 0.03
    edge *= step(0.15, 0.45, place[2]) * (1 - style.afro)
    if edge - side * place[0] > 0.12:
        return edge > 0.12
    place[0] = side * max(edge, abs(place[0]))
    return False


@compiled
def _walk(root, normal, rest, skull, length, random, style, comb, fringe, out):
    """One strand from its root; out: [POINTS, 3]."""
    x = rest[0]
    low = 1 - step(6.75, 7.6, rest[1])
    offset = 0.012 + (0.03 + 0.42 * style.volume) * random[0] * step(0.0, 0.9, style.length)
    offset *= 1 - 0.5 * low * (1 - step(0.8, 2.0, style.length))
    side = 1.0 if x > style.parting else -1.0
    spread = _spread(random, style)
    forward = rest[2] + 0.12 * (random[4] - 0.5) > _SKULL_Z - 0.14
    stride = length / (POINTS - 1)
    place, way = root.copy(), normal.copy()
    for k in range(POINTS):
        if k > 0:
            _steer(place, way, comb, normal, k * stride, fringe, random, style)
            for axis in range(3):
                place[axis] += way[axis] * stride
            _keep_off(place, skull, k * stride, stride, offset, spread, forward, style)
            _clear_face(place, side, fringe, random, style)
        for axis in range(3):
            out[k, axis] = place[axis]


@compiled
def _gather(strands, locks, alive, style):
    """Draws strands of a lock together towards their tips, where they run alongside its leader."""
    strength = 0.40 * (1 - style.afro) * step(0.1, 0.9, style.length)
    for i in range(len(strands)):
        leader = locks[i]
        if alive[i] <= 0 or alive[leader] <= 0 or leader == i:
            continue
        for k in range(4, POINTS):
            dx = strands[leader, k, 0] - strands[i, k, 0]
            dy = strands[leader, k, 1] - strands[i, k, 1]
            dz = strands[leader, k, 2] - strands[i, k, 2]
            apart = dx * dx + dy * dy + dz * dz
            near = max(0.0, 1 - apart / 0.15)
            pull = strength * near * near * k / (POINTS - 1)
            strands[i, k, 0] += pull * dx
            strands[i, k, 1] += 0.3 * pull * dy
            strands[i, k, 2] += pull * dz


@compiled
def _wave(strands, lengths, alive, random, style):
    """Waves that turn into curls: shared by a lock while long, each strand's own when tight."""
    size = 0.088 * (1 - np.exp(-style.curl / 0.20)) * (1 + 0.3 * style.afro)
    pitch = 2 * np.pi / (0.62 - 0.40 * style.curl - 0.08 * style.afro)
    for i in range(len(strands)):
        if alive[i] <= 0:
            continue
        phase = random[i, 4] * 40 + random[i, 1] * (0.5 + 3 * style.curl)
        turn = pitch * lengths[i] / (POINTS - 1)
        turn_cos, turn_sin = np.cos(turn), np.sin(turn)
        cos, sin = np.cos(phase), np.sin(phase)
        bx, by, bz = strands[i, 0, 0], strands[i, 0, 1], strands[i, 0, 2]
        for k in range(1, POINTS):
            x, y, z = strands[i, k, 0], strands[i, k, 1], strands[i, k, 2]
            tx, ty, tz = x - bx, y - by, z - bz
            bx, by, bz = x, y, z
            length = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
            tx, ty, tz = tx / length, ty / length, tz / length
            walked = lengths[i] * k / (POINTS - 1)
            out = np.sqrt(x * x + 0.2 * y * y + z * z) + 1e-9
            nx, ny, nz = x / out, 0.45 * y / out, z / out
            w = size * step(0.0, 0.35, walked) * step(0.05, -0.3, _under_hat(strands[i, k], style))
            cos, sin = cos * turn_cos - sin * turn_sin, sin * turn_cos + cos * turn_sin
            c, s = w * cos, w * (0.7 * sin + 0.6)
            strands[i, k, 0] += c * (ny * tz - nz * ty) + s * nx
            strands[i, k, 1] += c * (nz * tx - nx * tz) + s * ny
            strands[i, k, 2] += c * (nx * ty - ny * tx) + s * nz


@compiled
def _tuck(strands, style):
    """Hair above the edge of the hat disappears into the skull."""
    for i in range(len(strands)):
        for k in range(POINTS):
            shrink = 1 - 0.16 * step(-0.16, -0.04, _under_hat(strands[i, k], style))
            for axis in range(3):
                strands[i, k, axis] *= shrink


@compiled
def _trim(strands, rest, alive, random, fringes, style):
    """Once more, and for good: no strand over the face but the fringe, which ends above it."""
    for i in range(len(strands)):
        if alive[i] <= 0:
            continue
        side = 1.0 if rest[i, 0] > style.parting else -1.0
        ended = False
        for k in range(1, POINTS):
            ended = ended or _clear_face(strands[i, k], side, fringes[i], random[i], style)
            if ended:
                for axis in range(3):
                    strands[i, k, axis] = strands[i, k - 1, axis]


@compiled
def grow(roots, normals, rest, distance, random, locks, skull, style):
    """Strands [N, POINTS, 3] and how far each is alive, [N], 0 where the hairline has passed it."""
    n = len(roots)
    strands = np.zeros((n, POINTS, 3), np.float32)
    alive, lengths, fringes = np.zeros(n), np.zeros(n), np.zeros(n)
    comb = np.zeros(3)
    for i in range(n):
        x, y, z = rest[i, 0], rest[i, 1], rest[i, 2]
        left = distance[i] - receding(x, y, z, style.receded) - 0.03 * random[i, 3]
        alive[i] = step(0.0, 0.09, left)
        if alive[i] <= 0:
            continue
        fringes[i] = fringe = _comb(x, y, z, random[i], style, comb)
        length = _strand_length(x, y, z, alive[i], random[i], style)
        length = max(min(length, 0.38), length * (1 - 0.6 * step(0.3, 0.8, fringe)))
        lengths[i] = length
        _walk(
            roots[i], normals[i], rest[i], skull, length, random[i], style, comb, fringe, strands[i]
        )
    _gather(strands, locks, alive, style)
    _wave(strands, lengths, alive, random, style)
    _trim(strands, rest, alive, random, fringes, style)
    if style.hat_edge < _NO_HAT:
        _tuck(strands, style)
    return strands, alive


@compiled
def _strand_color(along, normal, q, base, sheen, root_dark, random, shade, rays, out):
    """Kajiya–Kay with a normal mixed in and two highlights; q runs from root 0 to tip 1."""
    tl = along[0] * rays[TOWARD] + along[1] * rays[TOWARD + 1] + along[2] * rays[TOWARD + 2]
    facing = normal[0] * rays[TOWARD] + normal[1] * rays[TOWARD + 1] + normal[2] * rays[TOWARD + 2]
    round_ = max(0.0, (facing + 0.35) / 1.35)
    th = along[0] * rays[HALF] + along[1] * rays[HALF + 1] + along[2] * rays[HALF + 2]
    nh = normal[0] * rays[HALF] + normal[1] * rays[HALF + 1] + normal[2] * rays[HALF + 2]
    shift = (random[2] - 0.5) * 0.22
    narrow = max(0.0, 1 - (th + (shift + 0.08) * nh) ** 2) ** 32
    broad = max(0.0, 1 - (th + (shift - 0.15) * nh) ** 2) ** 9
    tone = 0.80 + 0.24 * random[2] + 0.34 * (random[4] - 0.5)
    dark = (root_dark + (1 - root_dark) * step(0.0, 0.5, q)) * (0.62 + 0.38 * random[0])
    direct = 1.15 * shade * np.sqrt(max(0.0, 1 - tl * tl)) * round_
    up, shine = 0.5 + 0.5 * normal[1], sheen * shade * round_
    for c in range(3):
        own = base[c] * tone * (0.86 + 0.26 * q)
        around = rays[SKY + c] * up + rays[GROUND + c] * (1 - up)
        mirrored = shine * rays[KEY + c] * (0.05 * narrow + 0.55 * own * broad)
        out[c] = dark * (own * (rays[KEY + c] * direct + around) + mirrored)


@compiled
def _frame(strand, k, centre, along, normal):
    """Unit direction and a normal across it at point k; False where the strand has ended."""
    a, b = max(0, k - 1), min(len(strand) - 1, k + 1)
    tx, ty, tz = (
        strand[b, 0] - strand[a, 0],
        strand[b, 1] - strand[a, 1],
        strand[b, 2] - strand[a, 2],
    )
    length = np.sqrt(tx * tx + ty * ty + tz * tz)
    last = max(0, k - 1)
    moved = abs(strand[k, 0] - strand[last, 0]) + abs(strand[k, 1] - strand[last, 1])
    if k > 0 and moved + abs(strand[k, 2] - strand[last, 2]) < 1e-6:
        return False
    length += 1e-9
    tx, ty, tz = tx / length, ty / length, tz / length
    nx, ny, nz = strand[k, 0] - centre[0], strand[k, 1] - centre[1], strand[k, 2] - centre[2]
    if ny < -0.6:
        ny *= 0.3
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    into = 0.8 * (nx * tx + ny * ty + nz * tz)
    nx, ny, nz = (nx - into * tx) / length, (ny - into * ty) / length, (nz - into * tz) / length
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    along[0], along[1], along[2] = tx, ty, tz
    normal[0], normal[1], normal[2] = nx / length, ny / length, nz / length
    return True


@compiled
def draw_strands(
    canvas,
    strands,
    screen,
    seen,
    alive,
    random,
    base,
    sheen,
    root_dark,
    width,
    label,
    light,
    centre,
):
    """Lit lines. strands: world [N, K, 3]; screen, seen: the same points in both views."""
    rays, mean, square = light.rays, light.mean, light.square
    painted, depth, names = canvas.color, canvas.depth, canvas.label
    points = strands.shape[1]
    color, before = np.zeros(3), np.zeros(3)
    along, normal = np.zeros(3), np.zeros(3)
    for i in range(len(strands)):
        if alive[i] <= 0:
            continue
        own_width = width * (0.75 + 0.5 * random[i, 1]) * np.sqrt(alive[i])
        shade = 1.0
        for k in range(points):
            if not _frame(strands[i], k, centre, along, normal):
                break
            if k % 2 == 0 or k < 2:
                shade = 0.25 + 0.75 * lit(
                    mean, square, seen[i, k, 0], seen[i, k, 1], seen[i, k, 2], 0.08
                )
            q = k / (points - 1)
            _strand_color(along, normal, q, base, sheen, root_dark, random[i], shade, rays, color)
            if k > 0:
                thick = max(1.0, own_width * (1 - 0.6 * q * q))
                line(
                    painted,
                    depth,
                    names,
                    screen[i, k - 1],
                    before,
                    screen[i, k],
                    color,
                    thick,
                    label,
                )
            for c in range(3):
                before[c] = color[c]
