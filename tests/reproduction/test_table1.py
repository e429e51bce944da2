"""The paper's numbers stand in the studies as it prints them, and every comparison has its rows."""

from __future__ import annotations

import pytest

from reproduction import (
    alpha_range,
    clip_weight,
    entanglement,
    fig6,
    fig9,
    seeds,
    spaces,
    table1,
)
from reproduction.comparing import Pair
from reproduction.variants import Variant

MADE = {
    "table1": (tuple(pair for way in table1.WAYS for pair in way.pairs), table1.VARIANTS),
    "fig6": (fig6.PAIRS, (*fig6.CALIBRATED, *fig6.FIXED)),
    "fig9": (fig9.PAIRS, fig9.VARIANTS),
    "seeds": (seeds.PAIRS, (*seeds.OTHERS, *seeds.OWN)),
    "spaces": (spaces.PAIRS, spaces.VARIANTS),
    "alpha-range": (alpha_range.PAIRS, alpha_range.VARIANTS),
    "clip-weight": (clip_weight.PAIRS, clip_weight.VARIANTS),
    "entanglement": (entanglement.PAIRS, entanglement.VARIANTS),
}


def test_table_1_is_the_paper_s() -> None:
    printed = [
        (0.192, 0.177),
        (0.188, 0.205),
        (0.207, 0.193),
        (0.213, 0.201),
        (0.201, 0.204),
        (0.201, 0.174),
    ]
    for way in table1.WAYS:
        assert [pair.paper for pair in way.pairs] == printed
        assert [pair.sign for pair in way.pairs] == [1 if a > b else -1 for a, b in printed]
        # The second row alone is judged on the image that was trained on.
        own = [variant.label for variant in way.variants if variant.own]
        assert [(pair.first, pair.second) for pair in way.pairs][1] == tuple(own)
    assert {pair.strength for pair in table1.WAYS[-1].pairs} == {table1.ALPHA}
    assert table1.STUDY.trainings >= 20
    assert table1.STUDY.seeds >= 50


@pytest.mark.parametrize("name", MADE)
def test_what_is_compared_is_made(name: str) -> None:
    pairs: tuple[Pair, ...]
    variants: tuple[Variant, ...]
    pairs, variants = MADE[name]
    strengths = {variant.label: variant.strengths for variant in variants}
    assert len(strengths) == len(variants), "labels must differ"
    for pair in pairs:
        assert pair.strength in strengths[pair.first]
        assert pair.strength in strengths[pair.second]


def test_what_studies_share_is_trained_once() -> None:
    final = table1.FINAL.config
    for variant in (
        fig6.CALIBRATED[3],
        seeds.OTHERS[-1],
        spaces.VARIANTS[2],
        clip_weight.VARIANTS[2],
    ):
        assert (variant.config, variant.prompt) == (final, table1.PROMPT)
