from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.worlds.starter.attributes import GROUPS, HUES
from eclipsed.worlds.starter.predicates import PREDICATE, PREDICATES
from kits.starter.captions import (
    MOST_PHRASINGS,
    Bools,
    captions,
    foreign_sentences,
    phrasings,
    truths,
)
from kits.starter.renderer import Avatars


def _avatar(*, skin: float = 0.1, hue: float = 0.0, color: float = 1.0, **values: str) -> Avatars:
    """One plain avatar: each group's first value unless named (spaces as underscores)."""
    weights = {}
    for group in GROUPS:
        chosen = values.get(group.name.replace(" ", "_"), group.names[0])
        row = np.zeros((1, len(group.names)), dtype=np.float32)
        for part in chosen.split("+"):
            row[0, group.names.index(part)] += 1 / len(chosen.split("+"))
        weights[group.name] = row
    angle = 2 * np.pi * hue
    point = np.array([[color * np.cos(angle), color * np.sin(angle)]], dtype=np.float32)
    return Avatars(weights, np.array([skin], dtype=np.float32), point)


def _random(rng: np.random.Generator, n: int) -> Avatars:
    weights = {
        g.name: np.eye(len(g.names), dtype=np.float32)[rng.integers(len(g.names), size=n)]
        for g in GROUPS
    }
    background = rng.uniform(-0.7, 0.7, (n, 2)).astype(np.float32)
    return Avatars(weights, rng.random(n, dtype=np.float32), background)


def _told(avatars: Avatars, name: str, visible: dict[str, Bools] | None = None) -> bool | None:
    """The truth of a predicate for one avatar, None where it is unknown."""
    value, known = truths(avatars, visible)
    column = list(PREDICATE).index(name)
    return bool(value[0, column]) if known[0, column] else None


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ({"top": "curly"}, "curly hair", True),
        ({"top": "bob"}, "curly hair", False),
        ({"top": "beanie"}, "a hat", True),
        ({"top": "beanie"}, "bald", None),
        ({"top": "quiff"}, "short hair", None),
        ({"top": "bob", "hair_color": "blond"}, "blond hair", True),
        ({"top": "bald", "hair_color": "blond"}, "blond hair", None),
        ({"top": "turban", "hair_color": "blond"}, "blond hair", None),
        ({"top": "buzzcut", "hair_color": "black"}, "blond hair", False),
        ({"glasses": "sunglasses"}, "glasses", True),
        ({"glasses": "eyepatch"}, "glasses", False),
        ({"glasses": "eyepatch"}, "no glasses", None),
        ({"eyes": "closed"}, "closed eyes", True),
        ({"eyes": "closed", "glasses": "sunglasses"}, "closed eyes", None),
        ({"eyes": "wink", "glasses": "eyepatch"}, "winking", None),
        ({"eyes": "hearts", "glasses": "eyepatch"}, "heart eyes", True),
        ({"mouth": "laugh"}, "open mouth", True),
        ({"mouth": "grimace"}, "open mouth", None),
        ({"mouth": "sad"}, "open mouth", False),
        ({"mouth": "laugh"}, "happy", True),
        ({"mouth": "laugh", "brows": "angry"}, "happy", None),
        ({"beard": "moustache"}, "facial hair", True),
        ({"beard": "moustache"}, "a beard", False),
        ({"clothes_color": "red"}, "red clothes", True),
        ({"clothes": "blazer", "clothes_color": "red"}, "black clothes", None),
    ],
)
def test_truth(values: dict[str, str], name: str, expected: bool | None) -> None:
    assert _told(_avatar(**values), name) is expected


def test_blends_are_undecided_until_one_side_is_plain() -> None:
    half = _avatar(top="curly+bob")
    assert _told(half, "curly hair") is None
    assert _told(half, "a hat") is False
    # Both halves are long, so the union is plain though neither value is.
    assert _told(_avatar(top="straight+wavy"), "long hair") is True


def test_skin_near_a_border_has_no_name() -> None:
    assert _told(_avatar(skin=0.05), "pale skin") is True
    assert _told(_avatar(skin=0.95), "pale skin") is False
    assert _told(_avatar(skin=0.2), "pale skin") is None
    assert _told(_avatar(skin=0.2), "fair skin") is True
    assert _told(_avatar(skin=0.95), "dark skin") is True


@pytest.mark.parametrize(("name", "centre"), HUES.items())
def test_background_hues(name: str, centre: float) -> None:
    assert _told(_avatar(hue=centre), f"{name} background") is True
    assert _told(_avatar(hue=centre + 0.5), f"{name} background") is False
    assert _told(_avatar(hue=centre, color=0.3), f"{name} background") is None
    assert _told(_avatar(hue=centre, color=0.05), f"{name} background") is False


def test_what_is_covered_is_unknown() -> None:
    avatars = _avatar(brows="angry")
    assert _told(avatars, "angry eyebrows") is True
    assert _told(avatars, "angry eyebrows", {"brows": np.array([False])}) is None


@given(st.integers(0, 2**32 - 1))
def test_single_values_of_a_group_exclude_each_other(seed: int) -> None:
    value, known = truths(_random(np.random.default_rng(seed), 6))
    for group in GROUPS:
        singles = {p.values: i for i, p in enumerate(PREDICATES) if p.group == group.name}
        columns = [i for values, i in singles.items() if len(values) == 1]
        assert ((value & known)[:, columns].sum(axis=1) <= 1).all()


def test_every_predicate_is_sometimes_true_and_sometimes_false() -> None:
    value, known = truths(_random(np.random.default_rng(0), 3000))
    for column, predicate in enumerate(PREDICATES):
        assert (value & known)[:, column].sum() >= 20, predicate.name
        assert (~value & known)[:, column].sum() >= 20, predicate.name


def test_phrasings() -> None:
    train, held_out = phrasings("train"), phrasings("held-out")
    assert list(train) == list(held_out) == list(PREDICATE)
    for name in train:
        assert 80 <= len(train[name]) <= MOST_PHRASINGS
        assert len(held_out[name]) >= 8
        assert not set(train[name]) & set(held_out[name])
        assert len(set(train[name])) == len(train[name])
    assert "a person with curly hair" in train["curly hair"] + held_out["curly hair"]
    everything = [s for split in (train, held_out) for said in split.values() for s in said]
    assert not any("{" in s or "  " in s or s != s.strip() for s in everything)


def test_no_sentence_says_two_predicates() -> None:
    for split in ("train", "held-out"):
        sentences = [s for said in phrasings(split).values() for s in said]
        assert len(set(sentences)) == len(sentences)


def test_captions_are_true_and_reproducible() -> None:
    avatars = _random(np.random.default_rng(1), 40)
    value, known = truths(avatars)
    made = captions(avatars, range(40), np.random.default_rng(2))
    assert made == captions(avatars, range(40), np.random.default_rng(2))
    for i, caption in enumerate(made):
        assert 2 <= len(caption.predicates) <= 4
        stated = [list(PREDICATE).index(name) for name in caption.predicates]
        assert value[i, stated].all()
        assert known[i, stated].all()
        groups = {PREDICATE[name].group for name in caption.predicates}
        assert len(groups) == len(caption.predicates)
        assert caption.text


def test_held_out_captions_use_held_out_phrases() -> None:
    avatars = _random(np.random.default_rng(1), 30)
    for caption in captions(avatars, range(30), np.random.default_rng(3), "held-out"):
        for name in caption.predicates:
            assert any(q.text in caption.text for q in PREDICATE[name].held_out)


def test_what_the_world_cannot_show_is_none_of_its_phrases() -> None:
    said = foreign_sentences()
    assert len(set(said)) == len(said) > 1_000
    for split in ("train", "held-out"):
        assert not set(said) & {s for sentences in phrasings(split).values() for s in sentences}
