"""The weight of the text's loss."""

from __future__ import annotations

from dataclasses import replace

from reproduction.comparing import Pair
from reproduction.showing import LOCALITY, PRESERVATION, SIMILARITY, SUCCESS, Line
from reproduction.sweeps import Shown, sweep
from reproduction.table1 import FINAL
from reproduction.variants import PAPER

WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)
VARIANTS = tuple(
    replace(FINAL, label=f"{weight:g}", config=replace(PAPER, clip_weight=weight))
    for weight in WEIGHTS
)
PAIRS = (
    Pair("More weight scores higher, 4 against 1", "4", "1", 1),
    Pair("More weight succeeds more, 4 against 1", "4", "1", 1, "success"),
    Pair("More weight is less local, 4 against 1", "4", "1", -1, "locality"),
    Pair("Less weight scores lower, 0.25 against 1", "0.25", "1", -1),
)

STUDY = sweep(
    "The weight of the text's loss",
    (
        "Instead of expanding prompts the paper “simply added more weight to the CLIPLoss when "
        "computing it”. Localization “seemed to really easily swallow up the CLIP loss”.",
    ),
    (
        "The paper's training (preset paper-scaled) with localization 0.05 and other weights of "
        "the text. Adam divides by the size of the gradient, so only the ratio of the two weights "
        "can matter: text 0.25 is localization 0.2 of Table 1 by another name, and text 4 is "
        "localization 0.0125.",
    ),
    VARIANTS,
    PAIRS,
    Shown(
        lines=(Line("text", tuple((w, f"{w:g}", 1.0) for w in WEIGHTS)),),
        x_title="weight of the text",
        charted=(SIMILARITY, SUCCESS, LOCALITY, PRESERVATION),
    ),
)
