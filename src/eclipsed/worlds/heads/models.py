"""The judge of heads, which measures every attribute, and the sizes of the world's networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.types import Claim, Verdict
from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN, NAMES, REGIONS
from eclipsed.worlds.heads.encoder import JUDGE_HIDDEN, JUDGE_TOWER
from eclipsed.worlds.heads.visibility import visible
from eclipsed.worlds.starter.models import StarterEncoder, StarterSegmenter
from eclipsed.worlds.starter.networks import (
    ImageTower,
    TextImageModel,
    TowerConfig,
    UNet,
    features_outside,
    stage_maps,
)
from eclipsed.worlds.weights import filled, read_networks

WORLD_UNET = (24, 56, 96)
# The judges: another architecture (no shortcuts, ReLU), other widths, other seeds.
JUDGE_UNET = (16, 36, 60)
ORACLE_TOWER = TowerConfig(widths=(24, 56, 112, 160), head=32, outputs=len(NAMES), residual=False)
# What is judged: nuisances are measured too, but nobody asks for them.
JUDGED: dict[str, tuple[str, str]] = {
    attribute.name: (attribute.low, attribute.high)
    for attribute in ATTRIBUTES
    if attribute.kind == "attribute"
}
REMAKE = "Reinstall eclipsed or remake it with `python -m kits.heads.recipe`."


class HeadsJudge(nn.Module):
    """Oracle, second encoder and second segmenter (eclipsed.types.Judge); used by scores only.

    The oracle measures: an attribute is a group of two values, its low and its high end, and its
    level is the value that the oracle reads.
    """

    groups: Mapping[str, tuple[str, ...]] = JUDGED

    def __init__(
        self, oracle: ImageTower, encoder: StarterEncoder, segmenter: StarterSegmenter
    ) -> None:
        super().__init__()
        self.oracle = oracle
        self.encoder = encoder
        self.segmenter = segmenter

    @torch.no_grad()
    def values(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n k"]:
        """All that the oracle reads, from 0 to 1: columns as in NAMES, nuisances included."""
        measured: Tensor = self.oracle(images.clamp(-1, 1))
        return measured.clamp(0, 1)

    def attributes(self, images: Float[Tensor, "n 3 h w"]) -> Verdict:
        values = self.values(images)
        told = visible(values, self.segmenter.labels(images))
        levels = {name: values[:, COLUMN[name]] for name in JUDGED}
        return Verdict(
            probabilities={n: torch.stack([1 - v, v], dim=1) for n, v in levels.items()},
            visible={name: told[:, COLUMN[name]] for name in JUDGED},
            levels=levels,
        )

    @torch.no_grad()
    def features(
        self, images: Float[Tensor, "n 3 h w"], hidden: Float[Tensor, "n h w"]
    ) -> Float[Tensor, "n f"]:
        return features_outside(self.oracle, images, hidden)

    @torch.no_grad()
    def maps(self, images: Float[Tensor, "n 3 h w"]) -> tuple[Tensor, ...]:
        """The oracle's feature maps of images, one per stage, finest first: [N, C, h, w]."""
        return stage_maps(self.oracle, images)

    def claim(self, prompt: str) -> Claim | None:
        from eclipsed.worlds.heads.claims import goals  # needs the sentence encoder

        asked = goals(prompt)
        known = [goal for goal in asked or () if goal.name in JUDGED]
        if not asked or asked[0].name not in JUDGED:
            return None
        first, *besides = (claim_of(goal.name, goal.low, goal.high) for goal in known)
        return Claim(first.group, first.values, first.span, tuple(besides))


def claim_of(name: str, low: float, high: float) -> Claim:
    """The claim that an attribute lies between low and high, each from 0 to 1."""
    ends = zip(JUDGED[name], (0.0, 1.0), strict=True)
    return Claim(name, tuple(word for word, end in ends if low <= end <= high), (low, high))


def load_judges(path: Path, device: str = "cpu") -> HeadsJudge:
    """The judges of one file: three networks, each under its prefix. Raises BadFile."""
    tensors = read_networks(path, REMAKE)
    text_image, unet = TextImageModel(JUDGE_TOWER, JUDGE_HIDDEN), UNet(JUDGE_UNET, len(REGIONS))
    oracle = filled(ImageTower(ORACLE_TOWER), tensors, path, "oracle.", REMAKE)
    encoder = filled(text_image, tensors, path, "encoder.", REMAKE)
    segmenter = filled(unet, tensors, path, "segmenter.", REMAKE)
    judge = HeadsJudge(
        oracle,
        StarterEncoder(encoder, name="heads"),
        StarterSegmenter(segmenter, regions=REGIONS, name="heads"),
    )
    return judge.eval().to(device)
