"""The paper's numbers stand in the table as it prints them, and every comparison has its rows."""

from __future__ import annotations

import pytest

from eclipsed.errors import UnknownName
from reproduction.sweeps import ALL, studies_named

STUDIES = studies_named(ALL)


def test_table_1_is_the_paper_s() -> None:
    printed = [
        (0.192, 0.177),
        (0.188, 0.205),
        (0.207, 0.193),
        (0.213, 0.201),
        (0.201, 0.204),
        (0.201, 0.174),
    ]
    study = STUDIES["table1"]
    assert [pair.paper for pair in study.pairs] == 3 * printed
    assert [pair.sign for pair in study.pairs] == 3 * [1 if a > b else -1 for a, b in printed]
    assert {pair.strength for pair in study.pairs[-6:]} == {6.0}
    assert all(each.layers == (3, 4) and each.fixed for each in study.variants[-8:])
    # The second row alone is judged on the image that was trained on.
    own = [variant.label for variant in study.variants if variant.own]
    assert [name for pair in study.pairs[1::6] for name in (pair.first, pair.second)] == own
    assert (study.trainings, study.seeds) == (20, 50)


@pytest.mark.parametrize("name", STUDIES)
def test_what_is_compared_is_judged(name: str) -> None:
    study = STUDIES[name]
    strengths = {variant.label: variant.strengths for variant in study.variants}
    assert len(strengths) == len(study.variants), "labels must differ"
    for pair in study.pairs:
        assert pair.strength in strengths[pair.first]
        assert pair.strength in strengths[pair.second]
    for claim in study.claims:
        assert claim.strength in strengths[claim.variant]
        assert claim.measure in study.measures


def test_what_studies_share_is_trained_once() -> None:
    final = STUDIES["table1"].variants[0]
    shared = {"fig6": "0.05", "seeds": "fresh images", "spaces": "W+", "clip-weight": "1"}
    for name, label in shared.items():
        (variant,) = (each for each in STUDIES[name].variants if each.label == label)
        assert (variant.config, variant.prompt) == (final.config, final.prompt)


def test_unknown_names_are_refused_with_the_list() -> None:
    with pytest.raises(UnknownName, match=r"table1.*clip-weight.*all"):
        studies_named("fig1")
    assert list(studies_named("fig6")) == ["fig6"]
