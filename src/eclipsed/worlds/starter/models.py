"""The starter world's encoder, segmenter and judge: their sizes, and how they are loaded.

Weights are safetensors in fp16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fill, fingerprint_of
from eclipsed.errors import BadFile
from eclipsed.files import read_bytes, read_tensors, shown
from eclipsed.segmenters.labels import label_numbers
from eclipsed.text import listed
from eclipsed.types import Claim, Synthesis, Verdict
from eclipsed.worlds.starter.artifacts import artifact
from eclipsed.worlds.starter.attributes import GROUP, JUDGED, REGIONS
from eclipsed.worlds.starter.networks import (
    Classifier,
    ImageTower,
    InverterHead,
    TextImageModel,
    TowerConfig,
    UNet,
    tower_features,
)

WORLD_TOWER = TowerConfig(widths=(32, 64, 128, 160), head=48, outputs=256)
WORLD_HIDDEN = 512
WORLD_UNET = (32, 64, 96)
INVERTER_HIDDEN = 176
# The judges: another architecture (no shortcuts, ReLU), other widths, other seeds.
JUDGE_TOWER = TowerConfig(widths=(24, 48, 96, 112), head=24, outputs=128, residual=False)
JUDGE_HIDDEN = 256
JUDGE_UNET = (16, 36, 60)
ORACLE_TOWER = TowerConfig(
    widths=(24, 56, 96, 128), head=24, outputs=sum(map(len, JUDGED.values())), residual=False
)
# Parts that other parts can cover, and the groups whose values do the covering.
COVERED = ("mouth", "eyes", "brows", "clothes")
COVERING = ("top", "glasses", "beard")
# Of the table that says which part shows: covered group, its value, values of the covering groups.
TABLE_SHAPE = (
    len(COVERED),
    max(len(GROUP[group].values) for group in COVERED),
    *(len(GROUP[group].values) for group in COVERING),
)
REMAKE = "Reinstall eclipsed or remake it with `make starter`."
_MOST_BYTES = 64 * 2**20

Network = TypeVar("Network", bound=nn.Module)


def _read(path: Path) -> dict[str, Tensor]:
    data = read_bytes(path, limit=_MOST_BYTES)
    try:
        return read_tensors(data)[0]
    except BadFile:
        raise BadFile(f"The weights file {shown(path)} is damaged.", REMAKE) from None


def _filled(network: Network, tensors: Mapping[str, Tensor], path: Path) -> Network:
    try:
        return fill(network, tensors, "network of the starter world")
    except BadFile as error:
        raise BadFile(
            f"The weights file {shown(path)} does not hold what this version needs. "
            f"{error.message}",
            REMAKE,
        ) from error


class StarterEncoder(nn.Module):
    """Text and image towers over the frozen sentence encoder (eclipsed.types.Encoder)."""

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, model: TextImageModel, *, name: str = "starter") -> None:
        super().__init__()
        self.model = model
        self.name = name
        self.size = model.image.config.size

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.model, self.size, self.mean, self.std)

    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "n e"]:
        # Loading it costs seconds, and images need none of it.
        from eclipsed.prompts.sentences import sentence_encoder

        return self.encode_sentences(sentence_encoder()(listed(texts)))

    @torch.no_grad()
    def encode_sentences(self, vectors: Float[Tensor, "n 384"]) -> Float[Tensor, "n e"]:
        """As `encode_text`, from the frozen sentence encoder's vectors."""
        return F.normalize(self.model.text(vectors.to(self.model.scale.device)), dim=1)

    def encode_image(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        images = images.clamp(-1, 1)
        if images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(images, (self.size,) * 2, mode="bilinear", antialias=True)
        return self.encode_pixels(images)

    def encode_pixels(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        return F.normalize(self.model.image(pixels), dim=1)


class StarterSegmenter(nn.Module):
    """Region masks by a small U-Net (eclipsed.types.Segmenter)."""

    feature_names: tuple[str, ...] = ()

    def __init__(
        self, network: UNet, *, regions: tuple[str, ...] = REGIONS, name: str = "starter"
    ) -> None:
        super().__init__()
        self.network = network
        self.regions = regions
        self.name = name

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.network, self.regions, self.feature_names)

    @torch.no_grad()
    def labels(self, images: Float[Tensor, "n 3 h w"]) -> Int[Tensor, "n h w"]:
        """Region numbers, indices into `regions`."""
        logits: Tensor = self.network(images.clamp(-1, 1))
        return logits.argmax(dim=1)

    @torch.no_grad()
    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Float[Tensor, "n h w"]:
        groups = {region: (number,) for number, region in enumerate(self.regions)}
        numbers = label_numbers(regions, groups, segmenter=self.name)
        labels = self.labels(synthesis.image)
        return torch.isin(labels, torch.tensor(numbers, device=labels.device)).float()


class SmallInverter(nn.Module):
    """Latents of images at a glance (eclipsed.types.Inverter), by a head on an encoder's tower."""

    def __init__(self, tower: ImageTower, head: InverterHead, *, name: str = "starter") -> None:
        super().__init__()
        self.tower = tower
        self.head = head
        self.name = name
        self.size = tower.config.size

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self, self.size)

    @torch.no_grad()
    def latents(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        images = images.clamp(-1, 1)
        if images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(images, (self.size,) * 2, mode="bilinear", antialias=True)
        return self.head(tower_features(self.tower, images))  # type: ignore[no-any-return]


class StarterJudge(nn.Module):
    """Oracle, second encoder and second segmenter (eclipsed.types.Judge); used by scores only.

    seen: uint8 TABLE_SHAPE, 1 where at least 60% of the part's own pixels show.
    """

    groups: Mapping[str, tuple[str, ...]] = JUDGED
    seen: Tensor
    has_hair: Tensor

    def __init__(
        self, oracle: Classifier, encoder: StarterEncoder, segmenter: StarterSegmenter, seen: Tensor
    ) -> None:
        super().__init__()
        self.oracle = oracle
        self.encoder = encoder
        self.segmenter = segmenter
        self.register_buffer("seen", seen)
        has_hair = [v.file is not None and v.region is None for v in GROUP["top"].values]
        self.register_buffer("has_hair", torch.tensor(has_hair))

    @torch.no_grad()
    def attributes(self, images: Float[Tensor, "n 3 h w"]) -> Verdict:
        logits = self.oracle(images.clamp(-1, 1))
        chances = {group: value.softmax(dim=1) for group, value in logits.items()}
        best = {group: value.argmax(dim=1) for group, value in chances.items()}
        visible = {g: torch.ones(len(images), dtype=torch.bool, device=images.device) for g in best}
        covering = [best[group] for group in COVERING]
        for number, group in enumerate(COVERED):
            visible[group] = self.seen[number, best[group], *covering].bool()
        visible["clothes color"] = visible["clothes"]
        visible["hair color"] = self.has_hair[best["top"]]
        return Verdict(probabilities=chances, visible=visible)

    @torch.no_grad()
    def features(
        self, images: Float[Tensor, "n 3 h w"], hidden: Float[Tensor, "n h w"]
    ) -> Float[Tensor, "n f"]:
        grey = images.clamp(-1, 1) * (1 - hidden.unsqueeze(1))
        tower = self.oracle.tower
        return tower.squeeze(tower.maps(grey)).flatten(1)  # type: ignore[no-any-return]

    @torch.no_grad()
    def maps(self, images: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, ...]:
        """The oracle's feature maps of images, one per stage, finest first: [N, C, h, w]."""
        x = images.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
        maps = []
        for stage in self.oracle.tower.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)

    def artifact(self, images: Float[Tensor, "n 3 h w"], verdict: Verdict) -> Float[Tensor, " n"]:
        """The distance of images to the nearest clean avatars of what the oracle sees in them."""
        return artifact(images, verdict.probabilities)

    def claim(self, prompt: str) -> Claim | None:
        from eclipsed.worlds.starter.claims import parse_claim  # needs the sentence encoder

        return parse_claim(prompt)


def load_encoder(path: Path) -> StarterEncoder:
    """The world's encoder of a file."""
    model = _filled(TextImageModel(WORLD_TOWER, WORLD_HIDDEN), _read(path), path)
    return StarterEncoder(model).eval()


def load_segmenter(path: Path) -> StarterSegmenter:
    """The world's segmenter of a file."""
    return StarterSegmenter(_filled(UNet(WORLD_UNET, len(REGIONS)), _read(path), path)).eval()


def load_judges(path: Path) -> StarterJudge:
    """The judges of one file: three networks, each under its prefix, and the table `seen`."""
    tensors = _read(path)

    def part(prefix: str, network: Network) -> Network:
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        return _filled(network, own, path)

    values = {group: len(names) for group, names in JUDGED.items()}
    oracle = part("oracle.", Classifier(ORACLE_TOWER, values))
    encoder = part("encoder.", TextImageModel(JUDGE_TOWER, JUDGE_HIDDEN))
    segmenter = part("segmenter.", UNet(JUDGE_UNET, len(REGIONS)))
    seen = tensors.get("seen", torch.empty(0))
    if seen.shape != TABLE_SHAPE:
        raise BadFile(f"The weights file {shown(path)} lacks the table of what hides what.", REMAKE)
    return StarterJudge(oracle, StarterEncoder(encoder), StarterSegmenter(segmenter), seen).eval()
