"""Shading of the mesh: skin with brows, lips, make-up and wrinkles, eyes, teeth, clothes and hat.

Patterns are functions of the place on the head at rest, so they stay where they are on a face.
The kernels fill a record, a float array whose entries are named below, sample by sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.heads.attributes import REGIONS
from kits.heads.jit import compiled
from kits.heads.light import FILL, GROUND, HALF, KEY, SKY, TOWARD
from kits.heads.mesh import BODY, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE
from kits.heads.raster import lit

_LABEL = {name: number for number, name in enumerate(REGIONS)}
SKIN, EARS, NOSE, LIPS = (_LABEL[name] for name in ("skin", "ears", "nose", "lips"))
MOUTH, EYES, BROWS, HAIR = (_LABEL[name] for name in ("mouth", "eyes", "brows", "hair"))
BEARD, GLASSES, CLOTHES = (_LABEL[name] for name in ("beard", "glasses", "clothes"))
HAT, NECK = _LABEL["hat"], _LABEL["neck"]

COLLAR = TONGUE + 1  # the part that is added to the mesh
# Columns of ground.Grounds.fields.
_LIPS, _EARS, _INNER, _NOSE, _HAIRLINE, _BEARD, _MOUSTACHE, _BLUSH, _UNDER, _LID, _HOLLOW = range(
    11
)
# The record: color, normal, gloss, its exponent, occlusion, wrap per channel, least light, label.
_R, _G, _B, _NX, _NY, _NZ, _GLOSS, _ROUGH, _OPEN, _WR, _WG, _WB, _LEAST, _NAME = range(14)


# What shading needs to know of a person is one array as well, see `pack_look`.
_NUMBERS = (
    "blush wrinkles hollow freckles eye_shadow scalp beard moustache receded brow neckline jacket"
    " hat_edge"
).split()
_COLORS = "skin lips hair stubble brows iris shirt coat hat gaze left_eye right_eye".split()
(
    BLUSH,
    WRINKLES,
    HOLLOW,
    FRECKLES,
    EYE_SHADOW,
    SCALP,
    BEARD_TINT,
    MOUSTACHE_TINT,
    RECEDED,
    BROW_SIZE,
    NECKLINE,
    JACKET,
    HAT_EDGE,
) = range(len(_NUMBERS))
(
    SKIN_COLOR,
    LIP_COLOR,
    HAIR_COLOR,
    STUBBLE_COLOR,
    BROW_COLOR,
    IRIS_COLOR,
    SHIRT_COLOR,
    COAT_COLOR,
    HAT_COLOR,
    GAZE,
    LEFT_CENTRE,
    RIGHT_CENTRE,
) = range(len(_NUMBERS), len(_NUMBERS) + 3 * len(_COLORS), 3)


def pack_look(look: Mapping[str, float | Sequence[float] | NDArray]) -> NDArray[np.float64]:
    """Numbers, linear colours, gaze (a unit vector) and centres of the eyes, in that order."""
    return np.concatenate([np.atleast_1d(look[name]) for name in (*_NUMBERS, *_COLORS)]).astype(
        float
    )


@compiled
def step(low, high, x):
    """Cubic step from 0 at low to 1 at high."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)


@compiled
def noise_at(table, x, y, z):
    """Smooth noise, 0 to 1, of one lattice cell per unit."""
    x0, y0, z0 = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = x - x0, y - y0, z - z0
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    i, j, k = int(x0) & 31, int(y0) & 31, int(z0) & 31
    i1, j1, k1 = (i + 1) & 31, (j + 1) & 31, (k + 1) & 31
    low = (table[i, j, k] * (1 - u) + table[i1, j, k] * u) * (1 - v)
    low += (table[i, j1, k] * (1 - u) + table[i1, j1, k] * u) * v
    high = (table[i, j, k1] * (1 - u) + table[i1, j, k1] * u) * (1 - v)
    high += (table[i, j1, k1] * (1 - u) + table[i1, j1, k1] * u) * v
    return low * (1 - w) + high * w


@compiled
def _paint(record, look, color, share):
    """Towards the colour that begins at entry `color` of the look."""
    record[_R] += (look[color] - record[_R]) * share
    record[_G] += (look[color + 1] - record[_G]) * share
    record[_B] += (look[color + 2] - record[_B]) * share


@compiled
def _darken(record, r, g, b):
    record[_R] *= 1 - r
    record[_G] *= 1 - g
    record[_B] *= 1 - b


@compiled
def receding(x, y, z, receded):
    """How far in dm the hairline has drawn back at a place: temples first, then front and crown."""
    temple = np.exp(-(((abs(x) - 0.38) / 0.2) ** 2)) * step(0.7, 1.1, z)
    front = step(0.35, 1.1, z) * step(7.2, 7.6, y)
    crown = step(7.55, 7.95, y)
    bald = 1.15 * max(0.0, receded - 0.28) ** 2
    return receded * (0.10 + 0.35 * temple) + bald * (1.44 * front + 0.81 * crown)


@compiled
def neck_edge(x, z, neckline):
    """Height at rest of the shirt's edge."""
    depth = 0.85 * neckline * max(0.0, 1 - abs(x) / (0.30 + 0.3 * neckline)) ** 1.3
    return 5.46 + (0.62 - z) * 0.42 + 0.10 * x * x - depth * step(0.1, 0.4, z)


@compiled
def hat_edge_at(z, edge):
    """Height at rest of the hat's lower edge: it sits a little higher in front."""
    return edge + 0.18 * (z - 0.5)


@compiled
def coat_edge(y, jacket):
    """|x| at rest where the jacket begins at a height; far outside when there is none."""
    return 1.65 * (1 - jacket) ** 1.2 + 0.10 + 0.36 * max(0.0, y - 4.5)


@compiled
def _eye(record, place, look, noise, rays, at, shade):
    """The eyeball: iris and pupil around the gaze; returns the mirrored light.

    at: where the eye's centre begins in the look.
    """
    nx, ny, nz = place[0] - look[at], place[1] - look[at + 1], place[2] - look[at + 2]
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / length, ny / length, nz / length
    facing = nx * look[GAZE] + ny * look[GAZE + 1] + nz * look[GAZE + 2]
    angle = np.arccos(max(-1.0, min(1.0, facing)))
    across, upward = nx - facing * look[GAZE], ny - facing * look[GAZE + 1]
    turn = np.arctan2(upward, across)
    fibre = noise_at(noise, turn * 5.1 + 50, angle * 8, 3.0)
    out = angle / 0.50
    iris = (
        (0.7 + 0.5 * fibre) * (0.75 + 0.5 * step(0.3, 0.8, out)) * (1 - 0.7 * step(0.78, 1.0, out))
    )
    iris *= 1 + 0.5 * max(0.0, -(across * rays[TOWARD] + upward * rays[TOWARD + 1]) * 3)
    inside, pupil = step(0.53, 0.46, angle), step(0.21, 0.15, angle)
    rim = step(0.6, 1.25, angle)
    record[_R], record[_G], record[_B] = 0.74 * (1 - 0.1 * rim), 0.68 * (1 - 0.25 * rim), 0.0
    record[_B] = 0.64 * (1 - 0.28 * rim)
    for c in range(3):
        record[c] = (record[c] * (1 - inside) + inside * look[IRIS_COLOR + c] * iris) * (1 - pupil)
    record[_NX], record[_NY], record[_NZ] = nx, ny, nz
    record[_OPEN] = 0.62 + 0.38 * step(0.75, -0.1, ny * 0.9 + abs(nx) * 0.25)
    record[_WR] = record[_WG] = record[_WB] = 0.3
    record[_LEAST], record[_NAME], record[_GLOSS] = 0.35, EYES, 0.0
    gx = look[GAZE] * 0.8 + rays[TOWARD] * 0.30
    gy = look[GAZE + 1] * 0.8 + 0.10 + rays[TOWARD + 1] * 0.22
    gz = look[GAZE + 2] * 0.8 + 0.25
    length = np.sqrt(gx * gx + gy * gy + gz * gz)
    glint = step(0.984, 0.995, (nx * gx + ny * gy + nz * gz) / length)
    sheen = max(0.0, nx * rays[HALF] + ny * rays[HALF + 1] + nz * rays[HALF + 2])
    return 0.60 * glint * (0.35 + 0.65 * shade) + 0.045 * sheen**20


@compiled
def _inside_mouth(record, r, g, b, opening, gloss, least):
    record[_R], record[_G], record[_B] = r, g, b
    record[_OPEN], record[_GLOSS], record[_ROUGH] = opening, gloss, 30.0
    record[_WR] = record[_WG] = record[_WB] = 0.5
    record[_LEAST], record[_NAME] = least, MOUTH


@compiled
def _wrinkles(record, x, y, strength):
    """Lines of the forehead, from nose to mouth, and around the eyes."""
    out = abs(x)
    wave = np.sin((y + 0.035 * np.cos(x * 5) + 0.012 * np.sin(x * 17)) * 74)
    brow = np.exp(-(((y - 7.50) / 0.14) ** 2)) * step(0.62, 0.3, out) * wave
    fold = out - (0.215 + 0.37 * (6.70 - y))
    cheek = np.exp(-((fold / 0.030) ** 2)) * step(6.34, 6.44, y) * step(6.76, 6.64, y)
    corner = out - 0.47
    lean = 0.25 * corner * (1.0 if y > 7.10 else -1.0)
    crow = step(0.0, 0.05, corner) * step(0.20, 0.08, corner) * np.sin((y - 7.10 + lean) * 95)
    crow *= np.exp(-(((y - 7.10) / 0.11) ** 2))
    bag = np.exp(-(((y - 6.93 - 0.72 * (out - 0.28) ** 2) / 0.022) ** 2))
    bag *= np.exp(-(((out - 0.28) / 0.12) ** 2))
    record[_NY] += strength * (0.24 * brow + 0.24 * crow)
    dark = 0.26 * max(0.0, -brow) + 0.50 * cheek + 0.20 * max(0.0, -crow) + 0.36 * bag
    _darken(record, 0.55 * dark * strength, 0.8 * dark * strength, 0.8 * dark * strength)


@compiled
def _make_up(record, x, y, z, look):
    """Shadow on the upper lid, a line along it."""
    out = abs(x)
    wing = np.exp(-(((out - 0.31) / 0.19) ** 2) - ((y - 7.19 - 0.10 * (out - 0.25)) / 0.07) ** 2)
    share = look[EYE_SHADOW] * min(1.0, 1.4 * wing) * step(0.8, 1.0, z)
    cover = 0.88 * share
    record[_R] += (0.055 + 0.2 * look[SKIN_COLOR] - record[_R]) * cover
    record[_G] += (0.018 + 0.2 * look[SKIN_COLOR + 1] - record[_G]) * cover
    record[_B] += (0.035 + 0.2 * look[SKIN_COLOR + 2] - record[_B]) * cover
    record[_GLOSS] += 0.05 * share


@compiled
def _brow(record, x, y, look):
    """A soft ground under the strands of the brows; returns its share."""
    along = (abs(x) - 0.115) / 0.40
    if along < -0.15 or along > 1.1:
        return 0.0
    bent = 0.08 + max(0.0, min(1.05, along)) * 0.88
    middle = 7.275 + 0.075 * np.sin(np.pi * min(1.0, bent) ** 1.2) - 0.035 * along * along
    half = (0.016 + 0.062 * look[BROW_SIZE]) * (1 - 0.55 * max(0.0, along))
    share = step(half * 1.5, half * 0.4, abs(y - middle)) * step(-0.12, 0.10, along)
    share *= step(1.08, 0.9, along) * 0.72 * step(0.0, 0.12, look[BROW_SIZE])
    _paint(record, look, BROW_COLOR, share)
    return share


@compiled
def _hair_ground(record, x, y, z, fields, look, rough):
    """Scalp tinted by hair, skin tinted by stubble; returns the label that results."""
    grain = 0.82 + 0.36 * rough
    cover = 0.0
    if look[SCALP] > 0 and fields[_HAIRLINE] > -0.05:
        edge = fields[_HAIRLINE] - receding(x, y, z, look[RECEDED]) + 0.05 * (rough - 0.5)
        cover = look[SCALP] * step(-0.01, 0.13, edge) * (1 - fields[_EARS])
    share = min(1.0, (0.70 + 0.25 * cover) * cover * (0.75 + 0.25 * grain))
    for c in range(3):
        record[c] += (0.8 * look[HAIR_COLOR + c] - record[c]) * share
    stubble = max(look[BEARD_TINT] * fields[_BEARD], look[MOUSTACHE_TINT] * fields[_MOUSTACHE])
    stubble *= 1 - fields[_LIPS]
    share = min(1.0, 0.74 * stubble * grain)
    for c in range(3):
        record[c] += (0.7 * look[STUBBLE_COLOR + c] - record[c]) * share
    record[_GLOSS] *= (1 - 0.8 * cover) * (1 - 0.6 * stubble)
    if cover > 0.5:
        record[_NAME] = HAIR
    elif stubble > 0.5:
        record[_NAME] = BEARD


@compiled
def _skin_label(y, z, fields, brow):
    if fields[_LIPS] > 0.42:
        return LIPS
    if fields[_EARS] > 0.5:
        return EARS
    if brow > 0.3:
        return BROWS
    if fields[_NOSE] > 0.38 and 6.57 < y < 7.12:
        return NOSE
    return NECK if y + 0.30 * (z - 0.1) < 6.13 else SKIN


@compiled
def _skin(record, x, y, z, fields, look, noise):
    coarse = noise_at(noise, x * 9, y * 9, z * 9) - 0.5
    fine = noise_at(noise, x * 26, y * 26, z * 26) - 0.5
    mottle = 1 + 0.09 * coarse + 0.07 * fine
    record[_R] = look[SKIN_COLOR] * mottle
    record[_G] = look[SKIN_COLOR + 1] * (mottle + 0.04 * coarse)
    record[_B] = look[SKIN_COLOR + 2] * (mottle + 0.04 * coarse)
    red = look[BLUSH] * (0.12 + fields[_BLUSH]) * 0.46
    _darken(record, -0.10 * red, 0.55 * red, 0.50 * red)
    under = fields[_UNDER] * (0.16 + 0.28 * look[WRINKLES])
    _darken(record, 0.55 * under, 0.75 * under, 0.55 * under)
    hollow = 0.13 * look[HOLLOW] * fields[_HOLLOW]
    _darken(record, 0.8 * hollow, hollow, hollow)
    _darken(record, 0.10 * fields[_LID], 0.18 * fields[_LID], 0.16 * fields[_LID])
    record[_NX] += 0.035 * fine
    shine = 0.4 * (0.12 + 0.14 * fields[_NOSE] + 0.05 * step(7.3, 7.6, y) * step(0.8, 1.0, z))
    record[_GLOSS], record[_ROUGH] = shine, 11.0
    record[_WR], record[_WG], record[_WB] = 0.42, 0.22, 0.14  # light bleeds redder into the shade
    record[_OPEN], record[_LEAST] = 1.0, 0.10
    brow = 0.0
    if z > 0.7:
        if look[FRECKLES] > 0 and fields[_LIPS] < 0.3:
            spot = noise_at(noise, x * 33 + 9, y * 33, z * 33)
            spot = step(0.86 - 0.22 * look[FRECKLES], 0.97 - 0.20 * look[FRECKLES], spot)
            spot *= step(0.0, 0.2, look[FRECKLES]) * np.exp(-(((y - 6.88) / 0.22) ** 2))
            _darken(record, 0.34 * spot, 0.52 * spot, 0.56 * spot)
        if look[WRINKLES] > 0:
            _wrinkles(record, x, y, look[WRINKLES])
        if look[EYE_SHADOW] > 0:
            _make_up(record, x, y, z, look)
        if 7.1 < y < 7.5:
            brow = _brow(record, x, y, look)
    record[_NAME] = _skin_label(y, z, fields, brow)
    if record[_NAME] != LIPS and record[_NAME] != BROWS:
        _hair_ground(record, x, y, z, fields, look, fine + 0.5)
    if fields[_LIPS] > 0.02:
        share = step(0.1, 0.75, fields[_LIPS])
        _paint(record, look, LIP_COLOR, share)
        record[_GLOSS] += share * (0.18 - record[_GLOSS])
        record[_ROUGH] += 22 * share
    if fields[_INNER] > 0.35:
        _inside_mouth(record, 0.33, 0.07, 0.06, step(0.85, 1.42, z) * 0.65 + 0.02, 0.05, 0.3)


@compiled
def _matt(record, r, g, b, opening, name):
    record[_R], record[_G], record[_B] = r, g, b
    record[_WR] = record[_WG] = record[_WB] = 0.25
    record[_GLOSS], record[_OPEN], record[_LEAST], record[_NAME] = 0.0, opening, 0.10, name


@compiled
def _hat(record, x, y, z, look):
    """Knitted: ribs around the head, a broad rim."""
    above = y - hat_edge_at(z, look[HAT_EDGE]) + 0.075
    if above <= 0:
        return
    rib = np.sin(np.arctan2(x, z - 0.4) * 46)
    rib *= 1.0 if above < 0.2 else 0.5
    shade = 0.9 + 0.1 * rib
    opening = 1 - 0.4 * step(0.05, 0.0, abs(above - 0.2))
    _matt(
        record,
        look[HAT_COLOR] * shade,
        look[HAT_COLOR + 1] * shade,
        look[HAT_COLOR + 2] * shade,
        opening,
        HAT,
    )


@compiled
def _clothes(record, x, y, z, look, noise):
    """Shirt below its edge, and the jacket over it with its lapels."""
    below = neck_edge(x, z, look[NECKLINE]) - y
    beyond = abs(x) - coat_edge(y, look[JACKET])
    coat_below = neck_edge(x, z, 0.0) + 0.10 - y
    if beyond > 0 and coat_below > 0 and look[JACKET] > 0.01:
        lapel = step(0.34, 0.32, beyond + 0.5 * max(0.0, 5.0 - y)) * step(4.2, 4.4, y)
        seam = step(0.03, 0.0, abs(beyond - 0.33 + 0.5 * max(0.0, 5.0 - y)))
        notch = (
            step(0.03, 0.0, abs(y - 5.22 + 0.4 * (beyond - 0.16)))
            * step(0.10, 0.13, beyond)
            * lapel
        )
        weave = 0.95 + 0.10 * noise_at(noise, x * 30, y * 30, z * 30)
        tone = weave * (1 + 0.35 * lapel) * (1 - 0.5 * max(seam, notch))
        opening = (0.55 + 0.45 * step(0.0, 0.06, beyond)) * (
            0.6 + 0.4 * step(0.0, 0.08, coat_below)
        )
        _matt(
            record,
            look[COAT_COLOR] * tone,
            look[COAT_COLOR + 1] * tone,
            look[COAT_COLOR + 2] * tone,
            opening,
            CLOTHES,
        )
    elif below > 0:
        rim = 1 - 0.2 * step(0.06, 0.04, below)
        weave = rim * (0.96 + 0.08 * noise_at(noise, x * 30, y * 20, z * 30))
        opening = 1 - 0.35 * step(0.07, 0.0, below)
        if look[JACKET] > 0.01:
            opening *= 0.5 + 0.5 * step(0.0, -0.22, beyond)
        _matt(
            record,
            look[SHIRT_COLOR] * weave,
            look[SHIRT_COLOR + 1] * weave,
            look[SHIRT_COLOR + 2] * weave,
            opening,
            CLOTHES,
        )
    else:
        if below > -0.12 and y < 6.0:
            record[_OPEN] *= 0.62 + 0.38 * step(0.0, 0.12, -below)
        return
    record[_NX] += 0.5 * (noise_at(noise, x * 3.1, y * 2.1, z * 3.0 + 7) - 0.5)
    record[_NY] += 0.35 * (noise_at(noise, x * 3.3 + 5, y * 2.3, z * 3.0) - 0.5)


@compiled
def _shine(record, rays, shade, mirrored, color, row, column):
    """The lit record: wrapped diffuse light per channel, sky, ground, fill, two highlights."""
    nx, ny, nz = record[_NX], record[_NY], record[_NZ]
    length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
    nx, ny, nz = nx / length, ny / length, nz / length
    facing = nx * rays[TOWARD] + ny * rays[TOWARD + 1] + nz * rays[TOWARD + 2]
    shade = record[_LEAST] + (1 - record[_LEAST]) * shade
    up = 0.5 + 0.5 * ny
    fill = max(0.0, (-0.9 * rays[TOWARD] * nx + 0.15 * ny + 0.5 * nz + 0.25) / 1.25)
    gloss = mirrored
    if record[_GLOSS] > 0:
        bright = max(0.0, nx * rays[HALF] + ny * rays[HALF + 1] + nz * rays[HALF + 2])
        rim = 1 - max(0.0, nz)
        fourth = bright * bright * bright * bright
        broad = fourth * fourth * bright * bright if record[_ROUGH] < 20 else fourth**8
        lobes = (0.6 * broad + 0.4 * broad**4) * (0.35 + 0.65 * rim * rim * rim)
        gloss += (
            1.5 * record[_GLOSS] * record[_OPEN] * shade * lobes * min(1.0, max(0.0, 4 * facing))
        )
    root = np.sqrt(shade)
    redder = root * np.sqrt(root)
    for c in range(3):
        wrap = record[_WR + c]
        d = max(0.0, (facing + wrap) / (1 + wrap))
        d *= 0.35 * d + 0.65
        reached = redder if c == 0 else shade
        around = rays[SKY + c] * up + rays[GROUND + c] * (1 - up) + rays[FILL + c] * fill
        color[row, column, c] = (
            record[c] * record[_OPEN] * (rays[KEY + c] * d * reached + around)
            + gloss * rays[KEY + c]
        )


@compiled
def _surface(record, part, place, x, y, z, fields, look, noise, rays, shade):
    """Fills the record for one sample of a part of the mesh; returns the light it mirrors."""
    mirrored = 0.0
    if part in (LEFT_EYE, RIGHT_EYE):
        centre = LEFT_CENTRE if part == LEFT_EYE else RIGHT_CENTRE
        mirrored = _eye(record, place, look, noise, rays, centre, shade)
    elif part == TEETH:
        _inside_mouth(record, 0.92, 0.87, 0.77, step(0.80, 1.25, z) * 0.95 + 0.05, 0.25, 0.6)
    elif part == TONGUE:
        _inside_mouth(record, 0.50, 0.16, 0.15, step(0.55, 1.30, z) * 0.7 + 0.05, 0.15, 0.4)
    elif part == COLLAR:
        rim = 1.06 - 0.2 * step(0.9, 1.0, y)
        _matt(
            record,
            look[SHIRT_COLOR] * rim,
            look[SHIRT_COLOR + 1] * rim,
            look[SHIRT_COLOR + 2] * rim,
            1.0,
            CLOTHES,
        )
    else:
        _skin(record, x, y, z, fields, look, noise)
        if y > 7.2:
            _hat(record, x, y, z, look)
        elif y < 6.2:
            _clothes(record, x, y, z, look, noise)
    return mirrored


@compiled
def shade_mesh(
    canvas,
    number,
    weights,
    triangles,
    parts,
    vertices,
    normal,
    rest,
    fields,
    seen,
    look,
    noise,
    light,
):
    """Colours and labels of every sample that a triangle covers."""
    rays, mean, square = light.rays, light.mean, light.square
    color, label = canvas.color, canvas.label
    size = label.shape[0]
    record, own = np.zeros(14), np.zeros(fields.shape[1])
    place, flat, view = np.zeros(3), np.zeros(3), np.zeros(3)
    for row in range(size):
        for column in range(size):
            t = number[row, column]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wb, wc = weights[row, column, 0], weights[row, column, 1]
            wa = 1 - wb - wc
            for axis in range(3):
                record[_NX + axis] = (
                    wa * normal[a, axis] + wb * normal[b, axis] + wc * normal[c, axis]
                )
                flat[axis] = wa * rest[a, axis] + wb * rest[b, axis] + wc * rest[c, axis]
                view[axis] = wa * seen[a, axis] + wb * seen[b, axis] + wc * seen[c, axis]
                place[axis] = (
                    wa * vertices[a, axis] + wb * vertices[b, axis] + wc * vertices[c, axis]
                )
            if parts[t] == BODY:
                for f in range(len(own)):
                    own[f] = wa * fields[a, f] + wb * fields[b, f] + wc * fields[c, f]
            shade = lit(mean, square, view[0], view[1], view[2], 0.03)
            mirrored = _surface(
                record, parts[t], place, flat[0], flat[1], flat[2], own, look, noise, rays, shade
            )
            _shine(record, rays, shade, mirrored, color, row, column)
            label[row, column] = int(record[_NAME])
