"""What an avatar is made of: named groups of values, and which rows of W+ carry each group.

The tables here are the single source for the renderer, the captions, the latent design and the
judges. Files are named as in the `python-avatars` package (MIT), whose art is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHAPE, EXPRESSION, COLOUR = "shape", "expression", "colour"

# Rows of W+ (of 12 at 128 px) that decide each kind of attribute: 4-16 px, 32 px, 64-128 px.
ROWS: dict[str, range] = {SHAPE: range(5), EXPRESSION: range(5, 7), COLOUR: range(7, 12)}

REGIONS: tuple[str, ...] = (
    "background",
    "skin",
    "clothes",
    "mouth",
    "eyes",
    "brows",
    "hair",
    "beard",
    "glasses",
    "hat",
)


@dataclass(frozen=True)
class Value:
    """One value of a group: its name, and the art file (None: nothing is drawn) or the colour."""

    name: str
    file: str | None = None
    color: str | None = None
    region: str | None = None  # where it differs from the group's


@dataclass(frozen=True)
class Group:
    """A discrete attribute. `kind` says which rows of W+ carry it, `region` where it is seen."""

    name: str
    kind: str
    region: str
    values: tuple[Value, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.values)


def _group(name: str, kind: str, region: str, *values: Value) -> Group:
    return Group(name, kind, region, values)


GROUPS: tuple[Group, ...] = (
    _group(
        "top",
        SHAPE,
        "hair",
        Value("bald"),
        Value("buzzcut", "hair/buzzcut"),
        Value("short", "hair/short_flat"),
        Value("mohawk", "hair/mohawk"),
        Value("quiff", "hair/quiff"),
        Value("bun", "hair/bun"),
        Value("curly", "hair/curly"),
        Value("afro", "hair/fro"),
        Value("bob", "hair/bob"),
        Value("dreads", "hair/dreads"),
        Value("straight", "hair/straight_strand"),
        Value("wavy", "hair/loose_hair"),
        Value("messy", "hair/mowgli"),
        Value("pixie", "hair/pixie"),
        Value("brimmed hat", "hat/hat", "#25557C", region="hat"),
        Value("beanie", "hat/winter_hat_3", "#E0454B", region="hat"),
        Value("turban", "hat/turban", "#E8A93A", region="hat"),
        Value("earflap hat", "hat/winter_hat_1", "#4E8A5B", region="hat"),
    ),
    _group(
        "mouth",
        EXPRESSION,
        "mouth",
        Value("serious", "mouth/serious"),
        Value("gentle smile", "mouth/twinkle"),
        Value("toothy smile", "mouth/smile"),
        Value("laugh", "mouth/big_smile"),
        Value("sad", "mouth/sad"),
        Value("scream", "mouth/scream_open"),
        Value("tongue", "mouth/tongue"),
        Value("grimace", "mouth/grimace"),
    ),
    _group(
        "eyes",
        EXPRESSION,
        "eyes",
        Value("plain", "eyes/default"),
        Value("closed", "eyes/closed"),
        Value("wide", "eyes/surprised"),
        Value("hearts", "eyes/heart"),
        Value("wink", "eyes/wink"),
        Value("squint", "eyes/squint"),
    ),
    _group(
        "brows",
        EXPRESSION,
        "brows",
        Value("natural", "eyebrows/default_natural"),
        Value("raised", "eyebrows/raised_excited_natural"),
        Value("angry", "eyebrows/angry_natural"),
        Value("worried", "eyebrows/sad_concerned_natural"),
        Value("unibrow", "eyebrows/unibrow_natural"),
    ),
    _group(
        "glasses",
        SHAPE,
        "glasses",
        Value("none"),
        Value("square glasses", "accessories/prescription_02"),
        Value("round glasses", "accessories/round"),
        Value("sunglasses", "accessories/sunglasses"),
        Value("eyepatch", "accessories/eyepatch"),
    ),
    _group(
        "beard",
        SHAPE,
        "beard",
        Value("none"),
        Value("short beard", "facial_hair/beard_light", "#4A312C"),
        Value("full beard", "facial_hair/beard_medium", "#4A312C"),
        Value("long beard", "facial_hair/beard_magestic", "#4A312C"),
        Value("moustache", "facial_hair/moustache_magnum", "#4A312C"),
    ),
    _group(
        "clothes",
        SHAPE,
        "clothes",
        Value("t-shirt", "clothes/shirt_crew_neck"),
        Value("hoodie", "clothes/hoodie"),
        Value("overalls", "clothes/overall"),
        Value("blazer", "clothes/blazer_shirt"),
        Value("collared sweater", "clothes/collar_sweater"),
    ),
    _group(
        "hair color",
        COLOUR,
        "hair",
        Value("black", color="#2C1B18"),
        Value("brown", color="#724133"),
        Value("blond", color="#E3BF6A"),
        Value("red", color="#C93305"),
        Value("gray", color="#8F9196"),
        Value("white", color="#F2EDE6"),
        Value("pink", color="#F277A8"),
        Value("blue", color="#3C6FD1"),
    ),
    _group(
        "clothes color",
        COLOUR,
        "clothes",
        Value("black", color="#262E33"),
        Value("white", color="#F4F4F4"),
        Value("red", color="#E8443F"),
        Value("blue", color="#3F88E0"),
        Value("green", color="#4FB06A"),
        Value("yellow", color="#F5CF45"),
        Value("pink", color="#FF6FB0"),
        Value("purple", color="#8B5CC7"),
    ),
)

GROUP: dict[str, Group] = {g.name: g for g in GROUPS}

# Continuous attributes. Skin runs from 0 (palest) to 1 (darkest) along these colours; the
# background is a point of the unit disc: its angle is the hue, its radius the saturation.
SKIN_RAMP: tuple[str, ...] = ("#FFE3C8", "#F2C59B", "#DDA06B", "#B0703F", "#7A4A2C", "#573423")
SKIN_NAMES: tuple[tuple[str, float, float], ...] = (
    ("pale", 0.0, 0.2),
    ("light", 0.2, 0.42),
    ("tan", 0.42, 0.62),
    ("brown", 0.62, 0.82),
    ("dark", 0.82, 1.01),
)
# Name and centre of each hue on the ring, in turns: where people see it, not evenly spread.
HUES: tuple[tuple[str, float], ...] = (
    ("red", 0.0),
    ("orange", 0.085),
    ("yellow", 0.155),
    ("green", 0.333),
    ("teal", 0.49),
    ("blue", 0.61),
    ("purple", 0.76),
    ("pink", 0.9),
)


def hue_distances(background: NDArray[np.floating]) -> NDArray[np.floating]:
    """How far backgrounds [N, 2] are from each of HUES on the ring, [N, H] in turns."""
    turns = np.arctan2(background[:, 1], background[:, 0]) / (2 * np.pi)
    centres = np.array([centre for _, centre in HUES])
    distances: NDArray[np.floating] = np.abs((turns[:, None] - centres + 0.5) % 1.0 - 0.5)
    return distances
