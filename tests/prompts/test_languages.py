from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.prompts.languages import unread
from eclipsed.testing import fake_world
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY
from tests.prompt_lists import DATA

WORLD = replace(fake_world(), vocabulary=STARTER_VOCABULARY)


@pytest.mark.parametrize(
    ("prompt", "tongue"),
    [
        ("ein Mann mit Bart", "German"),
        ("lockige Haare", "German"),
        ("cheveux bouclés", "French"),
        ("lunettes de soleil", "French"),
        ("gafas de sol", "Spanish"),
        ("ponle gafas", "Spanish"),
        ("occhiali da sole", "Italian"),
        ("cabelo loiro", "Portuguese"),
        ("een man met een bril", "Dutch"),
        ("kręcone włosy", "Polish"),
        ("tóc xoăn", "another language"),
        ("卷发", "Chinese characters"),
        ("サングラス", "Japanese"),
        ("笑顔の女性", "Japanese"),
        ("кудрявые волосы", "Cyrillic letters"),
        ("σγουρά μαλλιά", "Greek letters"),
        ("نظارات شمسية", "Arabic letters"),
    ],
)
def test_what_is_not_english_is_said_to_be_that(prompt: str, tongue: str) -> None:
    said = unread(prompt, WORLD)
    assert said.startswith("The encoder of this world reads English only")
    assert tongue in said
    assert unread(prompt, replace(WORLD, multilingual=True)) == ""


@pytest.mark.parametrize(
    "prompt",
    [
        "Elvis",
        "afro",
        "Robert de Niro",
        "Timothée Chalamet",
        "los angeles at night",
        "Bart Simpson",
        "a femme fatale",
        "van Gogh",
        "beyoncé",
        "sungalsses",
        "curley hiar",
        "naïve art",
        "a café in the background",
        "a smile 笑",
        "die hard",
    ],
)
def test_names_and_slips_are_not_foreign(prompt: str) -> None:
    assert unread(prompt, WORLD) == ""


def test_no_prompt_of_the_lists_is_foreign() -> None:
    for path in sorted(DATA.glob("*prompts*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            assert unread(line.split("\t")[-1], WORLD) == ""


@given(st.text(max_size=30))
def test_whatever_is_typed_has_an_answer(prompt: str) -> None:
    said = unread(prompt, WORLD)
    assert said == "" or said.endswith(".")
    assert said == "" or any(letter.isalpha() for letter in prompt)
