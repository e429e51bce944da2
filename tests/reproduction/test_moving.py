"""What else moves: on rows that are made up, so that the answer is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from eclipsed.types import World
from reproduction import entanglement, layers
from reproduction.entanglement import WISHES, coupling, dragged, gains
from reproduction.layers import _alone, moves, places, ranges
from reproduction.moving import gained, moved
from reproduction.study import Job

WISH = WISHES[0]
LOCAL, FREE, _ = WISH.variants


def judged(variant: str, seed: int, **more: Any) -> dict[str, Any]:
    row = {"kind": "judged", "variant": variant, "training": 0, "strength": 1.0, "has": False}
    return {**row, "seed": seed, "scores": {}, **more}


@pytest.fixture
def counted(job: Job) -> Job:
    """Red hair comes with pale skin in 3 of 4 people, others have it in 1 of 4."""
    rows: list[dict[str, Any]] = [
        {"kind": "claim", "wish": WISH.name, "group": "hair color", "values": ["red"]}
    ]
    for hair, pale in (("red", 3), ("black", 1)):
        for person in range(4):
            skin = "pale" if person < pale else "tan"
            shows = {"hair color": hair, "skin": skin, "hat": None}
            rows.append({"kind": "person", "seed": len(rows), "shows": shows})
    before = {"hair color": "black", "skin": "tan", "mouth": "open"}
    for seed in range(4):
        rows.append({"kind": "image", "seed": seed, "shows": before})
        paler = {**before, "hair color": "red", "skin": "pale" if seed < 3 else "tan"}
        rows.append(judged(FREE.label, seed, shows=paler))
        rows.append(judged(LOCAL.label, seed, shows={**before, "hair color": "red"}))
    job.records.rows += rows
    return job


def test_coupling_is_how_much_likelier_a_value_is(counted: Job) -> None:
    found = coupling(counted, WISH)
    assert found == {("skin", "pale"): 0.5, ("skin", "tan"): -0.5}
    assert next(iter(found)) == ("skin", "pale")
    assert coupling(counted, WISHES[1]) == {}


def test_what_comes_along_is_what_was_not_there_before(counted: Job) -> None:
    pale = ("skin", "pale")
    assert list(gains(counted, FREE, pale).values()) == [1.0, 1.0, 1.0, 0.0]
    assert list(gains(counted, FREE, ("skin", "tan")).values()) == [-1.0, -1.0, -1.0, 0.0]
    assert sum(dragged(counted, LOCAL, [pale]).values()) == 0.0
    assert sum(dragged(counted, FREE, [pale, ("mouth", "open")]).values()) == 3.0
    for row in counted.records.of("judged", variant=FREE.label):
        row["has"] = True
    assert gains(counted, FREE, pale) == {}


def test_the_sentences_say_so(counted: Job) -> None:
    rows = list(counted.records.of("judged"))
    for training in range(1, 6):
        counted.records.rows += [{**row, "training": training} for row in rows]
    said = entanglement._verdicts(replace(counted, trainings=6))
    assert "red hair, not localized, drags coupled values along (skin: pale; " in said[0]
    assert "survives" in said[0]
    assert said[1].startswith("red hair: localization drags less along: survives")
    assert "gray hair drags along cannot be told" in said[2]


def test_moving_and_gaining() -> None:
    one, two = {"hair": "dark", "hat": None}, {"hair": "bright", "hat": "hat"}
    assert moved(one, two, "hair") is True
    assert moved(one, one, "hair") is False
    assert moved(one, two, "hat") is None
    assert gained(one, two, "hair", "bright") == 1
    assert gained(two, one, "hair", "bright") == -1
    assert gained(one, two, "hair", "other") == 0
    assert gained(one, two, "beard", "full") is None


def test_ranges_of_rows_cover_every_row_once(small: World) -> None:
    assert ranges(small) == ((0,), (1, 2), (3,))


def test_moves_and_places_are_shares(counted: Job) -> None:
    found = moves(counted, FREE.label, 1.0)
    assert found == {"hair color": 1.0, "skin": 0.75, "mouth": 0.0}
    for region, share in (("hair", 0.8), ("skin", 0.2)):
        for seed in range(2):
            more = {"shows": {}, "places": {region: share, "hat": None}}
            row = judged("far", seed, **more)
            counted.records.rows.append({**row, "strength": layers.FAR})
    assert places(counted, "far") == {"hair": 0.8, "skin": 0.2}


def test_alone_means_that_hardly_anything_else_moves() -> None:
    def said(own: float, other: float, *, enough: bool = True) -> str:
        shares = {"hair color": own, "mouth": other, "eyes": 0.0}
        return _alone("It", shares, "hair color", enough=enough)

    assert said(0.9, 0.02).startswith("It: survives")
    assert said(0.9, 0.2).startswith("It: does not survive")
    assert said(0.1, 0.0).startswith("It: does not survive")
    assert "the next, mouth, in 20%" in said(0.9, 0.2)
    assert "from so few" in said(0.9, 0.02, enough=False)
    assert "no judge" in _alone("It", {"mouth": 1.0}, "hair color", enough=True)
