"""Sentences about heads, with their exact truth.

`truths` says for every predicate whether it holds of each head and whether that can be known;
`orders` gives the number by which heads can be ordered, for "older" and its like; `phrasings`
spells every predicate in many sentences; `captions` name several things about one head. Training
and held-out sentences share neither phrases nor templates. Pose, light and background are named
by nothing here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kits.captions
from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN
from eclipsed.worlds.heads.predicates import HIDDEN, PREDICATES, Case, Condition, Predicate
from eclipsed.worlds.phrases import Phrase
from kits.captions import Caption, Split, compose, sentences
from kits.heads.population import Floats

Bools = NDArray[np.bool_]
_Answer = tuple[Bools, Bools]  # plainly so, plainly not so, each [N]

MOST_PHRASINGS = {"plain": 100, "very": 40, "slightly": 40, "more": 60}

_TABLE: dict[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
NEUTRAL: tuple[str, ...] = tuple(_TABLE["neutral"])  # true of every image
_SHOWN = frozenset(_TABLE["shown"])
UNRELATED: tuple[str, ...] = tuple(text for text in kits.captions.UNRELATED if text not in _SHOWN)


def foreign_sentences() -> list[str]:
    """What this world cannot show, in several wordings."""
    foreign = {
        kind: [*(word for word in words if word not in _SHOWN), *_TABLE["foreign"][kind]]
        for kind, words in kits.captions.FOREIGN.items()
    }
    return kits.captions.foreign_sentences(foreign)


class _Heads:
    """The values [N, WIDTH] of heads, and what can be told of each parameter."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        self._hidden: dict[str, Bools] = {}

    def column(self, name: str) -> Floats:
        return self.values[:, COLUMN[name]]

    def hidden(self, name: str) -> Bools:
        """Where a parameter does not plainly show, [N]."""
        if name not in self._hidden:
            maybe = np.zeros(len(self.values), dtype=bool)
            for case in HIDDEN.get(name, ()):
                maybe |= ~self._case(case, self._plain)[1]
            self._hidden[name] = maybe
        return self._hidden[name]

    def _plain(self, condition: Condition) -> _Answer:
        value = self.column(condition.name)
        below, above = condition.outside
        yes = (value >= condition.low) & (value <= condition.high)
        return yes, (value <= below) | (value >= above)

    def told(self, condition: Condition) -> _Answer:
        """As far as it can be seen."""
        yes, no = self._plain(condition)
        shows = ~self.hidden(condition.name)
        return yes & shows, no & shows

    def _case(self, case: Case, told: Any) -> _Answer:
        answers = [told(condition) for condition in case]
        yes = np.logical_and.reduce([answer[0] for answer in answers])
        return yes, np.logical_or.reduce([answer[1] for answer in answers])

    def answer(self, predicate: Predicate) -> _Answer:
        cases = [self._case(case, self.told) for case in predicate.cases]
        yes = np.logical_or.reduce([case[0] for case in cases])
        return yes, np.logical_and.reduce([case[1] for case in cases])


def truths(values: Floats) -> tuple[Bools, Bools]:
    """(value, known), each bool [N, P], of every predicate in PREDICATES' order.

    values: [N, WIDTH]. A truth is unknown between plainly true and plainly false, and where what
    it is about is out of sight.
    """
    heads = _Heads(values)
    answers = [heads.answer(predicate) for predicate in PREDICATES]
    yes = np.stack([answer[0] for answer in answers], axis=1)
    return yes, yes | np.stack([answer[1] for answer in answers], axis=1)


def orders(values: Floats) -> tuple[Floats, Bools]:
    """By what heads can be ordered, and which of them, each [N, P].

    The higher number is more of what a predicate says: its first parameter, turned to where the
    words point. Heads take part that show it and for which the predicate's other conditions hold;
    of a predicate that means a middle, and of one with several cases, none.
    """
    heads = _Heads(values)
    height = np.zeros((len(values), len(PREDICATES)), dtype=np.float32)
    takes_part = np.zeros(height.shape, dtype=bool)
    for p, predicate in enumerate(PREDICATES):
        main, *others = predicate.cases[0]
        if main.sign == 0 or len(predicate.cases) > 1:
            continue
        height[:, p] = main.sign * heads.column(main.name)
        holds = [heads.told(other)[0] for other in others]
        takes_part[:, p] = np.logical_and.reduce([~heads.hidden(main.name), *holds])
    return height, takes_part


def _phrases(predicate: Predicate, split: Split) -> tuple[Phrase, ...]:
    return predicate.phrases if split == "train" else predicate.held_out


@lru_cache(maxsize=2)
def phrasings(split: Split = "train") -> dict[str, list[str]]:
    """Predicate name → sentences that say it."""
    return {
        predicate.name: sentences(
            _phrases(predicate, split),
            _TABLE,
            split,
            most=MOST_PHRASINGS[predicate.degree],
            seed=predicate.name,
        )
        for predicate in PREDICATES
    }


def captions(
    values: Floats, indices: Sequence[int], rng: np.random.Generator, split: Split = "train"
) -> list[Caption]:
    """One composite caption for each of the chosen heads."""
    holds, _ = truths(values)
    return [_caption_of(holds[i], rng, split) for i in indices]


def _caption_of(holds: Bools, rng: np.random.Generator, split: Split) -> Caption:
    """A caption of 2 to 4 of the predicates marked in `holds` [P], each of another region."""
    by_region: dict[str, list[Predicate]] = {}
    for p in np.flatnonzero(holds):
        if _phrases(PREDICATES[p], split):
            by_region.setdefault(region_of(PREDICATES[p]), []).append(PREDICATES[p])
    count = min(int(rng.integers(2, 5)), len(by_region))
    regions = rng.choice(sorted(by_region), size=count, replace=False)
    stated = [by_region[r][int(rng.integers(len(by_region[r])))] for r in regions]
    phrases = []
    for predicate in stated:
        choices = _phrases(predicate, split)
        phrases.append(choices[int(rng.integers(len(choices)))])
    return Caption(compose(phrases, _TABLE, split, rng), tuple(p.name for p in stated))


def region_of(predicate: Predicate) -> str:
    """The region where a predicate shows; of a person as a whole, "person"."""
    if predicate.main.name in ("age", "gender"):
        return "person"
    return ATTRIBUTES[COLUMN[predicate.main.name]].region
