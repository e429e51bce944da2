"""BERT (Devlin et al. 2019, arXiv:1810.04805) as an encoder of tokens, in plain PyTorch ops.

Parameter names are those of published files. It stands here because the library that has it takes
seconds to import, and every prompt is read by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn


@dataclass(frozen=True)
class BertConfig:
    """Sizes of a BERT. inner: width between the two matrices of a layer. longest: tokens of a text.
    kinds: of tokens, of which the first alone is used."""

    words: int
    width: int
    inner: int
    layers: int
    heads: int
    longest: int
    kinds: int
    epsilon: float

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> BertConfig:
        """Of what a published `config.json` says; KeyError where it lacks a size."""
        return cls(
            words=facts["vocab_size"],
            width=facts["hidden_size"],
            inner=facts["intermediate_size"],
            layers=facts["num_hidden_layers"],
            heads=facts["num_attention_heads"],
            longest=facts["max_position_embeddings"],
            kinds=facts["type_vocab_size"],
            epsilon=facts["layer_norm_eps"],
        )


class Attention(nn.Module):
    """Tokens look at each other, many heads at once; what they see is added to them."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        names = ("query", "key", "value")
        self.self = nn.ModuleDict({name: nn.Linear(config.width, config.width) for name in names})
        self.output = Joined(config.width, config)
        self.heads = config.heads

    def forward(self, x: Float[Tensor, "n t w"], mask: Tensor | None) -> Float[Tensor, "n t w"]:
        query, key, value = (
            part(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.self.values()
        )
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.output(seen.transpose(1, 2).flatten(2), x)  # type: ignore[no-any-return]


class Joined(nn.Module):
    """A matrix, and the sum of its result with what came before, normalised."""

    def __init__(self, inputs: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.width)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.epsilon)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(x) + before)  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Attention, then two matrices for every token by itself."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(config.width, config.inner)})
        self.output = Joined(config.inner, config)

    def forward(self, x: Float[Tensor, "n t w"], mask: Tensor | None) -> Float[Tensor, "n t w"]:
        x = self.attention(x, mask)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)  # type: ignore[no-any-return]


class Embeddings(nn.Module):
    """Vectors of tokens and of where they stand; all tokens are of kind 0."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.words, config.width)
        self.position_embeddings = nn.Embedding(config.longest, config.width)
        self.token_type_embeddings = nn.Embedding(config.kinds, config.width)
        self.LayerNorm = nn.LayerNorm(config.width, eps=config.epsilon)

    def forward(self, ids: Int[Tensor, "n t"]) -> Float[Tensor, "n t w"]:
        whole = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        return self.LayerNorm(  # type: ignore[no-any-return]
            whole + self.position_embeddings.weight[: ids.shape[1]]
        )


class Bert(nn.Module):
    """Tokens → one vector for each."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, ids: Int[Tensor, "n t"], mask: Int[Tensor, "n t"]) -> Float[Tensor, "n t w"]:
        """mask: 0 for the tokens that only fill up a batch, which the others do not look at."""
        seen = mask.bool()[:, None, None].expand(-1, -1, ids.shape[1], -1)
        looks = None if bool(mask.all()) else seen
        x = self.embeddings(ids)
        for layer in self.encoder["layer"].children():
            x = layer(x, looks)
        return x  # type: ignore[no-any-return]
