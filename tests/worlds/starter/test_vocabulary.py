from __future__ import annotations

from collections import Counter

from eclipsed.prompts.regions import mentions
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.claims import parse_claim
from eclipsed.worlds.starter.vocabulary import STARTER_PROMPTS, STARTER_VOCABULARY


def test_every_region_has_words_and_its_own_name() -> None:
    assert tuple(STARTER_VOCABULARY) == REGIONS
    assert all(region in words for region, words in STARTER_VOCABULARY.items())


def test_every_prompt_is_about_one_region_and_the_judge_knows_it() -> None:
    assert len(set(STARTER_PROMPTS)) == len(STARTER_PROMPTS)
    for prompt in STARTER_PROMPTS:
        regions = {mention.region for mention in mentions(prompt, STARTER_VOCABULARY, "a person")}
        assert len(regions) == 1, prompt
        assert parse_claim(prompt) is not None, prompt


def test_no_phrase_means_two_regions() -> None:
    counts = Counter(word for words in STARTER_VOCABULARY.values() for word in words)
    assert [word for word, n in counts.items() if n > 1] == []
    assert all(word == word.strip().lower() and word for word in counts)
