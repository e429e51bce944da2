"""Z, W, W+ and S."""

from __future__ import annotations

from dataclasses import replace

from eclipsed.types import SPACES
from reproduction.comparing import Pair
from reproduction.showing import CHANGED, USUAL
from reproduction.sweeps import Shown, sweep
from reproduction.table1 import FINAL
from reproduction.variants import PAPER

VARIANTS = tuple(
    replace(FINAL, label=space.upper(), config=replace(PAPER, space=space)) for space in SPACES
)
PAIRS = (
    Pair("W+ scores higher than W", "W+", "W", 1, paper=(0.213, 0.201)),
    Pair("W+ changes more than W", "W+", "W", 1, "changed"),
    Pair("W+ succeeds more than W", "W+", "W", 1, "success"),
    Pair("W+ is more local than W", "W+", "W", 1, "locality", ours=True),
    Pair("S is more local than W+", "S", "W+", 1, "locality", ours=True),
    Pair("W+ scores higher than Z", "W+", "Z", 1, ours=True),
)

STUDY = sweep(
    "Z, W, W+ and S",
    (
        "“The score is slightly better when training on W+” (0.213, W 0.201); looked at, “the W+ "
        "results seemed to produce much more expressive changes”. S and Z are not compared.",
    ),
    (
        "The paper's training (preset paper-scaled) in each space, its rate multiplied by the "
        "spread of that space. All at their calibrated strength 1.",
    ),
    VARIANTS,
    PAIRS,
    Shown(listed=(*USUAL, CHANGED)),
)
