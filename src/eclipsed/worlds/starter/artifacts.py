"""Artifact score: the distance of an image to the nearest clean avatar.

A judge can be fooled by artifacts. So the values that it reads off an image are drawn, in the
colours of skin, hair, clothes and background that fit best; what still differs is nothing that an
avatar can show. Colours that the art fixes (mouths, eyes, beards, hats, glasses) are not fitted, so
a tinted mouth counts.

The art is drawn beforehand by kits/starter: a row of parts.png is one part, filled with black and
with white.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageColor
from torch import Tensor

from eclipsed.worlds.starter.attributes import GROUP, REGIONS, Value

SIZE = 128
SHEET = "parts.png"
OPAQUE = 0.45  # a part owns a pixel from this coverage on
# Painter's order. Body and nose belong to the skin and are no groups.
SLOTS = ("body", "clothes", "mouth", "nose", "eyes", "brows", "top", "beard", "glasses")
SHAPES = tuple(slot for slot in SLOTS if slot in GROUP)
# The free colours of an avatar, and which of them fills a slot; the skin's where none is named.
FILLS = ("background", "skin", "hair color", "clothes color")
FILL_OF = {"top": "hair color", "clothes": "clothes color"}
_SKIN = {"body": (Value("body", "body"),), "nose": (Value("nose", "nose/default"),)}
# A part of fewer pixels than this says nothing: its outline is all there is of it.
_FEWEST = 12
# Brows are drawn, but not compared: behind glasses the oracle often confuses them.
_COMPARED = [region for region, name in enumerate(REGIONS) if name != "brows"]


def values_of(slot: str) -> tuple[Value, ...]:
    """What can be drawn in a slot."""
    return GROUP[slot].values if slot in GROUP else _SKIN[slot]


def region_of(slot: str, value: Value) -> int:
    """The index in REGIONS of what a value draws."""
    return REGIONS.index(value.region or (GROUP[slot].region if slot in GROUP else "skin"))


# (slot, index of the value) of each row of the sheet.
SHEET_ROWS = tuple(
    (slot, i) for slot in SLOTS for i, value in enumerate(values_of(slot)) if value.file
)


@cache
def _sheet() -> tuple[Tensor, Tensor, Tensor]:
    """Premultiplied colours with a black fill and what a white one adds, both [P, 128, 128, 3] in
    0..1; coverage [P, 128, 128, 1]."""
    with files(__package__).joinpath(SHEET).open("rb") as file:
        pixels = np.asarray(Image.open(file), dtype=np.float32) / np.float32(255)
    rows = torch.from_numpy(pixels).unflatten(1, (2, SIZE)).unflatten(0, (-1, SIZE))
    black, white = rows.unbind(dim=2)
    alpha = black[..., 3:]
    black = black[..., :3] * alpha
    return black, white[..., :3] * white[..., 3:] - black, alpha


@lru_cache(maxsize=128)
def _drawing(values: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """The avatar of these values of SHAPES, of P pixels: black + Σ fill · tint.

    black [P, 3], tints [P, 4] of FILLS, both in 0..1; which pixels are of each part [R, P].
    """
    black, tint, alpha = _sheet()
    shown = dict(zip(SHAPES, values, strict=True))
    canvas = torch.zeros(SIZE, SIZE, 3 + len(FILLS))
    canvas[..., 3] = 1.0  # the background
    labels = torch.zeros(SIZE, SIZE, dtype=torch.int64)
    for row, (slot, index) in enumerate(SHEET_ROWS):
        if index != shown.get(slot, 0):
            continue
        value = values_of(slot)[index]
        canvas *= 1 - alpha[row]
        canvas[..., :3] += black[row]
        if value.color is None:
            fill = FILLS.index(FILL_OF.get(slot, "skin"))
            canvas[..., 3 + fill] += tint[row].mean(dim=2)  # red, green and blue have equal shares
        else:
            color = torch.tensor(ImageColor.getrgb(value.color), dtype=torch.float32)
            canvas[..., :3] += tint[row] * (color / 255)
        labels[alpha[row, ..., 0] > OPAQUE] = region_of(slot, value)
    parts = torch.stack([labels.flatten() == region for region in _COMPARED]).float()
    pixels = canvas.flatten(0, 1)
    return pixels[:, :3], pixels[:, 3:].contiguous(), parts[parts.sum(dim=1) >= _FEWEST]


@torch.no_grad()
def artifact(
    images: Float[Tensor, "n 3 128 128"], probabilities: Mapping[str, Float[Tensor, "n _"]]
) -> Float[Tensor, " n"]:
    """The distance of images in [-1, 1] to the nearest clean avatars; 0 is clean.

    probabilities: group → what the oracle says; the most probable value is drawn. The four free
    colours minimise the squared error, within black and white. The distance is the mean |Δ| (black
    to white is 2) in each part that shows, averaged over the parts, so that a mouth counts as much
    as the hair around it.
    """
    best = torch.stack([probabilities[group].argmax(dim=1) for group in SHAPES], dim=1).tolist()
    pixels = (images.clamp(-1.0, 1.0).cpu().float() + 1.0) / 2.0
    distances = []
    for image, values in zip(pixels.flatten(2).transpose(1, 2), best, strict=True):
        black, tints, parts = _drawing(tuple(values))
        # A little towards the middle grey, for a colour of which nothing shows.
        left, right = tints.t() @ tints, tints.t() @ (image - black)
        steady = 1e-2 * torch.eye(len(left))
        fills = torch.linalg.solve(left + steady, right + 0.5e-2).clamp(0.0, 1.0)
        error = 2.0 * (image - black - tints @ fills).abs().mean(dim=1)
        distances.append(((parts @ error) / parts.sum(dim=1)).mean())
    return torch.stack(distances).to(images)
