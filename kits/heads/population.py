"""Who lives in the world of heads: z → the 73 values, with written-down correlations and rarities.

Every value has a score u, a linear function of z of unit variance; scores are correlated as
COUPLINGS say, so old people have grey hair and men have beards: entanglement that a method can
fall for. A marginal, monotone and piecewise linear, turns a score into a value from 0 to 1. Rare
things have a flat part at 0: most people wear no hat at all. Pose, light and background are
independent of everything else. `design.py` says how the values are written into W.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN, NAMES

Floats = NDArray[np.float32]
Points = tuple[tuple[float, float], ...]  # (score, value), both rising; flat outside

Z_DIM = 512
WIDTH = len(NAMES)
_SEED = 40111

# (source, target, weight): score of target += weight · score of source; the rest of its variance
# is its own. Sources stand before their own use as targets' sources.
COUPLINGS: tuple[tuple[str, str, float], ...] = (
    # men and women
    ("gender", "jaw", 0.45),
    ("gender", "chin", 0.2),
    ("gender", "nose_size", 0.25),
    ("gender", "eye_size", -0.35),
    ("gender", "lip_full", -0.3),
    ("gender", "brow_thick", 0.5),
    ("gender", "hair_length", -0.7),
    ("gender", "fringe", -0.3),
    ("gender", "hair_layers", -0.2),
    ("gender", "hairline", 0.45),
    ("gender", "beard", 0.75),
    ("gender", "lipstick", -0.65),
    ("gender", "earrings", -0.55),
    ("gender", "neckline", -0.45),
    ("gender", "jacket", 0.25),
    ("beard", "moustache", 0.9),
    ("lipstick", "eye_shadow", 0.65),
    # age
    ("age", "wrinkles", 0.85),
    ("age", "hair_grey", 0.75),
    ("age", "hairline", 0.35),
    ("age", "weight", 0.2),
    ("age", "nose_size", 0.2),
    ("age", "beard", 0.3),
    ("age", "beard_length", 0.25),
    ("age", "lipstick", 0.2),
    ("age", "glasses", 0.35),
    ("age", "collar", 0.3),
    ("age", "dye", -0.3),
    ("hairline", "hair_length", -0.2),
    ("glasses", "collar", 0.2),
    ("collar", "jacket", 0.5),
    ("glasses", "lens_dark", 0.3),
    ("hat", "lens_dark", 0.25),
    # build and colours
    ("weight", "face_width", 0.35),
    ("weight", "jaw", 0.2),
    ("base_shape_a", "base_shape_b", -0.5),
    ("base_shape_a", "skin_tone", 0.65),
    ("base_shape_a", "hair_curl", 0.3),
    ("skin_tone", "hair_dark", 0.55),
    ("skin_tone", "hair_curl", 0.25),
    ("skin_tone", "hair_red", -0.4),
    ("skin_tone", "freckles", -0.3),
    ("skin_tone", "blush", -0.2),
    ("hair_red", "freckles", 0.5),
    ("hair_curl", "hair_volume", 0.4),
    ("skin_tone", "eye_color", -0.4),
    ("hair_dark", "eye_color", -0.4),
    # expressions
    ("mouth_open", "smile", 0.25),
    ("smile", "frown", -0.4),
    ("mouth_open", "brow_raise", 0.35),
    ("mouth_open", "eye_open", 0.25),
)


def _rare(share: float, soon: float = 0.5, none: float = 0.0) -> Points:
    """`none` for all but a share of the people; a quarter of a score later already `soon`."""
    start = NormalDist().inv_cdf(1 - share)
    return (start, none), (start + 0.25, soon), (max(start + 0.75, 2.4), 1.0)


_BELL: Points = ((-2.5, 0.0), (2.5, 1.0))
_FLAT: Points = ((-1.75, 0.0), (1.75, 1.0))

MARGINALS: dict[str, Points] = {
    "age": ((-2.4, 0.04), (-1.45, 0.2), (-1.05, 0.36), (0.5, 0.5), (2.0, 1.0)),
    "gender": ((-2.0, 0.0), (-0.3, 0.2), (0.3, 0.8), (2.0, 1.0)),
    "base_shape_a": ((-0.9, 0.0), (0.6, 0.5), (1.9, 1.0)),
    "base_shape_b": ((-0.9, 0.0), (0.6, 0.5), (1.9, 1.0)),
    "weight": ((-2.5, 0.0), (0.0, 0.43), (2.5, 1.0)),
    "hair_length": (
        (-2.1, 0.0),
        (-1.7, 0.13),
        (-0.5, 0.32),
        (0.0, 0.44),
        (0.8, 0.68),
        (2.3, 1.0),
    ),
    "hair_volume": ((-2.0, 0.0), (0.0, 0.35), (2.3, 1.0)),
    "hair_curl": ((-0.6, 0.0), (0.5, 0.28), (2.0, 1.0)),
    "hair_layers": _FLAT,
    "fringe": ((-0.4, 0.0), (0.6, 0.3), (1.8, 1.0)),
    "parting": _FLAT,
    "hairline": ((-2.0, 0.0), (0.5, 0.2), (1.2, 0.45), (2.2, 1.0)),
    "hat": _rare(0.07, 0.45),
    "glasses": _rare(0.25, 0.6),
    "glasses_round": _FLAT,
    "glasses_thick": ((-1.8, 0.0), (0.0, 0.4), (2.0, 1.0)),
    "neckline": ((0.0, 0.0), (1.8, 1.0)),
    "collar": _rare(0.3),
    "jacket": _rare(0.2),
    "earrings": _rare(0.2, 0.3),
    "smile": ((-2.3, 0.0), (-0.6, 0.42), (0.6, 0.62), (2.0, 1.0)),
    "mouth_open": ((0.4, 0.0), (1.4, 0.35), (2.4, 1.0)),
    "pucker": _rare(0.06, 0.3),
    "brow_raise": ((-1.8, 0.0), (0.3, 0.32), (2.4, 1.0)),
    "frown": _rare(0.14, 0.25),
    "eye_open": ((-2.6, 0.0), (-1.9, 0.55), (0.0, 0.7), (1.2, 0.8), (2.5, 1.0)),
    "beard": ((0.6, 0.0), (1.0, 0.4), (1.9, 1.0)),
    "moustache": ((0.6, 0.0), (1.0, 0.4), (1.9, 1.0)),
    "beard_length": ((-0.9, 0.0), (1.0, 0.4), (2.3, 1.0)),
    "skin_tone": ((-1.9, 0.0), (0.0, 0.32), (1.9, 1.0)),
    "skin_warm": _FLAT,
    "blush": ((-1.8, 0.0), (0.0, 0.3), (2.4, 1.0)),
    "wrinkles": ((0.2, 0.0), (1.1, 0.45), (2.1, 1.0)),
    "freckles": _rare(0.15, 0.3),
    "lipstick": ((0.2, 0.0), (2.0, 1.0)),
    "eye_shadow": ((0.5, 0.0), (2.2, 1.0)),
    "eye_color": ((-1.2, 0.0), (0.3, 0.4), (1.6, 1.0)),
    "hair_dark": ((-1.7, 0.0), (0.0, 0.62), (1.0, 1.0)),
    "hair_red": ((-0.6, 0.0), (1.0, 0.4), (1.9, 1.0)),
    "hair_grey": ((0.6, 0.0), (1.0, 0.4), (1.8, 1.0)),
    "dye": _rare(0.06, 0.5),
    "dye_tint": _FLAT,
    "lens_dark": _rare(0.08, 0.6, none=0.03),
    "frame_tone": ((-0.7, 0.0), (0.5, 0.3), (1.9, 1.0)),
    "shirt_light": _FLAT,
    "shirt_red": ((-2.3, 0.0), (-0.5, 0.42), (0.5, 0.58), (2.3, 1.0)),
    "shirt_yellow": ((-2.3, 0.0), (-0.5, 0.4), (0.6, 0.55), (2.3, 1.0)),
    "hat_light": _FLAT,
    "hat_warm": _FLAT,
}


def points_of(name: str) -> Points:
    """The marginal of one value; what stands in no table is bell-shaped around one half."""
    return MARGINALS.get(name, _BELL)


@cache
def factors() -> Floats:
    """An orthogonal matrix [Z_DIM, Z_DIM]; its first WIDTH rows read one factor per value off z."""
    q, _ = np.linalg.qr(np.random.RandomState(_SEED).randn(Z_DIM, Z_DIM))
    return q.T.astype(np.float32)


@cache
def mixing() -> NDArray[np.float64]:
    """[WIDTH, WIDTH]: scores = mixing @ independent factors; every row has length 1."""
    nuisance = {attribute.name for attribute in ATTRIBUTES if attribute.kind == "nuisance"}
    # The shapes of heads are named by no caption, yet go with colours of skin and hair.
    nuisance -= {"base_shape_a", "base_shape_b"}
    weights = np.zeros((WIDTH, WIDTH))
    for source, target, weight in COUPLINGS:
        if nuisance & {source, target}:
            raise ValueError(f"a nuisance goes with nothing: {source}, {target}")
        weights[COLUMN[target], COLUMN[source]] += weight
    rows = np.zeros((WIDTH, WIDTH))
    done: set[int] = set()
    while len(done) < WIDTH:
        ready = [
            target
            for target in range(WIDTH)
            if target not in done and set(np.flatnonzero(weights[target])) <= done
        ]
        if not ready:
            raise ValueError("COUPLINGS lead in a circle")
        for target in ready:
            rows[target] = weights[target] @ rows
            explained = float(np.square(rows[target]).sum())
            if explained >= 1:
                raise ValueError(f"COUPLINGS leave nothing of its own to {NAMES[target]}")
            rows[target, target] = np.sqrt(1 - explained)
        done.update(ready)
    return rows


@cache
def score_rows() -> Floats:
    """[WIDTH, Z_DIM]: the scores of a normalised z are score_rows @ z."""
    return (mixing() @ factors()[:WIDTH]).astype(np.float32)


def values_from_scores(scores: NDArray[np.floating]) -> Floats:
    """Scores [N, WIDTH] → values [N, WIDTH] in [0, 1], every column through its marginal."""
    columns = [
        np.interp(scores[:, column], *zip(*points_of(name), strict=True))
        for name, column in COLUMN.items()
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def normalized(z: NDArray[np.floating]) -> NDArray[np.floating]:
    """z [N, Z_DIM] with mean square 1 in every row, as the mapping network takes it."""
    scaled: NDArray[np.floating] = z / np.sqrt((z**2).mean(axis=1, keepdims=True) + 1e-8)
    return scaled


def values_from_z(z: NDArray[np.floating]) -> Floats:
    """z [N, Z_DIM] → values [N, WIDTH] in [0, 1]; z is normalised first."""
    return values_from_scores(normalized(z) @ score_rows().T)


@cache
def centre() -> Floats:
    """The values [WIDTH] of score 0, the median person: what truncation leads to."""
    return values_from_scores(np.zeros((1, WIDTH)))[0]
