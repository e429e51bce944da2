"""How houses are written into the latent spaces: z → codes → w, and what every w shows.

Each group reads one number off z, and where it lies decides the value: the code of that value is 1
and the others' 0, but for a narrow ramp between two. Each value owns one of orthogonal directions
of W, so w = (codes − MEAN) @ BASIS. The mapping network that leads from z to w follows from that
and is written down; only the synthesis network has to be trained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from kits.houses.drawing import COLOUR, GROUPS, SHAPE, Floats

Z_DIM, W_DIM, NUM_WS = 16, 48, 10
# Rows of W+ that decide each kind of group: those up to 16 pixels, and the later ones.
ROWS = {SHAPE: slice(0, 4), COLOUR: slice(4, NUM_WS)}
SCALE = 4.0  # makes the numbers of w about as wide as a normal distribution
RAMP = 0.08  # of the number that a group reads off z, between two values
BAND = 0.25  # lead over the second from which the strongest code shows alone
FAVOUR = 0.35  # what a group's first value gets on top, so that the mean of W is a clear house
NOISE = 0.2  # of w in training
UNEVEN = 0.7  # by how much a code differs between rows in training
_MULTIPLIER = 0.01  # NVIDIA's, of the mapping network's weights


def _columns() -> dict[str, slice]:
    ends = list(itertools.accumulate(len(group.values) for group in GROUPS))
    return {g.name: slice(end - len(g.values), end) for g, end in zip(GROUPS, ends, strict=True)}


COLUMNS = _columns()
WIDTH = sum(len(group.values) for group in GROUPS)
MEAN = np.concatenate([np.full(len(g.values), 1 / len(g.values)) for g in GROUPS]).astype("f4")


def _orthogonal(rows: int, size: int, seed: int) -> Floats:
    q, _ = np.linalg.qr(np.random.RandomState(seed).randn(size, size))
    return q[:rows].astype(np.float32)


READ = _orthogonal(len(GROUPS), Z_DIM, 1)  # one number per group: z @ READ.T
BASIS = SCALE * _orthogonal(WIDTH, W_DIM, 2)


def _edges(count: int) -> Floats:
    """Where one of `count` equally common values gives way to the next."""
    between = [NormalDist().inv_cdf((k + 1) / count) for k in range(count - 1)]
    return np.array(between, dtype=np.float32)


def codes_from_z(z: Floats) -> Floats:
    """z [N, Z_DIM] → codes [N, WIDTH], 0 to 1; z is normalised first, as the network does."""
    z = z / np.sqrt(np.square(z).mean(axis=1, keepdims=True) + 1e-8)
    numbers = z @ READ.T
    codes = [
        _steps(np.clip(0.5 + (number[:, None] - _edges(len(group.values))) / RAMP, 0, 1))
        for group, number in zip(GROUPS, numbers.T, strict=True)
    ]
    return np.concatenate(codes, axis=1).astype(np.float32)


def _steps(passed: Floats) -> NDArray[np.float64]:
    """How far each edge is passed, [N, K − 1] → codes [N, K]."""
    ends = np.ones((len(passed), 1)), np.zeros((len(passed), 1))
    return -np.diff(np.concatenate([ends[0], passed, ends[1]], axis=1), axis=1)


def w_from_codes(codes: Floats) -> Floats:
    """Codes [N, WIDTH] → w [N, W_DIM], centred on 0."""
    return ((codes - MEAN) @ BASIS).astype(np.float32)


def codes_from_w(w: Floats) -> Floats:
    """Undoes `w_from_codes`."""
    return (w @ BASIS.T / SCALE**2 + MEAN).astype(np.float32)


def shown(codes: Mapping[str, Floats]) -> dict[str, Floats]:
    """What codes show, as `drawing.render` takes it; codes: [N, WIDTH] per kind of rows.

    The strongest value of a group shows; near a tie it is mixed with the second.
    """
    houses = {}
    for group in GROUPS:
        own = codes[group.kind][:, COLUMNS[group.name]].copy()
        own[:, 0] += FAVOUR
        rows = np.arange(len(own))
        order = own.argsort(axis=1)
        first, second = order[:, -1], order[:, -2]
        lead = np.clip((own[rows, first] - own[rows, second]) / BAND, 0, 1)
        weights = np.zeros_like(own)
        weights[rows, second] = 0.5 * (1 - lead)
        weights[rows, first] = 1 - weights[rows, second]
        houses[group.name] = weights
    return houses


def shown_by_rows(rows: Floats) -> dict[str, Floats]:
    """What rows of W+ [N, NUM_WS, W_DIM], centred on 0, show: each kind's mean row decides."""
    return shown({kind: codes_from_w(rows[:, own].mean(axis=1)) for kind, own in ROWS.items()})


def any_codes(rng: np.random.Generator, n: int) -> Floats:
    """Codes [n, WIDTH]: every value of every group equally likely."""
    codes = np.zeros((n, WIDTH), dtype=np.float32)
    for group in GROUPS:
        codes[np.arange(n), COLUMNS[group.name].start + rng.integers(len(group.values), size=n)] = 1
    return codes


def _stretched(rng: np.random.Generator, n: int) -> Floats:
    """Codes [n, WIDTH] as edits leave them: mixtures, overshoots, leaks, other truncations."""
    codes, other = any_codes(rng, n), any_codes(rng, n)
    half = n // 2
    codes[:half] = codes_from_z(rng.standard_normal((half, Z_DIM)).astype(np.float32))
    for group in GROUPS:
        own = COLUMNS[group.name]
        t = np.where(rng.uniform(size=n) < 0.25, rng.uniform(-2.0, 2.6, n), 0.0)[:, None]
        codes[:, own] += (t * (other[:, own] - codes[:, own])).astype(np.float32)
        # One value's code alone, far up or down, as a direction at a large strength moves it.
        push = np.where(rng.uniform(size=n) < 0.1, rng.uniform(-3.0, 3.0, n), 0.0)
        codes[np.arange(n), own.start + rng.integers(len(group.values), size=n)] += push
    leaks = (rng.uniform(size=(n, 1)) < 0.3) * rng.normal(0, 0.12, codes.shape)
    psi = np.where(rng.uniform(size=(n, 1)) < 0.5, rng.uniform(0.2, 1.4, (n, 1)), 1.0)
    return (MEAN + psi * (codes + leaks - MEAN)).astype(np.float32)


def training_rows(rng: np.random.Generator, n: int) -> tuple[Floats, dict[str, Floats]]:
    """Rows of W+ [n, NUM_WS, W_DIM] to train the synthesis on, and the houses they must show.

    In half of them shapes and colours come from two different w; in half, the rows of a kind
    disagree about one value, as where an edit moves some rows alone, and their mean decides. Noise
    in every direction of W, also where nothing is written, must change nothing.
    """
    codes = {kind: _stretched(rng, n) for kind in ROWS}
    plain = rng.uniform(size=n) < 0.5
    codes[COLOUR][plain] = codes[SHAPE][plain]
    rows = rng.normal(0, NOISE, (n, 1, W_DIM)) + rng.normal(0, NOISE, (n, NUM_WS, W_DIM))
    for kind, own in ROWS.items():
        rows[:, own] += w_from_codes(codes[kind])[:, None]
        apart = rng.normal(0, UNEVEN, rows[:, own].shape[:2]) * (rng.uniform(size=(n, 1)) < 0.5)
        apart -= apart.mean(axis=1, keepdims=True)
        rows[:, own] += apart[:, :, None] * BASIS[rng.integers(WIDTH, size=n)][:, None]
    return rows.astype(np.float32), shown(codes)


def mapping_tensors() -> dict[str, Floats]:
    """The mapping network as two dense layers under NVIDIA's names, and `w_avg`.

    Layer 0 has two leaky units for each edge, which differ by how far it is passed; layer 1 sums
    codes and writes them into W. An offset keeps the last leaky ReLU linear; it is `w_avg`.
    """
    edges = [_edges(len(group.values)) for group in GROUPS]
    reads = np.concatenate([np.tile(r, (len(e), 1)) for r, e in zip(READ, edges, strict=True)])
    rise = 0.5 - np.concatenate(edges) / RAMP
    passes = reads / RAMP, rise
    # lrelu(x) − lrelu(x − 1) = 0.2 + 0.8 · clip(x, 0, 1), and every activation has a gain of √2.
    first = np.concatenate([passes[0], passes[0]]), np.concatenate([rise, rise - 1])
    change = np.concatenate(
        [BASIS[COLUMNS[g.name]][1:] - BASIS[COLUMNS[g.name]][:-1] for g in GROUPS]
    ).T
    start = (np.concatenate([np.eye(len(g.values))[0] for g in GROUPS]) - MEAN) @ BASIS
    offset = np.abs(BASIS).sum(axis=0).max()
    weight = change / (0.8 * math.sqrt(2))
    second = (
        np.concatenate([weight, -weight], axis=1) / math.sqrt(2),
        (start - 0.25 * change.sum(axis=1) + offset) / math.sqrt(2),
    )
    tensors = {"mapping.w_avg": np.full(W_DIM, offset, dtype=np.float32)}
    for i, (matrix, bias) in enumerate((first, second)):
        gain = _MULTIPLIER / math.sqrt(matrix.shape[1])
        tensors[f"mapping.fc{i}.weight"] = (matrix / gain).astype(np.float32)
        tensors[f"mapping.fc{i}.bias"] = (bias / _MULTIPLIER).astype(np.float32)
    return tensors
