"""How far an image is from any clean drawing: the nearest avatar with the values that a judge sees.

A judge can be content with a smear. The renderer is not: it draws the very values that the judge
reads off an image, in whatever colours of skin, hair, clothes and background fit the image best,
and what then still differs is nothing that an avatar can show. Colours that the art fixes (mouths,
eyes, beards, hats, glasses) are not fitted, so a tinted mouth counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.renderer import Renderer

# The groups that decide an avatar's shapes.
SHAPES = ("top", "mouth", "eyes", "brows", "glasses", "beard", "clothes")
# A part of fewer pixels than this, at 128 px, says nothing: its outline is all there is of it.
_FEWEST = 12
# Drawn, but not compared: behind glasses the oracle often takes one value of them for another.
_UNCERTAIN = REGIONS.index("brows")
_KEPT = 128  # drawings in memory, of 0.5 MB each at 128 px


@lru_cache(maxsize=_KEPT)
def _drawing(size: int, values: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """black [P, 3], tints [P, 4] in 0..1, and which part each pixel is of [R, P], of P pixels."""
    drawn = Renderer(size).tinted(dict(zip(SHAPES, values, strict=True)))
    labels = torch.from_numpy(drawn.labels.astype(np.int64)).flatten()
    compared = [region for region in range(len(REGIONS)) if region != _UNCERTAIN]
    parts = torch.stack([labels == region for region in compared]).float()
    fewest = _FEWEST * size * size / 128**2
    parts = parts[parts.sum(dim=1) >= fewest]
    black, tints = torch.from_numpy(drawn.black), torch.from_numpy(drawn.tints)
    return black.flatten(0, 1), tints.flatten(1).t().contiguous(), parts


@torch.no_grad()
def nearest_drawing(
    images: Float[Tensor, "n 3 h w"], probabilities: Mapping[str, Float[Tensor, "n _"]]
) -> tuple[Float[Tensor, "n 3 h w"], Float[Tensor, " n"]]:
    """The clean avatars nearest to images in [-1, 1], and how far the images are from them.

    probabilities: what the oracle says; of every group the most probable value is drawn. The four
    free colours are those of least squared error, kept within black and white. The distance is the
    mean |difference| (black to white is 2) of each part that shows, averaged over the parts, so
    that a mouth counts as much as the hair around it.

    Raises MissingExtra where what the renderer needs is not installed.
    """
    size = images.shape[-1]
    best = torch.stack([probabilities[group].argmax(dim=1) for group in SHAPES], dim=1).tolist()
    pixels = (images.clamp(-1.0, 1.0).cpu().float() + 1.0) / 2.0
    drawn, far = [], []
    for image, values in zip(pixels.flatten(2).transpose(1, 2), best, strict=True):
        black, tints, parts = _drawing(size, tuple(values))
        # A little towards the middle grey, for a colour of which nothing shows.
        left, right = tints.t() @ tints, tints.t() @ (image - black)
        steady = 1e-2 * torch.eye(len(left))
        fills = torch.linalg.solve(left + steady, right + 0.5e-2).clamp(0.0, 1.0)
        clean = black + tints @ fills
        error = 2.0 * (image - clean).abs().mean(dim=1)
        far.append(((parts @ error) / parts.sum(dim=1)).mean())
        drawn.append(clean.t().unflatten(1, (size, size)))
    return (2.0 * torch.stack(drawn) - 1.0).to(images), torch.stack(far).to(images)
