"""Sentences about avatars, with their exact truth.

`truths` says for every predicate whether it holds of each avatar and whether that can be known;
`phrasings` spells every predicate in many sentences; `captions` name several visible
things about one avatar. Training and held-out sentences share neither phrases nor templates.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from eclipsed.worlds.starter.attributes import SKIN_NAMES, hue_distances
from eclipsed.worlds.starter.predicates import (
    PREDICATE,
    PREDICATE_GROUPS,
    PREDICATES,
    Kind,
    Phrase,
    Predicate,
    group_values,
)

Split = Literal["train", "held-out"]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

MOST_PHRASINGS = 240  # of one predicate, so that no predicate dominates memory
CLEAR = 0.7  # a blend shows a value plainly from this weight on, and lacks it below 1 - CLEAR
SKIN_BORDER = 0.03  # this near to a border between two named tones, either name may be right
HUE_BORDER = 0.02  # the same for hues, in turns
COLORLESS, COLORFUL = 0.2, 0.4  # radius up to which a background has no hue, and from which it has

# Groups that always draw something, which other parts can cover.
COVERABLE = ("mouth", "eyes", "brows", "clothes")

# {} is the phrase, {a} its article.
_TRAIN: dict[Kind, tuple[str, ...]] = {
    "has": (
        "{}",
        "a person with {}",
        "an avatar who has {}",
        "a cartoon face with {}",
        "a portrait of someone with {}",
        "the person has {}",
        "a man with {}",
        "a woman with {}",
        "a photo of a person with {}",
        "a picture of a face with {}",
        "someone who has {}",
        "he has {}",
        "she has {}",
        "a character with {}",
        "with {}",
        "an illustration of a person with {}",
        "give the person {}",
        "a drawing of a guy with {}",
        "a girl with {}",
        "the face of a man with {}",
        "an image of somebody with {}",
        "a photo of a woman with {}",
    ),
    "adj": (
        "{}",
        "{a} {} person",
        "a person who is {}",
        "the person is {}",
        "he is {}",
        "she is {}",
        "{a} {} man",
        "{a} {} woman",
        "someone {}",
        "a portrait of {a} {} person",
        "{a} {} avatar",
        "a photo of {a} {} person",
        "{a} {} character",
        "make the person {}",
        "a cartoon of somebody {}",
        "{a} {} guy",
        "a picture of {a} {} man",
        "a girl who is {}",
        "the character looks {}",
        "an illustration of {a} {} face",
    ),
    "verb": (
        "{}",
        "a person {}",
        "someone {}",
        "a man {}",
        "a woman {}",
        "a photo of a person {}",
        "a portrait of someone {}",
        "a cartoon character {}",
        "an avatar {}",
        "a face {}",
        "an illustration of a person {}",
        "a picture of a man {}",
        "an image of somebody {}",
        "a girl {}",
        "a drawing of a guy {}",
        "a photo of a woman {}",
    ),
    "scene": (
        "{}",
        "a person with {}",
        "a portrait with {}",
        "an avatar on {}",
        "a person in front of {}",
        "the picture has {}",
        "a face against {}",
        "a photo with {}",
        "someone in front of {}",
        "an image with {}",
        "with {}",
        "a cartoon face on {}",
        "a man in front of {}",
        "a woman against {}",
        "a character with {}",
        "change to {}",
        "an illustration with {}",
        "a drawing that has {}",
    ),
    "clause": (
        "{}",
        "a picture where {}",
        "a face where {}",
        "a cartoon in which {}",
        "make it so that {}",
        "a portrait where {}",
        "a photo of a person where {}",
        "an avatar where {}",
    ),
}
_TRAIN["wear"] = (
    *_TRAIN["has"],
    "a person wearing {}",
    "wearing {}",
    "she is wearing {}",
    "he wears {}",
    "someone in {}",
    "a portrait of a man wearing {}",
    "a woman wearing {}",
)

_HELD_OUT: dict[Kind, tuple[str, ...]] = {
    "has": (
        "this character is shown with {}",
        "a headshot of a human with {}",
        "a boy that has {}",
        "a profile picture featuring {}",
        "they have {}",
        "a lady with {}",
    ),
    "adj": (
        "this is {a} {} human",
        "this character is shown as {}",
        "a headshot of {a} {} lady",
        "{a} {} boy",
        "somebody who is {}",
        "they seem {}",
    ),
    "verb": (
        "this character is shown {}",
        "a headshot of a human {}",
        "a boy {}",
        "a profile picture of a lady {}",
        "somebody {}",
        "a user icon of an individual {}",
    ),
    "scene": (
        "this character is shown with {}",
        "a headshot against {}",
        "a boy before {}",
        "a profile picture that has {}",
        "they stand in front of {}",
        "a lady on {}",
    ),
    "clause": (
        "a headshot where {}",
        "a profile picture in which {}",
        "this character is drawn so that {}",
        "we can see that {}",
    ),
}
_HELD_OUT["wear"] = (*_HELD_OUT["has"], "a lady who wears {}", "this boy has {} on")

# How a caption about several things opens, and what joins them.
_OPENINGS: dict[Split, tuple[str, ...]] = {
    "train": (
        "a person",
        "a man",
        "a woman",
        "an avatar",
        "a cartoon character",
        "someone",
        "a portrait of someone",
        "a photo of a person",
        "an illustration of a person",
        "a drawing of a guy",
        "a girl",
        "a face",
        "a character",
    ),
    "held-out": (
        "a headshot of a human",
        "a profile picture of a lady",
        "this shows a boy",
        "a user icon of an individual",
    ),
}
_JOINTS: dict[Split, tuple[tuple[str, str], ...]] = {
    "train": ((", ", " and "), (", ", ", and "), (" and ", " and "), (", ", ", ")),
    "held-out": ((", ", ", also "), (" plus ", " plus "), ("; ", "; ")),
}
_LINKS: dict[Kind, str] = {
    "has": "with {}",
    "wear": "wearing {}",
    "adj": "who is {}",
    "verb": "{}",
    "scene": "in front of {}",
    "clause": "where {}",
}


@runtime_checkable
class Described(Protocol):
    """What captions need to know of N avatars (renderer.Avatars has it)."""

    @property
    def weights(self) -> Mapping[str, Floats]:
        """Group → [N, K], rows that sum to 1: one value, or a blend of two."""
        ...

    @property
    def skin(self) -> Floats:
        """[N], 0 (palest) to 1."""
        ...

    @property
    def background(self) -> Floats:
        """[N, 2], a point of the unit disc."""
        ...


@dataclass(frozen=True)
class Caption:
    """A sentence and the names of the predicates that it states; true when all of them are."""

    text: str
    predicates: tuple[str, ...]


def _skin_mass(skin: Floats) -> Floats:
    """[N] → [N, 5]: 1 inside a tone's bin, shared where two tones meet."""
    columns = []
    for _, low, high in SKIN_NAMES:
        rise = 1.0 if low <= 0 else (skin - low) / (2 * SKIN_BORDER) + 0.5
        fall = 1.0 if high >= 1 else (high - skin) / (2 * SKIN_BORDER) + 0.5
        columns.append(np.clip(np.minimum(rise, fall), 0, 1) * np.ones_like(skin))
    return np.stack(columns, axis=1).astype(np.float32)


def _background_mass(background: Floats) -> Floats:
    """[N, 2] → [N, 8]: 1 at the nearest hue, shared where two meet, 0 where there is no hue."""
    away = hue_distances(background)
    order = np.sort(away, axis=1)
    # How much nearer this hue is than its best rival, from -1 (the rival's) to 1 (its own).
    rival = np.where(away == order[:, :1], order[:, 1:2], order[:, :1])
    lead = np.clip((rival - away) / (2 * HUE_BORDER), -1, 1)
    radius = np.hypot(background[:, 0], background[:, 1])
    strength = np.clip((radius - COLORLESS) / (COLORFUL - COLORLESS), 0, 1)
    mass: Floats = ((lead + 1) / 2 * strength[:, None]).astype(np.float32)
    return mass


def _mass(avatars: Described) -> Floats:
    """How plainly each value of each group shows, [N, all values], in PREDICATE_GROUPS' order."""
    derived = {
        "skin": _skin_mass(avatars.skin),
        "background": _background_mass(avatars.background),
    }
    parts = [derived[g] if g in derived else avatars.weights[g] for g in PREDICATE_GROUPS]
    mass: Floats = np.concatenate(parts, axis=1).astype(np.float32)
    return mass


@lru_cache(maxsize=1)
def _columns() -> tuple[Floats, Floats]:
    """(values, doubts) of PREDICATES as 0/1 matrices [all values, P]."""
    place: dict[tuple[str, str], int] = {}
    for group in PREDICATE_GROUPS:
        for value in group_values(group):
            place[group, value] = len(place)
    values = np.zeros((len(place), len(PREDICATES)), dtype=np.float32)
    doubts = np.zeros_like(values)
    for p, predicate in enumerate(PREDICATES):
        for value in predicate.values:
            values[place[predicate.group, value], p] = 1
        for group, names in predicate.doubts.items():
            for value in names:
                doubts[place[group, value], p] = 1
    return values, doubts


def truths(avatars: Described, visible: Mapping[str, Bools] | None = None) -> tuple[Bools, Bools]:
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
        if visible and predicate.group in visible and predicate.group in COVERABLE:
            known[:, p] &= visible[predicate.group]
    return shown >= CLEAR, known


def truth(
    avatars: Described, predicate: Predicate | str, visible: Mapping[str, Bools] | None = None
) -> tuple[Bools, Bools]:
    """(value, known), each bool [N], of one predicate; see `truths`."""
    name = predicate if isinstance(predicate, str) else predicate.name
    value, known = truths(avatars, visible)
    column = list(PREDICATE).index(name)
    return value[:, column], known[:, column]


def _article(text: str) -> str:
    return "an" if text[0] in "aeiouAEIOU" else "a"


def _sentences(phrases: Sequence[Phrase], templates: Mapping[Kind, tuple[str, ...]]) -> list[str]:
    return [
        template.format(phrase.text, a=_article(phrase.text))
        for phrase in phrases
        for template in templates[phrase.kind]
    ]


@lru_cache(maxsize=2)
def _phrasings(split: Split) -> dict[str, tuple[str, ...]]:
    templates = _TRAIN if split == "train" else _HELD_OUT
    made = {}
    for predicate in PREDICATES:
        phrases = predicate.phrases if split == "train" else predicate.held_out
        sentences = list(dict.fromkeys(_sentences(phrases, templates)))
        if len(sentences) > MOST_PHRASINGS:
            # The bare phrases stay; what is left out is the same on every run.
            bare = list(dict.fromkeys(phrase.text for phrase in phrases))
            rest = [s for s in sentences if s not in set(bare)]
            kept = random.Random(predicate.name).sample(rest, MOST_PHRASINGS - len(bare))
            sentences = bare + kept
        made[predicate.name] = tuple(sentences)
    return made


def phrasings(split: Split = "train") -> dict[str, list[str]]:
    """Predicate name → sentences that say it: 80 to 240 for training, fewer held out."""
    return {name: list(sentences) for name, sentences in _phrasings(split).items()}


def _order(phrase: Phrase) -> int:
    """Where a phrase reads best in a sentence: adjectives lead, the scene and clauses close."""
    return ("adj", "has", "wear", "verb", "scene", "clause").index(phrase.kind)


def _compose(phrases: Sequence[Phrase], rng: np.random.Generator, split: Split) -> str:
    """Phrases → one sentence: an opening, then each phrase by its link."""
    opening = str(rng.choice(_OPENINGS[split]))
    comma, last = _JOINTS[split][int(rng.integers(len(_JOINTS[split])))]
    parts: list[str] = []
    previous: Kind | None = None
    for phrase in sorted(phrases, key=_order):
        # "with curly hair and a beard": the link is said once for a run of one kind.
        repeats = phrase.kind == previous and phrase.kind in ("has", "wear")
        parts.append(phrase.text if repeats else _LINKS[phrase.kind].format(phrase.text))
        previous = phrase.kind
    if len(parts) == 1:
        return f"{opening} {parts[0]}"
    return f"{opening} {comma.join(parts[:-1])}{last}{parts[-1]}"


def captions(
    avatars: Described,
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
        choices = predicate.phrases if split == "train" else predicate.held_out
        phrases.append(choices[int(rng.integers(len(choices)))])
    return Caption(_compose(phrases, rng, split), tuple(p.name for p in stated))
