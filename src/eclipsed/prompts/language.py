"""English prompts cut into words, stems and segments by rules, without a parser.

Enough grammar for the short prompts of image editing: which words name something, which only frame
it ("a photo of a person with"), what is denied ("without glasses"), where one thing ends and the
next begins. It knows nothing of regions or worlds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from eclipsed.files import word_lists

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[,;.:!?()/&+]")


_LISTS = word_lists("eclipsed.prompts", "language.toml")
_SETS = {name: frozenset(words) for name, words in _LISTS.items()}
_STOP, _PICTURES, _PEOPLE = _SETS["stop"], _SETS["pictures"], _SETS["people"]
_NEGATIONS, _UNDRESSING = _SETS["negations"], _SETS["undressing"]
_COORDINATORS, _PLACERS = _SETS["coordinators"], _SETS["placers"]
_FEELINGS, _UNCUT = _SETS["feelings"], _SETS["uncut"]
_ADJECTIVES, _NOT_ADJECTIVES = _SETS["adjectives"], _SETS["not_adjectives"]
_AS_ONE: dict[str, str] = _LISTS["as_one"]
_TOGETHER = re.compile(rf"\b(?:{'|'.join(_AS_ONE)})\b")
_IRREGULAR: dict[str, str] = _LISTS["irregular"]
_SHORTEST = 3  # letters of the shortest stem; shorter words are left alone


@dataclass(frozen=True)
class Segment:
    """A run of words between breaks, stop words and negations left out.

    placer: the preposition that it follows, so that it may only say where the segment before it
    is; empty elsewhere. span: its first of the text's tokens and the one after its last, stop words
    and negations among them.
    """

    words: tuple[str, ...]
    placer: str
    negated: bool
    span: tuple[int, int]


def tokens(text: str) -> list[str]:
    """Lower-case words and punctuation; hyphens and digits part words.

    Of some that belong together one is made that does the same: "in front of" is before.
    """
    said = text.lower().replace("’", "'")
    return _WORD.findall(_TOGETHER.sub(lambda match: _AS_ONE[match[0]], said))


def _without_ending(word: str) -> str:
    """The word without its plural, -ing or -ed, where enough of it remains."""
    word = word.removesuffix("'s")
    if word.endswith(("sses", "xes", "shes", "ches")):
        return word[:-2]
    if word.endswith("s") and word[-2:-1] not in ("s", "u", ""):
        word = word[:-1] if len(word) > _SHORTEST else word
    if word in _UNCUT:
        return word
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            word = word[: -len(ending)]
            doubled = word[-1] == word[-2] and word[-1] not in "aeiosl"
            return word[:-1] if doubled else word
    return word


def stem(word: str) -> str:
    """A crude stem, so that smile, smiles and smiling, or curls and curly, meet."""
    word = _without_ending(_IRREGULAR.get(word, word))
    # Four letters keep their e, or mane would be man.
    return word[:-1] if word.endswith(("e", "i")) and len(word) > _SHORTEST + 1 else word


def is_adjective(word: str) -> bool:
    """Whether a word describes rather than names, as far as endings and a short list can tell."""
    if word in _NOT_ADJECTIVES:
        return False
    return word in _ADJECTIVES or (len(word) > 4 and word.endswith(("ed", "ing")))


def is_feeling(words: Sequence[str]) -> bool:
    """Whether the words are one noun for a feeling."""
    return len(words) == 1 and words[0] in _FEELINGS


def subject_of(neutral: str) -> frozenset[str]:
    """The words of a world's neutral text that say what its pictures show: "a house" → house."""
    words = frozenset(tokens(neutral))
    return words - _STOP - _PLACERS - _COORDINATORS - _PICTURES


@lru_cache(maxsize=8)
def frame_of(neutral: str = "") -> frozenset[str]:
    """Words that stand for the picture or for what all pictures show, rather than for a part.

    neutral: the world's neutral text; where it is not known, or speaks of people, words for people
    are among them.
    """
    subject = subject_of(neutral)
    people = _PEOPLE if not neutral or subject & _PEOPLE else frozenset()
    return _PICTURES | subject | people


def is_negation(word: str) -> bool:
    return word in _NEGATIONS


def is_placer(word: str) -> bool:
    """Whether a word only says where a thing is: on, of, behind."""
    return word in _PLACERS


def is_person(word: str) -> bool:
    """Whether a word is for people, or for a picture of one."""
    return word in _PEOPLE


def is_undressing(word: str) -> bool:
    """Whether a word denies what it acts on, as in "take off the glasses"."""
    return word in _UNDRESSING


def content(words: Iterable[str], neutral: str = "") -> list[str]:
    """The words that say what is asked for, without their frame ("a photo of a man with")."""
    skip = _STOP | _NEGATIONS | _COORDINATORS | _PLACERS | frame_of(neutral)
    return [w for w in words if w not in skip]


def _ends(placer: str, rest: Sequence[str], frame: frozenset[str]) -> bool:
    """Whether a preposition is itself what is said: "a head covering", "a wall behind her"."""
    if placer == "behind":
        return all(w in _STOP or w in frame for w in rest)
    return not rest


def segments(text: str, neutral: str = "") -> list[Segment]:
    """The prompt's segments, in order; empty ones are left out. neutral: as in `frame_of`.

    A negation holds until the next coordinator, so "without glasses and a beard" denies glasses.
    """
    result: list[Segment] = []
    words: list[str] = []
    said, frame = tokens(text), frame_of(neutral)
    undressed = "rid" in said or ("off" in said and not _UNDRESSING.isdisjoint(said))
    placer, negated, denying = "", undressed, False

    def close(end: int) -> None:
        own = tuple(w for w in words if w not in _STOP and w not in _NEGATIONS)
        if own:
            result.append(Segment(own, placer, negated, (end - len(words), end)))
        words.clear()

    for index, word in enumerate(said):
        places = word in _PLACERS and not _ends(word, said[index + 1 :], frame)
        if word in _COORDINATORS or places:
            close(index)
            if word in _COORDINATORS and not (word == "wearing" and denying):
                negated = undressed
            placer = word if places else ""
        else:
            words.append(word)
        denying = is_negation(word)
        negated = negated or denying
    close(len(said))
    return result


def affirmed(text: str, neutral: str = "") -> str:
    """What a text denies, said as if it were so: "a man without a hat" → a man with a hat.

    Empty for a text that denies nothing, or only some of what it says.
    """
    about = [segment for segment in segments(text, neutral) if content(segment.words, neutral)]
    said = tokens(text)
    if not about or not all(segment.negated for segment in about):
        return ""
    if not any(word in ("no", "not", "without", "nor") for word in said):
        return ""
    words = ["with" if word == "without" else word for word in said]
    return " ".join(word for word in words if word not in ("no", "not", "nor"))


def chunks(text: str) -> list[str]:
    """Noun chunks without their determiners: "A person with an open mouth" → person, open mouth.

    Runs of words between function words; negations are left out.
    """
    stops = _STOP | _COORDINATORS | _PLACERS | _NEGATIONS
    runs = groupby(tokens(text), key=lambda word: word not in stops)
    return [" ".join(run) for in_chunk, run in runs if in_chunk]
