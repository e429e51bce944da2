from __future__ import annotations

from collections import Counter

from eclipsed.worlds.starter.attributes import JUDGED
from eclipsed.worlds.starter.predicates import PREDICATE, PREDICATES


def test_every_single_value_has_a_predicate() -> None:
    said = {(p.group, p.values[0]) for p in PREDICATES if len(p.values) == 1}
    assert said == {(group, value) for group, values in JUDGED.items() for value in values}


def test_values_and_doubts_exist() -> None:
    for predicate in PREDICATES:
        assert predicate.values
        assert set(predicate.values) < set(JUDGED[predicate.group]), predicate.name
        for group, values in predicate.doubts.items():
            assert set(values) <= set(JUDGED[group]), predicate.name


def test_no_value_is_both_true_and_doubted() -> None:
    for predicate in PREDICATES:
        assert not set(predicate.doubts.get(predicate.group, ())) & set(predicate.values)


def test_enough_phrases_all_different() -> None:
    assert 100 <= len(PREDICATES) == len(PREDICATE)
    for predicate in PREDICATES:
        assert len(predicate.phrases) >= 8, predicate.name
        assert len(predicate.held_out) >= 2, predicate.name
        assert not set(predicate.phrases) & set(predicate.held_out)
    owners = Counter(t for p in PREDICATES for t in {q.text for q in (*p.phrases, *p.held_out)})
    assert [text for text, n in owners.items() if n > 1] == []
