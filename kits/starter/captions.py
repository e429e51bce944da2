"""Sentences about avatars, with their exact truth.

`truths` says for every predicate whether it holds of each avatar and whether that can be known;
`phrasings` spells every predicate in many sentences; `captions` name several visible
things about one avatar. Training and held-out sentences share neither phrases nor templates.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.starter.attributes import JUDGED, SKIN_TONES
from eclipsed.worlds.starter.models import COVERED
from eclipsed.worlds.starter.predicates import PREDICATES, Kind, Phrase, Predicate
from kits.starter.renderer import Avatars, Floats, hue_distances

Split = Literal["train", "held-out"]
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
UNRELATED: tuple[str, ...] = tuple(_TABLE["unrelated"])  # true of none
# How the table's foreign words enter a sentence, by their kind.
_FOREIGN: dict[str, tuple[str, ...]] = {
    "has": ("{}", "a person with {}", "someone who has {}", "a face with {}"),
    "person": ("{}", "a photo of {}", "a picture of {}"),
    "thing": ("{}", "a photo of {}", "a picture of {}"),
    "scene": ("{}", "a photo of {}"),
    "nothing": ("{}",),
}


@dataclass(frozen=True)
class Caption:
    """A sentence and the names of the predicates that it states; true when all of them are."""

    text: str
    predicates: tuple[str, ...]


def foreign_sentences() -> list[str]:
    """What this world cannot show, in several wordings."""
    return [
        template.format(word)
        for kind, templates in _FOREIGN.items()
        for word in _TABLE["foreign"][kind]
        for template in templates
    ]


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


def _sentences(predicate: Predicate, split: Split) -> list[str]:
    """Every phrase in every template, or as many of them as MOST_PHRASINGS allows."""
    templates = dict(_TABLE[split]["templates"])
    templates["wear"] = [*templates["has"], *templates["wear"]]
    phrases = _phrases(predicate, split)
    sentences = [
        template.format(phrase.text, a="an" if phrase.text[0] in "aeiouAEIOU" else "a")
        for phrase in phrases
        for template in templates[phrase.kind]
    ]
    sentences = list(dict.fromkeys(sentences))
    if len(sentences) <= MOST_PHRASINGS:
        return sentences
    # The bare phrases stay; what is left out is the same on every run.
    bare = list(dict.fromkeys(phrase.text for phrase in phrases))
    rest = [sentence for sentence in sentences if sentence not in set(bare)]
    return bare + random.Random(predicate.name).sample(rest, MOST_PHRASINGS - len(bare))


@lru_cache(maxsize=2)
def phrasings(split: Split = "train") -> dict[str, list[str]]:
    """Predicate name → sentences that say it: 80 to 240 for training, fewer held out."""
    return {predicate.name: _sentences(predicate, split) for predicate in PREDICATES}


def _compose(phrases: Sequence[Phrase], rng: np.random.Generator, split: Split) -> str:
    """Phrases → one sentence: an opening, then each phrase by its link."""
    opening = str(rng.choice(_TABLE[split]["openings"]))
    joints = _TABLE[split]["joints"]
    comma, last = joints[int(rng.integers(len(joints)))]
    parts: list[str] = []
    previous: Kind | None = None
    # Adjectives lead, the scene and clauses close.
    order = ("adj", "has", "wear", "verb", "scene", "clause")
    for phrase in sorted(phrases, key=lambda phrase: order.index(phrase.kind)):
        # "with curly hair and a beard": the link is said once for a run of one kind.
        repeats = phrase.kind == previous and phrase.kind in ("has", "wear")
        link = "{}" if repeats else _TABLE["links"][phrase.kind]
        parts.append(link.format(phrase.text))
        previous = phrase.kind
    if len(parts) == 1:
        return f"{opening} {parts[0]}"
    return f"{opening} {comma.join(parts[:-1])}{last}{parts[-1]}"


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
    return Caption(_compose(phrases, rng, split), tuple(p.name for p in stated))
