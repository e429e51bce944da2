"""Regions without any weights: clusters of what a generator's own features hold.

A GAN's features at 16 to 64 pixels tell the parts of its images apart well enough that k-means
finds them (Collins et al. 2020, "Editing in Style", arXiv:2004.14367, which clusters features of
length 1, as here). The clusters come without names: look at them (`eclipsed
clusters look`), then name them by their numbers, with `named`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed import files
from eclipsed.errors import BadFile, BadSetting, UnknownName, WrongGenerator
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
_AGAIN = "Make it again: eclipsed clusters make."


@dataclass(frozen=True, eq=False)
class ClusterSegmenter:
    """Regions of one generator's features (eclipsed.types.Segmenter).

    feature_names, widths: the layers it looks at and their channels, C together. A synthesis must
    hold them: `generator.synthesize(…, features=segmenter.feature_names)`.
    names: what each of the K clusters is called; clusters of one name are one region.
    centres: [K, C] of length 1; a position belongs to the centre that its features point to most.
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
        facts = (self.feature_names, self.widths, self.names, files.sha256_of(self.centres))
        return files.sha256_of(repr(facts).encode())

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

    def named(self, names: Mapping[int, str]) -> ClusterSegmenter:
        """The same clusters, some under new names, told by number; the rest keep theirs.

        Clusters that get one name become one region.

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

    def save(self, path: files.StrPath) -> None:
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
        files.write_atomic(path, safetensors.torch.save(tensors, {KEY: json.dumps(facts)}))

    @classmethod
    def load(cls, path: files.StrPath) -> ClusterSegmenter:
        """Read what `save` wrote; BadFile when it is missing, damaged or something else."""
        data = files.read_bytes(path, limit=_LIMIT)
        try:
            return _from_bytes(data)
        except BadFile as error:
            raise BadFile(
                f"Cannot use {files.shown(path)}: {error.message}.", error.hint
            ) from error


def holds_clusters(path: files.StrPath) -> bool:
    """Whether a file is one that `ClusterSegmenter.save` wrote."""
    return KEY in files.metadata_of(path)


def _from_bytes(data: bytes) -> ClusterSegmenter:
    try:
        tensors, metadata = files.read_tensors(data)
        text = metadata[KEY]
    except (BadFile, KeyError) as error:
        raise BadFile(f"it is {files.kind_of(data)}, not a file of clusters", _AGAIN) from error
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


def unnamed(number: int) -> str:
    """What a cluster is called until somebody names it."""
    return f"cluster_{number}"


@torch.no_grad()
def usual_layer(generator: Generator) -> str:
    """The feature to cluster unless another is named.

    The last of those nearest to 32 pixels, or to a quarter of the image's where that is less.
    """
    size = min(USUAL_PIXELS, generator.resolution / 4)
    latents = generator.sample([0])
    features = generator.synthesize(latents, features=generator.feature_names).features
    distance = {
        name: abs(math.log2(features[name].shape[-1] / size))
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
        features = generator.synthesize(latents, features=tuple(layers)).features
        widths = tuple(features[name].shape[1] for name in layers)
        maps = _alike(stacked(features, layers), widths)
        points = maps.permute(0, 2, 3, 1).flatten(0, 2)
        most = -(-POINTS * len(some) // len(seeds))
        chosen = torch.randperm(len(points), generator=draw)[:most]
        rows.append(points[chosen.to(points.device)].cpu())
    return ClusterSegmenter(
        feature_names=tuple(layers),
        widths=widths,
        names=tuple(map(unnamed, range(count))),
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
