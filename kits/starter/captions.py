"""Sentences about avatars, with their exact truth.

`truths` says for every predicate whether it holds of each avatar and whether that can be known;
`phrasings` spells every predicate in many sentences; `captions` name several visible
things about one avatar. Training and held-out sentences share neither phrases nor templates.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kits.captions
from eclipsed.worlds.phrases import Phrase
from eclipsed.worlds.starter.attributes import JUDGED, SKIN_TONES
from eclipsed.worlds.starter.models import COVERED
from eclipsed.worlds.starter.predicates import PREDICATES, Predicate
from kits.captions import FOREIGN, Caption, Split, compose, sentences
from kits.starter.renderer import Avatars, Floats, hue_distances

Bools = NDArray[np.bool_]

MOST_PHRASINGS = 240  # of one predicate, so that no predicate dominates memory
CLEAR = 0.7  # a blend shows a value plainly from this weight on, and lacks it below 1 - CLEAR
SKIN_BORDER = 0.03  # this near to a border between two named tones, either name may be right
HUE_BORDER = 0.02  # the same for hues, in turns
COLORLESS, COLORFUL = 0.2, 0.4  # radius up to which a background has no hue, and from which it has

_TABLE: dict[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
NEUTRAL: tuple[str, ...] = tuple(_TABLE["neutral"])  # true of every image


def foreign_sentences() -> list[str]:
    """What this world cannot show, in several wordings."""
    return kits.captions.foreign_sentences(FOREIGN)


def _skin_mass(skin: Floats) -> Floats:
    """[N] → [N, 5]: 1 inside a tone's bin, divided where two tones meet."""
    columns = []
    for low, high in SKIN_TONES.values():
        rise = 1.0 if low <= 0 else (skin - low) / (2 * SKIN_BORDER) + 0.5
        fall = 1.0 if high >= 1 else (high - skin) / (2 * SKIN_BORDER) + 0.5
        columns.append(np.clip(np.minimum(rise, fall), 0, 1) * np.ones_like(skin))
    return np.stack(columns, axis=1).astype(np.float32)


def _background_mass(background: Floats) -> Floats:
    """[N, 2] → [N, 8]: 1 at the nearest hue, divided where two meet, 0 where there is no hue."""
    away = hue_distances(background)
    order = np.sort(away, axis=1)
    # How much nearer this hue is than its best rival, from -1 (the rival's) to 1 (its own).
    rival = np.where(away == order[:, :1], order[:, 1:2], order[:, :1])
    lead = np.clip((rival - away) / (2 * HUE_BORDER), -1, 1)
    radius = np.hypot(background[:, 0], background[:, 1])
    strength = np.clip((radius - COLORLESS) / (COLORFUL - COLORLESS), 0, 1)
    return ((lead + 1) / 2 * strength[:, None]).astype(np.float32)


def _mass(avatars: Avatars) -> Floats:
    """How plainly each value of each group of JUDGED shows, [N, all values]."""
    columns = dict(avatars.weights) | {
        "skin": _skin_mass(avatars.skin),
        "background": _background_mass(avatars.background),
    }
    return np.concatenate([columns[group] for group in JUDGED], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def _columns() -> tuple[Floats, Floats]:
    """(values, doubts) of PREDICATES as 0/1 matrices [all values, P]."""
    names = [(group, value) for group, values in JUDGED.items() for value in values]
    row = {name: index for index, name in enumerate(names)}
    values = np.zeros((len(row), len(PREDICATES)), dtype=np.float32)
    doubts = np.zeros_like(values)
    for p, predicate in enumerate(PREDICATES):
        values[[row[predicate.group, value] for value in predicate.values], p] = 1
        doubted = [row[group, v] for group, own in predicate.doubts.items() for v in own]
        doubts[doubted, p] = 1
    return values, doubts


def truths(avatars: Avatars, visible: Mapping[str, Bools] | None = None) -> tuple[Bools, Bools]:
    """(value, known), each bool [N, P], of every predicate in PREDICATES' order.

    A truth is unknown where a blend is undecided, where the predicate's doubts hold, and where the
    part that carries its group is out of sight; `visible` is the renderer's group → bool [N] (a
    group it does not name is taken to be in sight).
    """
    mass = _mass(avatars)
    values, doubts = _columns()
    shown = mass @ values
    known = (shown >= CLEAR) | (shown <= 1 - CLEAR)
    known &= mass @ doubts <= 1 - CLEAR
    for p, predicate in enumerate(PREDICATES):
        if visible and predicate.group in visible and predicate.group in COVERED:
            known[:, p] &= visible[predicate.group]
    return shown >= CLEAR, known


def _phrases(predicate: Predicate, split: Split) -> tuple[Phrase, ...]:
    return predicate.phrases if split == "train" else predicate.held_out


@lru_cache(maxsize=2)
def phrasings(split: Split = "train") -> dict[str, list[str]]:
    """Predicate name → sentences that say it: 80 to 240 for training, fewer held out."""
    return {
        predicate.name: sentences(
            _phrases(predicate, split), _TABLE, split, most=MOST_PHRASINGS, seed=predicate.name
        )
        for predicate in PREDICATES
    }


def captions(
    avatars: Avatars,
    indices: Sequence[int],
    rng: np.random.Generator,
    split: Split = "train",
    visible: Mapping[str, Bools] | None = None,
) -> list[Caption]:
    """One composite caption for each of the chosen avatars; the fast way to make many."""
    value, known = truths(avatars, visible)
    holds = value & known
    return [_caption_of(holds[i], rng, split) for i in indices]


def _caption_of(holds: Bools, rng: np.random.Generator, split: Split) -> Caption:
    """A caption of 2 to 4 of the predicates marked in `holds` [P]."""
    by_group: dict[str, list[Predicate]] = {}
    for p in np.flatnonzero(holds):
        by_group.setdefault(PREDICATES[p].group, []).append(PREDICATES[p])
    count = min(int(rng.integers(2, 5)), len(by_group))
    groups = rng.choice(sorted(by_group), size=count, replace=False)
    stated = [by_group[g][int(rng.integers(len(by_group[g])))] for g in groups]
    phrases = []
    for predicate in stated:
        choices = _phrases(predicate, split)
        phrases.append(choices[int(rng.integers(len(choices)))])
    return Caption(compose(phrases, _TABLE, split, rng), tuple(p.name for p in stated))
