"""What a prompt asks for, in the judge's words: which group should show which of its values.

Text decides alone. The prompt's region narrows the choice; then the nearest phrase wins, by shared
words and by the meaning of sentences. Besides the predicates' phrases stand decoys, which avatars
cannot show, so that "thick lips" is not taken for some mouth they do have. A prompt that is nearest
to a decoy, near to nothing, or asks for a colour nothing here has, makes no claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from eclipsed.files import word_lists
from eclipsed.prompts.language import content, segments, stem, tokens
from eclipsed.prompts.regions import choose_regions, mentions
from eclipsed.types import Claim
from eclipsed.worlds.matching import NEAR, TIE, Lexicon, lexicon_of
from eclipsed.worlds.starter.attributes import JUDGED
from eclipsed.worlds.starter.predicates import PREDICATE, PREDICATES, Predicate
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY

_COUNTS = ("one", "both")  # stop words elsewhere, but "one eye closed" is a wink
_GROUPS = {
    "hair": ("top", "hair color"),
    "hat": ("top",),
    "clothes": ("clothes", "clothes color"),
}
_TABLE = word_lists(__package__, "claims.toml")


def _stems(text: str) -> frozenset[str]:
    words = tokens(text)
    return frozenset(stem(w) for w in [*content(words), *(w for w in words if w in _COUNTS)])


_COLORS = _stems(" ".join(_TABLE["colors"]))


@dataclass(frozen=True)
class _Request:
    """The first thing that a prompt asks for."""

    region: str
    words: str
    negated: bool


def _belongs(predicate: Predicate, region: str) -> bool:
    """Whether a region shows a predicate; hats share a group with hair, but not a region."""
    if predicate.group not in _GROUPS.get(region, (region,)):
        return False
    hats = PREDICATE["a hat"].values
    about_hats = predicate.name == "no hat" or set(predicate.values) <= set(hats)
    return predicate.group != "top" or about_hats == (region == "hat")


@lru_cache(maxsize=16)
def _lexicon(region: str) -> Lexicon[Predicate]:
    own = [predicate for predicate in PREDICATES if _belongs(predicate, region)]
    phrases: list[tuple[str, Predicate | None]] = [
        (phrase.text, predicate)
        for predicate in own
        for phrase in (*predicate.phrases, *predicate.held_out)
    ]
    phrases += [(text, p) for p in own for text in _TABLE["phrases"].get(p.name, ())]
    phrases += [(text, None) for text in _TABLE["decoys"][region]]
    return lexicon_of(phrases, _stems)


def _request(prompt: str) -> _Request | None:
    """The first thing that a prompt asks for; None where it concerns no region."""
    named = mentions(prompt, STARTER_VOCABULARY)
    parts = segments(prompt)
    if not named:
        regions = choose_regions(prompt, STARTER_VOCABULARY).regions
        words = " ".join(content(tokens(prompt)))
        return _Request(regions[0], words, any(s.negated for s in parts)) if regions else None
    first = named[0]
    others = {m.segment for m in named} - {m.segment for m in named if m.region == first.region}
    own = [s for s in parts if s not in others and s.negated == first.segment.negated]
    counts = [w for w in tokens(prompt) if w in _COUNTS]
    words = " ".join([*counts, *(w for s in own for w in content(s.words))])
    return _Request(first.region, words, first.segment.negated)


def _scores(request: _Request, lexicon: Lexicon[Predicate]) -> list[float]:
    """How near each phrase is to the request; -1 for one of another colour."""
    words = frozenset(map(lexicon.positive, _stems(request.words)))
    colors = words & _COLORS
    return [
        -1.0 if colors and entry.target and colors.isdisjoint(entry.stems) else score
        for entry, score in zip(lexicon.entries, lexicon.scores(request.words, words), strict=True)
    ]


def _nearest(scores: list[float], lexicon: Lexicon[Predicate], negated: bool) -> Predicate | None:
    """The predicate of the best phrase that is negated, or is not; None when none is near."""
    near = [
        (score, entry.target)
        for score, entry in zip(scores, lexicon.entries, strict=True)
        if entry.negated == negated and score >= NEAR
    ]
    top, best = max(near, key=lambda pair: pair[0], default=(0.0, None))
    if best is None:
        return None
    # Of two that are about as near, the one that says more: "long bushy beard" means the long one.
    tied = [p for score, p in near if p and score >= top - TIE and set(p.values) < set(best.values)]
    return min(tied, key=lambda p: len(p.values), default=best)


def parse_claim(prompt: str) -> Claim | None:
    """Which values of which group a prompt asks for; None for what avatars cannot show.

    Of a prompt that asks for several things, the first. A negation asks for the other values:
    "without glasses" for none, "not smiling" for the mouths that do not smile.
    """
    request = _request(prompt)
    if request is None:
        return None
    if request.negated and request.region in _TABLE["absence"]:
        predicate = PREDICATE[_TABLE["absence"][request.region]]
        return Claim(predicate.group, predicate.values)
    lexicon = _lexicon(request.region)
    scores = _scores(request, lexicon)
    match = _nearest(scores, lexicon, request.negated)
    if match is not None:
        return Claim(match.group, match.values)
    denied = _nearest(scores, lexicon, negated=False) if request.negated else None
    if denied is None:
        return None
    true_or_doubted = {*denied.values, *denied.doubts.get(denied.group, ())}
    rest = tuple(v for v in JUDGED[denied.group] if v not in true_or_doubted)
    return Claim(denied.group, rest)
