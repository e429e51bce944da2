"""The starter world's encoder, segmenter and judge: their sizes, and how they are loaded.

Weights are safetensors in fp16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fingerprint_of
from eclipsed.errors import BadFile
from eclipsed.files import shown
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
    features_outside,
    stage_maps,
    tower_features,
)
from eclipsed.worlds.weights import REMAKE, filled, read_networks

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
        return features_outside(self.oracle.tower, images, hidden)

    @torch.no_grad()
    def maps(self, images: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, ...]:
        """The oracle's feature maps of images, one per stage, finest first: [N, C, h, w]."""
        return stage_maps(self.oracle.tower, images)

    def artifact(self, images: Float[Tensor, "n 3 h w"], verdict: Verdict) -> Float[Tensor, " n"]:
        """The distance of images to the nearest clean avatars of what the oracle sees in them."""
        return artifact(images, verdict.probabilities)

    def claim(self, prompt: str) -> Claim | None:
        from eclipsed.worlds.starter.claims import parse_claim  # needs the sentence encoder

        return parse_claim(prompt)


def load_encoder(
    path: Path,
    tower: TowerConfig = WORLD_TOWER,
    hidden: int = WORLD_HIDDEN,
    *,
    name: str = "starter",
    remake: str = REMAKE,
) -> StarterEncoder:
    """A world's encoder of a file, of the starter's sizes unless told others."""
    tensors = read_networks(path, remake)
    model = filled(TextImageModel(tower, hidden), tensors, path, remake=remake)
    return StarterEncoder(model, name=name).eval()


def load_segmenter(
    path: Path,
    widths: tuple[int, int, int] = WORLD_UNET,
    regions: tuple[str, ...] = REGIONS,
    *,
    name: str = "starter",
    remake: str = REMAKE,
) -> StarterSegmenter:
    """A world's segmenter of a file, of the starter's sizes unless told others."""
    tensors = read_networks(path, remake)
    network = filled(UNet(widths, len(regions)), tensors, path, remake=remake)
    return StarterSegmenter(network, regions=regions, name=name).eval()


def load_judges(path: Path) -> StarterJudge:
    """The judges of one file: three networks, each under its prefix, and the table `seen`."""
    tensors = read_networks(path)
    values = {group: len(names) for group, names in JUDGED.items()}
    oracle = filled(Classifier(ORACLE_TOWER, values), tensors, path, "oracle.")
    encoder = filled(TextImageModel(JUDGE_TOWER, JUDGE_HIDDEN), tensors, path, "encoder.")
    segmenter = filled(UNet(JUDGE_UNET, len(REGIONS)), tensors, path, "segmenter.")
    seen = tensors.get("seen", torch.empty(0))
    if seen.shape != TABLE_SHAPE:
        raise BadFile(f"The weights file {shown(path)} lacks the table of what hides what.", REMAKE)
    return StarterJudge(oracle, StarterEncoder(encoder), StarterSegmenter(segmenter), seen).eval()
