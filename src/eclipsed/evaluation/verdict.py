"""What the scores of a direction amount to, in one sentence that anyone understands.

It reads numbers alone, so a card's verdict can be told again from its scores. `Verdict` in
`eclipsed.types` is what a judge says of single images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from eclipsed.directions import Direction, Scores
from eclipsed.evaluation.scores import OWN
from eclipsed.prompts.language import segments

Kind = Literal["works", "partly", "fails", "reversed", "unknown"]
Score = Mapping[str, float | None]

# Of the images that lacked it, the fraction that show it at strength 1 where a direction works, and
# the least of one that works in part.
WORKS, PARTLY = 0.75, 0.25
# Fraction that shows it at −1 where a direction that fails at 1 leads the other way.
REVERSED = 0.5
# A text gain below this is no movement towards the prompt. In the bench of docs/bench nine of ten
# directions below it succeed on less than a tenth of the images.
LEAST_GAIN = 0.05
# The fraction of the images in which another attribute changes, from which it is named.
NAMED, MOST_NAMED = 0.25, 3


@dataclass(frozen=True)
class DirectionVerdict:
    """kind: whether strength 1 brings what the prompt asks for; "reversed" where strength −1 does,
    "unknown" where nobody can tell. sentence: the same for people, with what else changes. also:
    the other attributes that change in many images, most often first. doubt: why a success is not
    credible, and what to do, where no judge could tell (`evaluation.credibility`)."""

    kind: Kind
    sentence: str
    also: tuple[str, ...] = ()
    doubt: str = ""

    def doubted(self, doubt: str) -> DirectionVerdict:
        """The verdict with a doubt, if there is one, in place of what seemed to work."""
        if not doubt:
            return self
        sentence = self.sentence if self.kind == "fails" else doubt
        return replace(self, sentence=sentence, doubt=doubt)

    def to_json(self) -> dict[str, Any]:
        """The same as a card and `--json` hold it, under the key `verdict`."""
        told = {"kind": self.kind, "sentence": self.sentence, "also": list(self.also)}
        return {**told, "doubt": self.doubt} if self.doubt else told


def verdict_of(
    scores: Scores,
    judged_by: str = "",
    prompt: str = "",
    also: Mapping[str, float] | None = None,
) -> DirectionVerdict:
    """The verdict on a direction with these scores, as `evaluate.score_direction` gives them.

    judged_by: who scored. prompt: what was asked for; of one that only denies, it is said that
    images have lost what they had. also: attribute that nothing is asked of → the fraction of the
    images in which it changes at strength 1. Scores of older cards, which lack counts, are said in
    percent.
    """
    success, reversal = scores.get("success"), scores.get("reversal")
    said = segments(prompt)
    denied = bool(said) and all(segment.negated for segment in said)
    if success is not None:
        kind, sentence = _of_success(success, denied)
    elif reversal is not None:
        kind, sentence = _of_reversal(reversal, denied)
    elif scores.get("preservation") is not None:
        kind, sentence = "unknown", "Cannot be told: in none of the images is it in sight."
    else:
        kind, sentence = _of_gain(scores, judged_by)
    changed = {name: part for name, part in (also or {}).items() if part >= NAMED}
    named = sorted(changed, key=lambda name: -changed[name])[:MOST_NAMED]
    if named:
        known = success is not None or reversal is not None
        listed = ", ".join(f"{name} ({changed[name]:.0%})" for name in named)
        sentence += f" It {'also ' if known else ''}changes: {listed}."
    return DirectionVerdict(kind, sentence, tuple(named))


def verdict_of_card(direction: Direction) -> DirectionVerdict | None:
    """The verdict that a card holds, or that its scores amount to; None where it has no scores."""
    if direction.verdict:
        told = direction.verdict
        also, doubt = tuple(told["also"]), told.get("doubt", "")
        return DirectionVerdict(told["kind"], told["sentence"], also, doubt)
    if not direction.scores:
        return None
    return verdict_of(direction.scores, direction.judged_by, direction.prompt)


def _of_success(success: Score, denied: bool) -> tuple[Kind, str]:
    """Where images lacked what is asked for."""
    fraction, of = success.get("median") or 0.0, round(success.get("of") or 0)
    back = round(success.get("backward") or 0)
    before = "images that had it" if denied else "images that lacked it"
    shows, show = ("has lost it", "have lost it") if denied else ("shows it", "show it")
    some = f"{_some(success)} {before}"
    if fraction >= WORKS:
        return "works", f"Works on {some}."
    if fraction >= PARTLY:
        return "partly", f"Works in part: {some} {show} at strength 1."
    none = f"none of {of or 'the'} {before} {shows} at strength 1"
    failure = f"Hardly works: {some} {show} at strength 1" if fraction else f"Fails: {none}"
    if of and back >= REVERSED * of and back > fraction * of:
        return "reversed", f"{failure}; at −1 {back} {'does' if back == 1 else 'do'}."
    return "fails", f"{failure}."


def _of_reversal(reversal: Score, denied: bool) -> tuple[Kind, str]:
    """Where every image had it before."""
    already = "no image has it" if denied else "every image already shows it"
    back = "brings it to" if denied else "takes it away from"
    return "unknown", f"Cannot be told: {already}. Strength −1 {back} {_some(reversal)} images."


def _some(score: Score) -> str:
    """How many of the images, in counts where the score has them."""
    if score.get("of") is None:
        return f"{score.get('median') or 0.0:.0%} of the"
    return f"{round(score.get('count') or 0)} of {round(score['of'] or 0)}"


def _of_gain(scores: Scores, judged_by: str) -> tuple[Kind, str]:
    """Where no judge knows what is asked for: by how the images move towards the text."""
    gain, locality = scores.get("text_gain"), scores.get("locality")
    median = None if gain is None else gain.get("median")
    if median is None:
        return "unknown", "Cannot be told: no judge knows what is asked for."
    whose = "the world's own encoder" if judged_by == OWN else "the judges' encoder"
    if median < LEAST_GAIN:
        away = "move away from" if median < -LEAST_GAIN else "hardly come nearer to"
        return "fails", f"Fails: at strength 1 images {away} the prompt, says {whose}."
    inside = locality.get("median") if locality else None
    where = "" if inside is None else f", {inside:.0%} of the change in its region"
    nearer = f"at strength 1 images come nearer to the prompt{where}, says {whose}"
    return "unknown", f"Seems to work: {nearer}; no judge knows what is asked for."


def changed_in(rows: Sequence[Sequence[str]]) -> dict[str, float]:
    """Attribute → the fraction of images that it changes in, of a row of attributes an image."""
    names = [name for row in rows for name in row]
    return {name: names.count(name) / len(rows) for name in dict.fromkeys(names)}
