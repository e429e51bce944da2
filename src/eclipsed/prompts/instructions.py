"""An instruction becomes a description of what shall be seen, and what must stay.

"Remove glasses" is about glasses, and an encoder that reads it as a caption would put them on
everybody; "no glasses" says what the picture shall show. So every clause of a prompt is read as one
of two: what is wished for, described, or what must stay as it is. A prompt that describes already
is left exactly as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from eclipsed.files import word_lists
from eclipsed.prompts import language
from eclipsed.prompts.decompose import COLOURS, SHADES

_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[,;.:!?()/&+]")
_LISTS = word_lists("eclipsed.prompts", "instructions.toml")
_SETS = {name: frozenset(words) for name, words in _LISTS.items() if isinstance(words, list)}
_RESULTS: dict[str, str] = _LISTS["results"]
_OPPOSITES: dict[str, str] = _LISTS["opposites"]
_SPELT: dict[str, str] = _LISTS["spelt"]
_PLURAL: dict[str, str] = _LISTS["plural"]
_LESSENED: dict[str, str] = _LISTS["lessened"]
_SPELLING = re.compile(
    rf"(?<![\w'-])(?:{'|'.join(sorted(_SPELT, key=len, reverse=True))})(?![\w'-])"
)
_POLITE = sorted((words.split() for words in _LISTS["polite"]), key=len, reverse=True)
_SEPARATORS = frozenset(",;.:!?()/&+") | {"and", "or", "but", "while", "then", "plus", "nor"}
_WEARING = ("with", "wearing", "having", "in")  # the same person with a hat
_NO_OR = re.compile(r"\b(no|without) ")
_REMOVERS = ("removing", "removing_with_particle", "removing_with_away")
_VERBS = (*_REMOVERS, "giving", "changing", "swapping", "keeping", "touching", "acting")

# How many of the words from an index on name one thing; 0 where none does.
Named = Callable[[Sequence[str], int], int]


@dataclass(frozen=True)
class Instruction:
    """What a prompt says: `text` describes what shall be seen; `stays`, phrases for what must stay
    as it is; `nothing_else`: whether all else must."""

    text: str
    stays: tuple[str, ...] = ()
    nothing_else: bool = False


@dataclass(frozen=True)
class _Clause:
    """Words between two separators, and the separator before them."""

    separator: str
    words: tuple[str, ...]
    # What it says: a description, what must stay, or that all else must.
    text: str = ""
    stays: str = ""
    others: bool = False
    # How it was read, for clauses that lean on it: "and the hat".
    kind: str = ""


def _base(word: str) -> str:
    """The base form of a verb of the lists: removing → remove; other words stay as they are."""
    forms = [word]
    if word.endswith("ing"):
        cut = word[:-3]
        forms += [cut, cut + "e", *([cut[:-1]] if cut[-1:] == cut[-2:-1] else [])]
    return next((f for f in forms if f in _RESULTS or any(f in _SETS[n] for n in _VERBS)), word)


def _is(word: str, *names: str) -> bool:
    return any(word in _SETS[name] for name in names)


def _describes(word: str) -> bool:
    """Whether a word says how a thing is."""
    if language.is_adjective(word) or word in COLOURS or word in SHADES:
        return True
    stems = [word, word.removesuffix("r"), word.removesuffix("er"), word.removesuffix("ier") + "y"]
    if word.endswith("er") and word[-3:-2] == word[-4:-3]:  # bigger
        stems.append(word[:-3])
    return any(stem in _SETS["describing"] or stem in COLOURS for stem in stems) or (
        "-" in word and _describes(word.split("-")[-1])
    )


def _gerund(verb: str) -> str:
    """smile → smiling, grin → grinning."""
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    short = len(verb) <= 4 and verb[-1] not in "aeiouwxy" and verb[-2] in "aeiou"
    return verb + (verb[-1] if short and verb[-3] not in "aeiou" else "") + "ing"


def _says_nothing(word: str, after: Sequence[str]) -> bool:
    """Whether a word and what follows only say whose a thing is: "from her face", "that he has"."""
    if not after:
        return False
    if word in ("that", "which"):
        return _is(after[0], "pronouns")
    frame, said = language.frame_of(), [each.removesuffix("'s") for each in after]
    framed = all(w in frame or _is(w, "pronouns", "definite", "determiners") for w in said)
    return framed and word in ("on", "from", "off", "to", "of", "onto", "for", "in", "upon")


def _bare(words: Sequence[str]) -> list[str]:
    """A thing without what comes before and behind it: "the glasses from her face" → glasses."""
    ends = [i for i in range(1, len(words)) if _says_nothing(words[i], words[i + 1 :])]
    rest = list(words[: ends[0] if ends else len(words)])
    while len(rest) > 1 and (_is(rest[0], "definite", "determiners") or rest[0].endswith("'s")):
        rest = rest[1:]
    while len(rest) > 1 and rest[-1] in ("completely", "entirely", "please", "now", "too", "again"):
        rest = rest[:-1]
    return rest


def _with_article(words: Sequence[str]) -> str:
    """Words for one thing as a caption has them: "a hat", "blue hair"."""
    last = words[-1]
    plural = last.endswith("s") and not last.endswith("ss")
    if plural or last in _SETS["uncountable"] or _describes(last):
        return " ".join(words)
    return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' '.join(words)}"


def _thing(words: Sequence[str]) -> str:
    """What is given, with the article that it has or should have."""
    if words and words[0] in ("a", "an", "some", "more"):
        bare = _bare(words)
        return " ".join([words[0], *bare]) if bare != list(words[:1]) else words[0]
    bare = _bare(words)
    return _with_article(bare) if _is(words[0], "definite") else " ".join(bare)


def _without(words: Sequence[str]) -> str:
    """The description of a picture without a thing, or in which something is not so."""
    rest = _bare(words)
    if not rest:
        return ""
    if language.is_adjective(rest[-1]) or (len(rest) == 1 and _describes(rest[0])):
        if rest[-1] in ("smiling", "laughing") or not _OPPOSITES.get(rest[-1]):
            return f"not {' '.join(rest)}"
        return " ".join([*rest[:-1], _OPPOSITES[rest[-1]]])
    if len(rest) == 1 and _is(rest[0], "acting") and rest == list(words):
        return f"not {_gerund(rest[0])}"
    return f"no {' '.join(rest)}"


class _Reader:
    """Reads clause by clause. named: the vocabulary's say on where a thing's name ends."""

    def __init__(self, named: Named) -> None:
        self.named = named

    # --- things ---------------------------------------------------------------------------------

    def noun_end(self, words: Sequence[str], start: int) -> int:
        """The index after the thing that the words from `start` name; `start` where none does."""
        at = start
        while at < len(words) and (
            _is(words[at], "definite", "determiners") or words[at].endswith("'s")
        ):
            at += 1
        first = at
        while at < len(words) and _describes(words[at]) and not self.named(words, at):
            at += 1
        if at >= len(words):
            return start
        length = self.named(words, at)
        end = at + (length or 1)
        if not length:
            # Nobody knows the thing: it ends where words begin that say how it is.
            last = len(words)
            while last > end and _describes(words[last - 1]):
                last -= 1
            end = last if last < len(words) else end
        while end < len(words) and words[end] in _SETS["aspects"]:
            end += 1
        if words[end - 1] in _SETS["aspects"] and words[end : end + 1] == ["of"]:
            end = max(end, self.noun_end(words, end + 1))
        return end if end > first else start

    def head(self, words: Sequence[str]) -> list[str]:
        """The thing itself: "the color of her hair", "hair color" → hair."""
        if "of" in words and words[words.index("of") - 1] in _SETS["aspects"]:
            words = words[words.index("of") + 1 :]
        rest = _bare(words)
        while len(rest) > 1 and rest[-1] in _SETS["aspects"]:
            rest = rest[:-1]
            rest[-1] = _PLURAL.get(rest[-1], rest[-1])
        while len(rest) > 1 and _describes(rest[0]):
            rest = rest[1:]
        return rest

    def person_end(self, words: Sequence[str]) -> int:
        """The index after the one who is spoken of at the start; 0 where nobody is."""
        if not words:
            return 0
        if _is(words[0], "pronouns") and words[0] != "her":
            return 1
        if words[0] == "her" and not self._owned(words):
            return 1
        at = 1 if _is(words[0], "definite") or words[0] in ("a", "an") else 0
        if at < len(words) and language.is_person(words[at]) and not _is(words[at], "not_people"):
            at += 1
            if words[at : at + 1] == ["in"] and set(words[at + 2 : at + 3]) & language.frame_of():
                at += 3  # "the man in the picture"
            return at
        return 0

    def _owned(self, words: Sequence[str]) -> bool:
        """Whether "her" begins the name of a thing that something is said of: "her hair red"."""
        if len(words) < 2 or _is(words[1], "joining", "acting", "removing", "giving"):
            end = self.noun_end(words, 1)
            return bool(self.named(words, 1)) and end < len(words)
        acts = words[1] in _RESULTS and _led(words[2:])
        if acts or words[1] in ("a", "an", "some", "the") or _describes(words[1]):
            return False
        return self.noun_end(words, 1) < len(words)

    def described(self, thing: Sequence[str], how: Sequence[str]) -> str:
        """A thing that is as `how` says: hair, "to blue" → blue hair; hat, "a crown" → a crown."""
        how = list(how)
        while len(how) > 1 and (how[0] in _SETS["joining"] or _is(how[0], "auxiliaries")):
            how = how[1:]
        if how and how[-1] in _SETS["aspects"]:
            how = [w for w in how[:-1] if w not in ("a", "an", "the", "with")] or how
        head = self.head(thing)
        if how and how[0] in ("up", "down", "back", "out"):
            return " ".join([*head, *how])
        if not how or how[0] in _SETS["joining"]:
            return " ".join([*_bare(thing), *how])
        bare = _bare(how)
        if all(_describes(w) or w in ("and", "very", "much", "more", "too") for w in bare):
            return _with_article([*bare, *head])
        end = self.noun_end(how, 0)
        noun = next((i for i in range(len(how)) if self.named(how, i)), None)
        if noun is not None and end:
            return " ".join(how)
        if self.named(head, 0) and not _is(how[0], "determiners"):
            return _with_article([*bare, *head])
        if self.named(head, 0):
            return _with_article([*bare, head[-1]])
        return " ".join(how)

    # --- clauses --------------------------------------------------------------------------------

    def wish(self, words: Sequence[str]) -> str:
        """The description of what a clause asks for; "" where it is one already."""
        said, words = words, _impolite(words)
        for way in (
            self._kept_so,
            self._denied,
            self._lessened,
            self._removed,
            self._ended,
            self._swapped,
        ):
            text = way(words)
            if text:
                return text
        for way in (self._resulting, self._given, self._changed, self._demanded):
            text = way(words)
            if text:
                return text
        if len(words) == len(said) or not _is(said[0], "pronouns"):
            return ""
        person = self.person_end(words)  # "I want him to be bald", "I want a beard on him"
        return self._acted(words[person:]) if 0 < person < len(words) else _thing(words)

    def _kept_so(self, words: Sequence[str]) -> str:
        """ "Keep the mouth shut"."""
        rest = list(words[1:])
        end = self.noun_end(rest, 0)
        if _base(words[0]) != "keep" or not 0 < end < len(rest):
            return ""
        return self.described(rest[:end], rest[end:]) if all(map(_describes, rest[end:])) else ""

    def _denied(self, words: Sequence[str]) -> str:
        if "not" not in words:
            return ""
        at = words.index("not")
        before, after = list(words[:at]), list(words[at + 1 :])
        while before and _is(before[-1], "auxiliaries"):
            before.pop()
        while after and _is(after[0], "joining", "auxiliaries"):
            after.pop(0)
        person = self.person_end(after)
        if person and after[person : person + 1] == ["from"]:  # "stop him from smiling"
            after = after[person + 1 :]
        if not after or (before and before[0] in ("a", "an", "someone", "with", "face")):
            return ""
        if after[0] in _OPPOSITES and len(after) > 1 and not before:
            return _with_article([_OPPOSITES[after[0]], *after[1:]])
        verb, describes = _base(after[0]), _describes(after[0])
        if (
            _is(verb, "giving", "changing")
            and len(after) > 1
            and (verb != after[0] or not describes)
        ):
            return self._not_done(verb, after)
        if _is(verb, "acting"):
            return f"not {' '.join([_gerund(verb), *after[1:]])}"
        person = self.person_end(before)
        if person < len(before) and all(map(_describes, after)):
            opposite = _OPPOSITES.get(after[-1], f"not {' '.join(after)}")
            return _with_article([opposite, *self.head(before[person:])])
        does = at > 0 and _is(words[at - 1], "doing")
        unknown = (before and person == 0) or (does and not describes)
        return "" if unknown else _without(after)

    def _not_done(self, verb: str, words: list[str]) -> str:
        """ "Wearing a hat", "give her glasses", where that is denied."""
        if not _is(verb, "giving"):
            said = self.wish(words)
            return f"not {said}" if said else ""
        rest = words[1:]
        rest = rest[self.person_end(rest) :] if verb in _SETS["given_to"] else rest
        rest = rest[1:] if rest[:1] in (["on"], ["to"], ["any"]) else rest
        return "" if not rest or language.is_negation(rest[0]) else _without(rest)

    def _lessened(self, words: Sequence[str]) -> str:
        if "less" not in words or words[:1] == ("or",):
            return ""
        at = words.index("less")
        before, after = list(words[:at]), list(words[at + 1 :])
        if before and _is(_base(before[0]), "giving", "changing"):
            before = before[1:]
        before = before[self.person_end(before) :] if before else before
        before = [
            w for w in before if w not in ("look", "be", "much", "a", "bit", "little", "with")
        ]
        if not after:
            return _without(before) if before else ""
        if all(_describes(w) for w in after):
            return " ".join(["not", *after, *(self.head(before) if before else [])])
        bare = _bare(after)
        return _LESSENED.get(" ".join(bare), f"no {' '.join(bare)}")

    def _removed(self, words: Sequence[str]) -> str:
        if words[0] == "no" and len(words) > 1:
            return f"no {' '.join(_bare(words[1:]))}" if _is(words[1], "determiners") else ""
        person = self.person_end(words)
        rest = list(words[person:]) if person and words[0] not in ("a", "an") else list(words)
        if len(rest) < 2:
            return ""
        verb, others = _base(rest[0]), rest[1:]
        of = self.person_end(others)
        if verb in _SETS["removing_of"] and of and others[of : of + 1] == ["of"]:
            return _without(others[of + 1 :])
        particles = [w for w in others if w in _SETS["particles"]]
        away = verb in _SETS["removing_with_away"] and "away" in others
        if particles and (verb in _SETS["removing_with_particle"] or away):
            at = others.index(particles[0])
            thing = others[at + 1 :] if at == 0 else others[:at]
            if thing[:1] == ["of"]:
                thing = thing[1:]
        elif verb in _SETS["removing"]:
            thing = others[1:] if others[0] in ("off", "of", "away") else others
            if verb == "shave" and thing and thing[-1] in _SETS["shorn"]:
                return _with_article(["shaved", *_bare(thing)])
            if verb == "shave" and self.person_end(thing) == len(thing):
                thing = ["beard"]
        else:
            return ""
        if verb in _SETS["also_nouns"] and not _led(others) and verb == rest[0] and not particles:
            return ""
        if not thing or self.person_end(thing) == len(thing):
            return ""
        return _without(thing)

    def _ended(self, words: Sequence[str]) -> str:
        """ "Glasses off", "the beard is gone", "a beard-free man"."""
        free = [word for word in words if word.endswith("-free")]
        if free:
            return _without([free[0].removesuffix("-free")])
        if len(words) < 2 or words[-1] not in _SETS["gone"]:
            return ""
        thing = list(words[:-1])
        while thing and (_is(thing[-1], "auxiliaries") or _is(thing[-1], "modals")):
            thing.pop()
        while thing and (thing[-1] in ("taken", "shaved", "with")):
            thing.pop()
        if thing[:1] == ["with"]:
            thing = thing[1:]
        verb = _base(thing[0]) if thing else ""
        if _is(verb, "changing", "giving") and verb != "set":
            thing = thing[1:]
        lone = len(thing) == 1 and _is(_base(thing[0]), "removing", "removing_with_particle")
        if not thing or lone or self.noun_end(thing, 0) != len(thing):
            return ""
        return _without(thing)

    def _swapped(self, words: Sequence[str]) -> str:
        verb = _base(words[0])
        if "instead" in words[1:]:
            at = words.index("instead")
            if words[at + 1 : at + 2] == ("of",) or list(words[at + 1 : at + 2]) == ["of"]:
                said, other = list(words[:at]), list(words[at + 2 :])
                described = self.wish(said)
                if described:
                    return described
                if all(_describes(w) for w in said):
                    return _with_article([*said, *self.head(other)])
                return " ".join(said)
            return self.wish([w for w in words if w != "instead"])
        if verb not in _SETS["swapping"]:
            return ""
        at = next((i for i, w in enumerate(words) if i > 1 and w in _SETS["swapped_for"]), 0)
        if not at or at + 1 >= len(words):
            return ""
        old, new = list(words[1:at]), list(words[at + 1 :])
        if verb == "substitute" and words[at] == "for":
            old, new = new, old
        if all(_describes(w) for w in _bare(new)):
            return _with_article([*_bare(new), *self.head(old)])
        return _thing(new)

    def _given(self, words: Sequence[str]) -> str:
        verb, rest = _base(words[0]), list(words[1:])
        describes = verb != words[0] and not _is(verb, "given_by")  # "wearing a hat"
        noun = verb in _SETS["also_nouns"] and verb == words[0] and not _led(rest)
        if verb not in _SETS["giving"] or not rest or describes or noun:
            return ""
        if verb == "show":
            return " ".join(["showing", *_bare(rest[self.person_end(rest) % len(rest) :])])
        if rest[0] in ("on", "in") and len(rest) > 1 and verb in ("put", "add", "throw"):
            rest = rest[1:]
        while len(rest) > 1 and rest[-1] in ("on", "back", "in", "too"):
            rest = rest[:-1]
        person = self.person_end(rest)
        if person == len(rest):
            return ""
        return self._given_to(verb, rest[person:]) if person else self._given_thing(verb, rest)

    def _given_to(self, verb: str, after: list[str]) -> str:
        """What somebody is given, is put in or is had do."""
        if verb in ("have", "get"):
            return self._acted(after[1:] if after[0] == "to" else after)
        if after[0] in ("in", "into", "with") and len(after) > 1:
            return _thing(after[1:])
        return self.wish(after) or _thing(after)

    def _given_thing(self, verb: str, rest: list[str]) -> str:
        """ "Put her hair in a bun", "give the hair a blue tint", "add a hat"."""
        end = self.noun_end(rest, 0) if _is(rest[0], "definite") else 0
        how = rest[end:]
        if end and how and verb in (*_SETS["given_to"], "put", "have"):
            if how[0] not in ("on", "in"):
                return self.described(rest[:end], how)
            if not all(_is(w, "pronouns") for w in how[1:]):
                return " ".join([*self.head(rest[:end]), *how])
        return _thing(rest)

    def _acted(self, words: Sequence[str]) -> str:
        """What somebody shall do or be."""
        if not words:
            return ""
        if words[0] == "not":
            return self._denied(words)
        said = self.wish(words)
        if said:
            return said
        rest = list(words)
        while len(rest) > 1 and rest[0] in _SETS["joining"]:
            rest = rest[1:]
            if self.wish(rest):
                return self.wish(rest)
        if rest[0] in _SETS["acting"]:
            return " ".join([_gerund(rest[0]), *rest[1:]])
        if _is(rest[0], "giving") and len(rest) > 1:
            return _thing(rest[1:])
        return " ".join(rest) if _is(rest[0], "determiners") else _thing(rest)

    def _changed(self, words: Sequence[str]) -> str:
        verb, rest = _base(words[0]), list(words[1:])
        if verb not in _SETS["changing"] or not rest:
            return ""
        noun = verb in _SETS["also_nouns"] and verb == words[0] and not _led(rest)
        away = verb in ("turn", "set") and rest[0] in ("off", "on", "up", "down")
        if away or (noun and not self.named(rest, 0)):
            return ""
        if rest[0] in ("a", "an", "some", "more"):
            return _thing(rest)
        person = self.person_end(rest)
        if person:
            return self._acted(rest[person:])
        to = [i for i, w in enumerate(rest) if w in ("to", "into") and 0 < i < len(rest) - 1]
        if to and verb not in ("make", "let", "have", "get"):
            until = rest.index("from") if "from" in rest[: to[0]] else to[0]
            return self.described(rest[:until], rest[to[-1] :])
        end = self.noun_end(rest, 0)
        if not end or (end == len(rest) and all(map(_describes, rest))):
            return " ".join(rest)
        if end == len(rest):
            return _with_article(_bare(rest)) if verb in ("make", "let", "get", "have") else ""
        return self._changed_so(rest[:end], rest[end:])

    def _changed_so(self, thing: list[str], how: list[str]) -> str:
        """A thing that is made or let do something: "the eyes", "close"."""
        if how[0] not in _SETS["joining"] and language.is_placer(how[0]):
            return ""
        if len(how) == 1 and how[0] in _RESULTS:
            return _with_article([_RESULTS[how[0]], *self.head(thing)])
        if how[0] in _SETS["acting"]:
            return " ".join([*_bare(thing), _gerund(how[0]), *how[1:]])
        if how[0] == "not":
            return self._denied([*thing, "is", *how])
        return self.described(thing, how)

    def _resulting(self, words: Sequence[str]) -> str:
        """ "Close her eyes" → closed eyes."""
        verb, rest = _base(words[0]), list(words[1:])
        if verb not in _RESULTS or not rest:
            return ""
        if not _is(rest[0], "definite", "determiners") or rest[0] in ("a", "an"):
            return ""
        end = self.noun_end(rest, 0)
        how = [w for w in rest[end:] if w not in ("up", "more", "bit", "a", "little", "very")]
        if how and all(_describes(w) for w in how):
            return _with_article([*how, *self.head(rest[:end])])
        return _with_article([_RESULTS[verb], *self.head(rest[:end])])

    def _demanded(self, words: Sequence[str]) -> str:
        """ "The hair should be blue", "he must wear a hat"."""
        at = next((i for i, w in enumerate(words) if i and w in _SETS["modals"]), 0)
        rest = list(words[at + 1 :])
        if not at or not rest or not {"who", "that", "which"}.isdisjoint(words[:at]):
            return ""
        while rest and rest[0] == "to":
            rest = rest[1:]
        subject = list(words[:at])
        if not rest or self.person_end(subject) == len(subject):
            return self._acted(rest)
        return self.described(subject, rest)

    # --- what must stay -------------------------------------------------------------------------

    def stays(self, words: Sequence[str], *, first: bool) -> tuple[str, bool] | None:
        """(The thing that a clause wants to stay, or "", and whether all else is meant); None for a
        clause that wishes something."""
        words = [w for w in _impolite(words) if w not in ("still", "also", "always")]
        if not words:
            return None
        thing = self._kept_thing(words, first=first)
        if thing is None:
            return None
        bare = [w for w in _bare(thing) if w not in ("of",)]
        if not bare or _is(bare[0], "everything") or (len(bare) > 1 and bare[-1] == "else"):
            return "", True
        return " ".join(bare), False

    def _kept_thing(self, words: list[str], *, first: bool) -> Sequence[str] | None:
        verb = _base(words[0])
        if words[0] in ("without", "no", "not") or "not" in words:
            return self._untouched(words, first=first)
        if words[0] in _SETS["except"]:
            return [w for w in words[1:] if w != "for"]
        if words[0] == "nothing" and words[1:2] in (["else"], ["more"], ["changes"]):
            return ["everything"]
        if verb in _SETS["keeping"] and len(words) > 1 and words[1] not in _SETS["particles"]:
            return self._kept_by_verb(words[1:])
        start = words[1:] if words[0] in ("with", "in", "on", "against", "at", "of") else words
        lead = [w for w in start[:2] if not _is(w, "definite")]
        if lead and lead[0] in _SETS["same"] and len(start) > 1:
            return start[start.index(lead[0]) + 1 :]
        return _stripped(words)

    def _kept_by_verb(self, rest: list[str]) -> Sequence[str] | None:
        thing = _stripped(rest) or rest
        if thing != rest:
            return thing
        if rest[0] != "her" and self.person_end(rest) == 1 and len(rest) > 1:
            return None  # "keep him smiling"
        if language.is_adjective(rest[0]) and len(rest) == 1:
            return None
        end = self.noun_end(rest, 0)
        if 0 < end < len(rest) and all(_describes(w) for w in rest[end:]):
            return None  # "keep the mouth shut" asks for something
        return rest

    def _untouched(self, words: list[str], *, first: bool) -> Sequence[str] | None:
        """What follows "don't change", "without touching", "not"."""
        at = next((i for i, w in enumerate(words) if w in ("without", "no", "not")), -1)
        rest = [w for w in words[at + 1 :] if w not in ("any", "to", "be")]
        if not rest:
            return None
        verb = _base(rest[0])
        if verb in _SETS["touching"]:
            after = [w for w in rest[1:] if w not in ("to", "in", "with", "up")]
            return after or ["everything"]
        if words[at] == "no" and rest[:2] in (["other", "changes"], ["other", "change"]):
            return ["everything"]
        if words[at] == "without":
            return ["everything"] if rest[:2] == ["anything", "else"] else None
        if _is(verb, "removing") or (rest[-1] in _SETS["particles"] or rest[1:2] == ["off"]):
            return [w for w in rest[1:] if w not in _SETS["particles"]] or None
        if not first and at == 0 and words[0] == "not" and _is(rest[0], "definite"):
            return rest if self.noun_end(rest, 0) == len(rest) else None
        return None

    def narrowed(self, words: Sequence[str]) -> list[str] | None:
        """The clause without the "only" that says that nothing else may change; None without."""
        words = list(_impolite(words))
        for at, word in enumerate(words):
            if word not in ("only", "just") or len(words) < 2:
                continue
            after = words[at + 1] if at + 1 < len(words) else ""
            verb_before = at == 1 and _is(_base(words[0]), "changing", "giving", "removing")
            verb_after = (
                word == "only" and at == 0 and _is(_base(after), "changing", "giving", "removing")
            )
            if (
                (word == "only" and at == len(words) - 1)
                or verb_after
                or ((at == 0 or verb_before) and _is(after, "definite"))
            ):
                return words[:at] + words[at + 1 :]
        return None


def _impolite(words: Sequence[str]) -> list[str]:
    """Without what only leads up to an instruction."""
    rest = list(words)
    stripped = True
    while stripped:
        stripped = False
        for lead in _POLITE:
            if rest[: len(lead)] == lead and len(rest) > len(lead):
                after = rest[len(lead) :]
                if lead == ["just"] and not any(_is(_base(after[0]), n) for n in _VERBS):
                    continue
                rest, stripped = after, True
                break
    return rest[:-1] if len(rest) > 1 and rest[-1] == "please" else rest


def _led(words: Sequence[str]) -> bool:
    """Whether words begin as an object does, with a determiner or a pronoun."""
    return bool(words) and _is(words[0], "definite", "determiners", "pronouns")


def _stripped(words: list[str]) -> list[str] | None:
    """The thing before "unchanged", "stays the same" and the like; None where it is not said."""
    end, strong = len(words), False
    while end > 0 and _is(words[end - 1], "unchanged", "unchanged_around"):
        strong = (
            strong
            or (words[end - 1] in _SETS["unchanged"] and words[end - 1] != "is")
            or words[end - 1 : end + 2] in (["as", "it", "is"], ["as", "they", "are"], ["as", "is"])
        )
        strong = strong or (words[end - 1] == "alone" and end > 1)
        end -= 1
    return words[:end] if strong and 0 < end < len(words) else None


def _spelt_out(text: str) -> list[str]:
    said = text.lower().replace("’", "'")
    return _TOKEN.findall(_SPELLING.sub(lambda match: _SPELT[match[0]], said))


def _clauses(words: Sequence[str]) -> list[_Clause]:
    """The words between separators; a clause also begins where something new is kept."""
    result: list[_Clause] = []
    separator, current = "", list[str]()

    def close() -> None:
        nonlocal separator
        if current:
            result.append(_Clause(separator, tuple(current)))
            current.clear()
            separator = ""

    for index, word in enumerate(words):
        if word in _SEPARATORS:
            close()
            separator = word if not separator or separator in ",;" else separator
        else:
            same = not _SETS["same"].isdisjoint(current) and language.is_person(current[-1])
            if current and (_begins_keeping(words, index) or (same and word in _WEARING)):
                close()
            current.append(word)
    close()
    return result


def _begins_keeping(words: Sequence[str], at: int) -> bool:
    word, after = words[at], list(words[at + 1 : at + 3])
    verb = _base(after[0]) if after else ""
    if word in ("without", "not") and verb in _SETS["touching"]:
        return word == "without" or not _is(words[at - 1], "auxiliaries")
    if word == "not":
        return bool(after) and _is(after[0], "definite") and not _is(words[at - 1], "auxiliaries")
    if word.endswith("ing") and _base(word) in _SETS["keeping"]:
        return True
    if word in ("with", "in", "on", "against", "at"):
        return any(w in _SETS["same"] for w in [w for w in after if not _is(w, "definite")][:1])
    if word == "nothing":
        return after[:1] == ["else"]
    if word == "do":
        return after[:1] == ["not"] and _is(_base(after[-1]), "touching", "removing")
    return word in _SETS["except"] or (word == "no" and after[:1] == ["other"])


def instruction(prompt: str, named: Named) -> Instruction:
    """What a prompt wishes, as a description, and what it wants to stay.

    The text is the prompt as it was typed where that is a description already.
    """
    reader = _Reader(named)
    clauses: list[_Clause] = []
    changed, wished = False, False
    for clause in _clauses(_spelt_out(prompt)):
        read = _read(reader, clause, clauses[-1] if clauses else None, first=not wished)
        changed = changed or bool(read.stays or read.others or read.kind)
        wished = wished or bool(read.text)
        clauses.append(read)
    stays = tuple(dict.fromkeys(clause.stays for clause in clauses if clause.stays))
    others = any(clause.others for clause in clauses)
    text = _joined(clauses)
    if not changed or (text and not language.content(language.tokens(text))):
        return Instruction(prompt, stays, others)
    return Instruction(text, stays, others)


def _read(reader: _Reader, clause: _Clause, before: _Clause | None, *, first: bool) -> _Clause:
    """A clause with what it says; what has no verb of its own leans on the clause before."""
    words = list(clause.words)
    stays = reader.stays(words, first=first)
    if stays is not None:
        return replace(clause, stays=stays[0], others=stays[1], kind="keep")
    narrowed = reader.narrowed(words)
    if narrowed is not None:
        thing = narrowed[_is(_base(narrowed[0]), "changing") :]
        if thing and _is(thing[0], "definite") and reader.noun_end(thing, 0) == len(thing):
            return replace(clause, others=True, kind="keep")  # what of it, another clause says
        said = reader.wish(narrowed) or reader.wish(["make", *narrowed]) or " ".join(narrowed)
        return replace(clause, text=said, others=True, kind="wish")
    said = reader.wish(words)
    if said:
        kind = "remove" if said.startswith(("no ", "not ")) else "wish"
        return replace(clause, text=said, kind=kind)
    said = " ".join(words)
    if before is None or not before.kind:
        no_list = before is not None and clause.separator in ("or", "nor")
        if no_list and before is not None and _NO_OR.search(before.text) and words[0] != "no":
            return replace(clause, separator="and", text=f"no {' '.join(_bare(words))}", kind="no")
        return replace(clause, text=said)
    return _leaning(reader, clause, before)


def _leaning(reader: _Reader, clause: _Clause, before: _Clause) -> _Clause:
    words = list(clause.words)
    joined = clause.separator in ("and", "or", "nor", "&", "+", "/", "plus")
    definite = _is(words[0], "definite")
    lone = reader.noun_end(words, 0) == len(words) and words[0] not in ("some", "no")
    lone = lone and (words[0] not in ("a", "an") or clause.separator in ("or", "nor"))
    verb = _base(before.words[0])
    named = reader.named(words, 0) == len(words)
    if before.kind == "keep" and lone and (joined or definite or named):
        return replace(clause, stays=" ".join(_bare(words)), kind="keep")
    if before.kind in ("remove", "no") and lone and (joined or definite):
        if before.text.startswith("not "):
            return replace(clause, text=f"not {' '.join(words)}", kind="remove")
        return replace(clause, text=_without(words), kind="remove")
    if before.kind == "wish" and _is(verb, "changing") and joined and all(map(_describes, words)):
        end = reader.noun_end(before.words[1:], 0)  # "make the hair long and blond"
        return replace(clause, text=reader.described(before.words[1 : end + 1], words), kind="wish")
    if before.kind == "wish" and _is(verb, "changing") and definite:
        said = reader.wish([verb, *words])
        if said:
            return replace(clause, text=said, kind="wish")
    return replace(clause, text=" ".join(words))


def _joined(clauses: Sequence[_Clause]) -> str:
    """The descriptions in one line."""
    text = ""
    for clause in clauses:
        if not clause.text:
            continue
        between = ", " if clause.separator in (",", ";", ":", ".", "!", "?", "(", ")") else " and "
        if clause.separator == "or":
            between = " or "
        said = clause.text
        if not text and clause.separator and said.startswith(("with ", "wearing ")):
            said = said.split(" ", 1)[1]  # "the same person, but with a hat"
        text += (between if text else "") + said
    return text
