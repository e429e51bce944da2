"""A picture to name clusters by, for the verb `clusters look`."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from PIL import Image, ImageDraw
from torch import Tensor

from eclipsed.editing.images import grid, to_pil
from eclipsed.errors import BadSetting
from eclipsed.segmenters.clusters import BATCH, ClusterSegmenter, unnamed
from eclipsed.types import Generator

# The sides of a sheet's images and the height of what is written on them, in pixels.
_SMALLEST_CELL, _LARGEST_CELL, _TEXT_HEIGHT = 192, 256, 14
# The fraction of an image from which a region is written on.
_LEAST_MARKED = 0.01


def _colours(count: int) -> Float[Tensor, "k 3"]:
    """Colours in [-1, 1] that are told apart: hues by the golden ratio, in three brightnesses."""
    rows = [
        colorsys.hsv_to_rgb(n * 0.618034 % 1.0, 0.85 - 0.2 * (n % 2), 1.0 - 0.22 * (n % 3))
        for n in range(count)
    ]
    return torch.tensor(rows) * 2.0 - 1.0


@torch.no_grad()
def cluster_sheet(
    generator: Generator,
    segmenter: ClusterSegmenter,
    seeds: Sequence[int],
    *,
    truncation: float = 0.7,
) -> Image.Image:
    """A picture to name clusters by: each image, beside it in colours, and what the colours mean.

    Clusters without a name show their number, regions their name; below, a region's fraction of all
    pixels stands beside the numbers of its clusters.

    Raises WrongGenerator when the clusters are another generator's, BadSetting without seeds.
    """
    segmenter.check(generator)
    if not seeds:
        raise BadSetting("A sheet of clusters needs images to show.", "Name some seeds.")
    regions = segmenter.regions
    numbers = torch.tensor([regions.index(name) for name in segmenter.names])
    colours = _colours(len(regions))
    marks = [_mark(region, members) for region, members in segmenter.groups.items()]
    cells: list[Tensor] = []
    counts = torch.zeros(len(regions))
    for start in range(0, len(seeds), BATCH):
        latents = generator.sample(list(seeds[start : start + BATCH]), truncation=truncation)
        synthesis = generator.synthesize(latents, features=segmenter.feature_names)
        labels = numbers[segmenter.labels(synthesis).cpu()]
        counts += torch.bincount(labels.flatten(), minlength=len(regions))
        images = synthesis.image.cpu().float().clamp(-1.0, 1.0)
        painted = 0.2 * images + 0.8 * colours[labels].permute(0, 3, 1, 2)
        for image, paint, label in zip(images, painted, labels, strict=True):
            cells += [_sized(image), _marked(_sized(paint), label, marks)]
    fractions = (counts / counts.sum()).tolist()
    words = [
        f"{_legend(region, members)} {fraction:.0%}"
        for (region, members), fraction in zip(segmenter.groups.items(), fractions, strict=True)
    ]
    tiles = colours[:, :, None, None].expand(-1, -1, 32, 96)
    return _below(
        grid(torch.stack(cells), columns=min(6, 2 * len(seeds))),
        grid(tiles, columns=min(8, len(regions)), labels=words),
    )


def _mark(region: str, members: tuple[int, ...]) -> str:
    """What stands on a region: its number while it has no name."""
    return str(members[0]) if region == unnamed(members[0]) else region


def _legend(region: str, members: tuple[int, ...]) -> str:
    mark = _mark(region, members)
    return mark if mark != region else f"{region} ({','.join(map(str, members))})"


def _sized(image: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h2 w2"]:
    """An image at a size at which writing on it can be read."""
    longest = max(image.shape[1:])
    if longest < _SMALLEST_CELL:
        return F.interpolate(image[None], scale_factor=-(-_SMALLEST_CELL // longest))[0]
    if longest > _LARGEST_CELL:
        high, wide = (max(1, side * _LARGEST_CELL // longest) for side in image.shape[1:])
        return F.adaptive_avg_pool2d(image, (high, wide))
    return image


def _marked(
    paint: Float[Tensor, "3 h w"], labels: Int[Tensor, "h2 w2"], marks: Sequence[str]
) -> Float[Tensor, "3 h w"]:
    """The image with each region's mark written where the region is widest."""
    picture = to_pil(paint)
    draw = ImageDraw.Draw(picture)
    for region in labels.unique().tolist():
        inside = (labels == region).float()
        if float(inside.mean()) < _LEAST_MARKED:
            continue
        radius = max(1, labels.shape[0] // 16)
        around = F.avg_pool2d(inside[None], 2 * radius + 1, stride=1, padding=radius)[0] * inside
        row, column = divmod(int(around.argmax()), labels.shape[1])
        centre = (
            (column + 0.5) * picture.width / labels.shape[1],
            (row + 0.5) * picture.height / labels.shape[0],
        )
        draw.text(
            centre,
            marks[region],
            "white",
            anchor="mm",
            stroke_width=2,
            stroke_fill="black",
            font_size=_TEXT_HEIGHT,
        )
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 127.5 - 1.0


def _below(upper: Image.Image, lower: Image.Image) -> Image.Image:
    paper = upper.getpixel((0, 0))
    assert isinstance(paper, tuple)
    size = (max(upper.width, lower.width), upper.height + lower.height)
    sheet = Image.new("RGB", size, paper)
    sheet.paste(upper, (0, 0))
    sheet.paste(lower, (0, upper.height))
    return sheet
