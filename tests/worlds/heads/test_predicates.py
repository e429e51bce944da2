from __future__ import annotations

import math
from collections import Counter

import pytest

from eclipsed.worlds.heads.attributes import ATTRIBUTES, NAMES
from eclipsed.worlds.heads.predicates import HIDDEN, PREDICATE, PREDICATES, comparative, condition


def test_conditions_are_about_parameters_that_captions_may_name() -> None:
    nuisance = {attribute.name for attribute in ATTRIBUTES if attribute.kind == "nuisance"}
    for predicate in PREDICATES:
        names = {each.name for case in predicate.cases for each in case}
        assert names <= set(NAMES) - nuisance, predicate.name
    assert set(HIDDEN) <= set(NAMES)


def test_every_attribute_is_named_by_some_predicate() -> None:
    named = {each.name for predicate in PREDICATES for case in predicate.cases for each in case}
    assert named == {attribute.name for attribute in ATTRIBUTES if attribute.kind == "attribute"}


def test_margins_lie_between_true_and_false() -> None:
    for predicate in PREDICATES:
        for each in (each for case in predicate.cases for each in case):
            below, above = each.outside
            assert below < each.low or math.isinf(each.low), predicate.name
            assert each.high < above or math.isinf(each.high), predicate.name
            assert each.low < each.high, predicate.name


def test_degrees_move_what_is_asked() -> None:
    plain, very, slightly, more = (
        PREDICATE[name].main
        for name in (
            "curly hair",
            "very: curly hair",
            "slightly: curly hair",
            "more: curly hair",
        )
    )
    assert more.low == plain.outside[0] < slightly.low < plain.low < very.low < 1
    assert plain.low < slightly.high < very.low
    assert (plain.sign, very.sign, slightly.sign, more.sign) == (1, 1, 0, 1)


def test_degrees_of_a_lower_end_mirror() -> None:
    plain, very, more = (
        PREDICATE[name].main for name in ("thin lips", "very: thin lips", "more: thin lips")
    )
    assert 0 < very.high < plain.high < more.high
    assert plain.sign == very.sign == more.sign == -1


def test_phrases_differ_and_some_are_held_out() -> None:
    assert sum(predicate.degree == "plain" for predicate in PREDICATES) >= 150
    assert len(PREDICATES) == len(PREDICATE)
    owners: Counter[str] = Counter()
    for predicate in PREDICATES:
        assert len(predicate.phrases) >= 2, predicate.name
        assert len(predicate.held_out) >= 1, predicate.name
        assert not set(predicate.phrases) & set(predicate.held_out), predicate.name
        owners.update({phrase.text for phrase in (*predicate.phrases, *predicate.held_out)})
    assert [text for text, count in owners.items() if count > 1] == []


def test_a_word_held_out_is_in_no_degree_trained_on() -> None:
    held_out = {phrase.text for phrase in PREDICATE["curly hair"].held_out}
    assert "curled hair" in held_out
    trained = [
        p.text for name in PREDICATE if "curly hair" in name for p in PREDICATE[name].phrases
    ]
    assert not [text for text in trained if "curled hair" in text]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("curly/curlier", "curlier"), ("hairless", "more hairless"), ("many/more", "more")],
)
def test_comparatives(word: str, expected: str) -> None:
    assert comparative(word) == expected


def test_edges() -> None:
    assert condition("age", [0.6, 0.8]).sign == 1
    assert condition("age", [0.5, 0.3]).sign == -1
    assert condition("age", [0.1, 0.2, 0.3, 0.4]).outside == (0.1, 0.4)
