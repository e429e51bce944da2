from __future__ import annotations

from typing import Any

import numpy as np

from eclipsed.worlds.phrases import Phrase
from kits.captions import FOREIGN, UNRELATED, compose, foreign_sentences, sentences

_GRAMMAR: dict[str, Any] = {
    "links": {"has": "with {}", "wear": "wearing {}", "adj": "who is {}"},
    "train": {
        "openings": ["a person"],
        "joints": [[", ", " and "]],
        "templates": {"has": ["{}", "with {}"], "wear": ["in {}"], "adj": ["{a} {} person"]},
    },
}


def _composed(*phrases: Phrase) -> str:
    return compose(phrases, _GRAMMAR, "train", np.random.default_rng(1))


def test_a_caption_links_its_phrases_once_for_a_run_of_one_kind() -> None:
    curls, beard = Phrase("curls", "has"), Phrase("a beard", "has")
    assert _composed(curls) == "a person with curls"
    assert _composed(curls, beard) == "a person with curls and a beard"
    happy, hat = Phrase("happy", "adj"), Phrase("a hat", "wear")
    assert _composed(hat, curls, happy) == "a person who is happy, with curls and wearing a hat"


def test_a_noun_is_the_opening() -> None:
    man, curls = Phrase("an old man", "noun"), Phrase("curls", "has")
    assert _composed(curls, man) == "an old man with curls"
    assert _composed(man) == "an old man"


def test_sentences_have_their_article_and_what_is_worn_is_had_as_well() -> None:
    made = sentences([Phrase("old", "adj")], _GRAMMAR, "train", most=9, seed="s")
    assert made == ["an old person"]
    worn = sentences([Phrase("a hat", "wear")], _GRAMMAR, "train", most=9, seed="s")
    assert worn == ["a hat", "with a hat", "in a hat"]


def test_of_too_many_sentences_the_bare_phrases_stay() -> None:
    phrases = [Phrase(f"thing {i}", "has") for i in range(6)]
    made = sentences(phrases, _GRAMMAR, "train", most=8, seed="s")
    assert len(made) == len(set(made)) == 8
    assert {phrase.text for phrase in phrases} <= set(made)
    assert made == sentences(phrases, _GRAMMAR, "train", most=8, seed="s")


def test_what_no_world_of_people_shows() -> None:
    said = foreign_sentences(FOREIGN)
    assert len(set(said)) == len(said) > 1_000
    assert len(set(UNRELATED)) == len(UNRELATED) > 50
