"""How the values of a head are written into W, and what every w shows.

W is written down before anything is trained: each value owns one of WIDTH orthonormal directions
of the 512 numbers of w, and from 0 to 1 it runs SCALE along it. The other directions of W carry a
little variance that shows nowhere. A row of W+ shows only the values of its own layer group
(ROWS), so people of whom each gives one group can be mixed without new renders. Beyond 0 and 1 a
value stays where it is, which keeps large strengths and truncations clean.

The mapping network from z to w is written down too (`mapping_tensors`). While the synthesis is
trained, its affine layers see the codes of their own group only, GROUP_WIDTH numbers;
`written_out` turns them into layers that take w, with the same pictures.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from eclipsed.generators.stylegan2 import StyleGAN2Config, SynthesisNetwork
from eclipsed.worlds.heads.attributes import ATTRIBUTES
from kits.heads.population import (
    WIDTH,
    Floats,
    centre,
    factors,
    points_of,
    score_rows,
)

COARSE, MIDDLE, FINE = "coarse", "middle", "fine"
# Rows of W+ (of 12 at 128 px) that show each group: 4-16 px, 32 px, 64-128 px and the colours
# of 32 px.
ROWS: dict[str, range] = {COARSE: range(5), MIDDLE: range(5, 7), FINE: range(7, 12)}
NUM_WS = 12
W_DIM = 512
SCALE = 3.5  # a value spread evenly from 0 to 1 has about unit variance in W
IDLE = 0.1  # standard deviation of w where nothing is written
PUSH = 0.6  # how far beyond 0 and 1 codes are trained, in ranges of the value
_Doubles = NDArray[np.float64]
_SEED = 512
_MAPPING_MULTIPLIER = 0.01
_REACH = 8.0  # standard deviations that no number of z exceeds

COLUMNS: dict[str, list[int]] = {
    group: [column for column, a in enumerate(ATTRIBUTES) if a.layer == group] for group in ROWS
}
GROUP_WIDTH = max(len(columns) for columns in COLUMNS.values())


@cache
def _rotation() -> Floats:
    """[W_DIM, W_DIM], orthonormal: the first WIDTH rows are the values', the others are idle."""
    q, _ = np.linalg.qr(np.random.RandomState(_SEED).randn(W_DIM, W_DIM))
    return q.T.astype(np.float32)


def basis() -> Floats:
    """[WIDTH, W_DIM]: the direction of W from 0 to 1 of every value, orthogonal, SCALE long."""
    rows: Floats = SCALE * _rotation()[:WIDTH]
    return rows


def w_from_values(values: Floats) -> Floats:
    """Values [N, WIDTH], also beyond 0 and 1, → w [N, W_DIM], 0 for the median person."""
    w: Floats = ((values - centre()) @ basis()).astype(np.float32, copy=False)
    return w


def values_from_rows(rows: Floats) -> Floats:
    """What rows of W+ [N, NUM_WS, W_DIM] show: values [N, WIDTH] in [0, 1].

    Rows of one group that differ count by their mean.
    """
    values = np.empty((len(rows), WIDTH), dtype=np.float32)
    for group, columns in COLUMNS.items():
        mean = rows[:, list(ROWS[group])].mean(axis=1)
        values[:, columns] = mean @ basis()[columns].T / SCALE**2 + centre()[columns]
    return np.clip(values, 0, 1)


def codes_from_values(values: Floats) -> Floats:
    """Values [N, WIDTH] → what the rows of a synthesis in training get [N, NUM_WS, GROUP_WIDTH]."""
    codes = np.zeros((len(values), NUM_WS, GROUP_WIDTH), dtype=np.float32)
    scaled = SCALE * (values - centre())
    for group, columns in COLUMNS.items():
        codes[:, ROWS[group].start : ROWS[group].stop, : len(columns)] = scaled[:, None, columns]
    return codes


def pushed(rng: np.random.Generator, values: Floats, share: float = 0.5) -> Floats:
    """The same people, a share of the values at 0 and 1 moved beyond: what edits make of codes."""
    size = rng.uniform(0, PUSH, values.shape) * (rng.uniform(size=values.shape) < share)
    beyond = np.where(values <= 0, -size, np.where(values >= 1, size, 0.0))
    moved: Floats = (values + beyond).astype(np.float32)
    return moved


def written_out(synthesis: SynthesisNetwork, config: StyleGAN2Config) -> SynthesisNetwork:
    """The same network for rows of W+ [N, NUM_WS, W_DIM], centred on 0."""
    whole = SynthesisNetwork(replace(config, w_dim=W_DIM))
    state = dict(synthesis.state_dict())
    for name, _, row in synthesis.style_layers():
        group = next(group for group, rows in ROWS.items() if row in rows)
        columns = COLUMNS[group]
        key = f"{name}.affine.weight"
        # Equalised layers divide by the root of their inputs.
        gain = math.sqrt(W_DIM / config.w_dim)
        directions = torch.from_numpy(_rotation()[columns])
        state[key] = gain * state[key][:, : len(columns)] @ directions
    whole.load_state_dict(state)
    return whole.requires_grad_(False)


def mapping_tensors() -> dict[str, Floats]:
    """The mapping network z → w as two dense layers under NVIDIA's names, and `w_avg`.

    Layer 0 has a unit per corner of a marginal and one per idle direction, layer 1 adds them up.
    Exact up to float32 rounding. An offset keeps the last leaky ReLU linear; it is `w_avg`: the
    network's w = the design's w + w_avg.
    """
    first, bias, second, start = _corners()
    idle = factors()[WIDTH:]
    first = np.concatenate([first, idle])
    bias = np.concatenate([bias, np.full(len(idle), _REACH)])
    second = np.concatenate([second, IDLE * _rotation()[WIDTH:].T], axis=1)
    start = start - IDLE * _REACH * _rotation()[WIDTH:].sum(axis=0)
    tensors: dict[str, Floats] = {"mapping.w_avg": np.full(W_DIM, _offset(), dtype=np.float32)}
    # Every activation has the gain √2.
    layers = [(first, bias), (second / 2, (start + _offset()) / math.sqrt(2))]
    for i, (weight, shift) in enumerate(layers):
        gain = _MAPPING_MULTIPLIER / math.sqrt(weight.shape[1])
        tensors[f"mapping.fc{i}.weight"] = (weight / gain).astype(np.float32)
        tensors[f"mapping.fc{i}.bias"] = (shift / _MAPPING_MULTIPLIER).astype(np.float32)
    return tensors


def _corners() -> tuple[_Doubles, _Doubles, _Doubles, _Doubles]:
    """Units that bend where the marginals do: weight, bias, what they write into W, the rest.

    A marginal that is flat on both sides is a sum of leaky ReLUs at its corners u: with slopes
    changing by d, Σ d · lrelu(score − u) / .8, as Σ d = 0, up to a constant.
    """
    weights, biases, writes = [], [], []
    start = -centre() @ basis()
    for column, attribute in enumerate(ATTRIBUTES):
        u, v = (np.array(side) for side in zip(*points_of(attribute.name), strict=True))
        slopes = np.diff(v) / np.diff(u)
        bends = np.diff(np.concatenate([[0.0], slopes, [0.0]])) / 0.8
        weights += [score_rows()[column]] * len(u)
        biases += list(-u)
        writes += [bend * basis()[column] for bend in bends]
        # Left of all corners the leaky units add up to Σ .2 · d · (−u).
        start = start + (v[0] + 0.2 * (bends * u).sum()) * basis()[column]
    return np.array(weights, np.float64), np.array(biases), np.array(writes).T, start


def _offset() -> float:
    """Nothing that z can mean reaches further below 0 in any number of w."""
    values = np.abs(basis()).T @ np.maximum(centre(), 1 - centre())
    idle = IDLE * _REACH * np.sqrt(np.square(_rotation()[WIDTH:]).sum(axis=0))
    return float((values + idle).max())
