"""Who lives in the starter world: z → attributes, with documented correlations and rarities.

Each value of each group has a score, a linear function of z; the highest score wins, and between
two near-equal scores there is a ramp. Groups share factors (COUPLINGS), so grey hair comes with
glasses and red hair with pale skin: entanglement that a method can fall for. RARITY makes some
values rare. `design.py` says how the same attributes are written into W.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.starter.attributes import GROUP, GROUPS
from kits.starter.renderer import Floats

Z_DIM = 128
_SEED = 20231


def _columns() -> dict[str, slice]:
    widths = {group.name: len(group.values) for group in GROUPS} | {"skin": 1, "background": 2}
    ends = dict(zip(widths, itertools.accumulate(widths.values()), strict=True))
    return {name: slice(end - widths[name], end) for name, end in ends.items()}


# Columns of a code matrix: every value of every group, then skin, then the two background numbers.
COLUMNS: dict[str, slice] = _columns()
WIDTH: int = COLUMNS["background"].stop

# (group, value) whose factor of z is also added, times `strength`, to the score of (group, value).
COUPLINGS: tuple[tuple[tuple[str, str], tuple[str, str], float], ...] = (
    (("hair color", "gray"), ("glasses", "square glasses"), 1.0),
    (("hair color", "gray"), ("glasses", "round glasses"), 0.6),
    (("hair color", "gray"), ("clothes", "blazer"), 0.7),
    (("hair color", "white"), ("glasses", "round glasses"), 0.9),
    (("hair color", "white"), ("beard", "long beard"), 0.9),
    (("hair color", "red"), ("skin", "tone"), -1.0),
    (("hair color", "pink"), ("top", "mohawk"), 0.8),
    (("hair color", "blue"), ("glasses", "sunglasses"), 0.7),
    (("beard", "short beard"), ("top", "short"), 0.8),
    (("beard", "full beard"), ("top", "buzzcut"), 0.9),
    (("beard", "moustache"), ("top", "quiff"), 0.7),
    (("beard", "none"), ("top", "straight"), 0.8),
    (("beard", "none"), ("top", "wavy"), 0.8),
    (("beard", "none"), ("top", "bob"), 0.8),
    (("top", "beanie"), ("clothes", "hoodie"), 0.9),
    (("mouth", "scream"), ("eyes", "wide"), 0.9),
    (("mouth", "sad"), ("brows", "worried"), 0.9),
    (("mouth", "laugh"), ("brows", "raised"), 0.8),
    (("mouth", "grimace"), ("brows", "angry"), 0.8),
    (("clothes", "blazer"), ("clothes color", "white"), 0.7),
)

# Added to a value's score: negative is rare, positive common.
RARITY: dict[tuple[str, str], float] = {
    ("top", "short"): 0.55,
    ("top", "mohawk"): -0.7,
    ("top", "turban"): -0.2,
    ("mouth", "gentle smile"): 0.5,
    ("mouth", "tongue"): -0.3,
    ("eyes", "plain"): 0.9,
    ("eyes", "hearts"): -0.3,
    ("brows", "natural"): 0.6,
    ("brows", "unibrow"): -0.3,
    ("glasses", "none"): 1.1,
    ("glasses", "eyepatch"): -0.5,
    ("beard", "none"): 1.3,
    ("clothes", "t-shirt"): 0.5,
    ("hair color", "brown"): 0.6,
    ("hair color", "black"): 0.4,
    ("hair color", "blue"): -0.4,
    ("clothes color", "blue"): 0.4,
}

# Width of the ramp between two scores (of unit variance): wide enough that interpolating z morphs
# over several frames, narrow enough that most z show clean values (measured in docs/starter.md).
RAMP = 0.16
SKIN_SLOPE = 1 / 3.4
BACKGROUND_LIMIT = 3.0


def _column(group: str, value: str) -> int:
    first: int = COLUMNS[group].start
    return first if group == "skin" else first + GROUP[group].names.index(value)


@cache
def factors() -> Floats:
    """The orthonormal rows [WIDTH, Z_DIM] that read one independent factor per column off z."""
    q, _ = np.linalg.qr(np.random.RandomState(_SEED).randn(Z_DIM, Z_DIM))
    return q.T[:WIDTH].astype(np.float32)


@cache
def scores() -> tuple[Floats, Floats]:
    """(matrix [WIDTH, Z_DIM], bias [WIDTH]): the score of every column is matrix @ z + bias."""
    mix = np.eye(WIDTH, dtype=np.float32)
    for source, target, strength in COUPLINGS:
        mix[_column(*target), _column(*source)] += strength
    bias = np.zeros(WIDTH, dtype=np.float32)
    for key, value in RARITY.items():
        bias[_column(*key)] = value
    return mix @ factors(), bias


def codes_from_z(z: NDArray[np.floating]) -> Floats:
    """z [N, Z_DIM] → codes [N, WIDTH]: in each group 1 for the winner, a ramp at a near tie.

    Skin runs from 0 to 1; the background is two numbers of unit variance. z is normalised first,
    as the mapping network does.
    """
    z = z / np.sqrt((z**2).mean(axis=1, keepdims=True) + 1e-8)
    matrix, bias = scores()
    score = (z @ matrix.T + bias).astype(np.float32)
    codes = np.empty_like(score)
    for group in GROUPS:
        s = score[:, COLUMNS[group.name]]
        ramps = np.clip(0.5 + (s[:, :, None] - s[:, None, :]) / RAMP, 0, 1)
        codes[:, COLUMNS[group.name]] = np.clip(ramps.sum(axis=2) - 0.5 - (s.shape[1] - 2), 0, 1)
    codes[:, COLUMNS["skin"]] = np.clip(0.5 + SKIN_SLOPE * score[:, COLUMNS["skin"]], 0, 1)
    background = score[:, COLUMNS["background"]]
    codes[:, COLUMNS["background"]] = np.clip(background, -BACKGROUND_LIMIT, BACKGROUND_LIMIT)
    return codes


@cache
def prior() -> Floats:
    """Mean code [WIDTH] over 200,000 draws of z (fixed seed): the frequency of every value."""
    rng = np.random.default_rng(_SEED)
    total = np.zeros(WIDTH)
    for _ in range(40):
        total += codes_from_z(rng.standard_normal((5000, Z_DIM))).sum(axis=0)
    mean = (total / 200_000).astype(np.float32)
    mean[COLUMNS["background"]] = 0  # symmetric by construction
    return mean


def uniform_codes(rng: np.random.Generator, n: int) -> Floats:
    """Codes [n, WIDTH] with every value of every group equally likely and independent."""
    codes = np.zeros((n, WIDTH), dtype=np.float32)
    for group in GROUPS:
        picked = rng.integers(0, len(group.values), n)
        codes[np.arange(n), COLUMNS[group.name].start + picked] = 1
    codes[:, COLUMNS["skin"]] = rng.uniform(0, 1, (n, 1))
    codes[:, COLUMNS["background"]] = rng.standard_normal((n, 2))
    return codes


def sample_codes(rng: np.random.Generator, n: int, uniform: float = 0.5) -> Floats:
    """Codes [n, WIDTH]: a fraction `uniform` drawn uniformly, the rest from the population."""
    codes = codes_from_z(rng.standard_normal((n, Z_DIM)))
    flat = rng.uniform(size=n) < uniform
    codes[flat] = uniform_codes(rng, int(flat.sum()))
    return codes
