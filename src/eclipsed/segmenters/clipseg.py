"""Regions by any words: CLIPSeg (Lüddecke and Ecker 2022, arXiv:2112.10003) through transformers.

Every region is a phrase; the network gives each pixel a probability that the phrase is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fingerprint_of
from eclipsed.encoders import pretrained
from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import StrPath, shown
from eclipsed.segmenters.labels import label_numbers
from eclipsed.types import Synthesis

# The lower of the two at which the authors report foreground IoU (0.3 and 0.5).
THRESHOLD = 0.3
_PREPARATION = replace(pretrained.IMAGENET, size=352)


class PhraseSegmenter(nn.Module):
    """Regions that are phrases (eclipsed.types.Segmenter).

    phrases: the regions' embeddings [R, E], in the order of `regions`. threshold: the probability
    from which a pixel belongs to a region; a lower one takes in more and misses less.
    """

    phrases: Tensor

    feature_names: tuple[str, ...] = ()

    def __init__(
        self,
        model: nn.Module,
        preparation: pretrained.Preparation,
        regions: Sequence[str],
        phrases: Float[Tensor, "r e"],
        *,
        name: str,
        threshold: float = THRESHOLD,
    ) -> None:
        super().__init__()
        if not 0.0 < threshold < 1.0:
            raise BadSetting(f"A threshold must lie between 0 and 1, which {threshold} does not.")
        self.model = model
        self.preparation = preparation
        self.regions = tuple(regions)
        self.groups = {region: (number,) for number, region in enumerate(self.regions)}
        self.name = name
        self.threshold = threshold
        self.register_buffer("phrases", phrases)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every weight, the phrases' embeddings among them, and what is set."""
        return fingerprint_of(
            self, self.preparation, self.regions, self.threshold, self.feature_names
        )

    @torch.no_grad()
    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Float[Tensor, "n h w"]:
        """[N, H, W] at the image's size; UnknownName for a region that was not named."""
        image = synthesis.image
        pixels = self.preparation.exactly(image)
        union = torch.zeros_like(image[:, 0], dtype=torch.float32)
        numbers = label_numbers(regions, self.groups, segmenter=self.name)
        seen = self._seen(pixels) if numbers else []
        for number in numbers:
            large = F.interpolate(
                self._scores(seen, number), image.shape[2:], mode="bilinear", align_corners=False
            ).sigmoid()
            union = torch.maximum(union, (large[:, 0] >= self.threshold).float())
        return union

    def _seen(self, pixels: Float[Tensor, "n 3 s s"]) -> list[Tensor]:
        """What the image tower's layers say that the decoder looks at; the same for any phrase."""
        model = cast("Any", self.model)
        tower = model.clip.vision_model(pixel_values=pixels, output_hidden_states=True)
        # The first one is the embedded patches, before any layer.
        return [tower.hidden_states[layer + 1] for layer in model.extract_layers]

    def _scores(self, seen: list[Tensor], number: int) -> Float[Tensor, "n 1 s s"]:
        """How strongly each pixel answers a phrase, as logits."""
        count = len(seen[0])
        phrase = self.phrases[number].expand(count, -1)
        scores: Tensor = cast("Any", self.model).decoder(seen, phrase).logits
        # One picture alone comes without its first axis in some versions.
        return scores.reshape(count, 1, *scores.shape[-2:])


def load_clipseg(
    source: StrPath,
    regions: Sequence[str],
    *,
    threshold: float = THRESHOLD,
    device: str | torch.device = "cpu",
    local_only: bool = False,
) -> PhraseSegmenter:
    """A CLIPSeg from a local folder or a hub name such as "CIDAS/clipseg-rd64-refined".

    regions: phrases, each of which becomes a region of that name, for example "the horse's mane".

    Raises BadSetting without regions or for an empty one, BadFile when the network is missing, of
    another kind, without safetensors, or damaged.
    """
    names = list(dict.fromkeys(" ".join(region.split()) for region in regions))
    if not all(names) or not names:
        raise BadSetting(
            "This segmenter finds what it is told to, and was told nothing.",
            'Name its regions, as in "wheels" or "mane".',
        )
    folder = pretrained.pretrained_folder(source, local_only=local_only)
    kind = pretrained.network_type(folder)
    if kind != "clipseg":
        raise BadFile(
            f"The folder {shown(source)} holds a network of kind {kind!r}, not a CLIPSeg."
        )
    model = pretrained.load_frozen("CLIPSegForImageSegmentation", folder, device)
    return PhraseSegmenter(
        model,
        pretrained.read_preparation(folder, _PREPARATION),
        names,
        _embedded(model, folder, names, device),
        name=Path(source).name,
        threshold=threshold,
    )


@torch.no_grad()
def _embedded(
    model: nn.Module, folder: Path, phrases: list[str], device: str | torch.device
) -> Tensor:
    tokenizer = pretrained.load_tokenizer(folder)
    most = cast("Any", model).config.text_config.max_position_embeddings
    tokens = tokenizer(
        phrases, padding=True, truncation=True, max_length=most, return_tensors="pt"
    ).to(device)
    embeddings = cast("Any", model).get_conditional_embeddings(
        batch_size=len(phrases),
        input_ids=tokens["input_ids"],
        attention_mask=tokens["attention_mask"],
    )
    return cast("Tensor", embeddings)
