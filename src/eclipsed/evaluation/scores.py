"""The scores of a direction by name: what each says, and which way is better."""

from __future__ import annotations

from typing import Literal

Better = Literal["higher", "lower"]

# Score → what it says and which way is better, in the order of importance.
SCORES: dict[str, tuple[str, Better]] = {
    "text_gain": ("how well the image moves with the prompt (cosine, -1…1)", "higher"),
    "success": ("of seeds without the attribute, those that show it at +1", "higher"),
    "reversal": ("of seeds with the attribute, those that lose it at -1", "higher"),
    "locality": ("of the pixel change lies inside the region", "higher"),
    "leakage": ("mean change of a pixel outside it (black to white is 2)", "lower"),
    "preservation": ("of the other visible attributes stay", "higher"),
    "identity": ("how similar the rest stays, with the region hidden (cosine)", "higher"),
    "monotonicity": ("of seeds rise steadily over -2…2", "higher"),
}
KEYS = tuple(SCORES)
# What is said besides where the judge measures attributes instead of telling values apart.
MEASURED: dict[str, tuple[str, Better]] = {
    "move": ("how far the attribute moves at +1, as a part of its range", "higher"),
    "drift": ("how far other visible attributes move at +1, as a part of that", "lower"),
    "linearity": ("correlation of the attribute with the strength over -2…2", "higher"),
}
# Everything that a card may say.
CARD = {**SCORES, **MEASURED}
# Counted over things, so their statistic is the fraction of all of them, not the median latent's.
COUNTED = ("success", "preservation", "monotonicity", "reversal")
# What a row of `evaluate.measure` says beyond these; no way is better for a projection.
MORE: dict[str, tuple[str, Better | None]] = {
    "projection": ("how far the image moves along the text in the judge's encoder", None),
    "psnr": ("similarity of the pixels outside the region, in dB", "higher"),
    "ssim": ("structural similarity outside the region", "higher"),
    "distance": ("how far the judge's feature maps move outside the region", "lower"),
    "dependency": ("probability that other visible attributes move to other values", "lower"),
    "artifact": ("how much further from any clean drawing the image is", "lower"),
}
INDEPENDENT, OWN = "independent networks", "the world's own networks"
# What is said of a direction at evenly spaced strengths.
SLIDER: dict[str, tuple[str, Better]] = {
    "projection_range": ("how far it moves along the text from end to end of the slider", "higher"),
    "delta": ("largest detour of three neighbours on the slider", "lower"),
    "linearity": (
        "correlation of strength and signed distance from the unedited image, or with the "
        "attribute where the judge measures it",
        "higher",
    ),
    "csm": ("standard deviation of the slider's steps along the text", "lower"),
    "mid": ("fraction of the way that would have to move for even steps", "lower"),
}
