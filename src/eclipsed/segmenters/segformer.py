"""Semantic segmentation by SegFormer or UPerNet through transformers: parts of faces or scenes.

Which labels there are is read from the model's own configuration; `labels` makes regions of them.
(Xie et al. 2021, arXiv:2105.15203; Xiao et al. 2018, arXiv:1807.10221.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fingerprint_of
from eclipsed.encoders import pretrained
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown
from eclipsed.segmenters.labels import group_labels, label_numbers
from eclipsed.types import Synthesis

# What a folder may hold → the class of transformers that reads it.
KINDS: dict[str, str] = {
    "segformer": "SegformerForSemanticSegmentation",
    "upernet": "UperNetForSemanticSegmentation",
}


class LabelSegmenter(nn.Module):
    """Regions of a network that gives every pixel one label (eclipsed.types.Segmenter).

    model: prepared pictures → scores [N, K, h, w], smaller than the image, perhaps as `logits`.
    labels: the network's, in the order of its outputs. align_corners: how scores are enlarged.
    """

    feature_names: tuple[str, ...] = ()

    def __init__(
        self,
        model: nn.Module,
        labels: Sequence[str],
        preparation: pretrained.Preparation,
        *,
        name: str,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.preparation = preparation
        self.name = name
        self.align_corners = align_corners
        self.groups = group_labels(labels)
        self.regions = tuple(self.groups)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.model, self.preparation, self.groups, self.feature_names)

    @torch.no_grad()
    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Float[Tensor, "n h w"]:
        """[N, H, W] at the image's size; UnknownName for a region that does not exist."""
        numbers = label_numbers(regions, self.groups, segmenter=self.name)
        image = synthesis.image
        output = self.model(self.preparation.exactly(image))
        scores = output if isinstance(output, Tensor) else output.logits
        size = (image.shape[2], image.shape[3])
        labels = best_labels(scores, size, align_corners=self.align_corners)
        return torch.isin(labels, torch.tensor(numbers, device=image.device)).float()


def best_labels(
    scores: Float[Tensor, "n k _ _"], size: tuple[int, int], *, align_corners: bool = False
) -> Int[Tensor, "n h w"]:
    """The label of the highest score at each pixel of a larger picture."""

    def best(one: Float[Tensor, "k _ _"]) -> Int[Tensor, "h w"]:
        # Enlarged before the best is chosen, so that borders are smooth.
        large = F.interpolate(one[None], size, mode="bilinear", align_corners=align_corners)
        return large[0].argmax(dim=0)

    # One picture at a time: 150 labels of a 1024² picture take 600 MB.
    return torch.stack([best(one) for one in scores])


def load_segformer(
    source: StrPath, *, device: str | torch.device = "cpu", local_only: bool = False
) -> LabelSegmenter:
    """A SegFormer or UPerNet from a local folder or a hub name such as "jonathandinu/face-parsing".

    Raises BadFile when it is missing, holds another network, has no safetensors, or is damaged.
    """
    folder = pretrained.pretrained_folder(source, local_only=local_only)
    kind = pretrained.network_type(folder)
    if kind not in KINDS:
        raise BadFile(
            f"The folder {shown(source)} holds a network of kind {kind!r}.",
            f"Give one of kind {' or '.join(KINDS)}.",
        )
    settings = pretrained.read_json(folder, "config.json")
    if settings.get("backbone") or settings.get("use_pretrained_backbone"):
        # Its class would fetch the weights of another repository.
        raise BadFile(f"The network in {shown(source)} is in two parts, which is not supported.")
    labels = _labels(settings, source)
    model = pretrained.load_frozen(KINDS[kind], folder, device)
    preparation = pretrained.read_preparation(folder, pretrained.IMAGENET)
    return LabelSegmenter(model, labels, preparation, name=Path(source).name)


def _labels(settings: dict[str, Any], source: StrPath) -> list[str]:
    names = settings.get("id2label")
    try:
        return [str(names[str(number)]) for number in range(len(names))]  # type: ignore[index, arg-type]
    except (KeyError, TypeError):
        raise BadFile(
            f"The configuration in {shown(source)} does not name the labels.",
            "It needs 'id2label', numbered from 0.",
        ) from None
