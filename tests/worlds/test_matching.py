from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from eclipsed.worlds import matching
from eclipsed.worlds.matching import NEAR, Lexicon, lexicon_of

_VECTORS = {
    "long hair": [1.0, 0.0, 0.0],
    "no hair": [0.0, 1.0, 0.0],
    "a ponytail": [0.0, 0.0, 1.0],
    "flowing tresses": [1.0, 0.1, 0.0],
}


@pytest.fixture
def lexicon(monkeypatch: pytest.MonkeyPatch) -> Lexicon[str]:
    def encode(texts: list[str]) -> Tensor:
        return F.pad(torch.tensor([_VECTORS[text] for text in texts]), (0, 381))

    monkeypatch.setattr(matching, "sentence_encoder", lambda: encode)
    phrases = [("long hair", "long"), ("no hair", "bald"), ("a ponytail", None)]
    return lexicon_of(phrases, lambda text: frozenset(text.split()) - {"a", "no"})


def test_a_phrase_is_nearest_to_itself(lexicon: Lexicon[str]) -> None:
    for index, entry in enumerate(lexicon.entries):
        said = list(_VECTORS)[index]
        scores = lexicon.scores(said, entry.stems)
        assert scores.index(max(scores)) == index
        assert scores[index] == pytest.approx(1.0)


def test_meaning_alone_may_suffice(lexicon: Lexicon[str]) -> None:
    scores = lexicon.scores("flowing tresses", frozenset({"flowing", "tresses"}))
    assert scores[0] == pytest.approx(max(scores))
    assert scores[0] >= NEAR > scores[1]


def test_denials_and_decoys(lexicon: Lexicon[str]) -> None:
    assert [entry.negated for entry in lexicon.entries] == [False, True, False]
    assert lexicon.entries[2].target is None


def test_rare_words_count_for_more(lexicon: Lexicon[str]) -> None:
    both = lexicon.overlap(frozenset({"long", "hair"}), frozenset({"long", "hair"}))
    assert both == pytest.approx(1.0)
    rare = lexicon.overlap(frozenset({"long"}), frozenset({"long", "hair"}))
    common = lexicon.overlap(frozenset({"hair"}), frozenset({"long", "hair"}))
    assert common < rare < both


def test_comparatives_become_words_of_the_lexicon(lexicon: Lexicon[str]) -> None:
    assert lexicon.positive("longer") == "long"
    assert lexicon.positive("shorter") == "shorter"


def test_a_lexicon_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def encode(texts: list[str]) -> Tensor:
        asked.append(len(texts))
        return torch.eye(384)[: len(texts)] * 1.5

    monkeypatch.setattr(matching, "sentence_encoder", lambda: encode)
    phrases = [("long hair", "long"), ("no hair", "bald")]
    first, again = (lexicon_of(phrases, lambda text: frozenset({text})) for _ in range(2))
    assert asked == [2]
    assert torch.equal(first.vectors, again.vectors)
    lexicon_of([*phrases, ("a fringe", "fringe")], lambda text: frozenset({text}))
    assert asked == [2, 3]
