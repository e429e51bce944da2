"""Single image against random images, and what lies between."""

from __future__ import annotations

from dataclasses import replace

from reproduction.comparing import Pair
from reproduction.showing import LOCALITY, PRESERVATION, SIMILARITY, SUCCESS, Line
from reproduction.sweeps import Shown, sweep
from reproduction.table1 import FINAL
from reproduction.variants import PAPER, Variant

SIZES = (1, 2, 4, 16)
# Where a training draws fresh images every step: so many in all.
FRESH = PAPER.steps * PAPER.batch


def _sized(images: int | None, *, own: bool) -> Variant:
    name = "fresh images" if images is None else f"{images} image" + "s" * (images != 1)
    label = f"{name}, on the first" if own else name
    return replace(FINAL, label=label, images=images, own=own)


OTHERS = tuple(_sized(images, own=False) for images in (*SIZES, None))
OWN = tuple(_sized(images, own=True) for images in (*SIZES, None))
PAIRS = (
    Pair(
        "Fresh images, against a single one that is judged",
        OWN[-1].label,
        OWN[0].label,
        -1,
        paper=(0.188, 0.205),
    ),
    Pair(
        "Fresh images, against a single other one",
        OTHERS[-1].label,
        OTHERS[0].label,
        1,
        paper=(0.207, 0.193),
    ),
    Pair("The same, success", OTHERS[-1].label, OTHERS[0].label, 1, "success", ours=True),
    Pair("Fresh images, against 16 others", OTHERS[-1].label, OTHERS[-2].label, 1, ours=True),
)


def _line(name: str, variants: tuple[Variant, ...]) -> Line:
    sizes = zip((*SIZES, FRESH), variants, strict=True)
    # On a scale of powers of 2, where 400 is near 9.
    return Line(name, tuple((size.bit_length() - 1.0, each.label, 1.0) for size, each in sizes))


STUDY = sweep(
    "Single seed or random seeds",
    (
        "“Training on a single image makes the similarity score higher when evaluating on the "
        "sample that we trained on” (0.205 against 0.188). “However, it is less generalizable”: on "
        "a random sample 0.193 against 0.207.",
    ),
    (
        "The paper's training (preset paper-scaled) goes round 1, 2, 4 or 16 images, or draws "
        f"fresh ones in every step, {FRESH} in all. Judged on images that it has not seen, and on "
        "the first one of its own, which all sizes share.",
    ),
    (*OTHERS, *OWN),
    PAIRS,
    Shown(
        lines=(_line("unseen images", OTHERS), _line("its first image", OWN)),
        x_title="images trained on, powers of 2 (fresh: 8)",
        charted=(SIMILARITY, SUCCESS, LOCALITY, PRESERVATION),
        pictured=OTHERS,
    ),
)
