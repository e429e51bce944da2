"""What a prompt asks for, in the parameters of heads: intervals that should hold when it is shown.

`goals` gives for "curly hair" (Goal("hair_curl", 0.45, 1.0), Goal("hair_length", 0.2, 1.0)), for
"older" (Goal("age", 0.6, 1.0),), and for "blond hair" one interval for each parameter of the hair's
colour. The first goal is the one that the words name; the others tell what must hold besides. None:
heads cannot show it.

Text decides alone. Of the phrases in predicates.toml about the same region, or about none, the
nearest one wins; decoys stand for what heads cannot show. "Very", "slightly" and comparatives move
the interval; "less" and denials turn it to the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from eclipsed.files import word_lists
from eclipsed.prompts.language import content, is_person, is_undressing, segments, stem, tokens
from eclipsed.prompts.regions import mentions
from eclipsed.worlds.heads.predicates import (
    ADVERBS,
    PREDICATE,
    PREDICATES,
    Condition,
    Predicate,
)
from eclipsed.worlds.heads.vocabulary import HEADS_VOCABULARY
from eclipsed.worlds.matching import NEAR, Lexicon, lexicon_of

NEUTRAL = "a person"
_TABLE = word_lists(__package__, "claims.toml")
_DEGREES: dict[str, frozenset[str]] = {
    name: frozenset(words) for name, words in _TABLE["degrees"].items()
}
_ANYBODY = frozenset("person people human someone somebody anybody individual face".split())
_MODERATING = frozenset(word for side in ADVERBS["plain"] for word in side)


@dataclass(frozen=True)
class Goal:
    """The parameter `name` lies in [low, high] when the prompt is shown, both from 0 to 1.

    One side of the interval is usually an end of the range, so `sign` is the way to go.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"not an interval of a parameter: {self}")

    @property
    def sign(self) -> int:
        """1 when the interval is the upper end of the range, -1 the lower, 0 neither."""
        return int(self.high >= 1) - int(self.low <= 0)


@dataclass(frozen=True)
class _Request:
    """The first thing that a prompt asks for; region "" where it names none."""

    region: str
    words: str
    negated: bool
    degree: str


def _counted(words: list[str]) -> list[str]:
    """The words that count: no function words, but man, woman and child."""
    own = [w for w in words if is_person(w) and w not in _ANYBODY]
    return [*own, *(w for w in content(words) if w not in own)]


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _counted(tokens(text)))


_COLORS = _stems(" ".join(_TABLE["colors"]))


def _region_of(text: str) -> str:
    named = mentions(text, HEADS_VOCABULARY, NEUTRAL)
    return named[0].region if named else ""


@lru_cache(maxsize=1)
def _phrases() -> dict[str, list[tuple[str, Predicate | None]]]:
    """Region, or "", → phrases that name it first, and what they mean."""
    phrases: list[tuple[str, Predicate | None]] = [
        (phrase.text, predicate)
        for predicate in PREDICATES
        if predicate.degree in ("plain", "more")
        for phrase in (*predicate.phrases, *predicate.held_out)
        if predicate.degree == "more" or _MODERATING.isdisjoint(tokens(phrase.text))
    ]
    phrases += [(text, None) for text in _TABLE["decoys"]["phrases"]]
    by_region: dict[str, list[tuple[str, Predicate | None]]] = {}
    for text, predicate in phrases:
        by_region.setdefault(_region_of(text), []).append((text, predicate))
    return by_region


@lru_cache(maxsize=16)
def _lexicon(region: str) -> Lexicon[Predicate]:
    return lexicon_of(_phrases().get(region, [("", None)]), _stems)


def _request(prompt: str) -> _Request:
    said = tokens(prompt)
    degree = next((name for name, words in _DEGREES.items() if not words.isdisjoint(said)), "plain")
    adverbs = frozenset().union(*_DEGREES.values(), _MODERATING)
    named = mentions(prompt, HEADS_VOCABULARY, NEUTRAL)
    parts = segments(prompt)
    if named:
        first = named[0]
        others = {m.segment for m in named if m.region != first.region} - {first.segment}
        parts = [s for s in parts if s not in others and s.negated == first.segment.negated]
    words = _counted([word for part in parts for word in part.words] or said)
    negated = any(part.negated for part in parts)
    taking = {w for w in said if is_undressing(w) or w in ("off", "rid")} if negated else set()
    words = [word for word in words if word not in adverbs | taking]
    return _Request(named[0].region if named else "", " ".join(words), negated, degree)


def _nearest(request: _Request, negated: bool) -> Predicate | None:
    """What the best phrase means that is negated, or is not; None when none is near."""
    lexicon = _lexicon(request.region)
    stems = frozenset(stem(word) for word in request.words.split())
    words = frozenset(map(lexicon.positive, stems - set(lexicon.rarity))) | (
        stems & set(lexicon.rarity)
    )
    colors = words & _COLORS
    best, top = None, NEAR
    for entry, score in zip(lexicon.entries, lexicon.scores(request.words, words), strict=True):
        if entry.negated != negated or (colors and entry.target and colors.isdisjoint(entry.stems)):
            continue
        if score >= top:
            best, top = entry.target, score
    return best


def _graded(predicate: Predicate, degree: str) -> Predicate:
    """The predicate in the prompt's degree, where there is one."""
    return PREDICATE.get(f"{degree}: {predicate.base}", predicate)


def _goal(condition: Condition) -> Goal:
    return Goal(condition.name, max(condition.low, 0.0), min(condition.high, 1.0))


def _opposite(condition: Condition) -> Goal | None:
    """Where a condition plainly does not hold; None for one that means a middle."""
    if condition.sign == 0:
        return None
    if condition.sign > 0:
        return Goal(condition.name, 0.0, max(condition.outside[0], 0.01))
    return Goal(condition.name, min(condition.outside[1], 0.99), 1.0)


def goals(prompt: str) -> tuple[Goal, ...] | None:
    """The intervals that a prompt asks for; None for what heads cannot show.

    Of a prompt that asks for several things, the first.
    """
    request = _request(prompt)
    match = _nearest(request, request.negated)
    turned = match is None and request.negated
    if turned:
        match = _nearest(request, negated=False)
    if match is None:
        return None
    if turned or request.degree == "less":
        opposite = _opposite(match.main)
        return None if opposite is None else (opposite,)
    return tuple(_goal(condition) for condition in _graded(match, request.degree).cases[0])
