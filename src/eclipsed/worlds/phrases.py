"""Phrases that name what a world shows, and which of them are held out from training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

# How a phrase enters a sentence: a person "has" it or can "wear" it, it is an adjective ("adj"), a
# participle ("verb": "smiling"), the "scene" behind, a whole "clause" ("the eyes are closed"), or
# it stands for the person ("noun": "an old man").
Kind = Literal["has", "wear", "adj", "verb", "scene", "clause", "noun"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Phrase:
    """Words that name a predicate, and the grammar they need."""

    text: str
    kind: Kind


def split(items: Sequence[_T], seed: str, fewest: int = 2) -> tuple[tuple[_T, ...], tuple[_T, ...]]:
    """(trained, held out): a random quarter, at least `fewest`, is held out, never the first.

    Drawn at random, so that what is held out is neither odder nor plainer than the rest.
    """
    first, *rest = items
    random.Random(seed).shuffle(rest)
    count = max(fewest, len(items) // 4)
    return (first, *rest[count:]), tuple(rest[:count])
