"""What a prompt asks for, in the judges' words: which group should show which of its values.

Text decides alone: the prompt's region narrows the predicates, then the nearest phrase of any of
them wins, by shared words and by the meaning of sentences. A prompt that no phrase comes near, or
that asks for a colour nothing here has, makes no claim.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.goals import choose_regions, mentions
from eclipsed.language import content, is_negation, segments, stem, tokens
from eclipsed.text import sentence_encoder
from eclipsed.types import Claim
from eclipsed.worlds.starter.predicates import HATS, PREDICATES, Predicate, group_values
from eclipsed.worlds.starter.vocabulary import STARTER_VOCABULARY

NEAR = 0.45  # score from which a phrase is taken to mean what the prompt says
_COLORS = frozenset(
    stem(word)
    for word in ["black", "white", "red", "blue", "green", "yellow", "pink", "purple", "orange", "brown", "gray", "silver", "golden", "gold", "teal", "turquoise", "violet", "blond", "ginger", "auburn", "crimson", "scarlet", "beige", "cyan", "magenta", "rainbow"]
)
# Groups whose absence is a value of its own: to deny any of them asks for that value.
_ABSENT = {"glasses": ("none",), "beard": ("none",)}
_GROUPS = {
    "hair": ("top", "hair color"),
    "hat": ("top",),
    "clothes": ("clothes", "clothes color"),
}


@dataclass(frozen=True)
class _Entry:
    """One phrase that means a predicate."""

    predicate: Predicate
    text: str
    stems: frozenset[str]
    negated: bool


def _belongs(predicate: Predicate, region: str) -> bool:
    if predicate.group not in _GROUPS.get(region, (region,)):
        return False
    about_hats = predicate.name == "no hat" or set(predicate.values) <= set(HATS)
    return predicate.group != "top" or about_hats == (region == "hat")


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content(tokens(text)))


@lru_cache(maxsize=16)
def _entries(region: str) -> tuple[tuple[_Entry, ...], Float[Tensor, "p 384"]]:
    """Every phrase about a region, of both splits, and their vectors."""
    entries = tuple(
        _Entry(
            predicate,
            phrase.text,
            _stems(phrase.text),
            any(is_negation(w) for w in tokens(phrase.text)),
        )
        for predicate in PREDICATES
        if _belongs(predicate, region)
        for phrase in (*predicate.phrases, *predicate.held_out)
    )
    return entries, sentence_encoder()([entry.text for entry in entries])


def _rarity(entries: Sequence[_Entry]) -> dict[str, float]:
    """Stem → how much it tells apart: "hair" occurs in most phrases about hair and tells little."""
    counts: dict[str, int] = {}
    for entry in entries:
        for word in entry.stems:
            counts[word] = counts.get(word, 0) + 1
    return {word: math.log(1 + len(entries) / n) for word, n in counts.items()}


def _overlap(said: frozenset[str], phrase: frozenset[str], rarity: dict[str, float]) -> float:
    """Weighted F1 of the two sets of stems, 0 to 1; words of no phrase weigh as the rarest."""
    top = max(rarity.values())
    weigh = lambda words: sum(rarity.get(w, top) for w in words)
    total = weigh(said) + weigh(phrase)
    return 2 * weigh(said & phrase) / total if total else 0.0


def _asked(prompt: str) -> tuple[str, str, bool] | None:
    """(region, the words about it, denied) of the first thing that a prompt asks for."""
    found = mentions(prompt, STARTER_VOCABULARY)
    if not found:
        regions = choose_regions(prompt, STARTER_VOCABULARY).regions
        words = " ".join(content(tokens(prompt)))
        denied = any(s.negated for s in segments(prompt))
        return (regions[0], words, denied) if regions else None
    region = found[0].region
    others = {m.segment for m in found if m.region != region} - {
        m.segment for m in found if m.region == region
    }
    own = [s for s in segments(prompt) if s not in others]
    words = " ".join(" ".join(content(s.words)) for s in own)
    return region, words, found[0].segment.negated


def _ranked(region, words):
    entries, vectors = _entries(region)
    rarity = _rarity(entries)
    said = _stems(words)
    mean = vectors.mean(0)
    v = sentence_encoder()([words])[0]
    cos = torch.nn.functional.cosine_similarity((vectors - mean), (v - mean)[None])
    raw = vectors @ v
    out = []
    for e, c, r in zip(entries, cos.tolist(), raw.tolist()):
        o = _overlap(said, e.stems, rarity)
        if (said & _COLORS) - e.stems:
            continue
        out.append((0.5 * o + 0.5 * c, o, c, r, e))
    return sorted(out, key=lambda t: -t[0])


def explain(prompt):
    a = _asked(prompt)
    if a is None:
        return None
    return a, [
        (round(s, 2), round(o, 2), round(c, 2), round(r, 2), e.predicate.name, e.text)
        for s, o, c, r, e in _ranked(a[0], a[1])[:3]
    ]


def parse_claim(prompt: str) -> Claim | None:
    a = _asked(prompt)
    if a is None:
        return None
    region, words, denied = a
    ranked = _ranked(region, words)
    if not ranked:
        return None
    if denied:
        group = ranked[0][4].predicate.group
        if region == "hat":
            return _claim("no hat")
        if region in _ABSENT:
            return Claim(region, _ABSENT[region])
        neg = [x for x in ranked if x[4].negated]
        if neg and neg[0][0] >= NEAR:
            return Claim(group, neg[0][4].predicate.values)
        best = ranked[0]
        if best[0] < NEAR:
            return None
        p = best[4].predicate
        out = set(p.values) | set(p.doubts.get(p.group, ()))
        return Claim(group, tuple(v for v in group_values(group) if v not in out))
    pos = [x for x in ranked if not x[4].negated]
    if not pos or pos[0][0] < NEAR:
        return None
    p = pos[0][4].predicate
    return Claim(p.group, p.values)


def _claim(name):
    from eclipsed.worlds.starter.predicates import PREDICATE

    return Claim(PREDICATE[name].group, PREDICATE[name].values)
