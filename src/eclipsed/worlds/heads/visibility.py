"""Which attributes of a head can be told from its picture: nobody sees how curly a bald head's hair
is, or what colour eyes are behind sunglasses.

The rule reads values, which a renderer knows and a judge estimates, and how many pixels of a part
show. Judges are trained, and edits are scored, on what can be told only.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN, REGIONS

# Attribute → what must be there for it to show: other attributes and their least values.
NEEDS: dict[str, dict[str, float]] = {
    "glasses_round": {"glasses": 0.25},
    "glasses_thick": {"glasses": 0.25},
    "frame_tone": {"glasses": 0.25},
    "lens_dark": {"glasses": 0.25},
    "hat_light": {"hat": 0.05},
    "hat_warm": {"hat": 0.05},
    "hair_volume": {"hair_length": 0.2},
    "hair_curl": {"hair_length": 0.25},
    "hair_layers": {"hair_length": 0.4},
    "fringe": {"hair_length": 0.3},
    "parting": {"hair_length": 0.25},
    "hairline": {"hair_length": 0.08},
    "hair_dark": {"hair_length": 0.08},
    "hair_red": {"hair_length": 0.1},
    "hair_grey": {"hair_length": 0.08},
    "dye": {"hair_length": 0.1},
    "dye_tint": {"hair_length": 0.1, "dye": 0.2},
}
# Attribute → what covers it: other attributes and the values from which they do.
COVERED: dict[str, dict[str, float]] = {
    "hair_volume": {"hat": 0.5},
    "fringe": {"hat": 0.3, "hairline": 0.6},
    "parting": {"hat": 0.2, "hairline": 0.6},
    "hairline": {"hat": 0.2},
    "hair_dark": {"dye": 0.6, "hair_grey": 0.7},
    "hair_red": {"dye": 0.5, "hair_grey": 0.6, "hair_dark": 0.9},
    "hair_grey": {"dye": 0.6},
    "lipstick": {"moustache": 0.95},
}
# Attributes that dark lenses hide, and from what value of the lenses, where glasses are worn.
_BEHIND = ("eye_open", "gaze_x", "gaze_y", "eye_size", "eye_tilt", "eye_shadow", "eye_color")
_DARK, _WORN = 0.5, 0.25
# Attributes that closed eyes hide.
_OPEN = {"gaze_x": 0.25, "gaze_y": 0.25, "eye_color": 0.3, "eye_size": 0.1}
# Attribute → of these regions at least so many pixels show, at 128 pixels across.
PIXELS: dict[str, tuple[tuple[str, ...], int]] = {
    "ears_out": (("ears",), 20),
    "earrings": (("ears", "earrings"), 6),
    "hair_curl": (("hair",), 60),
    "hair_layers": (("hair",), 60),
    "hair_dark": (("hair",), 30),
    "hair_red": (("hair",), 30),
    "hair_grey": (("hair",), 30),
    "dye": (("hair",), 30),
    "dye_tint": (("hair",), 30),
    "brow_thick": (("brows",), 8),
    "brow_raise": (("brows",), 8),
    "frown": (("brows",), 8),
}
_BEARD_LEAST = 0.15
NAMED: Tensor = torch.tensor([attribute.kind == "attribute" for attribute in ATTRIBUTES])


def visible(values: Float[Tensor, "n k"], labels: Integer[Tensor, "n h w"]) -> Bool[Tensor, "n k"]:
    """Whether each of ATTRIBUTES can be told in an image of values from 0 to 1, whose pixels show
    these numbers of REGIONS."""

    def of(name: str) -> Tensor:
        return values[:, COLUMN[name]]

    told = torch.ones_like(values, dtype=torch.bool)
    for name, needs in NEEDS.items():
        for other, least in needs.items():
            told[:, COLUMN[name]] &= of(other) >= least
    for name, covers in COVERED.items():
        for other, most in covers.items():
            told[:, COLUMN[name]] &= of(other) < most
    dark = (of("lens_dark") >= _DARK) & (of("glasses") >= _WORN)
    for name in _BEHIND:
        told[:, COLUMN[name]] &= ~dark
    for name, least in _OPEN.items():
        told[:, COLUMN[name]] &= of("eye_open") >= least
    told[:, COLUMN["beard_length"]] &= torch.maximum(of("beard"), of("moustache")) >= _BEARD_LEAST
    scale = labels.shape[1] * labels.shape[2] / 128**2
    for name, (regions, least) in PIXELS.items():
        numbers = torch.tensor([REGIONS.index(region) for region in regions], device=labels.device)
        told[:, COLUMN[name]] &= torch.isin(labels, numbers).sum(dim=(1, 2)) >= least * scale
    return told
