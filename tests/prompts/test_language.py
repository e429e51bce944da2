from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.prompts.language import (
    affirmed,
    chunks,
    content,
    frame_of,
    is_adjective,
    segments,
    stem,
    subject_of,
    tokens,
)


@pytest.mark.parametrize(
    "family",
    [
        ("smile", "smiles", "smiling", "smiled", "smiley"),
        ("curl", "curls", "curly", "curled", "curlier"),
        ("eye", "eyes", "eyed"),
        ("hair", "hairs", "haired", "hairy"),
        ("beard", "beards", "bearded"),
        ("gray", "grey", "greying"),
        ("blond", "blonde", "blonder"),
        ("moustache", "mustache", "moustaches"),
        ("tooth", "teeth", "toothy"),
        ("clothes", "clothing", "clothed"),
        ("glasses", "spectacles"),
        ("lash", "lashes"),
    ],
)
def test_stems_meet(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mane", "man"),
        ("past", "pasty"),
        ("glass", "glasses"),
        ("nose", "noise"),
        ("tie", "tied up"),
    ],
)
def test_stems_that_must_not_meet(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text(max_size=30))
def test_any_text_can_be_cut(text: str) -> None:
    for segment in segments(text):
        assert segment.words
        assert all(word == word.lower() and stem(word) for word in segment.words)
    assert set(content(tokens(text))) <= set(tokens(text))


def test_segments_part_what_is_listed() -> None:
    words = [s.words for s in segments("a man with short, curly hair and a red hat")]
    assert words == [("man",), ("short",), ("curly", "hair"), ("red", "hat")]


def test_prepositions_are_kept_with_what_follows() -> None:
    first, second = segments("a smile on her lips")
    assert (first.words, first.placer) == (("smile",), "")
    assert (second.words, second.placer) == (("lips",), "on")


@pytest.mark.parametrize("prompt", ["a head covering", "the wall behind", "the wall behind her"])
def test_a_last_preposition_places_nothing(prompt: str) -> None:
    assert len(segments(prompt)) == 1


@pytest.mark.parametrize(
    ("prompt", "denied"),
    [
        ("without glasses and a beard", [True, False]),
        ("take off the glasses", [True]),
        ("get rid of that beard", [True]),
        ("she isn't wearing a hat", [True]),
        ("not smiling", [True]),
        ("no longer smiling", [True]),
        ("glasses, no beard", [False, True]),
        ("a smile", [False]),
        ("turn off", []),
    ],
)
def test_negation(prompt: str, denied: list[bool]) -> None:
    assert [s.negated for s in segments(prompt)] == denied


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A person with an open mouth", ["person", "open mouth"]),
        ("a photo of a woman with blond hair", ["photo", "woman", "blond hair"]),
        ("her hair is curly", ["hair", "curly"]),
        ("with", []),
    ],
)
def test_chunks(prompt: str, expected: list[str]) -> None:
    assert chunks(prompt) == expected


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("no turban", "turban"),
        ("a man without a hat", "a man with a hat"),
        ("she is not smiling", "she is smiling"),
        ("no hat and no glasses", "hat and glasses"),
        ("no beard and a smile", ""),
        ("glasses without rims", ""),
        ("take off the hat", ""),
        ("a smile", ""),
    ],
)
def test_what_is_denied_can_be_said_as_if_it_were_so(text: str, thing: str) -> None:
    assert affirmed(text, "a person") == thing


def test_adjectives() -> None:
    assert all(is_adjective(w) for w in ("smiling", "bearded", "bald", "cowboy"))
    assert not any(is_adjective(w) for w in ("hair", "clothing", "red", "beanie"))


def test_the_frame_is_what_the_pictures_show() -> None:
    said = tokens("a photo of a man in front of a house")
    assert content(said) == ["house"]
    assert content(said, "a photo of a face") == ["house"]
    assert content(said, "a house") == ["man"]
    assert subject_of("a photo of a sleeping cat") == {"sleeping", "cat"}
    assert "photo" in frame_of("a house")
    assert "face" not in frame_of("a house")


def test_behind_the_subject_is_a_place_of_its_own() -> None:
    assert len(segments("the wall behind the person", "a person")) == 1
    assert len(segments("the hill behind the house", "a house")) == 1
    assert len(segments("the hill behind the barn", "a house")) == 2
