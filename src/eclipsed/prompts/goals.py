"""A prompt becomes a goal, once: what to reach, from where, in which regions and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.directions import Direction
from eclipsed.errors import EclipsedError, UnknownName
from eclipsed.prompts.decompose import decomposed
from eclipsed.prompts.instructions import instruction
from eclipsed.prompts.language import affirmed, chunks, tokens
from eclipsed.prompts.regions import (
    FACE,
    FACE_PARTS,
    RegionChoice,
    choose_regions,
    mentions,
    naming,
    respelled,
    spacy_region,
)
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.text import listed
from eclipsed.types import Encoder, Goal, World

Chooser = Literal["sentence", "spacy"]

# A text is misread where its embedding goes this far along that of what it denies: their cosine.
MISREAD = 0.4
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


@dataclass(frozen=True)
class Reading:
    """How a prompt is read on a world. text: what encoders read. keep: regions that must stay;
    nothing_else: whether all that the text is not about must. notes: sentences on what was read
    otherwise than it was typed."""

    text: str
    keep: tuple[str, ...] = ()
    nothing_else: bool = False
    notes: tuple[str, ...] = ()


def _known(world: World) -> Mapping[str, Sequence[str]]:
    words = {r: p for r, p in world.vocabulary.items() if r in world.segmenter.regions}
    # A segmenter of one's own may find regions that the world has no words for but their names.
    return words | {r: (r,) for r in world.segmenter.regions if r not in words}


def read_prompt(prompt: str, world: World) -> Reading:
    """A prompt's wish as a description, and what it wants to stay; the text is empty where there is
    no wish. A misspelt word is read as the vocabulary's where that tells what is meant."""
    known, neutral = _known(world), world.neutral
    said = instruction(prompt, naming(known, neutral))
    text, notes = said.text, list[str]()
    if text and not mentions(text, known, neutral):
        right = respelled(text, known)
        if mentions(right, known, neutral):
            slips = zip(tokens(text), right.split(), strict=True)
            notes += [f"'{one}' is read as '{other}'." for one, other in slips if one != other]
            text = right
    if text and tokens(said.text) != tokens(prompt):
        notes.append(f"It is read as '{text}'.")
    keep: list[str] = []
    for phrase in said.stays:
        named = [mention.region for mention in mentions(phrase, known, neutral)]
        if set(named) <= {"skin"} and FACE.intersection(tokens(phrase)):
            named = [region for region in known if region in FACE_PARTS]
        named = named or list(choose_regions(phrase, known, neutral).regions)
        keep += named
        if not named:
            notes.append(f"No region is called '{phrase}', so nothing can keep it.")
    return Reading(text, tuple(dict.fromkeys(keep)), said.nothing_else, tuple(notes))


def understand(prompt: str, world: World, chooser: Chooser = "sentence") -> RegionChoice:
    """The regions of a world that a prompt means, with scores and a reason.

    Raises EclipsedError for what cannot be a prompt, UnknownName for a chooser that does not exist.
    """
    reading = read_prompt(checked_prompt(prompt), world)
    chosen = _choice(reading.text or prompt, world, chooser)
    return replace(chosen, reason=" ".join([*reading.notes, chosen.reason]))


def _choice(text: str, world: World, chooser: str) -> RegionChoice:
    known = _known(world)
    if not known:
        return RegionChoice((), {}, "This world has no regions, so the whole image may change.")
    if chooser == "sentence":
        return choose_regions(text, known, world.neutral)
    if chooser == "spacy":
        return spacy_region(text, list(known))
    raise UnknownName(f"There is no chooser '{chooser}'.", "Choose sentence or spacy.")


def checked_regions(regions: Sequence[str], world: World) -> tuple[str, ...]:
    """The regions, each once; raises UnknownName for one that the world lacks."""
    names = listed(regions)
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

    Its text is the prompt's wish as a description; clauses of keeping ("same background", "and
    nothing else") are left out of it and become regions that it keeps, unless they are its own.

    regions: None chooses them from the prompt; () masks nothing; names force them.
    expand: from 1 on, the paper's expanded prompt with its best noun chunk that many times.
    Raises EclipsedError for what cannot be a prompt, UnknownName for a region the world lacks,
    MissingExtra when chooser "spacy" is asked for and spaCy is not installed.
    """
    said = checked_prompt(prompt)
    reading = read_prompt(said, world)
    if not reading.text:
        raise EclipsedError(
            f"The prompt '{said}' says only what must stay.",
            'Say what should change as well, as in "blond hair, same background".',
        )
    if regions is None:
        chosen = _choice(reading.text, world, chooser).regions
    else:
        chosen = checked_regions(regions, world)
    text = reading.text
    if expand:
        said = text = expanded_prompt(text, expand, regions=chosen)
    keep = reading.keep
    if reading.nothing_else and chosen:
        keep = world.segmenter.regions
    keep = tuple(region for region in keep if region not in chosen)
    goal = Goal(said, world.neutral, chosen, description=text, keep=keep)
    return decomposed(goal, world.vocabulary)


@torch.no_grad()
def encoded(encoder: Encoder, goal: Goal) -> Float[Tensor, "2 e"]:
    """The embeddings of a goal's text and of its neutral text.

    Encoders learn from captions, which seldom deny anything, and may read "no turban" as a turban.
    Where one does, the text's embedding is turned round: mirrored, as seen from the neutral text,
    at the plane across what is denied.
    """
    text, neutral = encoder.encode_text([goal.text, goal.neutral])
    thing = affirmed(goal.text, goal.neutral)
    if thing:
        along = F.normalize(encoder.encode_text([thing])[0] - neutral, dim=0)
        line = text - neutral
        if float(F.cosine_similarity(line, along, dim=0)) > MISREAD:
            text = neutral + line - 2.0 * (line @ along) * along
    return torch.stack([text, neutral])


def encoded_text(encoder: Encoder, goal: Goal) -> Float[Tensor, " e"]:
    """The embedding of a goal's text alone, of length 1, as `encoded` reads it."""
    if affirmed(goal.text, goal.neutral):
        return F.normalize(encoded(encoder, goal)[0], dim=0)
    return encoder.encode_text([goal.text])[0]


def as_goal(goal: Goal | str, world: World) -> Goal:
    """The goal itself, or that of a prompt; EclipsedError for anything else."""
    return goal if isinstance(goal, Goal) else goal_from_prompt(goal, world)


def goal_of(direction: Direction, world: World) -> Goal:
    """The goal that a stored direction answers; its card holds prompt, neutral text and regions,
    those that it keeps among them."""
    goal = Goal(
        direction.prompt,
        direction.neutral,
        direction.regions,
        description=read_prompt(direction.prompt, world).text,
        keep=direction.keep,
    )
    return decomposed(goal, world.vocabulary)
