"""What can be said of a head: predicates, what makes each of them true, and words for them.

They stand in predicates.toml. Between plainly true and plainly false lies a margin in which
neither can be said. From adjectives come degrees: "very", "slightly" and the comparative, each a
predicate of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from eclipsed.files import word_lists
from eclipsed.worlds.phrases import Kind, Phrase, split

Degree = Literal["plain", "very", "slightly", "more"]

# Adverbs of each degree: for training, held out.
ADVERBS: dict[Degree, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "plain": (("quite", "fairly"), ("rather", "pretty")),
    "very": (("very", "really", "extremely"), ("remarkably", "incredibly")),
    "slightly": (("slightly", "a bit", "mildly"), ("somewhat", "a little")),
}
_MODERATED = 2  # words of a predicate that are also said with the adverbs of "plain"


@dataclass(frozen=True)
class Condition:
    """Where a parameter is plainly as said, `low` to `high`, and plainly not: beyond `outside`.

    An end that does not matter is infinite.
    """

    name: str
    low: float
    high: float
    outside: tuple[float, float]

    @property
    def sign(self) -> int:
        """1 when more of the parameter is more of what is said, -1 when less is, 0 neither."""
        return int(math.isinf(self.high)) - int(math.isinf(self.low))


Case = tuple[Condition, ...]  # all of which must hold


@dataclass(frozen=True)
class Predicate:
    """Something that is true of a head when all conditions of one of `cases` hold.

    The first condition is what the words name. base: the predicate of which this is a degree.
    """

    name: str
    base: str
    degree: Degree
    cases: tuple[Case, ...]
    phrases: tuple[Phrase, ...]
    held_out: tuple[Phrase, ...]

    @property
    def main(self) -> Condition:
        return self.cases[0][0]


def condition(name: str, edges: Sequence[float]) -> Condition:
    """A condition of its edges in predicates.toml: two, rising or falling, or four."""
    if len(edges) == 4:
        no_low, low, high, no_high = edges
        return Condition(name, low, high, (no_low, no_high))
    no, yes = edges
    if no < yes:
        return Condition(name, yes, math.inf, (no, math.inf))
    return Condition(name, -math.inf, yes, (-math.inf, no))


def _case(table: Mapping[str, Sequence[float]]) -> Case:
    return tuple(condition(name, edges) for name, edges in table.items())


def _graded(main: Condition, degree: Degree) -> Condition:
    """What a degree asks of the parameter that the plain words name."""
    if main.sign == 0 or degree == "plain":
        return main
    no, yes = (main.outside[0], main.low) if main.sign > 0 else (main.outside[1], main.high)
    end = 1.0 if main.sign > 0 else 0.0
    margin, rest = yes - no, end - yes
    if degree == "very":
        return condition(main.name, (yes + 0.2 * rest, yes + 0.5 * rest))
    if degree == "more":
        # A comparative holds from where the plain words are no longer plainly false.
        near = no - margin
        return condition(main.name, (min(max(near, 0.0), 1.0), no))
    edges = (no - margin / 4, no + margin / 2, yes + 0.2 * rest, yes + 0.5 * rest)
    return condition(main.name, edges if main.sign > 0 else edges[::-1])


def _adverbed(adverb: str, word: str, frame: str) -> str | None:
    """ "a very big nose"; None where the adverb brings an article of its own into the way."""
    if adverb.startswith("a ") and "{a}" in frame:
        return None
    return _framed(f"{adverb} {word}", frame)


def _framed(words: str, frame: str) -> str:
    return frame.format(words, a="an" if words[0] in "aeiouAEIOU" else "a")


def _phrases(
    words: Sequence[str], adverbs: Sequence[str], frames: Sequence[str], kind: Kind
) -> list[Phrase]:
    texts = [_adverbed(a, word, frame) for frame in frames for word in words for a in adverbs]
    return [Phrase(text, kind) for text in texts if text]


def _own(table: Mapping[str, Any]) -> list[Phrase]:
    return [
        Phrase(text, cast("Kind", kind))
        for kind in table
        if kind in get_args(Kind)
        for text in table[kind]
    ]


@dataclass(frozen=True)
class _Words:
    """Adjectives with their comparatives, and what they stand before; "{}" for a person."""

    words: tuple[str, ...]
    frames: tuple[str, ...]
    kind: Kind

    def phrases(self, degree: Degree, number: int) -> list[Phrase]:
        """Of a degree; number: 0 with the adverbs for training, 1 with those held out."""
        if degree == "more":
            higher = [comparative(word) for word in self.words]
            return [Phrase(_framed(w, f), self.kind) for f in self.frames for w in higher]
        words = [word.split("/")[0] for word in self.words]
        bare = [Phrase(_framed(w, f), self.kind) for f in self.frames for w in words]
        if degree == "plain":
            moderated = words[:_MODERATED]
            return bare + _phrases(moderated, ADVERBS[degree][number], self.frames, self.kind)
        return _phrases(words, ADVERBS[degree][number], self.frames, self.kind)


def comparative(word: str) -> str:
    """ "curly/curlier" → "curlier", "hairless" → "more hairless"."""
    word, _, higher = word.partition("/")
    return higher or f"more {word}"


def _predicates(name: str, entry: Mapping[str, Any]) -> list[Predicate]:
    """The predicate of an entry and its degrees."""
    shows = entry["shows"]
    cases = tuple(_case(table) for table in (shows if isinstance(shows, list) else [shows]))
    words = entry.get("words", ())
    frames = tuple(entry.get("frames", ("{}",)))
    kind: Kind = "has" if "frames" in entry else "adj"
    parts = split(words, name, 1) if words else ((), ())
    split_words = [_Words(part, frames, kind) for part in parts]
    degrees: list[Degree] = ["plain"]
    degrees += entry.get("degrees", ("very", "slightly", "more") if words else ())
    made = []
    for degree in degrees:
        own = _own(entry if degree == "plain" else entry.get(degree, {}))
        both = split(own, name + degree, 2 if len(own) > 3 else 1) if len(own) > 1 else (own, ())
        sides = [(*split_words[number].phrases(degree, number), *both[number]) for number in (0, 1)]
        graded = ((_graded(cases[0][0], degree), *cases[0][1:]), *cases[1:])
        full = name if degree == "plain" else f"{degree}: {name}"
        made.append(Predicate(full, name, degree, graded, sides[0], sides[1]))
    return made


_TABLE = word_lists(__package__, "predicates.toml")
PREDICATES: tuple[Predicate, ...] = tuple(
    predicate
    for name, entry in _TABLE["predicates"].items()
    for predicate in _predicates(name, entry)
)
PREDICATE: dict[str, Predicate] = {predicate.name: predicate for predicate in PREDICATES}
# Parameter → cases in which it cannot be told.
HIDDEN: dict[str, tuple[Case, ...]] = {
    name: tuple(_case(table) for table in tables) for name, tables in _TABLE["hidden"].items()
}
