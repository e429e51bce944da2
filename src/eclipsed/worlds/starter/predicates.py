"""What can be said of an avatar: predicates, what makes each of them true, and words for them.

A predicate is a set of values of one group ("glasses": square, round, sun) and the phrases that
name it. Values that make a predicate neither plainly true nor plainly false are its doubts: the
colour of hair under a hat, eyes behind sunglasses, a quiff when the question is short hair.
The words stand in phrases.toml. Of the phrases of each predicate a quarter, drawn by chance, is
held out from training.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from eclipsed.worlds.starter.attributes import GROUP, HUES, SKIN_NAMES

# How a phrase enters a sentence: a person "has" it or can "wear" it, it is an adjective ("adj"), a
# participle ("verb": "smiling"), the "scene" behind, or a whole "clause" ("the eyes are closed").
Kind = Literal["has", "wear", "adj", "verb", "scene", "clause"]


@dataclass(frozen=True)
class Phrase:
    """Words that name a predicate, and the grammar they need."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Predicate:
    """Something that is true of an avatar when its `group` shows one of `values`.

    doubts: group → values under which the truth cannot be told from the picture or the word.
    """

    name: str
    group: str
    values: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    held_out: tuple[Phrase, ...]
    doubts: Mapping[str, tuple[str, ...]]


HATS = ("brimmed hat", "beanie", "turban", "earflap hat")
HAIRLESS = ("bald", *HATS)
SMILES = ("gentle smile", "toothy smile", "laugh")
BEARDS = ("short beard", "full beard", "long beard")

_HIDDEN_HAIR = {"top": HAIRLESS}
_HIDDEN_EYES = {"glasses": ("sunglasses",)}
_ONE_EYE = {"glasses": ("sunglasses", "eyepatch")}
_OVER_SHIRT = {"clothes": ("blazer",)}
# A cheerful mouth under angry brows is no plain case of either mood.
_BAD_MOOD = {"brows": ("angry", "worried")}
_GOOD_MOOD = {"mouth": (*SMILES, "tongue")}


def group_values(group: str) -> tuple[str, ...]:
    """Names of a group's values; besides attributes.GROUPS there are `skin` and `background`."""
    if group == "skin":
        return tuple(name for name, _, _ in SKIN_NAMES)
    if group == "background":
        return tuple(name for name, _ in HUES)
    return GROUP[group].names


PREDICATE_GROUPS: tuple[str, ...] = (*GROUP, "skin", "background")


@cache
def _words() -> dict[str, dict[Kind, list[str]]]:
    """Predicate → kind → phrases, as phrases.toml lists them."""
    text = files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _p(
    name: str,
    group: str,
    values: str | tuple[str, ...],
    doubts: Mapping[str, tuple[str, ...]] | None = None,
) -> Predicate:
    chosen = (values,) if isinstance(values, str) else values
    phrases = tuple(Phrase(text, kind) for kind, texts in _words()[name].items() for text in texts)
    kept, held = _split(name, phrases)
    return Predicate(name, group, chosen, kept, held, dict(doubts or {}))


def _split(name: str, phrases: tuple[Phrase, ...]) -> tuple[tuple[Phrase, ...], tuple[Phrase, ...]]:
    """(for training, held out): by chance a quarter is held out; the first phrase never is.

    By chance, so that what is held out is neither odder nor plainer than what is trained on.
    """
    first, *rest = phrases
    random.Random(name).shuffle(rest)
    count = max(2, len(phrases) // 4)
    return (first, *rest[count:]), tuple(rest[:count])


PREDICATES: tuple[Predicate, ...] = (
    _p("bald", "top", "bald", {"top": ("buzzcut", *HATS)}),
    _p("buzzcut", "top", "buzzcut"),
    _p("short neat hair", "top", "short", {"top": ("buzzcut",)}),
    _p("mohawk", "top", "mohawk"),
    _p("quiff", "top", "quiff"),
    _p("bun", "top", "bun"),
    _p("curly hair", "top", "curly"),
    _p("afro", "top", "afro"),
    _p("bob", "top", "bob"),
    _p("dreadlocks", "top", "dreads"),
    _p("long straight hair", "top", "straight", {"top": ("bob", "short")}),
    _p("wavy hair", "top", "wavy"),
    _p("messy hair", "top", "messy"),
    _p("pixie cut", "top", "pixie"),
    _p("brimmed hat", "top", "brimmed hat"),
    _p("beanie", "top", "beanie"),
    _p("turban", "top", "turban"),
    _p("earflap hat", "top", "earflap hat"),
    _p("a hat", "top", HATS),
    _p("no hat", "top", tuple(n for n in GROUP["top"].names if n not in HATS)),
    _p("a winter hat", "top", ("beanie", "earflap hat"), {"top": ("turban",)}),
    _p(
        "long hair", "top", ("straight", "wavy", "dreads"), {"top": ("bob", "curly", "afro", "bun")}
    ),
    _p(
        "short hair",
        "top",
        ("buzzcut", "short", "pixie"),
        {"top": ("bald", "mohawk", "quiff", "bun", "messy", *HATS)},
    ),
    _p("big voluminous hair", "top", ("curly", "afro"), {"top": ("wavy", "dreads", "messy")}),
    _p(
        "hair on the head",
        "top",
        tuple(n for n in GROUP["top"].names if n not in ("bald", "buzzcut", "mohawk", *HATS)),
        {"top": ("buzzcut", "mohawk", *HATS)},
    ),
    _p("serious mouth", "mouth", "serious"),
    _p(
        "expressionless",
        "mouth",
        "serious",
        {"brows": ("angry", "worried", "raised"), "eyes": ("wide", "hearts")},
    ),
    _p("gentle smile", "mouth", "gentle smile"),
    _p("toothy smile", "mouth", "toothy smile"),
    _p("laugh", "mouth", "laugh"),
    _p("sad mouth", "mouth", "sad"),
    _p("screaming", "mouth", "scream"),
    _p("tongue out", "mouth", "tongue"),
    _p("grimace", "mouth", "grimace"),
    _p(
        "open mouth",
        "mouth",
        ("toothy smile", "laugh", "scream", "tongue"),
        {"mouth": ("grimace",)},
    ),
    _p("closed mouth", "mouth", ("serious", "gentle smile", "sad"), {"mouth": ("grimace",)}),
    _p("a smile", "mouth", SMILES, {"mouth": ("tongue",)}),
    _p("happy", "mouth", SMILES, {"mouth": ("tongue",), **_BAD_MOOD}),
    _p(
        "showing teeth",
        "mouth",
        ("toothy smile", "laugh", "grimace"),
        {"mouth": ("scream", "tongue")},
    ),
    _p("not smiling", "mouth", ("serious", "sad", "scream"), {"mouth": ("tongue", "grimace")}),
    _p("sad", "mouth", "sad", {"brows": ("worried", "angry")}),
    _p("scared", "mouth", "scream", {"eyes": ("wide",), "brows": ("worried",)}),
    _p("ordinary eyes", "eyes", "plain", _ONE_EYE),
    _p("closed eyes", "eyes", "closed", _ONE_EYE),
    _p("wide eyes", "eyes", "wide", _HIDDEN_EYES),
    _p("surprised", "eyes", "wide", {**_HIDDEN_EYES, "brows": ("raised",), "mouth": ("scream",)}),
    _p("heart eyes", "eyes", "hearts", _HIDDEN_EYES),
    _p("winking", "eyes", "wink", _ONE_EYE),
    _p("squinting", "eyes", "squint", _HIDDEN_EYES),
    _p("open eyes", "eyes", ("plain", "wide", "squint"), {**_ONE_EYE, "eyes": ("hearts", "wink")}),
    _p("large eyes", "eyes", ("wide", "hearts"), {**_HIDDEN_EYES, "eyes": ("squint",)}),
    _p("at least one eye shut", "eyes", ("closed", "wink"), {**_ONE_EYE, "eyes": ("squint",)}),
    _p("natural eyebrows", "brows", "natural"),
    _p("raised eyebrows", "brows", "raised"),
    _p("angry eyebrows", "brows", "angry"),
    _p("worried eyebrows", "brows", "worried"),
    _p("unibrow", "brows", "unibrow"),
    _p("angry", "brows", "angry", _GOOD_MOOD),
    _p("worried", "brows", "worried", _GOOD_MOOD),
    _p("frowning", "brows", ("angry", "worried"), {"mouth": ("sad",), "brows": ("unibrow",)}),
    _p("no glasses", "glasses", "none", {"glasses": ("eyepatch",)}),
    _p("square glasses", "glasses", "square glasses"),
    _p("round glasses", "glasses", "round glasses"),
    _p("sunglasses", "glasses", "sunglasses"),
    _p("eyepatch", "glasses", "eyepatch"),
    _p("glasses", "glasses", ("square glasses", "round glasses", "sunglasses")),
    _p("clear glasses", "glasses", ("square glasses", "round glasses")),
    _p("no beard", "beard", "none"),
    _p("short beard", "beard", "short beard"),
    _p("full beard", "beard", "full beard"),
    _p("long beard", "beard", "long beard"),
    _p("moustache", "beard", "moustache"),
    _p("a beard", "beard", BEARDS),
    _p("facial hair", "beard", (*BEARDS, "moustache")),
    _p("bushy beard", "beard", ("full beard", "long beard")),
    _p("t-shirt", "clothes", "t-shirt"),
    _p("hoodie", "clothes", "hoodie"),
    _p("overalls", "clothes", "overalls"),
    _p("blazer", "clothes", "blazer"),
    _p("collared sweater", "clothes", "collared sweater", {"clothes": ("hoodie",)}),
    _p(
        "casual clothes",
        "clothes",
        ("t-shirt", "hoodie", "overalls"),
        {"clothes": ("collared sweater",)},
    ),
    _p("formal clothes", "clothes", "blazer", {"clothes": ("collared sweater",)}),
    _p("a warm top", "clothes", ("hoodie", "collared sweater"), {"clothes": ("blazer",)}),
    _p("black hair", "hair color", "black", _HIDDEN_HAIR),
    _p("brown hair", "hair color", "brown", _HIDDEN_HAIR),
    _p("blond hair", "hair color", "blond", _HIDDEN_HAIR),
    _p("red hair", "hair color", "red", _HIDDEN_HAIR),
    _p("gray hair", "hair color", "gray", _HIDDEN_HAIR),
    _p("white hair", "hair color", "white", _HIDDEN_HAIR),
    _p("pink hair", "hair color", "pink", _HIDDEN_HAIR),
    _p("blue hair", "hair color", "blue", _HIDDEN_HAIR),
    _p(
        "light hair",
        "hair color",
        ("blond", "white"),
        {**_HIDDEN_HAIR, "hair color": ("gray", "pink")},
    ),
    _p(
        "dark hair",
        "hair color",
        ("black", "brown"),
        {**_HIDDEN_HAIR, "hair color": ("blue", "red")},
    ),
    _p("dyed hair", "hair color", ("pink", "blue"), _HIDDEN_HAIR),
    _p("hair of an old person", "hair color", ("gray", "white"), _HIDDEN_HAIR),
    _p("black clothes", "clothes color", "black", _OVER_SHIRT),
    _p("white clothes", "clothes color", "white"),
    _p("red clothes", "clothes color", "red"),
    _p("blue clothes", "clothes color", "blue"),
    _p("green clothes", "clothes color", "green"),
    _p("yellow clothes", "clothes color", "yellow"),
    _p("pink clothes", "clothes color", "pink"),
    _p("purple clothes", "clothes color", "purple"),
    _p(
        "bright clothes",
        "clothes color",
        ("yellow", "pink", "red"),
        {"clothes color": ("green", "blue", "purple", "white"), **_OVER_SHIRT},
    ),
    _p(
        "dark clothes",
        "clothes color",
        "black",
        {"clothes color": ("purple", "blue", "green", "red"), **_OVER_SHIRT},
    ),
    _p(
        "light clothes",
        "clothes color",
        ("white", "yellow"),
        {"clothes color": ("pink", "green", "blue"), **_OVER_SHIRT},
    ),
    _p("pale skin", "skin", "pale"),
    _p("light skin", "skin", "light"),
    _p("tanned skin", "skin", "tan"),
    _p("brown skin", "skin", "brown"),
    _p("very dark skin", "skin", "dark"),
    _p("fair skin", "skin", ("pale", "light")),
    _p("dark skin", "skin", ("brown", "dark")),
    _p("red background", "background", "red"),
    _p("orange background", "background", "orange"),
    _p("yellow background", "background", "yellow"),
    _p("green background", "background", "green"),
    _p("teal background", "background", "teal"),
    _p("blue background", "background", "blue"),
    _p("purple background", "background", "purple"),
    _p("pink background", "background", "pink"),
    _p("warm background", "background", ("red", "orange"), {"background": ("pink", "yellow")}),
    _p("cool background", "background", ("teal", "blue"), {"background": ("green", "purple")}),
)

PREDICATE: dict[str, Predicate] = {p.name: p for p in PREDICATES}
