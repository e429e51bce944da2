"""A prompt that asks for several changes, cut into prompts that ask for one each.

"Red hair and sunglasses" is two wishes. One direction through one run of layers grants one of them;
wishes that are answered each for itself add up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from eclipsed.goals import Vocabulary, mentions
from eclipsed.language import Segment, content, is_negation, is_undressing, segments, tokens
from eclipsed.types import Goal


@dataclass
class _Change:
    """Segments that speak of the same regions, and the words that name these."""

    regions: set[str]
    names: list[str]
    segments: list[Segment] = field(default_factory=list)


def changes_of(goal: Goal, vocabulary: Vocabulary) -> tuple[Goal, ...]:
    """One goal for each of the changes that a goal's prompt asks for; the goal itself where it is
    one, or where the prompt says more than its regions do.

    What speaks of the same region stays together: "glasses with round lenses" is one change. Each
    change keeps the words before the first: "a person with".
    """
    found = _grouped(goal, vocabulary)
    named = [region for change in found for region in change.regions]
    if len(found) < 2 or sorted(named) != sorted(goal.regions):
        return (goal,)
    said = tokens(goal.prompt)
    frame = said[: found[0].segments[0].span[0]]
    if frame and is_negation(frame[-1]):
        frame[-1] = "with"
    frame = frame if len(frame) > 1 else []  # a lone "with" frames nothing
    return tuple(
        replace(
            goal,
            prompt=" ".join([*frame, _text(change, said)]),
            regions=tuple(region for region in goal.regions if region in change.regions),
        )
        for change in found
    )


def _grouped(goal: Goal, vocabulary: Vocabulary) -> list[_Change]:
    """The changes of a prompt in reading order; none where a part of it names no region."""
    named = mentions(goal.prompt, vocabulary, goal.neutral)
    found: list[_Change] = []
    for segment in segments(goal.prompt, goal.neutral):
        here = [mention for mention in named if mention.segment == segment]
        regions = {mention.region for mention in here}
        others = [change for change in found if change.regions & regions]
        if not here:
            if segment.placer and found:  # it says where, or how, the one before is
                found[-1].segments.append(segment)
            elif content(segment.words, goal.neutral):
                return []
            continue
        if len(others) > 1:
            return []
        if not others:
            others = [_Change(set(), [])]
            found += others
        others[0].regions |= regions
        others[0].names += [mention.phrase for mention in here]
        others[0].segments.append(segment)
    return found


def _text(change: _Change, said: list[str]) -> str:
    """A change in the prompt's own words."""
    first, last = change.segments[0].span[0], change.segments[-1].span[1]
    words = said[first:last]
    # Between segments that do not touch stands another change.
    whole = sum(segment.span[1] - segment.span[0] + 1 for segment in change.segments) - 1
    if len(words) != whole:
        words = " and ".join(" ".join(said[slice(*one.span)]) for one in change.segments).split()
    if change.segments[0].negated and not any(map(is_negation, words)):
        named = [word for segment in change.segments for word in segment.words]
        words = ["no", *(change.names[:1] if any(map(is_undressing, words)) else named)]
    return " ".join(word for word in words if word.isalpha() or "'" in word)
