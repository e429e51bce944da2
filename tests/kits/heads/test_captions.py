from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN
from eclipsed.worlds.heads.predicates import PREDICATES
from kits.heads.captions import (
    MOST_PHRASINGS,
    NEUTRAL,
    UNRELATED,
    captions,
    foreign_sentences,
    orders,
    phrasings,
    region_of,
    truths,
)
from kits.heads.population import WIDTH, Floats

_INDEX = {predicate.name: p for p, predicate in enumerate(PREDICATES)}


def _head(**values: float) -> Floats:
    """One unremarkable head, but for these values."""
    row = np.array([[attribute.usual for attribute in ATTRIBUTES]], dtype=np.float32)
    for name, value in values.items():
        row[0, COLUMN[name]] = value
    return row


def _random(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random((n, WIDTH), dtype=np.float32)


def _told(name: str, **values: float) -> bool | None:
    """The truth of a predicate, None where it is unknown."""
    value, known = truths(_head(**values))
    p = _INDEX[name]
    return bool(value[0, p]) if known[0, p] else None


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("old", {"age": 1.0}, True),
        ("old", {"age": 0.4}, False),
        ("old", {"age": 0.7}, None),
        ("child", {"age": 0.1}, True),
        ("man", {"gender": 0.9, "age": 0.5}, True),
        ("man", {"gender": 0.9, "age": 0.1}, False),
        ("boy", {"gender": 0.9, "age": 0.1}, True),
        ("woman", {"gender": 0.5}, None),
        ("curly hair", {"hair_curl": 1.0, "hair_length": 0.6}, True),
        ("curly hair", {"hair_curl": 0.0, "hair_length": 0.6}, False),
        ("curly hair", {"hair_curl": 1.0, "hair_length": 0.0}, False),
        ("slightly: curly hair", {"hair_curl": 0.45, "hair_length": 0.6}, True),
        ("slightly: curly hair", {"hair_curl": 0.9, "hair_length": 0.6}, False),
        ("very: curly hair", {"hair_curl": 0.9, "hair_length": 0.6}, True),
        ("very: curly hair", {"hair_curl": 0.45, "hair_length": 0.6}, False),
        ("blond hair", {"hair_dark": 0.1, "hair_red": 0.1}, True),
        ("blond hair", {"hair_dark": 0.1, "dye": 1.0}, False),
        ("blond hair", {"hair_dark": 0.1, "hair_length": 0.0}, None),
        ("black hair", {"hair_dark": 1.0}, True),
        ("red hair", {"hair_red": 0.8}, True),
        ("grey hair", {"hair_grey": 0.9}, True),
        ("pink hair", {"dye": 1.0, "dye_tint": 0.0}, True),
        ("green hair", {"dye": 1.0, "dye_tint": 0.0}, False),
        ("glasses", {"glasses": 1.0}, True),
        ("no glasses", {"glasses": 0.0}, True),
        ("sunglasses", {"glasses": 1.0, "lens_dark": 1.0}, True),
        ("sunglasses", {"glasses": 0.0, "lens_dark": 1.0}, False),
        ("blue eyes", {"eye_color": 1.0}, True),
        ("blue eyes", {"eye_color": 1.0, "glasses": 1.0, "lens_dark": 1.0}, None),
        ("closed eyes", {"eye_open": 0.0}, True),
        ("smile", {"smile": 0.9}, True),
        ("happy", {"smile": 0.9, "frown": 0.9}, False),
        ("angry", {"frown": 0.9}, True),
        ("surprised", {"brow_raise": 0.9, "mouth_open": 0.5}, True),
        ("facial hair", {"moustache": 0.9}, True),
        ("beard", {"moustache": 0.9}, False),
        ("no beard", {"moustache": 0.9}, False),
        ("stubble", {"beard": 0.8, "beard_length": 0.0}, True),
        ("long beard", {"beard": 0.0, "beard_length": 1.0}, False),
        ("make-up", {"eye_shadow": 0.9}, True),
        ("earrings", {"earrings": 0.8, "hair_length": 0.9, "hair_volume": 0.8}, None),
        ("no earrings", {"earrings": 0.0, "hair_length": 0.9, "hair_volume": 0.8}, True),
    ],
)
def test_truths(name: str, values: dict[str, float], expected: bool | None) -> None:
    assert _told(name, **values) is expected


# Ends of the same parameter, and what contradicts each other by its meaning.
_OPPOSITES = [
    ("old", "young"),
    ("man", "woman"),
    ("masculine", "feminine"),
    ("curly hair", "straight hair"),
    ("long hair", "short hair"),
    ("fat", "thin"),
    ("blond hair", "black hair"),
    ("hat", "no hat"),
    ("glasses", "no glasses"),
    ("beard", "no beard"),
    ("smile", "not smiling"),
    ("happy", "sad"),
    ("open mouth", "closed mouth"),
    ("big nose", "small nose"),
    ("pale skin", "dark skin"),
    ("make-up", "no make-up"),
    ("large eyes", "small eyes"),
    ("wrinkles", "smooth skin"),
]


@pytest.mark.parametrize(("one", "other"), _OPPOSITES)
def test_opposites_are_never_both_true(one: str, other: str) -> None:
    value, known = truths(_random(2_000))
    both = value[:, _INDEX[one]] & value[:, _INDEX[other]]
    assert not (both & known[:, _INDEX[one]] & known[:, _INDEX[other]]).any()
    assert (value[:, _INDEX[one]]).any()
    assert (value[:, _INDEX[other]]).any()


def test_every_predicate_is_sometimes_true_and_sometimes_false() -> None:
    values = np.concatenate([_random(6_000), np.round(_random(6_000, 1))])
    value, known = truths(values)
    for p, predicate in enumerate(PREDICATES):
        assert (value & known)[:, p].any(), predicate.name
        assert (~value & known)[:, p].any(), predicate.name


def test_what_is_true_is_known() -> None:
    value, known = truths(_random(500))
    assert not (value & ~known).any()


@pytest.mark.parametrize(
    ("name", "parameter", "sign"),
    [
        ("more: old", "age", 1),
        ("more: young", "age", -1),
        ("more: smile", "smile", 1),
        ("more: dark skin", "skin_tone", 1),
        ("more: pale skin", "skin_tone", -1),
        ("more: big nose", "nose_size", 1),
    ],
)
def test_comparatives_order_by_their_parameter(name: str, parameter: str, sign: int) -> None:
    heads = np.concatenate([_head(**{parameter: value}) for value in (0.1, 0.5, 0.9)])
    height, takes_part = orders(heads)
    assert takes_part[:, _INDEX[name]].all()
    assert (np.diff(height[:, _INDEX[name]]) * sign > 0).all()


def test_only_what_shows_takes_part_in_an_order() -> None:
    heads = np.concatenate([_head(hair_length=0.6), _head(hair_length=0.0)])
    _, takes_part = orders(heads)
    assert takes_part[:, _INDEX["more: curly hair"]].tolist() == [True, False]
    # What means a middle, or either of two things, orders nobody.
    assert not takes_part[:, _INDEX["wavy hair"]].any()
    assert not takes_part[:, _INDEX["facial hair"]].any()


def test_phrasings() -> None:
    train, held_out = phrasings("train"), phrasings("held-out")
    assert list(train) == list(held_out) == list(_INDEX)
    most = max(MOST_PHRASINGS.values())
    assert all(len(said) <= most for said in train.values())
    assert min(map(len, train.values())) >= 20
    assert min(map(len, held_out.values())) >= 4
    trained = [sentence for said in train.values() for sentence in said]
    held = [sentence for said in held_out.values() for sentence in said]
    assert len(set(trained)) == len(trained)
    assert len(set(held)) == len(held)
    assert not set(trained) & set(held)
    assert not any("{" in s or "  " in s or s != s.strip() for s in trained + held)


def test_true_and_foreign_sentences_do_not_meet() -> None:
    said = {s for split in ("train", "held-out") for own in phrasings(split).values() for s in own}
    foreign = foreign_sentences()
    assert len(set(foreign)) == len(foreign) > 1_000
    assert not said & {*foreign, *UNRELATED, *NEUTRAL}
    assert not {*NEUTRAL} & {*foreign, *UNRELATED}


@given(st.integers(0, 2**32 - 1))
def test_captions_are_true(seed: int) -> None:
    values = _random(6, seed)
    value, _ = truths(values)
    made = captions(values, range(6), np.random.default_rng(seed))
    assert made == captions(values, range(6), np.random.default_rng(seed))
    for i, caption in enumerate(made):
        stated = [_INDEX[name] for name in caption.predicates]
        assert 2 <= len(stated) <= 4
        assert value[i, stated].all()
        regions = {region_of(PREDICATES[p]) for p in stated}
        assert len(regions) == len(stated)


def test_held_out_captions_use_held_out_phrases() -> None:
    values = _random(20)
    for caption in captions(values, range(20), np.random.default_rng(3), "held-out"):
        for name in caption.predicates:
            held_out = PREDICATES[_INDEX[name]].held_out
            assert any(phrase.text in caption.text for phrase in held_out)
