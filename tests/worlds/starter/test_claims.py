from __future__ import annotations

import pytest

from eclipsed.types import Claim
from eclipsed.worlds.starter.attributes import JUDGED
from eclipsed.worlds.starter.claims import parse_claim
from eclipsed.worlds.starter.predicates import PREDICATE
from tests.prompt_lists import read_prompts


def _matches(claim: Claim | None, expected: str) -> bool:
    if expected == "none" or claim is None:
        return claim is None and expected == "none"
    predicate = PREDICATE[expected]
    return (claim.group, set(claim.values)) == (predicate.group, set(predicate.values))


def _accuracy(name: str) -> tuple[float, list[str]]:
    rows = read_prompts(name)
    wrong = []
    for accepted, prompt in rows:
        claim = parse_claim(prompt)
        if not any(_matches(claim, expected) for expected in accepted):
            wrong.append(f"{prompt!r}: {claim}, not {accepted}")
    return 1 - len(wrong) / len(rows), wrong


def test_claims_of_many_prompts() -> None:
    accuracy, wrong = _accuracy("claim_prompts.tsv")
    assert accuracy >= 0.97, wrong


def test_claims_of_prompts_that_nothing_was_tuned_on() -> None:
    accuracy, wrong = _accuracy("claim_prompts_fresh.tsv")
    assert accuracy >= 0.95, wrong


@pytest.mark.parametrize(
    ("prompt", "group", "values"),
    [
        ("without glasses", "glasses", {"none"}),
        ("no beard", "beard", {"none"}),
        ("clean shaven", "beard", {"none"}),
        ("no moustache", "beard", {"none"}),
        ("take off the hat", "top", set(PREDICATE["no hat"].values)),
        ("not bald", "top", set(PREDICATE["hair on the head"].values)),
    ],
)
def test_denials(prompt: str, group: str, values: set[str]) -> None:
    claim = parse_claim(prompt)
    assert claim is not None
    assert (claim.group, set(claim.values)) == (group, values)


def test_a_denial_without_words_of_its_own_asks_for_the_other_values() -> None:
    claim = parse_claim("not winking")
    assert claim is not None
    assert claim.group == "eyes"
    assert set(claim.values) <= set(JUDGED["eyes"]) - {"wink"}
    assert "plain" in claim.values


def test_the_first_of_two_attributes_counts() -> None:
    claim = parse_claim("sunglasses and a moustache")
    assert claim == Claim("glasses", ("sunglasses",))


@pytest.mark.parametrize(
    "prompt", ["an alien", "a truck", "blue eyes", "a purple beard", "a person"]
)
def test_outlandish_prompts_claim_nothing(prompt: str) -> None:
    assert parse_claim(prompt) is None
