from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.prompts.instructions import Instruction, instruction
from eclipsed.prompts.regions import naming
from eclipsed.testing import FakeSegmenter, fake_world
from eclipsed.types import Claim
from eclipsed.worlds.starter.attributes import JUDGED
from eclipsed.worlds.starter.claims import parse_claim
from eclipsed.worlds.starter.predicates import PREDICATE
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY
from tests.prompt_lists import DATA, read_prompts

NAMED = naming(STARTER_VOCABULARY, "a person")


def read(prompt: str) -> Instruction:
    return instruction(prompt, NAMED)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        # Removing.
        ("remove glasses", "no glasses"),
        ("take off his glasses", "no glasses"),
        ("take the sunglasses off", "no sunglasses"),
        ("remove the hat from her head", "no hat"),
        ("remove the hat and the glasses", "no hat and no glasses"),
        ("remove the beard and add glasses", "no beard and glasses"),
        ("neither a hat nor glasses", "no hat and no glasses"),
        ("no hat or glasses", "no hat and no glasses"),
        ("shave him", "no beard"),
        ("shave his head", "a shaved head"),
        ("have him lose the beard", "no beard"),
        ("he shouldn't wear a hat", "no hat"),
        ("the beard is gone", "no beard"),
        ("hat off", "no hat"),
        ("no more glasses", "no glasses"),
        ("leave out the hat", "no hat"),
        ("less hair", "short hair"),
        ("make him less bald", "not bald"),
        ("make her smile less", "not smiling"),
        ("don't smile", "not smiling"),
        ("stop him from smiling", "not smiling"),
        ("hide the beard", "no beard"),
        ("reduce the beard", "no beard"),
        ("anything but a beard", "no beard"),
        ("free him of his beard", "no beard"),
        ("strip her of the hat", "no hat"),
        ("a beard-free man", "no beard"),
        ("his mouth isn't open", "a closed mouth"),
        # Instructing.
        ("make her smile", "smiling"),
        ("make him grin", "grinning"),
        ("add a hat to his head", "a hat"),
        ("put the hat on", "a hat"),
        ("put her in a wedding dress", "a wedding dress"),
        ("give her hair a blue tint", "blue hair"),
        ("give the woman blue hair", "blue hair"),
        ("change the hair from black to blond", "blond hair"),
        ("change her hair color to pink", "pink hair"),
        ("change the background to a forest", "a forest background"),
        ("turn his hair into an afro", "an afro"),
        ("turn him into a pirate", "a pirate"),
        ("make the hair red and the background blue", "red hair and a blue background"),
        ("make her hair long and blond", "long hair and blond hair"),
        ("make the nose bigger", "a bigger nose"),
        ("make the roof of the house green", "a green roof of the house"),
        ("replace the hat with a beanie", "a beanie"),
        ("replace the black hair with blond", "blond hair"),
        ("substitute sunglasses for the glasses", "sunglasses"),
        ("blond instead of black hair", "blond hair"),
        ("the hoodie should be orange", "an orange hoodie"),
        ("the guy should go bald", "bald"),
        ("I would like him to have more hair", "more hair"),
        ("could you please straighten her hair?", "straight hair"),
        ("have her close her eyes", "closed eyes"),
        ("keep the mouth shut", "a shut mouth"),
    ],
)
def test_an_instruction_becomes_a_description(prompt: str, text: str) -> None:
    assert read(prompt) == Instruction(text)


@pytest.mark.parametrize(
    "prompt",
    [
        "curly hair",
        "open mouth",
        "Blond curly hair, and a smile",
        "wearing a hat",
        "showing teeth",
        "a girl who needs glasses",
        "a color photo",
        "a man not wearing glasses",
        "she cannot believe her eyes",
        "he can't see without his specs",
        "stripes like a zebra",
        "turn on the headlights",
        "no beard and a smile",
        "a drop of blood",
        "a single man",
        "take off",
        "keep smiling",
    ],
)
def test_a_description_stays_as_it_was_typed(prompt: str) -> None:
    assert read(prompt) == Instruction(prompt)


@pytest.mark.parametrize(
    ("prompt", "text", "stays"),
    [
        ("blond hair on the same background", "blond hair", ("background",)),
        ("same person but with a hat", "a hat", ("person",)),
        ("keep the eyes and mouth, make the hair pink", "pink hair", ("eyes", "mouth")),
        ("blue hair, leave the eyes, mouth and skin alone", "blue hair", ("eyes", "mouth", "skin")),
        ("red hair, background as it is", "red hair", ("background",)),
        ("red hair; the eyes should stay the same", "red hair", ("eyes",)),
        ("a smile without changing the eyes or the hair", "a smile", ("eyes", "hair")),
        ("don't remove the glasses, add a beard", "a beard", ("glasses",)),
        ("a hat, but not the background", "a hat", ("background",)),
        ("untouched background, red hat", "red hat", ("background",)),
        ("leave the background", "", ("background",)),
        ("the same person with a hat", "with a hat", ("person",)),
    ],
)
def test_what_must_stay_is_no_wish(prompt: str, text: str, stays: tuple[str, ...]) -> None:
    assert read(prompt) == Instruction(text, stays)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("black hair and nothing else", "black hair"),
        ("blond hair, everything else unchanged", "blond hair"),
        ("blond hair but leave the rest as it is", "blond hair"),
        ("only change the hair to blue", "blue hair"),
        ("change only the hair color to red", "red hair"),
        ("only the hair blue", "blue hair"),
        ("blue hair only", "blue hair"),
        ("a hat, no other changes", "a hat"),
        ("don't change anything but make the hair blond", "blond hair"),
        ("give him a hat, that's it", "a hat"),
        ("with a hat, otherwise identical", "with a hat"),
        ("only change the hair: black hair", "black hair"),
        ("change nothing but the hair: black hair", "black hair"),
    ],
)
def test_nothing_else_may_change(prompt: str, text: str) -> None:
    assert read(prompt) == Instruction(text, nothing_else=True)


@pytest.mark.parametrize(
    "prompt", ["only a little stubble", "just a moustache", "only one eye open"]
)
def test_only_may_belong_to_the_thing(prompt: str) -> None:
    assert not read(prompt).nothing_else


WORDS = st.sampled_from(
    "remove take off make turn the her him a hat glasses hair red not no don't keep same only else "
    "nothing and , but leave change to smile should be less without swap for give put on in".split()
)


@given(st.lists(WORDS, min_size=1, max_size=9).map(" ".join))
def test_whatever_is_said_can_be_read(prompt: str) -> None:
    result = read(prompt)
    assert result.text or result.stays or result.nothing_else
    assert result.text == result.text.strip()
    assert read(prompt) == result


@given(st.text(min_size=1, max_size=40))
def test_whatever_is_typed_can_be_read(prompt: str) -> None:
    assert isinstance(read(prompt).text, str)


def _rows() -> list[list[str]]:
    """The lines of both lists; nothing was made with the fresh one."""
    names = ("instruction_prompts.tsv", "instruction_prompts_fresh.tsv")
    lines = "".join((DATA / name).read_text("utf-8") for name in names).splitlines()
    return [line.split("\t") for line in lines]


def allows(expected: str, claim: Claim) -> bool:
    """Whether a claim is one of those of the list, parted by |; "not X" is any other value."""
    for name in expected.split("|"):
        predicate = PREDICATE[name if name in PREDICATE else name.removeprefix("not ")]
        values = set(predicate.values)
        others = set(JUDGED[predicate.group]) - values
        right = set(claim.values) == values if name in PREDICATE else others > set(claim.values)
        if claim.group == predicate.group and right:
            return True
    return False


@pytest.mark.parametrize(("expected", "regions", "kept", "prompt"), _rows())
def test_sixty_ways_to_say_it(expected: str, regions: str, kept: str, prompt: str) -> None:
    segmenter = FakeSegmenter(regions=tuple(STARTER_VOCABULARY))
    world = replace(fake_world(), vocabulary=STARTER_VOCABULARY, segmenter=segmenter)
    goal = goal_from_prompt(prompt, world)
    assert goal.prompt == prompt
    assert set(goal.regions) == set(regions.split(","))
    others = set(STARTER_VOCABULARY) - set(goal.regions)
    assert set(goal.keep) == {"-": set(), "others": others}.get(kept, {kept})
    changes = goal.parts or (goal,)
    for change, one in zip(changes, expected.split(","), strict=True):
        claim = parse_claim(change.text)
        assert isinstance(claim, Claim)
        assert allows(one, claim)


@pytest.mark.parametrize("name", ["claim_prompts.tsv", "claim_prompts_fresh.tsv"])
def test_descriptions_claim_what_their_prompts_do(name: str) -> None:
    for _, prompt in read_prompts(name):
        text = read(prompt).text
        if text != prompt:
            before, after = parse_claim(prompt), parse_claim(text)
            assert before is None or before == after, prompt
