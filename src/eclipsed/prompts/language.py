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

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[,;.:!?()/&+]")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that carry no meaning of their own here.
_STOP = _set(
    """a an the this that these those some any very really quite so too such more most much many
    is are was were be been being am has have had having do does did can could would should will
    shall may might must it its it's he's she's they're i you he she they we him her them his hers
    their theirs my your our me us who whom whose which what where when there here as if then than
    just only please let lets make makes made making give gives get gets got turn turns put puts
    change changes add adds set sets become becomes keep keeps let look looks looking seem seems
    appear appears go goes gone went want try show shows shown showing see seen sport sports
    sporting feature features featuring pair kind type sort bit lot piece one two both each all
    left right own rid now again still also completely totally slightly somewhat little wear wears
    wearing worn up down out off front part thing same into"""
)

# Words for pictures, which frame the thing that is asked for.
_PICTURES = _set(
    """photo photograph picture image drawing illustration cartoon icon looking style version
    snapshot render rendering shot closeup close"""
)
# Words for people, which frame it where people are what the pictures show.
_PEOPLE = _set(
    """portrait headshot avatar character person people human man men woman women boy girl guy lady
    gentleman male female someone somebody individual face faces head profile figure expression
    user subject model selfie"""
)

_NEGATIONS = _set(
    """no not without never lacking lacks lack non isn't aren't doesn't don't won't hasn't haven't
    remove removes removed removing delete erase drop stop minus lose loses lost losing nor
    neither"""
)

# "take off the glasses": one of these and "off" in one prompt deny what is named.
_UNDRESSING = _set("take takes took taken taking shave shaves shaved shaving pull pulled rid")

_COORDINATORS = _set("and or plus with without but while wearing , ; . : ! ? ( ) / & +")
# What follows these only places what came before: "a smile on the lips", "a patch over one eye".
_PLACERS = _set(
    """on in over under of behind above below from at to against across around for like near before
    beneath between covering covers cover hiding hides hide about through inside onto upon beside
    toward towards by along"""
)

# Words that say together what one word does.
_AS_ONE = {
    "no longer": "not",
    "in front of": "before",
    "next to": "beside",
    "full of": "with",
}
_TOGETHER = re.compile(rf"\b(?:{'|'.join(_AS_ONE)})\b")

_IRREGULAR = {
    "teeth": "tooth",
    "eyed": "eye",
    "glasses": "spectacles",  # not the plural of glass
    "grey": "gray",
    "greying": "gray",
    "blonde": "blond",
    "blondes": "blond",
    "blonder": "blond",
    "mustache": "moustache",
    "mustaches": "moustache",
    "mustachioed": "moustache",
    "colour": "color",
    "coloured": "color",
    "colours": "color",
    "specs": "spectacles",
    "shaven": "shaved",
    "happier": "happy",
    "sadder": "sad",
    "angrier": "angry",
    "curlier": "curl",
    "hairier": "hair",
    "balder": "bald",
    "paler": "pale",
    "scared": "afraid",  # not with scars
    "grew": "grow",
    "grown": "grow",
    # Adjectives in -y that meet their noun; a general rule would make "pasty" of "past".
    "curly": "curl",
    "wavy": "wave",
    "hairy": "hair",
    "messy": "mess",
    "smiley": "smile",
    "stubbly": "stubble",
    "toothy": "tooth",
    "frizzy": "frizz",
    "nerdy": "nerd",
    "sleepy": "sleep",
    "bushy": "bush",
    "sunny": "sun",
    "irises": "iris",
    "tyre": "tire",
    "tyres": "tire",
}
_SHORTEST = 3  # letters that a stem keeps at least; shorter words are left alone
# Things whose -ing is no ending: cut, they would meet ears and paint.
_UNCUT = _set("earring painting")

# Feelings that explain what was named before: "eyes wide with fear".
_FEELINGS = _set(
    "fear joy anger surprise love rage horror laughter delight shock disbelief amazement terror"
)
# Words that describe a person rather than name a part, kinds of people included.
_NOT_ADJECTIVES = _set(
    """clothing earring ring king thing wedding red bed beanie building painting ceiling railing
    awning bedding paneling parking wing string spring evening morning lightning shed"""
)
_ADJECTIVES = _set(
    """bald blond blonde ginger brunette happy sad angry mad furious cheerful joyful glad merry
    gloomy unhappy awake asleep curly wavy tan pale hairy toothy nerdy sleepy hatless beardless
    hairless serious upset cross anxious nervous formal casual awestruck lovestruck messy gray
    frizzy shaggy spiky bushy fluffy pirate nerd geek punk rasta sikh cowboy santa redhead
    skinhead hipster shaven"""
)


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
    return _WORD.findall(_TOGETHER.sub(lambda found: _AS_ONE[found[0]], said))


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
    found: list[Segment] = []
    words: list[str] = []
    said, frame = tokens(text), frame_of(neutral)
    undressed = "rid" in said or ("off" in said and not _UNDRESSING.isdisjoint(said))
    placer, negated, denying = "", undressed, False

    def close(end: int) -> None:
        kept = tuple(w for w in words if w not in _STOP and w not in _NEGATIONS)
        if kept:
            found.append(Segment(kept, placer, negated, (end - len(words), end)))
        words.clear()

    for place, word in enumerate(said):
        places = word in _PLACERS and not _ends(word, said[place + 1 :], frame)
        if word in _COORDINATORS or places:
            close(place)
            if word in _COORDINATORS and not (word == "wearing" and denying):
                negated = undressed
            placer = word if places else ""
        else:
            words.append(word)
        denying = is_negation(word)
        negated = negated or denying
    close(len(said))
    return found


def chunks(text: str) -> list[str]:
    """Noun chunks without their determiners: "A person with an open mouth" → person, open mouth.

    Runs of words between function words; negations are left out.
    """
    found: list[str] = []
    run: list[str] = []
    for word in [*tokens(text), "."]:
        stops = word in _STOP or word in _COORDINATORS or word in _PLACERS or is_negation(word)
        if not stops:
            run.append(word)
        elif run:
            found.append(" ".join(run))
            run = []
    return found
