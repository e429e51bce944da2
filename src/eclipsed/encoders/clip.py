"""Encoders for anyone's images and words: CLIP and SigLIP through transformers.

(Radford et al. 2021, arXiv:2103.00020; Zhai et al. 2023, arXiv:2303.15343; Tschannen et al. 2025,
arXiv:2502.14786.) Pictures are prepared by our own differentiable code, since the library's goes
through bytes and would stop the gradient.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fingerprint_of
from eclipsed.encoders import pretrained
from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import StrPath, shown
from eclipsed.text import listed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 64  # texts at a time
HALF = (0.5, 0.5, 0.5)


def _plain(text: str, settings: Mapping[str, Any]) -> str:
    """A text as SigLIP's was in training; the tokenizer's file alone does not see to it.

    Both versions read lower case; the first also drops punctuation and superfluous white space.
    """
    if settings.get("do_lower_case", True):
        text = text.lower()
    if settings.get("tokenizer_class") == "SiglipTokenizer":
        text = " ".join(text.translate(str.maketrans("", "", string.punctuation)).split())
    return text


@dataclass(frozen=True)
class Family:
    """What encoders of one kind have in common.

    kind: the class of transformers. plain: texts are brought to the form that it was trained on.
    padding: how short texts are filled. masked: whether the network is told what is filling.
    usual: how pictures are prepared where a folder does not say.
    """

    kind: str
    plain: bool
    padding: str
    masked: bool
    usual: pretrained.Preparation


FAMILIES: dict[str, Family] = {
    "clip": Family(
        kind="CLIPModel",
        plain=False,
        padding="longest",
        masked=True,
        usual=pretrained.Preparation(
            size=224,
            mean=(0.48145466, 0.4578275, 0.40821073),
            std=(0.26862954, 0.26130258, 0.27577711),
            kernel="bicubic",
            shortest=224,
        ),
    ),
    # Trained on texts filled to the full length, without a mask.
    "siglip": Family(
        kind="SiglipModel",
        plain=True,
        padding="max_length",
        masked=False,
        usual=pretrained.Preparation(size=224, mean=HALF, std=HALF, kernel="bicubic"),
    ),
}


class PretrainedEncoder(nn.Module):
    """A frozen CLIP or SigLIP (eclipsed.types.Encoder).

    templates: sentences in which "{}" stands for the text; a text's embedding is the mean over
    them, of length 1 again. settings: the tokenizer's own.

    Raises BadSetting for no templates, or one without "{}".
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        preparation: pretrained.Preparation,
        family: Family,
        *,
        name: str,
        templates: tuple[str, ...] = ("{}",),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if not templates or not all("{}" in template for template in templates):
            raise BadSetting("Every template needs a {} where the text goes.")
        self.model = model
        self.tokenizer = tokenizer
        self.preparation = preparation
        self.family = family
        self.name = name
        self.templates = templates
        self.settings = settings or {}
        self.size = preparation.size
        self.mean = preparation.mean
        self.std = preparation.std

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every weight and over how texts and pictures are prepared."""
        texts = (self.templates, sorted(self.settings.items()), self.family)
        return fingerprint_of(self.model, self.preparation, texts)

    @torch.no_grad()
    def encode_text(self, texts: Sequence[str]) -> Float[Tensor, "n e"]:
        """[N, E], rows of length 1; what is longer than the network can read is cut."""
        texts = listed(texts)
        if not texts:
            return self.encode_text([""])[:0]
        sentences = [form.replace("{}", text) for text in texts for form in self.templates]
        rows = [
            self._encode_sentences(sentences[start : start + BATCH])
            for start in range(0, len(sentences), BATCH)
        ]
        forms = torch.cat(rows).unflatten(0, (len(texts), len(self.templates)))
        return F.normalize(forms.mean(dim=1), dim=1)

    def _encode_sentences(self, sentences: list[str]) -> Float[Tensor, "n e"]:
        model = cast("Any", self.model)
        if self.family.plain:
            sentences = [_plain(sentence, self.settings) for sentence in sentences]
        tokens = self.tokenizer(
            sentences,
            padding=self.family.padding,
            truncation=True,
            max_length=model.config.text_config.max_position_embeddings,
            return_attention_mask=self.family.masked,
            return_token_type_ids=False,
            return_tensors="pt",
        )
        return F.normalize(_pooled(model.get_text_features(**tokens.to(model.device))), dim=1)

    def encode_image(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
        """[N, E], rows of length 1, from images in [-1, 1] of any size; differentiable."""
        return self.encode_pixels(self.preparation(images))

    def encode_pixels(self, pixels: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n e"]:
        """[N, E], rows of length 1, from pixels of `size`², normalised by `mean` and `std`."""
        model = cast("Any", self.model)
        return F.normalize(_pooled(model.get_image_features(pixel_values=pixels)), dim=1)


def _pooled(output: Any) -> Tensor:
    # A tensor up to version 4 of transformers, a record of several from version 5 on.
    return output if isinstance(output, Tensor) else cast("Tensor", output.pooler_output)


def load_encoder(
    source: StrPath,
    *,
    device: str | torch.device = "cpu",
    local_only: bool = False,
    templates: tuple[str, ...] = ("{}",),
) -> PretrainedEncoder:
    """An encoder from a local folder or a hub name such as "google/siglip-base-patch16-224".

    "owner/name@revision" picks one version. Only safetensors are read, and nothing is executed.

    Raises BadFile when it is missing, cannot be downloaded, holds another network, has no
    safetensors, or is damaged; BadSetting for a template without "{}".
    """
    folder = pretrained.pretrained_folder(source, local_only=local_only)
    kind = pretrained.network_type(folder)
    if kind not in FAMILIES:
        hint = f"Give one of kind {' or '.join(FAMILIES)}."
        if kind == "siglip2":
            hint = "Take a SigLIP 2 of one size, such as 'google/siglip2-base-patch16-224'."
        raise BadFile(
            f"The folder {shown(source)} holds a network of kind {kind!r}, no encoder that can "
            "be used.",
            hint,
        )
    family = FAMILIES[kind]
    encoder = PretrainedEncoder(
        pretrained.load_frozen(family.kind, folder, device),
        pretrained.load_tokenizer(folder),
        pretrained.read_preparation(folder, family.usual),
        family,
        name=Path(source).name,
        templates=templates,
        settings=pretrained.read_json(folder, "tokenizer_config.json"),
    )
    sees = cast("Any", encoder.model).config.vision_config.image_size
    if sees != encoder.size:
        raise BadFile(
            f"The encoder in {shown(source)} sees {sees} pixels, but its pictures are prepared "
            f"with {encoder.size}.",
            "Get it again.",
        )
    return encoder
