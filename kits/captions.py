"""Sentences from phrases, by templates: what the worlds' captions share.

A grammar is the table of a captions.toml. Its parts "train" and "held-out" share no templates:
`templates` by kind of phrase, `openings` and `joints` of captions about several things. `links`
join phrases to a caption. What is true of no image stands in captions.toml beside this module.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eclipsed.worlds.phrases import Kind, Phrase

Split = Literal["train", "held-out"]
Grammar = Mapping[str, Any]

_TABLE: dict[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
UNRELATED: tuple[str, ...] = tuple(_TABLE["unrelated"])
FOREIGN: Mapping[str, Sequence[str]] = _TABLE["foreign"]  # words, by how they enter a sentence
_WORDINGS: dict[str, tuple[str, ...]] = {
    "has": ("{}", "a person with {}", "someone who has {}", "a face with {}"),
    "person": ("{}", "a photo of {}", "a picture of {}"),
    "thing": ("{}", "a photo of {}", "a picture of {}"),
    "scene": ("{}", "a photo of {}"),
    "nothing": ("{}",),
}
# Adjectives lead, the scene and clauses close.
_ORDER: tuple[Kind, ...] = ("adj", "has", "wear", "verb", "scene", "clause")


@dataclass(frozen=True)
class Caption:
    """A sentence and the names of the predicates that it states; true when all of them are."""

    text: str
    predicates: tuple[str, ...]


def foreign_sentences(foreign: Mapping[str, Sequence[str]]) -> list[str]:
    """Words of what a world cannot show, in several wordings."""
    return [
        template.format(word)
        for kind, templates in _WORDINGS.items()
        for word in foreign[kind]
        for template in templates
    ]


def sentences(
    phrases: Sequence[Phrase], grammar: Grammar, split: Split, *, most: int, seed: str
) -> list[str]:
    """Every phrase in every template of its kind, or `most` of them, the bare phrases included."""
    templates = dict(grammar[split]["templates"])
    templates["wear"] = [*templates["has"], *templates["wear"]]
    made = [
        template.format(phrase.text, a="an" if phrase.text[0] in "aeiouAEIOU" else "a")
        for phrase in phrases
        for template in templates[phrase.kind]
    ]
    made = list(dict.fromkeys(made))
    if len(made) <= most:
        return made
    # What is left out is the same on every run.
    bare = list(dict.fromkeys(phrase.text for phrase in phrases))
    rest = [sentence for sentence in made if sentence not in set(bare)]
    return bare + random.Random(seed).sample(rest, max(0, most - len(bare)))


def compose(
    phrases: Sequence[Phrase], grammar: Grammar, split: Split, rng: np.random.Generator
) -> str:
    """Phrases → one sentence: an opening, then each phrase by its link; a noun is the opening."""
    opening = str(rng.choice(grammar[split]["openings"]))
    joints = grammar[split]["joints"]
    comma, last = joints[int(rng.integers(len(joints)))]
    parts: list[str] = []
    previous: Kind | None = None
    nouns = [phrase.text for phrase in phrases if phrase.kind == "noun"]
    others = [phrase for phrase in phrases if phrase.kind != "noun"]
    for phrase in sorted(others, key=lambda phrase: _ORDER.index(phrase.kind)):
        # "with curly hair and a beard": the link is said once for a run of one kind.
        repeats = phrase.kind == previous and phrase.kind in ("has", "wear")
        link = "{}" if repeats else grammar["links"][phrase.kind]
        parts.append(link.format(phrase.text))
        previous = phrase.kind
    start = nouns[0] if nouns else opening
    if len(parts) < 2:
        return " ".join([start, *parts])
    return f"{start} {comma.join(parts[:-1])}{last}{parts[-1]}"
