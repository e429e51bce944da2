"""Colours of skin, hair, eyes and clothes in linear light, each [3], from attributes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kits.heads.shape import Values

Color = NDArray[np.float64]
Stops = Sequence[tuple[float, float, float]]

_SKIN: Stops = (
    (0.935, 0.785, 0.70),
    (0.885, 0.705, 0.60),
    (0.79, 0.59, 0.47),
    (0.645, 0.445, 0.33),
    (0.48, 0.315, 0.23),
    (0.315, 0.205, 0.155),
)
_HAIR: Stops = (
    (0.93, 0.82, 0.60),
    (0.80, 0.64, 0.40),
    (0.56, 0.39, 0.235),
    (0.34, 0.22, 0.14),
    (0.19, 0.125, 0.09),
    (0.085, 0.07, 0.065),
)
_DYES: Stops = (
    (0.87, 0.25, 0.50),
    (0.53, 0.22, 0.75),
    (0.16, 0.30, 0.85),
    (0.08, 0.58, 0.66),
    (0.22, 0.68, 0.28),
)
_IRIS: Stops = (
    (0.20, 0.115, 0.06),
    (0.38, 0.23, 0.11),
    (0.45, 0.38, 0.18),
    (0.33, 0.52, 0.36),
    (0.38, 0.62, 0.85),
)
_FRAMES: Stops = (
    (0.05, 0.05, 0.055),
    (0.30, 0.17, 0.08),
    (0.62, 0.12, 0.12),
    (0.78, 0.62, 0.30),
    (0.82, 0.82, 0.84),
)


def linear(color: Sequence[float] | Color) -> Color:
    """sRGB from 0 to 1 → linear light."""
    c = np.asarray(color, dtype=np.float64)
    return np.where(c < 0.04045, c / 12.92, ((np.maximum(c, 0) + 0.055) / 1.055) ** 2.4)


def _ramp(position: float, stops: Stops) -> Color:
    at = np.linspace(0, 1, len(stops))
    return linear([float(np.interp(position, at, channel)) for channel in np.transpose(stops)])


def mix(a: Color, b: Color, share: float) -> Color:
    """a at share 0, b at 1."""
    return a * (1 - share) + b * share


def skin_color(p: Values) -> Color:
    warm = p["skin_warm"] - 0.5
    return _ramp(p["skin_tone"], _SKIN) * np.array(
        [1 + 0.03 * warm, 1 + 0.05 * warm, 1 - 0.28 * warm]
    )


def hair_color(p: Values) -> Color:
    dark, grey = p["hair_dark"], p["hair_grey"]
    red = 0.8 * p["hair_red"] * (1 - 0.5 * dark)
    natural = mix(_ramp(dark, _HAIR), linear([0.66, 0.25, 0.085]) * (1.3 - 0.8 * dark), red)
    natural = mix(natural, linear([0.80, 0.80, 0.79]) * (1 - 0.25 * dark), grey)
    return mix(natural, _ramp(p["dye_tint"], _DYES), p["dye"])


def beard_color(p: Values) -> Color:
    """Beards and brows keep the natural colour."""
    return hair_color({**p, "dye": 0.25 * p["dye"]})


def brow_color(p: Values) -> Color:
    own = beard_color({**p, "hair_grey": 0.7 * p["hair_grey"]})
    return np.minimum(own * (0.72 - 0.22 * p["gender"]), skin_color(p) * 0.62)


def lip_color(p: Values) -> Color:
    natural = skin_color(p) * np.array([0.88, 0.60, 0.61]) * (0.93 - 0.06 * p["gender"])
    return mix(natural, linear([0.66, 0.06, 0.13]), 0.92 * p["lipstick"])


def iris_color(p: Values) -> Color:
    return _ramp(p["eye_color"], _IRIS)


def frame_color(p: Values) -> Color:
    return _ramp(p["frame_tone"], _FRAMES)


def cloth_color(light: float, red: float, yellow: float, strength: float = 1.0) -> Color:
    """Lightness, green to red and blue to yellow, each from 0 to 1 (grey at .5)."""
    a, b = (2 * red - 1) * strength, (2 * yellow - 1) * strength
    tint = np.array([1 + 0.55 * a + 0.30 * b, 1 - 0.35 * a + 0.18 * b, 1 + 0.05 * a - 0.75 * b])
    return np.clip(linear(np.full(3, 0.10 + 0.80 * light)) * np.maximum(tint, 0.06), 0.004, 0.92)


def shirt_color(p: Values) -> Color:
    return cloth_color(p["shirt_light"], p["shirt_red"], p["shirt_yellow"])


def hat_color(p: Values) -> Color:
    return cloth_color(p["hat_light"], p["hat_warm"], p["hat_warm"], 1.1)


def background_color(p: Values) -> Color:
    warm = p["background_warm"]
    return cloth_color(0.02 + 0.92 * p["background_light"], warm, 0.25 + 0.5 * warm, 0.45)
