from __future__ import annotations

import pytest

from eclipsed.worlds.heads.claims import Goal, goals
from eclipsed.worlds.heads.vocabulary import HEADS_PROMPTS


def _first(prompt: str) -> tuple[str, int]:
    """(parameter, direction) of what a prompt asks for first."""
    claimed = goals(prompt)
    assert claimed, prompt
    return claimed[0].name, claimed[0].sign


@pytest.mark.parametrize(
    ("prompt", "name", "sign"),
    [
        ("older", "age", 1),
        ("make her younger", "age", -1),
        ("a child", "age", -1),
        ("an old man", "age", 1),
        ("make him a woman", "gender", -1),
        ("masculine", "gender", 1),
        ("curly hair", "hair_curl", 1),
        ("straight hair", "hair_curl", -1),
        ("longer hair", "hair_length", 1),
        ("bald", "hair_length", -1),
        ("not bald", "hair_length", 1),
        ("blond hair", "hair_dark", -1),
        ("red hair", "hair_red", 1),
        ("greyer hair", "hair_grey", 1),
        ("a wider smile", "smile", 1),
        ("a sad mouth", "smile", -1),
        ("an angry woman", "frown", 1),
        ("a bigger nose", "nose_size", 1),
        ("a small nose", "nose_size", -1),
        ("thin lips", "lip_full", -1),
        ("bushy eyebrows", "brow_thick", 1),
        ("closed eyes", "eye_open", -1),
        ("blue eyes", "eye_color", 1),
        ("darker skin", "skin_tone", 1),
        ("freckles", "freckles", 1),
        ("a double chin", "weight", 1),
        ("a dark jacket", "jacket", 1),
        ("large earrings", "earrings", 1),
        ("make-up", "lipstick", 1),
    ],
)
def test_what_is_asked_for(prompt: str, name: str, sign: int) -> None:
    assert _first(prompt) == (name, sign)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("without glasses", "glasses"),
        ("no glasses", "glasses"),
        ("take off the hat", "hat"),
        ("no beard", "beard"),
        ("clean shaven", "beard"),
        ("no freckles", "freckles"),
        ("without wrinkles", "wrinkles"),
        ("fewer wrinkles", "wrinkles"),
        ("less curly hair", "hair_curl"),
        ("not smiling", "smile"),
        ("no earrings", "earrings"),
    ],
)
def test_denials_go_down(prompt: str, name: str) -> None:
    assert _first(prompt) == (name, -1)


def test_degrees_move_the_interval() -> None:
    degrees = ("curlier hair", "curly hair", "very curly hair", "slightly curly hair")
    more, plain, very, slightly = ((goals(prompt) or ())[0] for prompt in degrees)
    assert more.low < plain.low < very.low
    assert slightly.sign == 0


def test_what_the_words_leave_unsaid_is_asked_as_well() -> None:
    claimed = goals("sunglasses")
    assert claimed
    assert [goal.name for goal in claimed] == ["lens_dark", "glasses"]
    blond = goals("blond hair")
    assert blond
    assert {goal.name for goal in blond} == {"hair_dark", "hair_red", "hair_grey", "dye"}


@pytest.mark.parametrize(
    "prompt",
    [
        "a ponytail",
        "a tie",
        "a dog",
        "winking",
        "purple eyes",
        "a city in the background",
        "a red background",
        "a cigarette in the mouth",
        "a crown",
    ],
)
def test_what_heads_cannot_show_makes_no_claim(prompt: str) -> None:
    assert goals(prompt) is None


def test_every_example_prompt_makes_a_claim() -> None:
    assert [prompt for prompt in HEADS_PROMPTS if goals(prompt) is None] == []


@pytest.mark.parametrize("interval", [(-0.1, 0.5), (0.5, 0.5), (0.4, 1.2)])
def test_senseless_intervals_are_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not an interval"):
        Goal("age", *interval)
