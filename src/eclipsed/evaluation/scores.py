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
INDEPENDENT, OWN = "independent networks", "the world's own networks"
