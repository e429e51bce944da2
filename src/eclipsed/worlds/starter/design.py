"""How attributes are written into W, and what every w shows.

W is written down before anything is trained: each value of each group owns one of WIDTH
orthonormal directions of W, and w = SCALE · (codes − prior) @ basis. The synthesis network learns to
draw it; the mapping network that leads from z to w is written down too (`mapping_tensors`), as three
dense layers with leaky ReLU. So W is easier here than in a GAN that found its own; docs/starter.md
says so to readers.

Every w has a target: in each group the strongest code wins, and within BAND of a tie the two
strongest are morphed. FAVOUR lifts the most common value, so that truncation fades to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.starter.attributes import COLOUR, EXPRESSION, GROUPS, ROWS, SHAPE
from eclipsed.worlds.starter.population import (
    BACKGROUND_LIMIT,
    COLUMNS,
    RAMP,
    SKIN_SLOPE,
    WIDTH,
    Z_DIM,
    prior,
    sample_codes,
    scores,
    uniform_codes,
)
from eclipsed.worlds.starter.renderer import Avatars, Floats

W_DIM = 128
NUM_WS = 12
SCALE = 4.0
BACKGROUND_SCALE = 1.5 / SCALE
BAND = 0.25
FAVOUR = 0.25
SATURATED = 0.7  # distance from the centre at which a background is fully saturated
_SEED = 77
_MAPPING_MULTIPLIER = 0.01

KIND_OF_COLUMNS: dict[str, tuple[str, ...]] = {
    kind: tuple(g.name for g in GROUPS if g.kind == kind)
    + (("skin", "background") if kind == COLOUR else ())
    for kind in (SHAPE, EXPRESSION, COLOUR)
}


@cache
def basis() -> Floats:
    """[WIDTH, W_DIM]: the direction of W per code column, SCALE included; rows are orthogonal."""
    q, _ = np.linalg.qr(np.random.RandomState(_SEED).randn(W_DIM, W_DIM))
    rows: Floats = (SCALE * q.T[:WIDTH]).astype(np.float32)
    rows[COLUMNS["background"]] *= BACKGROUND_SCALE
    return rows


def w_from_codes(codes: Floats) -> Floats:
    """Codes [N, WIDTH] → w [N, W_DIM], centred on 0."""
    w: Floats = (codes - prior()) @ basis()
    return w


def codes_from_w(w: Floats) -> Floats:
    """The codes [N, WIDTH] that w [N, W_DIM] (centred on 0) holds; the inverse of `w_from_codes`."""
    rows = basis()
    codes: Floats = w @ (rows / np.square(rows).sum(axis=1, keepdims=True)).T + prior()
    return codes


def _shares(codes: Floats, group: str, softer: bool) -> Floats:
    """What a group shows: weights [N, K], one value or, near a tie, a blend of the two strongest."""
    mean = prior()[COLUMNS[group]]
    c = codes[:, COLUMNS[group]] - mean
    c[:, mean.argmax()] += FAVOUR
    rows = np.arange(len(c))
    order = np.argsort(c, axis=1)
    first, second = order[:, -1], order[:, -2]
    margin = np.clip((c[rows, first] - c[rows, second]) / BAND, 0, 1)
    share = 0.5 * (1 - (margin if softer else margin**2 * (3 - 2 * margin)))
    weights = np.zeros_like(c)
    weights[rows, first] = 1 - share
    weights[rows, second] = share
    return weights


def avatars_from_codes(codes: Floats | Mapping[str, Floats]) -> Avatars:
    """What codes show: one matrix [N, WIDTH], or one per kind of rows (style mixing)."""
    by_kind = (
        codes if isinstance(codes, Mapping) else dict.fromkeys((SHAPE, EXPRESSION, COLOUR), codes)
    )
    weights = {g.name: _shares(by_kind[g.kind], g.name, softer=g.kind == COLOUR) for g in GROUPS}
    color = by_kind[COLOUR]
    background = color[:, COLUMNS["background"]]
    radius = np.hypot(background[:, :1], background[:, 1:])
    background = background * np.minimum(1 / SATURATED, 1 / np.maximum(radius, 1e-6))
    return Avatars(weights, np.clip(color[:, COLUMNS["skin"].start], 0, 1), background)


def avatars_from_rows(rows: NDArray[np.floating]) -> Avatars:
    """What W+ rows [N, NUM_WS, W_DIM] (centred on 0) show: each kind is read off the mean of its rows."""
    return avatars_from_codes(
        {
            kind: codes_from_w(rows[:, list(ROWS[kind])].mean(axis=1).astype(np.float32))
            for kind in (SHAPE, EXPRESSION, COLOUR)
        }
    )


def _stretch(rng: np.random.Generator, codes: Floats) -> Floats:
    """Make some codes what edits make of them: mixtures, overshoots past a value, leaks, other ψ."""
    n = len(codes)
    uniform = uniform_codes(rng, n)
    for group in GROUPS:
        columns = COLUMNS[group.name]
        other = uniform[:, columns]
        draw = rng.uniform(size=n)
        t = np.where(draw < 0.12, rng.uniform(0, 1, n), 0.0)
        t = np.where((draw >= 0.12) & (draw < 0.24), rng.uniform(-2.0, 2.6, n), t)
        codes[:, columns] += t[:, None].astype(np.float32) * (other - codes[:, columns])
    leaks = (rng.uniform(size=(n, 1)) < 0.3) * rng.normal(0, 0.12, codes.shape)
    draw = rng.uniform(size=(n, 1))
    psi = np.where(draw < 0.5, rng.uniform(0.3, 1.5, (n, 1)), 1.0)
    psi = np.where(draw < 0.04, rng.uniform(0.0, 0.3, (n, 1)), psi)
    return (prior() + psi * (codes + leaks - prior())).astype(np.float32)


def training_rows(rng: np.random.Generator, n: int, noise: float = 0.2) -> tuple[Floats, Avatars]:
    """Rows of W+ [n, NUM_WS, W_DIM] to train the synthesis on, and the avatars they must show.

    Half are style-mixed: every kind of rows takes its own draw. Half the population, half uniform.
    """
    draws = {kind: _stretch(rng, sample_codes(rng, n)) for kind in (SHAPE, EXPRESSION, COLOUR)}
    plain = rng.uniform(size=n) < 0.5
    for kind in (EXPRESSION, COLOUR):
        draws[kind][plain] = draws[SHAPE][plain]
    rows = np.empty((n, NUM_WS, W_DIM), dtype=np.float32)
    for kind, numbers in ROWS.items():
        rows[:, list(numbers)] = w_from_codes(draws[kind])[:, None]
    shared = rng.normal(0, noise, (n, 1, W_DIM))
    own = rng.normal(0, noise, (n, NUM_WS, W_DIM)) * (rng.uniform(size=(n, 1, 1)) < 0.5)
    return rows + (shared + own).astype(np.float32), avatars_from_codes(draws)


def _units(score: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Two leaky units whose difference is a clamp: lrelu(x) − lrelu(x−1) = .2 + .8·clip(x, 0, 1)."""
    return np.concatenate([score, score]), np.concatenate([bias, bias - 1])


def mapping_tensors() -> dict[str, Floats]:
    """The mapping network z → w as three dense layers under NVIDIA's names, and `w_avg`.

    Layer 0 compares every two scores of a group with a ramp (two leaky ReLU units each), layer 1
    sums a value's ramps and clips (again two units), layer 2 writes codes into W. Exact up to float32
    rounding. The last leaky ReLU is kept linear by an offset, returned as `w_avg`: w = centred w + w_avg.
    """
    matrix, bias = scores()
    pairs = [
        (g, a, b) for g in GROUPS for a in range(len(g.values)) for b in range(a + 1, len(g.values))
    ]
    ramp_rows = np.stack([(matrix[_c(g, a)] - matrix[_c(g, b)]) / RAMP for g, a, b in pairs])
    ramp_bias = np.array([0.5 + (bias[_c(g, a)] - bias[_c(g, b)]) / RAMP for g, a, b in pairs])
    skin, ground = COLUMNS["skin"], COLUMNS["background"]
    clip_rows = [ramp_rows, matrix[skin] * SKIN_SLOPE, matrix[ground] / (2 * BACKGROUND_LIMIT)]
    clip_bias = [ramp_bias, np.array([0.5]), np.array([0.5, 0.5])]
    w0, b0 = _units(
        np.concatenate(clip_rows).astype(np.float32), np.concatenate(clip_bias).astype(np.float32)
    )

    m = (
        len(pairs) + 3
    )  # clamps of layer 0; clamp = (unit − shifted unit − .2) / .8, then ÷ √2 for the gain
    sums = np.zeros((WIDTH, m), dtype=np.float32)
    shift = np.zeros(WIDTH, dtype=np.float32)
    for j, (g, a, b) in enumerate(pairs):
        sums[_c(g, a), j] += 1
        sums[_c(g, b), j] -= 1
        shift[_c(g, b)] += 1
    for g in GROUPS:
        shift[COLUMNS[g.name]] -= len(g.values) - 2
    for j, column in enumerate(range(skin.start, WIDTH)):
        sums[column, len(pairs) + j] = 1
    s1, c1 = _undo_clamp(sums, shift)
    w1, b1 = _units(s1, c1)

    spread = np.ones(WIDTH, dtype=np.float32)
    lift = np.zeros(WIDTH, dtype=np.float32)
    spread[ground], lift[ground] = 2 * BACKGROUND_LIMIT, -BACKGROUND_LIMIT
    rows = basis()
    w2, b2 = _undo_clamp(rows.T * spread, (lift - prior()) @ rows)
    offset = np.float32(np.abs(rows).sum(axis=0).max())  # no sum of codes can reach below −offset
    w2, b2 = w2 / math.sqrt(2), (b2 + offset) / math.sqrt(2)

    width = max(len(b0), len(b1))
    layers = [(_pad(w0, width, Z_DIM), _pad(b0, width)), (_pad(w1, width, width), _pad(b1, width))]
    layers.append((_pad(w2, W_DIM, width), b2))
    tensors: dict[str, Floats] = {"mapping.w_avg": np.full(W_DIM, offset, dtype=np.float32)}
    for i, (weight, shift) in enumerate(layers):
        gain = _MAPPING_MULTIPLIER / math.sqrt(weight.shape[1])
        tensors[f"mapping.fc{i}.weight"] = (weight / gain).astype(np.float32)
        tensors[f"mapping.fc{i}.bias"] = (shift / _MAPPING_MULTIPLIER).astype(np.float32)
    return tensors


def _c(group: object, value: int) -> int:
    return COLUMNS[group.name].start + value  # type: ignore[attr-defined, no-any-return]


def _undo_clamp(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Apply `weight` [O, M] to clamps that come as M leaky units and M shifted ones, each times √2."""
    scaled = weight / (0.8 * math.sqrt(2))
    return np.concatenate([scaled, -scaled], axis=1), bias - 0.25 * weight.sum(axis=1)


def _pad(array: Floats, *shape: int) -> Floats:
    return np.pad(array, [(0, size - have) for size, have in zip(shape, array.shape, strict=True)])
