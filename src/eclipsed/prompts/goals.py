"""A prompt becomes a goal, once: what to reach, from where, in which regions and parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from eclipsed.directions import Direction
from eclipsed.errors import EclipsedError, UnknownName
from eclipsed.prompts.decompose import decomposed
from eclipsed.prompts.language import chunks
from eclipsed.prompts.regions import RegionChoice, choose_regions, spacy_region
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.types import Goal, World

Chooser = Literal["sentence", "spacy"]

LONGEST_PROMPT = 300  # characters; the sentence encoder reads little more


def checked_prompt(prompt: object) -> str:
    """The prompt with its white space tidied; EclipsedError when it cannot be one."""
    example = 'Write what should change, as in "curly hair".'
    if not isinstance(prompt, str):
        raise EclipsedError(f"A prompt is a text, not {type(prompt).__name__}.", example)
    text = " ".join(prompt.split())
    if not text:
        raise EclipsedError("The prompt is empty.", example)
    if len(text) > LONGEST_PROMPT:
        message = f"The prompt has {len(text)} characters, more than {LONGEST_PROMPT}."
        raise EclipsedError(message, "Name only what should change.")
    if not any(letter.isalpha() for letter in text):
        raise EclipsedError(f"The prompt {text!r} has no words.", example)
    if not text.isprintable():
        raise EclipsedError("The prompt holds characters that cannot be shown.", "Type it anew.")
    return text


def expanded_prompt(prompt: str, factor: int, *, regions: Sequence[str] = ()) -> str:
    """The paper's expanded prompt: noun chunks only, the best of them said `factor` times.

    Best is the chunk nearest in meaning to the regions' names, or to the whole prompt where there
    are none. A prompt without noun chunks is returned as it is. Raises EclipsedError for a factor
    below 1.
    """
    if factor < 1:
        raise EclipsedError(f"A prompt cannot be expanded {factor} times.", "Use 1 or more.")
    phrases = chunks(prompt)
    if not phrases:
        return prompt
    encode = sentence_encoder()
    about = encode([" ".join(regions) or prompt])[0]
    best = int((encode(phrases) @ about).argmax())
    return " ".join(" ".join([c] * (factor if i == best else 1)) for i, c in enumerate(phrases))


def understand(prompt: str, world: World, chooser: Chooser = "sentence") -> RegionChoice:
    """The regions of a world that a prompt means, with scores and a reason.

    Raises EclipsedError for what cannot be a prompt, UnknownName for a chooser that does not exist.
    """
    text = checked_prompt(prompt)
    known = {r: p for r, p in world.vocabulary.items() if r in world.segmenter.regions}
    if not known:
        return RegionChoice((), {}, "This world knows no regions.")
    if chooser == "sentence":
        return choose_regions(text, known, world.neutral)
    if chooser == "spacy":
        return spacy_region(text, list(known))
    raise UnknownName(f"There is no chooser '{chooser}'.", "Choose sentence or spacy.")


def checked_regions(regions: Sequence[str], world: World) -> tuple[str, ...]:
    """The regions, each once; raises UnknownName for one that the world lacks."""
    names = (regions,) if isinstance(regions, str) else tuple(regions)
    for name in names:
        if name not in world.segmenter.regions:
            raise UnknownName(
                f"The world '{world.name}' has no region '{name}'.",
                f"Choose from: {', '.join(world.segmenter.regions)}."
                if world.segmenter.regions
                else "It has no segmenter that would find any: use --region none.",
            )
    return tuple(dict.fromkeys(names))


def goal_from_prompt(
    prompt: str,
    world: World,
    *,
    regions: Sequence[str] | None = None,
    expand: int = 0,
    chooser: Chooser = "sentence",
) -> Goal:
    """What a direction for this prompt should do on this world.

    regions: None chooses them from the prompt; () masks nothing; names force them.
    expand: from 1 on, the paper's expanded prompt with its best noun chunk that many times.
    Raises EclipsedError for what cannot be a prompt, UnknownName for a region the world lacks,
    MissingExtra when chooser "spacy" is asked for and spaCy is not installed.
    """
    text = checked_prompt(prompt)
    if regions is None:
        chosen = understand(text, world, chooser).regions
    else:
        chosen = checked_regions(regions, world)
    if expand:
        text = expanded_prompt(text, expand, regions=chosen)
    return decomposed(Goal(text, world.neutral, chosen), world.vocabulary)


def goal_of(direction: Direction, world: World) -> Goal:
    """The goal that a stored direction answers; its card holds prompt, neutral text and regions."""
    goal = Goal(direction.prompt, direction.neutral, direction.regions)
    return decomposed(goal, world.vocabulary)
