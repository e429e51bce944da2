"""Regions without any weights: clusters of what a generator's own features hold.

A GAN's features at 16 to 64 pixels tell the parts of its images apart well enough that k-means
finds them (Collins et al. 2020, "Editing in Style", arXiv:2004.14367, which clusters features of
length 1, as here). The clusters come without names: look at `cluster_sheet`, then name them, with
`named` by their numbers or `rename` by the names that they have.
"""

from __future__ import annotations

import colorsys
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from PIL import Image, ImageDraw
from torch import Tensor

from eclipsed.editing.images import grid, to_pil
from eclipsed.errors import BadFile, BadSetting, UnknownName, WrongGenerator
from eclipsed.files import (
    StrPath,
    kind_of,
    metadata_of,
    read_bytes,
    read_tensors,
    sha256_of,
    shown,
    write_atomic,
)
from eclipsed.segmenters.labels import label_numbers
from eclipsed.types import Generator, Synthesis, weights_of

FORMAT = 1
KEY = "eclipsed_clusters"  # the metadata that tells such a file
BATCH = 16
STEPS = 50  # of k-means, at most; it mostly settles in half of them
POINTS = 40_000  # positions that k-means sees
# Of the layer to look at, or a quarter of a small image's side: smaller layers are coarse, larger
# ones hold colours and edges.
USUAL_PIXELS = 32
MOST_CLUSTERS = 256
_LIMIT = 64 * 2**20
# A sheet: the sides of its images and the height of what is written on them, in pixels, and the
# share of an image from which a region is written on.
_SMALLEST_CELL, _LARGEST_CELL, _MARK = 192, 256, 14
_LEAST_MARKED = 0.01
_AGAIN = "Make it again: eclipsed clusters make."


@dataclass(frozen=True, eq=False)
class ClusterSegmenter:
    """Regions of one generator's features (eclipsed.types.Segmenter).

    feature_names, widths: the layers it looks at and their channels, C together. A synthesis must
    hold them: `generator.synthesize(…, features=segmenter.feature_names)`.
    names: what each of the K clusters is called; clusters of one name are one region.
    centres: [K, C] of length 1; a place belongs to the centre that its features point to most.
    """

    feature_names: tuple[str, ...]
    widths: tuple[int, ...]
    names: tuple[str, ...]
    centres: Tensor
    generator_name: str
    generator_fingerprint: str
    name: str = "clusters"

    def __post_init__(self) -> None:
        channels = sum(self.widths)
        if not self.widths or len(self.widths) != len(self.feature_names) or min(self.widths) < 1:
            raise BadSetting("Clusters need the width of each of the layers that they look at.")
        if self.centres.shape != (len(self.names), channels):
            raise BadSetting("Clusters need one name and one centre each.")
        if not all(self.names):
            raise BadSetting("A cluster's name must not be empty.")

    @cached_property
    def fingerprint(self) -> str:
        facts = (self.feature_names, self.widths, self.names, sha256_of(self.centres))
        return sha256_of(repr(facts).encode())

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.names))

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Region → the numbers of its clusters."""
        return {
            region: tuple(n for n, name in enumerate(self.names) if name == region)
            for region in self.regions
        }

    @torch.no_grad()
    def labels(self, synthesis: Synthesis) -> Int[Tensor, "n h w"]:
        """The number of each pixel's cluster, at the image's size.

        Raises BadSetting when the synthesis does not hold the features.
        """
        maps = stacked(synthesis.features, self.feature_names)
        if maps.shape[1] != sum(self.widths):
            raise BadSetting(
                f"The clusters '{self.name}' look at {sum(self.widths)} channels, but the features "
                f"of this synthesis have {maps.shape[1]}.",
                f"They were made for the generator '{self.generator_name}'.",
            )
        # Half precision could not tell near centres apart.
        with torch.autocast(maps.device.type, enabled=False):
            alike = _alike(maps, self.widths)
            scores = torch.einsum("nchw,kc->nkhw", alike, self.centres.to(maps))
        # Enlarged before the nearest is chosen, so that borders are smooth.
        large = F.interpolate(
            scores, synthesis.image.shape[2:], mode="bilinear", align_corners=False
        )
        return large.argmax(dim=1)

    @torch.no_grad()
    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Float[Tensor, "n h w"]:
        """[N, H, W] at the image's size.

        Raises UnknownName for a region that does not exist, BadSetting when the synthesis does not
        hold the features.
        """
        numbers = label_numbers(regions, self.groups, segmenter=self.name)
        wanted = torch.tensor(numbers, device=synthesis.image.device)
        return torch.isin(self.labels(synthesis), wanted).float()

    def rename(self, names: Mapping[str, str]) -> ClusterSegmenter:
        """The same clusters under other names; two that get one name become one region.

        Raises UnknownName for a region that does not exist.
        """
        for old in names:
            label_numbers([old], self.groups, segmenter=self.name)
        return replace(self, names=tuple(names.get(old, old) for old in self.names))

    def named(self, names: Mapping[int, str]) -> ClusterSegmenter:
        """The same clusters, some under new names, told by number; the rest keep theirs.

        Raises UnknownName for a number that no cluster has, BadSetting for an empty name.
        """
        for number in names:
            if not 0 <= number < len(self.names):
                raise UnknownName(
                    f"There is no cluster {number} in '{self.name}'.",
                    f"Its clusters are 0 to {len(self.names) - 1}.",
                )
        return replace(self, names=tuple(names.get(n, old) for n, old in enumerate(self.names)))

    def check(self, generator: Generator) -> None:
        """Raise WrongGenerator unless these clusters are of this very generator's features."""
        if weights_of(generator.fingerprint) != weights_of(self.generator_fingerprint):
            raise WrongGenerator(
                f"The clusters '{self.name}' were made for the generator '{self.generator_name}' "
                f"({self.generator_fingerprint[:12]}), not for '{generator.name}' "
                f"({generator.fingerprint[:12]}).",
                "Make them again for this one: eclipsed clusters make.",
            )

    def save(self, path: StrPath) -> None:
        """Write a safetensors file, whole or not at all; BadFile when that cannot be."""
        facts = {
            "format": FORMAT,
            "name": self.name,
            "names": list(self.names),
            "layers": [
                {"name": layer, "width": width}
                for layer, width in zip(self.feature_names, self.widths, strict=True)
            ],
            "generator": {"name": self.generator_name, "fingerprint": self.generator_fingerprint},
        }
        tensors = {"centres": self.centres.cpu().contiguous()}
        write_atomic(path, safetensors.torch.save(tensors, {KEY: json.dumps(facts)}))

    @classmethod
    def load(cls, path: StrPath) -> ClusterSegmenter:
        """Read what `save` wrote; BadFile when it is missing, damaged or something else."""
        data = read_bytes(path, limit=_LIMIT)
        try:
            return _from_bytes(data)
        except BadFile as error:
            raise BadFile(f"Cannot use {shown(path)}: {error.message}.", error.hint) from error


def holds_clusters(path: StrPath) -> bool:
    """Whether a file is one that `ClusterSegmenter.save` wrote."""
    return KEY in metadata_of(path)


def _from_bytes(data: bytes) -> ClusterSegmenter:
    try:
        tensors, metadata = read_tensors(data)
        text = metadata[KEY]
    except (BadFile, KeyError) as error:
        raise BadFile(f"it is {kind_of(data)}, not a file of clusters", _AGAIN) from error
    try:
        return _from_facts(json.loads(text), tensors)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadFile("what it says about its clusters makes no sense", _AGAIN) from error


def _from_facts(facts: dict[str, Any], tensors: dict[str, Tensor]) -> ClusterSegmenter:
    if int(facts["format"]) > FORMAT:
        raise BadFile("it is newer than this version of eclipsed can read", "Upgrade eclipsed.")
    centres = tensors["centres"].float()
    if not bool(torch.isfinite(centres).all()):
        raise ValueError("numbers that are not finite")
    return ClusterSegmenter(
        feature_names=tuple(str(layer["name"]) for layer in facts["layers"]),
        widths=tuple(int(layer["width"]) for layer in facts["layers"]),
        names=tuple(str(name) for name in facts["names"]),
        centres=centres,
        generator_name=str(facts["generator"]["name"]),
        generator_fingerprint=str(facts["generator"]["fingerprint"]),
        name=str(facts["name"]),
    )


def stacked(features: Mapping[str, Tensor], names: Sequence[str]) -> Float[Tensor, "n c h w"]:
    """The named features' channels in one map, at the size of the largest of them.

    Raises BadSetting when one is not there.
    """
    for name in names:
        if name not in features:
            raise BadSetting(
                f"This segmenter looks at the feature '{name}', which the synthesis does not hold.",
                f"Synthesize with features=({', '.join(map(repr, names))},).",
            )
    maps = [features[name].float() for name in names]
    size = max((x.shape[2], x.shape[3]) for x in maps)
    return torch.cat(
        [F.interpolate(x, size, mode="bilinear", align_corners=False) for x in maps], dim=1
    )


def _alike(maps: Float[Tensor, "n c h w"], widths: Sequence[int]) -> Float[Tensor, "n c h w"]:
    """Features of length 1 in which every layer weighs the same, however many channels it has."""
    layers = maps.split(list(widths), dim=1)
    joined = torch.cat([F.normalize(x, dim=1) for x in layers], dim=1)
    return joined / math.sqrt(len(layers))


def _unnamed(number: int) -> str:
    return f"cluster_{number}"


@torch.no_grad()
def usual_layer(generator: Generator) -> str:
    """The feature to cluster unless another is named.

    The last of those nearest to 32 pixels, or to a quarter of the image's where that is less.
    """
    size = min(USUAL_PIXELS, generator.resolution / 4)
    latents = generator.sample([0])
    made = generator.synthesize(latents, features=generator.feature_names).features
    distance = {
        name: abs(math.log2(made[name].shape[-1] / size))
        for name in reversed(generator.feature_names)
    }
    return min(distance, key=distance.__getitem__)


@torch.no_grad()
def fit_clusters(
    generator: Generator,
    seeds: Sequence[int],
    layers: Sequence[str],
    count: int,
    seed: int = 0,
    *,
    truncation: float = 0.7,
) -> ClusterSegmenter:
    """Cut what a generator draws into `count` clusters, by k-means on its features.

    seeds: the images to learn from; fifty say enough. layers: names of features; one is best, see
    `usual_layer`. count: a dozen
    finds hair, skin and background; eyes or a mouth need two dozen. seed: decides the outcome where
    k-means could end in several.

    Raises BadSetting for no seeds or layers or an impossible count, UnknownName for a layer that
    the generator lacks.
    """
    if not seeds or not layers:
        raise BadSetting("Clusters need images and features to learn from.", "Name some of each.")
    if not 2 <= count <= MOST_CLUSTERS:
        raise BadSetting(
            f"There cannot be {count} clusters.", f"Choose between 2 and {MOST_CLUSTERS}."
        )
    draw = torch.Generator().manual_seed(seed)
    rows = []
    widths: tuple[int, ...] = ()
    for start in range(0, len(seeds), BATCH):
        some = list(seeds[start : start + BATCH])
        latents = generator.sample(some, truncation=truncation)
        made = generator.synthesize(latents, features=tuple(layers))
        widths = tuple(made.features[name].shape[1] for name in layers)
        maps = _alike(stacked(made.features, layers), widths)
        points = maps.permute(0, 2, 3, 1).flatten(0, 2)
        most = -(-POINTS * len(some) // len(seeds))
        chosen = torch.randperm(len(points), generator=draw)[:most]
        rows.append(points[chosen.to(points.device)].cpu())
    return ClusterSegmenter(
        feature_names=tuple(layers),
        widths=widths,
        names=tuple(map(_unnamed, range(count))),
        centres=k_means(torch.cat(rows), count, draw),
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
    )


def k_means(
    points: Float[Tensor, "p c"], count: int, draw: torch.Generator
) -> Float[Tensor, "k c"]:
    """Centres of length 1 of points of length 1, each point belonging to the nearest.

    Spherical k-means (Dhillon and Modha 2001) from a k-means++ start (Arthur and Vassilvitskii
    2007). Raises BadSetting when there are fewer points than centres.
    """
    if len(points) < count:
        raise BadSetting(f"{len(points)} positions cannot make {count} clusters.", "Use more.")
    centres = _spread_start(points, count, draw)
    before = torch.full((len(points),), -1)
    for _ in range(STEPS):
        likeness, labels = (points @ centres.t()).max(dim=1)
        if torch.equal(labels, before):
            break
        before = labels
        sums = torch.zeros_like(centres).index_add_(0, labels, points)
        empty = torch.bincount(labels, minlength=count) == 0
        # A centre that has lost all its points starts again where a point lies worst.
        sums[empty] = points[likeness.argsort()[: int(empty.sum())]]
        centres = F.normalize(sums, dim=1)
    return centres


def _spread_start(
    points: Float[Tensor, "p c"], count: int, draw: torch.Generator
) -> Float[Tensor, "k c"]:
    """Points as first centres, each likelier the farther it lies from those chosen before."""
    chosen = [int(torch.randint(len(points), (1,), generator=draw))]
    distance = torch.full((len(points),), float("inf"))
    for _ in range(count - 1):
        distance = torch.minimum(distance, (1.0 - points @ points[chosen[-1]]).clamp_min(0.0))
        # Where all points coincide with a centre, any will do.
        weights = distance if float(distance.sum()) > 0.0 else torch.ones_like(distance)
        chosen.append(int(torch.multinomial(weights, 1, generator=draw)))
    return points[chosen].clone()


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

    Clusters without a name show their number, regions their name; below, a region's share of all
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
        made = generator.synthesize(latents, features=segmenter.feature_names)
        labels = numbers[segmenter.labels(made).cpu()]
        counts += torch.bincount(labels.flatten(), minlength=len(regions))
        images = made.image.cpu().float().clamp(-1.0, 1.0)
        painted = 0.2 * images + 0.8 * colours[labels].permute(0, 3, 1, 2)
        for image, paint, label in zip(images, painted, labels, strict=True):
            cells += [_sized(image), _marked(_sized(paint), label, marks)]
    shares = (counts / counts.sum()).tolist()
    words = [
        f"{_legend(region, members)} {share:.0%}"
        for (region, members), share in zip(segmenter.groups.items(), shares, strict=True)
    ]
    tiles = colours[:, :, None, None].expand(-1, -1, 32, 96)
    return _below(
        grid(torch.stack(cells), columns=min(6, 2 * len(seeds))),
        grid(tiles, columns=min(8, len(regions)), labels=words),
    )


def _mark(region: str, members: tuple[int, ...]) -> str:
    """What stands on a region: its number while it has no name."""
    return str(members[0]) if region == _unnamed(members[0]) else region


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
        reach = max(1, labels.shape[0] // 16)
        around = F.avg_pool2d(inside[None], 2 * reach + 1, stride=1, padding=reach)[0] * inside
        row, column = divmod(int(around.argmax()), labels.shape[1])
        place = (
            (column + 0.5) * picture.width / labels.shape[1],
            (row + 0.5) * picture.height / labels.shape[0],
        )
        draw.text(
            place,
            marks[region],
            "white",
            anchor="mm",
            stroke_width=2,
            stroke_fill="black",
            font_size=_MARK,
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
