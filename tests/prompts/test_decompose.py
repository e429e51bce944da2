from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.prompts.decompose import changes_of, shape_and_colour
from eclipsed.prompts.regions import mentions
from eclipsed.types import Goal
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY

PERSON = "a person"


def changes(prompt: str) -> list[tuple[str, tuple[str, ...]]]:
    named = mentions(prompt, STARTER_VOCABULARY, PERSON)
    regions = tuple(dict.fromkeys(mention.region for mention in named))
    goal = Goal(prompt, PERSON, regions)
    return [(one.prompt, one.regions) for one in changes_of(goal, STARTER_VOCABULARY)]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("red hair and sunglasses", ["red hair", "sunglasses"]),
        ("wavy hair and a smile", ["wavy hair", "a smile"]),
        ("a hoodie on a red background", ["a hoodie", "a red background"]),
        ("no beard and no glasses", ["no beard", "no glasses"]),
        ("without glasses but with a beard", ["no glasses", "a beard"]),
        ("take off the glasses and the hat", ["no glasses", "no hat"]),
        ("laughing with closed eyes", ["laughing", "closed eyes"]),
        ("eyes closed and tongue out", ["eyes closed", "tongue out"]),
        ("a bearded man in a hat", ["a bearded man", "a hat"]),
        ("a beard on the chin and sunglasses", ["a beard on the chin", "sunglasses"]),
        ("long hair and a hat and bangs", ["long hair and bangs", "a hat"]),
        ("white shirt, no hat", ["white shirt", "no hat"]),
        ("surprised: wide eyes, open mouth", ["surprised wide eyes", "open mouth"]),
        (
            "a woman with long hair, wearing glasses and a hat",
            ["a woman with long hair", "a woman with glasses", "a woman with a hat"],
        ),
        (
            "a person without glasses but with a beard",
            ["a person with no glasses", "a person with a beard"],
        ),
    ],
)
def test_several_changes_are_told_apart(prompt: str, parts: list[str]) -> None:
    assert [text for text, _ in changes(prompt)] == parts


@pytest.mark.parametrize(
    "prompt",
    [
        "curly hair",
        "a man with a beard",
        "glasses with round lenses",
        "a hat with ear flaps",
        "a beard but no moustache",
        "long hair and bangs",
        "a smile on the lips",
        "hair over the eyes",
        "an angry bald man",  # two regions in one breath
        "an old man with glasses and a beard",  # what is old is no region
        "a truck and a hat",
        "eyes wide with fear",
        "a truck",
        "long red hair",
    ],
)
def test_one_change_stays_as_it_is(prompt: str) -> None:
    assert [text for text, _ in changes(prompt)] == [prompt]


def test_each_change_has_its_own_regions() -> None:
    assert changes("red hair and sunglasses") == [
        ("red hair", ("hair",)),
        ("sunglasses", ("glasses",)),
    ]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a blue hoodie", [("a hoodie", PERSON), ("blue hoodie", "hoodie")]),
        ("an orange beanie", [("a beanie", PERSON), ("orange beanie", "beanie")]),
        ("a white eye patch", [("an eye patch", PERSON), ("white eye patch", "eye patch")]),
        ("long red hair", [("long hair", PERSON), ("red hair", PERSON)]),
        ("long jet black hair", [("long hair", PERSON), ("jet black hair", PERSON)]),
        (
            "a blond woman with curly hair",
            [("a woman with curly hair", PERSON), ("blond hair", PERSON)],
        ),
        (
            "a man with a short gray beard and a hat",
            [
                ("a man with a short beard", PERSON),
                ("a man with gray beard", PERSON),
                ("a man with a hat", PERSON),
            ],
        ),
    ],
)
def test_a_colour_beside_something_else_is_told_apart(
    prompt: str, parts: list[tuple[str, str]]
) -> None:
    regions = [mention.region for mention in mentions(prompt, STARTER_VOCABULARY, PERSON)]
    goal = Goal(prompt, PERSON, tuple(dict.fromkeys(regions)))
    (change, *others) = changes_of(goal, STARTER_VOCABULARY)
    found = shape_and_colour(change, STARTER_VOCABULARY)
    assert [(one.prompt, one.neutral) for one in (*found, *others)] == parts


@pytest.mark.parametrize(
    "prompt",
    [
        "red hair",
        "blue eyes",
        "a red background",
        "a blue shirt",
        "jet black hair",
        "clad in red",
        "hair dyed red",
        "no red hat",
        "a red and blue hoodie",
        "curly hair",
        "long red hair and a hat",
        "a truck",
    ],
)
def test_a_colour_alone_is_one_change(prompt: str) -> None:
    regions = [mention.region for mention in mentions(prompt, STARTER_VOCABULARY, PERSON)]
    goal = Goal(prompt, PERSON, tuple(dict.fromkeys(regions)))
    assert shape_and_colour(goal, STARTER_VOCABULARY) == ()


def test_whoever_chooses_the_regions_asks_for_one_change() -> None:
    goal = Goal("red hair and sunglasses", PERSON, ("hair",))
    assert changes_of(goal, STARTER_VOCABULARY) == (goal,)


WORDS = st.sampled_from(
    [*"red curly hair beard no without and , with the hat glasses on off take smile truck".split()]
)


@given(st.lists(WORDS, max_size=10).map(" ".join))
def test_changes_leave_no_region_out(prompt: str) -> None:
    found = changes(prompt)
    whole = {mention.region for mention in mentions(prompt, STARTER_VOCABULARY, PERSON)}
    assert {region for _, some in found for region in some} == whole
    assert all(text.strip() for text, _ in found) or len(found) == 1
