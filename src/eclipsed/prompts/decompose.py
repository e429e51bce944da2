"""A prompt that asks for several changes, cut into prompts that ask for one each.

"Red hair and sunglasses" asks for two changes, and so may "a blue hoodie", whose shape and colour
lie in different layers. One direction through one run of layers makes one of them; changes that
are answered each for itself add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eclipsed.files import word_lists
from eclipsed.prompts import language
from eclipsed.prompts.language import Segment, content, is_negation, stem, tokens
from eclipsed.prompts.regions import Vocabulary, mentions
from eclipsed.types import Goal

_LISTS = word_lists("eclipsed.prompts", "decompose.toml")
COLOURS, SHADES, _THERE = (frozenset(_LISTS[name]) for name in ("colours", "shades", "always"))


@dataclass
class _Change:
    """Segments that speak of the same regions, and the words that name these."""

    regions: set[str]
    names: list[str]
    segments: list[Segment] = field(default_factory=list)


def decomposed(goal: Goal, vocabulary: Vocabulary) -> Goal:
    """The goal with its parts, and with shape and colour of each that asks for both."""
    parts = tuple(
        replace(part, shape_and_colour=shape_and_colour(part, vocabulary))
        for part in changes_of(goal, vocabulary)
    )
    return replace(goal, parts=parts) if len(parts) > 1 else parts[0]


def changes_of(goal: Goal, vocabulary: Vocabulary) -> tuple[Goal, ...]:
    """One goal for each of the changes that a goal's text asks for; the goal itself where it is
    one, or where the prompt says more than its regions do.

    What speaks of the same region stays together: "glasses with round lenses" is one change. Each
    change keeps the words before the first: "a person with".
    """
    changes = _grouped(goal, vocabulary)
    if len(changes) < 2:
        return (goal,)
    said = tokens(goal.text)
    frame = _frame(changes, said)
    return tuple(
        _saying(
            goal,
            [*frame, *_words(change, said)],
            regions=tuple(region for region in goal.regions if region in change.regions),
        )
        for change in changes
    )


def shape_and_colour(goal: Goal, vocabulary: Vocabulary) -> tuple[Goal, ...]:
    """One change as what is asked for in any colour, and as its colour; () where it has none, or
    nothing but a colour.

    "Long red hair" is long hair and red hair. "A blue hoodie" is a hoodie and, told from one of any
    colour, a blue one: of what not everybody has, only that sets the colour apart. Whether a
    generator can change the one without the other is another question.
    """
    changes = _grouped(goal, vocabulary)
    if len(changes) != 1:
        return ()
    said = tokens(goal.text)
    frame, words = _frame(changes, said), _words(changes[0], said)
    colours = [index for index, word in enumerate(words) if word in COLOURS]
    things = [name for name in changes[0].names if name not in COLOURS]
    if len(colours) != 1 or not things or any(map(is_negation, words)):
        return ()
    last = colours[0]
    first = last - (last > 0 and words[last - 1] in SHADES)
    rest = [*words[:first], *words[last + 1 :]]
    there = {stem(word) for region in goal.regions for word in tokens(region)}
    others = [word for word in content(rest, goal.neutral) if word not in _THERE]
    if all(stem(word) in there for word in others) or last + 1 == len(words):
        return ()
    if first > 0 and rest[first - 1] in ("a", "an"):
        rest[first - 1] = "an" if rest[first][0] in "aeiou" else "a"
    thing = things[0]
    coloured = " ".join([*frame, *words[first : last + 1], thing])
    neutral = goal.neutral if stem(thing) in there else " ".join([*frame, thing])
    return _saying(goal, [*frame, *rest]), _saying(goal, [coloured], neutral=neutral)


def _saying(goal: Goal, words: Sequence[str], **changes: Any) -> Goal:
    """The goal with other words, as one of its parts has them."""
    return replace(goal, prompt=" ".join(words), description="", **changes)


def _grouped(goal: Goal, vocabulary: Vocabulary) -> list[_Change]:
    """The changes of a prompt in reading order; none where a part of it names no region, or where
    the goal's regions are others than the prompt names."""
    named = mentions(goal.text, vocabulary, goal.neutral)
    changes: list[_Change] = []
    for segment in language.segments(goal.text, goal.neutral):
        here = [mention for mention in named if mention.segment == segment]
        regions = {mention.region for mention in here}
        same = [change for change in changes if change.regions & regions]
        if not here:
            if segment.placer and changes:  # it says where, or how, the one before is
                changes[-1].segments.append(segment)
            elif content(segment.words, goal.neutral):
                return []
            continue
        if len(same) > 1:
            return []
        if not same:
            same = [_Change(set(), [])]
            changes += same
        same[0].regions |= regions
        same[0].names += [mention.phrase for mention in here]
        same[0].segments.append(segment)
    spoken_of = [region for change in changes for region in change.regions]
    return changes if sorted(spoken_of) == sorted(goal.regions) else []


def _frame(changes: Sequence[_Change], said: Sequence[str]) -> list[str]:
    """The words before the first change."""
    frame = list(said[: changes[0].segments[0].span[0]])
    if frame and is_negation(frame[-1]):
        frame[-1] = "with"
    return frame if len(frame) > 1 else []  # a lone "with" frames nothing


def _words(change: _Change, said: list[str]) -> list[str]:
    """A change in the prompt's own words."""
    first, last = change.segments[0].span[0], change.segments[-1].span[1]
    words = said[first:last]
    # Between segments that do not touch stands another change.
    whole = sum(segment.span[1] - segment.span[0] + 1 for segment in change.segments) - 1
    if len(words) != whole:
        words = " and ".join(" ".join(said[slice(*one.span)]) for one in change.segments).split()
    if change.segments[0].negated and not any(map(is_negation, words)):
        named = [word for segment in change.segments for word in segment.words]
        words = ["no", *(change.names[:1] if any(map(language.is_undressing, words)) else named)]
    return [word for word in words if word.isalpha() or "'" in word]
