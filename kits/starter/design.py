"""How attributes are written into W, and what every w shows.

W is written down before anything is trained: each value of each group owns one of WIDTH orthogonal
directions of W, and w = (codes − prior) @ basis. The synthesis network learns to draw it; the
mapping network that leads from z to w is written down too (`mapping_tensors`), as three dense
layers with leaky ReLU. So W is easier here than in a GAN that found its own; docs/starter.md says
so to readers.

Every w has a target: in each group the strongest code wins, and within BAND of a tie the two
strongest are morphed. FAVOUR lifts the most common value, so that truncation fades to it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from functools import cache

import numpy as np

from eclipsed.worlds.starter.attributes import GROUPS
from kits.fitting import rng_of
from kits.starter.population import (
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
from kits.starter.renderer import Avatars, Drawing, Floats, Renderer

SHAPE, EXPRESSION, COLOUR = "shape", "expression", "colour"  # kinds of groups
# Rows of W+ (of 12 at 128 px) that decide each kind: 4-16 px, 32 px, 64-128 px.
ROWS: dict[str, range] = {SHAPE: range(5), EXPRESSION: range(5, 7), COLOUR: range(7, 12)}
W_DIM = 128
NUM_WS = 12
SCALE = 4.0  # makes the numbers of w about as wide as a normal distribution
BACKGROUND_SCALE = 1.5 / SCALE  # the background's two numbers are wide themselves
PUSH = (-4.0, 3.5)  # how far edits may move one value's code, in steps between two values
BAND = 0.25  # lead over the second from which the strongest code shows alone
FAVOUR = 0.25  # what the most common value gets on top
NOISE = 0.2  # of w in training
SATURATED = 0.7  # distance from the centre at which a background is fully saturated
_SEED = 77
_MAPPING_MULTIPLIER = 0.01


@cache
def basis() -> Floats:
    """[WIDTH, W_DIM]: one direction of W per code column, orthogonal, SCALE included."""
    q, _ = np.linalg.qr(np.random.RandomState(_SEED).randn(W_DIM, W_DIM))
    rows: Floats = (SCALE * q.T[:WIDTH]).astype(np.float32)
    rows[COLUMNS["background"]] *= BACKGROUND_SCALE
    return rows


def w_from_codes(codes: Floats) -> Floats:
    """Codes [N, WIDTH] → w [N, W_DIM], centred on 0."""
    w = (codes - prior()) @ basis()
    return w.astype(np.float32, copy=False)


def codes_from_w(w: Floats) -> Floats:
    """Codes [N, WIDTH] that w [N, W_DIM] (centred on 0) holds; undoes `w_from_codes`."""
    rows = basis()
    codes: Floats = w @ (rows / np.square(rows).sum(axis=1, keepdims=True)).T + prior()
    return codes


def _weights(codes: Floats, group: str, softer: bool) -> Floats:
    """What a group shows, weights [N, K]: the strongest value, blended with the next near a tie."""
    mean = prior()[COLUMNS[group]]
    c = codes[:, COLUMNS[group]] - mean
    c[:, mean.argmax()] += FAVOUR
    rows = np.arange(len(c))
    order = np.argsort(c, axis=1)
    first, second = order[:, -1], order[:, -2]
    margin = np.clip((c[rows, first] - c[rows, second]) / BAND, 0, 1)
    blend = 0.5 * (1 - (margin if softer else margin**2 * (3 - 2 * margin)))
    weights = np.zeros_like(c)
    weights[rows, first] = 1 - blend
    weights[rows, second] = blend
    return weights


def avatars_from_codes(codes: Floats | Mapping[str, Floats]) -> Avatars:
    """What codes show: one matrix [N, WIDTH], or one per kind of rows (style mixing)."""
    by_kind = (
        codes if isinstance(codes, Mapping) else dict.fromkeys((SHAPE, EXPRESSION, COLOUR), codes)
    )
    weights = {g.name: _weights(by_kind[g.kind], g.name, softer=g.kind == COLOUR) for g in GROUPS}
    color = by_kind[COLOUR]
    background = color[:, COLUMNS["background"]]
    radius = np.hypot(background[:, :1], background[:, 1:])
    background = background * np.minimum(1 / SATURATED, 1 / np.maximum(radius, 1e-6))
    return Avatars(weights, np.clip(color[:, COLUMNS["skin"].start], 0, 1), background)


def _push(rng: np.random.Generator, codes: Floats, fraction: float) -> None:
    """Move a value's code far up or down and all others of its group a little the other way, in
    this fraction of the groups of `codes` [N, WIDTH]: what a direction does at large strengths."""
    n = len(codes)
    for group in GROUPS:
        size = np.where(rng.uniform(size=n) < fraction, rng.uniform(*PUSH, n), 0.0)
        chosen = rng.integers(len(group.values), size=n)
        aside = np.broadcast_to(-rng.uniform(0.0, 0.2, n)[:, None], (n, len(group.values))).copy()
        aside[np.arange(n), chosen] = 1.0
        codes[:, COLUMNS[group.name]] += (size[:, None] * aside).astype(np.float32)


def _stretch(rng: np.random.Generator, codes: Floats, pushed: float) -> Floats:
    """Make of some codes what edits make of them: mixtures, overshoots, leaks, other truncations.

    Changes `codes` [N, WIDTH] on the way and returns the result. pushed: see `_push`.
    """
    n = len(codes)
    uniform = uniform_codes(rng, n)
    for group in GROUPS:
        columns = COLUMNS[group.name]
        other = uniform[:, columns]
        draw = rng.uniform(size=n)
        t = np.where(draw < 0.12, rng.uniform(0, 1, n), 0.0)
        # Past another value, or away from it: strengths of ±2 and a little more.
        t = np.where((draw >= 0.12) & (draw < 0.24), rng.uniform(-2.0, 2.6, n), t)
        codes[:, columns] += t[:, None].astype(np.float32) * (other - codes[:, columns])
    if pushed:
        _push(rng, codes, pushed)
    leaks = (rng.uniform(size=(n, 1)) < 0.3) * rng.normal(0, 0.12, codes.shape)
    draw = rng.uniform(size=(n, 1))
    psi = np.where(draw < 0.5, rng.uniform(0.3, 1.5, (n, 1)), 1.0)
    psi = np.where(draw < 0.04, rng.uniform(0.0, 0.3, (n, 1)), psi)
    return (prior() + psi * (codes + leaks - prior())).astype(np.float32)


def training_rows(rng: np.random.Generator, n: int, pushed: float = 0.0) -> tuple[Floats, Avatars]:
    """Rows of W+ [n, NUM_WS, W_DIM] to train the synthesis on, and the avatars they must show.

    Half the population, half uniform. Half are style-mixed: every kind of rows takes its own draw.
    Noise in every direction of W, also where nothing is written, must change nothing. pushed: the
    fraction of groups in which one value's code is moved as far as an edit may move it.
    """
    draws = {
        kind: _stretch(rng, sample_codes(rng, n), pushed) for kind in (SHAPE, EXPRESSION, COLOUR)
    }
    plain = rng.uniform(size=n) < 0.5
    for kind in (EXPRESSION, COLOUR):
        draws[kind][plain] = draws[SHAPE][plain]
    rows = np.empty((n, NUM_WS, W_DIM), dtype=np.float32)
    for kind, numbers in ROWS.items():
        rows[:, list(numbers)] = w_from_codes(draws[kind])[:, None]
    shared = rng.normal(0, NOISE, (n, 1, W_DIM))
    own = rng.normal(0, NOISE, (n, NUM_WS, W_DIM)) * (rng.uniform(size=(n, 1, 1)) < 0.5)
    return rows + (shared + own).astype(np.float32), avatars_from_codes(draws)


def draw(renderer: Renderer, seed: int, step: int, n: int) -> tuple[Avatars, Drawing]:
    """Avatars of one training step and their renders; half the population, half uniform."""
    avatars = avatars_from_codes(sample_codes(rng_of(seed, step), n))
    return avatars, renderer.render(avatars)


def mapping_tensors() -> dict[str, Floats]:
    """The mapping network z → w as three dense layers under NVIDIA's names, and `w_avg`.

    Layer 0 compares every two scores of a group with a ramp, layer 1 sums a value's ramps and
    clips, layer 2 writes the codes into W. Exact up to float32 rounding. The last leaky ReLU is
    kept linear by an offset, which is `w_avg`: the network's w = the design's w + w_avg.
    """
    ramps, sums, write = _ramps(), _sums(), _write()
    width = max(len(ramps[1]), len(sums[1]))
    layers = [
        (_pad(ramps[0], width, Z_DIM), _pad(ramps[1], width)),
        (_pad(sums[0], width, width), _pad(sums[1], width)),
        (_pad(write[0], W_DIM, width), write[1]),
    ]
    tensors: dict[str, Floats] = {"mapping.w_avg": np.full(W_DIM, _offset(), dtype=np.float32)}
    for i, (weight, bias) in enumerate(layers):
        gain = _MAPPING_MULTIPLIER / math.sqrt(weight.shape[1])
        tensors[f"mapping.fc{i}.weight"] = (weight / gain).astype(np.float32)
        tensors[f"mapping.fc{i}.bias"] = (bias / _MAPPING_MULTIPLIER).astype(np.float32)
    return tensors


@cache
def _pairs() -> tuple[tuple[int, int], ...]:
    """Every two columns of one group; a clamp of layer 0 each, before skin's and background's."""
    columns = [range(WIDTH)[COLUMNS[group.name]] for group in GROUPS]
    return tuple(pair for own in columns for pair in itertools.combinations(own, 2))


def _ramps() -> tuple[Floats, Floats]:
    """Layer 0: clamps that say by how much one score exceeds another."""
    matrix, bias = scores()
    first, second = (list(side) for side in zip(*_pairs(), strict=True))
    skin, ground = COLUMNS["skin"], COLUMNS["background"]
    ramps = (matrix[first] - matrix[second]) / RAMP
    starts = 0.5 + (bias[first] - bias[second]) / RAMP
    rows = [ramps, matrix[skin] * SKIN_SLOPE, matrix[ground] / (2 * BACKGROUND_LIMIT)]
    biases = np.concatenate([starts, [0.5], [0.5, 0.5]]).astype(np.float32)
    return _units(np.concatenate(rows), biases)


def _sums() -> tuple[Floats, Floats]:
    """Layer 1: codes between 0 and 1, one clamp per column, as `codes_from_z` sums ramps."""
    pairs, plain = _pairs(), range(COLUMNS["skin"].start, WIDTH)
    sums = np.zeros((WIDTH, len(pairs) + len(plain)), dtype=np.float32)
    shift = np.zeros(WIDTH, dtype=np.float32)
    for j, (a, b) in enumerate(pairs):
        sums[a, j] += 1
        sums[b, j] -= 1
        shift[b] += 1
    for group in GROUPS:
        shift[COLUMNS[group.name]] -= len(group.values) - 2
    for j, column in enumerate(plain, start=len(pairs)):
        sums[column, j] = 1
    return _units(*_undo_clamp(sums, shift))


def _write() -> tuple[Floats, Floats]:
    """Layer 2: codes → w, with the gain √2 of the last activation taken back."""
    rows, ground = basis(), COLUMNS["background"]
    spread = np.ones(WIDTH, dtype=np.float32)
    lift = np.zeros(WIDTH, dtype=np.float32)
    spread[ground], lift[ground] = 2 * BACKGROUND_LIMIT, -BACKGROUND_LIMIT
    centre = ((lift - prior()) @ rows).astype(np.float32, copy=False)
    weight, bias = _undo_clamp(rows.T * spread, centre)
    return weight / math.sqrt(2), (bias + _offset()) / math.sqrt(2)


def _offset() -> np.float32:
    """No sum of codes can reach below minus this."""
    return np.float32(np.abs(basis()).sum(axis=0).max())


def _units(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Two leaky units that differ by a clamp: lrelu(x) − lrelu(x − 1) = .2 + .8 · clip(x, 0, 1)."""
    return np.concatenate([weight, weight]), np.concatenate([bias, bias - 1])


def _undo_clamp(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Apply `weight` [O, M] to M clamps that arrive as `_units`, each times the gain √2."""
    scaled = weight / (0.8 * math.sqrt(2))
    return np.concatenate([scaled, -scaled], axis=1), bias - 0.25 * weight.sum(axis=1)


def _pad(array: Floats, *shape: int) -> Floats:
    return np.pad(array, [(0, size - have) for size, have in zip(shape, array.shape, strict=True)])
