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
from eclipsed.encoders.pretrained import (
    Preparation,
    load_frozen,
    network_type,
    pretrained_folder,
    read_json,
    read_preparation,
)
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, shown
from eclipsed.segmenters.labels import group_labels, label_numbers
from eclipsed.types import Synthesis

# What a folder may hold → the class of transformers that reads it.
KINDS: dict[str, str] = {
    "segformer": "SegformerForSemanticSegmentation",
    "upernet": "UperNetForSemanticSegmentation",
}
_USUAL = Preparation(
    size=512, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), kernel="bilinear"
)


class LabelSegmenter(nn.Module):
    """Regions of a network that gives every pixel one label (eclipsed.types.Segmenter).

    labels: the network's, in the order of its outputs.
    """

    feature_names: tuple[str, ...] = ()

    def __init__(
        self, model: nn.Module, labels: Sequence[str], preparation: Preparation, *, name: str
    ) -> None:
        super().__init__()
        self.model = model
        self.preparation = preparation
        self.name = name
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
        scores = self.model(pixel_values=self.preparation.exactly(image)).logits
        labels = best_labels(scores, (image.shape[2], image.shape[3]))
        return torch.isin(labels, torch.tensor(numbers, device=image.device)).float()


def best_labels(scores: Float[Tensor, "n k _ _"], size: tuple[int, int]) -> Int[Tensor, "n h w"]:
    """The label of the highest score at each pixel of a larger picture."""
    # One picture at a time: 150 labels of a 1024² picture take 600 MB.
    return torch.cat(
        [
            F.interpolate(one[None], size, mode="bilinear", align_corners=False).argmax(dim=1)
            for one in scores
        ]
    )


def load_segformer(
    source: StrPath, *, device: str | torch.device = "cpu", local_only: bool = False
) -> LabelSegmenter:
    """A SegFormer or UPerNet from a local folder or a hub name such as "jonathandinu/face-parsing".

    Raises BadFile when it is missing, holds another network, has no safetensors, or is damaged.
    """
    folder = pretrained_folder(source, local_only=local_only)
    kind = network_type(folder)
    if kind not in KINDS:
        raise BadFile(
            f"The folder {shown(source)} holds a network of kind {kind!r}.",
            f"Give one of kind {' or '.join(KINDS)}.",
        )
    settings = read_json(folder, "config.json")
    if settings.get("backbone") or settings.get("use_pretrained_backbone"):
        # Its class would fetch the weights of another repository.
        raise BadFile(f"The network in {shown(source)} is in two parts, which is not supported.")
    labels = _labels(settings, source)
    model = load_frozen(KINDS[kind], folder, device)
    preparation = read_preparation(folder, _USUAL)
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
