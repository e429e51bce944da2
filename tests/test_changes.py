from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.changes import changes_of
from eclipsed.goals import mentions
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
        ("blond curly hair and a smile", ["blond curly hair", "a smile"]),
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
            "a woman with long red hair, wearing glasses and a hat",
            ["a woman with long red hair", "a woman with glasses", "a woman with a hat"],
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
    ],
)
def test_one_change_stays_as_it_is(prompt: str) -> None:
    assert [text for text, _ in changes(prompt)] == [prompt]


def test_each_change_has_its_own_regions() -> None:
    assert changes("red hair and sunglasses") == [
        ("red hair", ("hair",)),
        ("sunglasses", ("glasses",)),
    ]


def test_whoever_chooses_the_regions_asks_for_one_change() -> None:
    goal = Goal("red hair and sunglasses", PERSON, ("hair",))
    assert changes_of(goal, STARTER_VOCABULARY) == (goal,)


WORDS = st.sampled_from(
    [*"red curly hair beard no without and , with the hat glasses on off take smile truck".split()]
)


@given(st.lists(WORDS, max_size=10).map(" ".join))
def test_changes_share_no_region_and_leave_none_out(prompt: str) -> None:
    found = changes(prompt)
    regions = [region for _, some in found for region in some]
    assert len(set(regions)) == len(regions)
    whole = {mention.region for mention in mentions(prompt, STARTER_VOCABULARY, PERSON)}
    assert set(regions) == whole
    assert all(text.strip() for text, _ in found) or len(found) == 1
