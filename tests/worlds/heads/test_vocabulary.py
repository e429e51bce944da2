from __future__ import annotations

from collections import Counter

import pytest

from eclipsed.prompts.regions import mentions
from eclipsed.worlds.heads.attributes import REGIONS
from eclipsed.worlds.heads.vocabulary import HEADS_PROMPTS, HEADS_VOCABULARY


def test_every_region_has_words_and_its_own_name() -> None:
    assert tuple(HEADS_VOCABULARY) == REGIONS
    assert all(region in words for region, words in HEADS_VOCABULARY.items())


def test_no_phrase_means_two_regions() -> None:
    counts = Counter(word for words in HEADS_VOCABULARY.values() for word in words)
    assert [word for word, n in counts.items() if n > 1] == []
    assert all(word == word.strip() and word for word in counts)


@pytest.mark.parametrize(
    ("prompt", "region"),
    [
        ("a bigger nose", "nose"),
        ("big ears", "ears"),
        ("golden hoops in the ears", "earrings"),
        ("hoop earrings", "earrings"),
        ("a long neck", "neck"),
        ("fuller lips", "lips"),
        ("a wider smile", "mouth"),
        ("bushy eyebrows", "brows"),
        ("blue eyes", "eyes"),
        ("freckles", "skin"),
        ("wrinkles", "skin"),
        ("chubby cheeks", "skin"),
        ("stubble", "beard"),
        ("a moustache", "beard"),
        ("clean shaven", "beard"),
        ("hair on the upper lip", "beard"),
        ("a fringe", "hair"),
        ("thinning hair", "hair"),
        ("thin lips", "lips"),
        ("sunglasses", "glasses"),
        ("a V-neck", "clothes"),
        ("a beanie", "hat"),
        ("a red background", "background"),
    ],
)
def test_words_of_faces(prompt: str, region: str) -> None:
    assert {m.region for m in mentions(prompt, HEADS_VOCABULARY, "a person")} == {region}


@pytest.mark.parametrize("prompt", ["older", "a man", "an old woman", "masculine", "a child"])
def test_whole_people_are_no_region(prompt: str) -> None:
    assert mentions(prompt, HEADS_VOCABULARY, "a person") == []


def test_prompts_differ() -> None:
    assert len(set(HEADS_PROMPTS)) == len(HEADS_PROMPTS) >= 100
