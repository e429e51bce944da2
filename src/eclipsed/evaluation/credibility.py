"""Whether an encoder is to be believed where nobody else judges: it is asked again, otherwise.

Where a world names no judges, its own encoder scores what it helped to find. A direction that
moves what only this encoder sees looks good to it, and to nobody else. So it is shown the images a
little moved, cropped and recoloured, which what is in sight survives, and is asked in words that no
training used. What is left is how well it tells edited images from unedited ones; and the segmenter
says whether anything happened in the region at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.masks import region_masks
from eclipsed.prompts.goals import encoded
from eclipsed.types import Encoder, Goal, Synthesis, World

# How a prompt is put besides; no training reads these.
PHRASINGS = ("a picture of {}", "{}, seen from the front", "one can see {}")
# Left, top and size of a crop as fractions of the image; what colours are multiplied by and what is
# added to them.
VARIANTS = (
    (0.0, 0.0, 0.9, 0.85, 0.0),
    (0.1, 0.0, 0.9, 1.0, 0.1),
    (0.0, 0.1, 0.9, 1.0, -0.1),
    (0.06, 0.06, 0.88, 1.1, 0.0),
)

# An AUC below this is no success that anyone should believe.
CREDIBLE = 0.8
# The mean change of a region's pixels, where black to white is 2, that can be seen; and the
# fraction of the images in which there has to be one.
VISIBLE, MOVED = 0.02, 0.5


def varied(images: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
    """The images as shown, a little moved, cropped and recoloured, once for each of VARIANTS."""
    images = images.clamp(-1.0, 1.0)
    height, width = images.shape[2:]
    variants = []
    for left, top, size, times, more in VARIANTS:
        rows, columns = round(top * height), round(left * width)
        crop = images[:, :, rows : rows + round(size * height), columns:][
            ..., : round(size * width)
        ]
        whole = F.interpolate(crop, (height, width), mode="bilinear", antialias=True)
        variants.append((whole * times + more).clamp(-1.0, 1.0))
    return variants


@torch.no_grad()
def text_lines(encoder: Encoder, goal: Goal) -> Float[Tensor, "p e"]:
    """From the neutral text to the prompt, of length 1, in the words of each of PHRASINGS."""
    lines = []
    for phrasing in PHRASINGS:
        put = replace(
            goal,
            description=phrasing.format(goal.text),
            neutral=phrasing.format(goal.neutral),
            parts=(),
            shape_and_colour=(),
        )
        text, neutral = encoded(encoder, put)
        lines.append(F.normalize(text - neutral, dim=0))
    return torch.stack(lines)


@torch.no_grad()
def second_scores(
    encoder: Encoder, images: Float[Tensor, "n 3 h w"], lines: Float[Tensor, "p e"]
) -> Float[Tensor, " n"]:
    """How much images show what the lines [P, E] lead to, averaged over lines and variants."""
    along = [encoder.encode_image(variant) @ lines.t() for variant in varied(images)]
    return torch.stack(along).mean(dim=(0, 2))


@dataclass
class SecondLook:
    """Edited images beside unedited ones, a few at a time, as an encoder and a segmenter see them
    when they are asked again.

    first: where the unedited images lie along the prompt, asked as in training. before, after: what
    a second look says. moved: which images change in the goal's regions, none without regions.
    """

    world: World
    goal: Goal
    first: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    moved: list[bool] = field(default_factory=list)

    @torch.no_grad()
    def see(self, before: Synthesis, after: Synthesis) -> None:
        """Look at some images without an edit, and with it at strength 1."""
        encoder, lines = self.world.encoder, self._lines
        images = before.image.clamp(-1.0, 1.0), after.image.clamp(-1.0, 1.0)
        text, neutral = encoded(encoder, self.goal)
        self.first += (encoder.encode_image(images[0]) @ (text - neutral)).tolist()
        self.before += second_scores(encoder, images[0], lines).tolist()
        self.after += second_scores(encoder, images[1], lines).tolist()
        if self.goal.regions:
            masks = (
                region_masks(each, self.world.segmenter, self.goal.regions)
                for each in (before, after)
            )
            inside = torch.maximum(*masks)
            change = (images[0] - images[1]).abs().mean(dim=1) * inside
            mean = change.sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp_min(1.0)
            self.moved += (mean > VISIBLE).tolist()

    @cached_property
    def _lines(self) -> Float[Tensor, "p e"]:
        return text_lines(self.world.encoder, self.goal)

    @property
    def auc(self) -> float:
        """How often an edited image answers more than an unedited one, in 0 … 1, of those that
        answered least before: the lower half, as training takes it."""
        rows = torch.tensor(self.first).argsort()[: max(1, len(self.first) // 2)]
        return area(torch.tensor(self.before)[rows], torch.tensor(self.after)[rows])

    @property
    def doubt(self) -> str:
        """Why a success would not be credible, and what to do; empty where it would be."""
        prompt, regions = self.goal.prompt, " and ".join(self.goal.regions)
        if self.moved and sum(self.moved) < MOVED * len(self.moved):
            count = f"{sum(self.moved)} of {len(self.moved)} images"
            return (
                f"The segmenter sees the {regions} change in {count} only: name another region "
                "(--region) or another phrasing."
            )
        if self.auc < CREDIBLE:
            return (
                f"The encoder cannot tell {prompt} apart on these images: AUC "
                f"{f'{self.auc:.2f}'.lstrip('0')}. Try another phrasing, a larger encoder, or "
                "--region."
            )
        return ""


def area(lower: Float[Tensor, " n"], higher: Float[Tensor, " m"]) -> float:
    """The area under the curve (AUC): how often one of `higher` scores more than one of `lower`."""
    apart = higher[:, None] - lower[None]
    return float((apart > 0).float().mean() + 0.5 * (apart == 0).float().mean())
