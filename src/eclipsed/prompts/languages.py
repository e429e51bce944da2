"""Whether a prompt is in a language that a world's encoder does not read.

The public encoders were trained on English captions; a sentence in another language is encoded all
the same, and means nothing. This module knows scripts by their letters and some languages by their
commonest words. It would rather miss a sentence than call a name or a slip of the finger foreign.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

from eclipsed.files import word_lists
from eclipsed.prompts.language import stem, tokens
from eclipsed.prompts.sentences import sentence_encoder
from eclipsed.types import World

_LISTS = word_lists("eclipsed.prompts", "languages.toml")
_WEAK = frozenset(_LISTS["weak"]["words"])
_LANGUAGES = {name: frozenset(facts["words"]) for name, facts in _LISTS.items() if name != "weak"}
_SCRIPTS = {
    "CJK": "Chinese characters",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
}


def unread(prompt: str, world: World) -> str:
    """One sentence where a prompt is in no language that the world's encoder reads; else ""."""
    if world.multilingual:
        return ""
    tongue = _script(prompt) or _language(prompt, world)
    if not tongue:
        return ""
    return f"The encoder of this world reads English only, and the prompt is {tongue}."


def _script(prompt: str) -> str:
    """What the prompt is written in where most of its letters are not Latin."""
    names = [unicodedata.name(letter, "").split(" ")[0] for letter in prompt if letter.isalpha()]
    others = Counter(name for name in names if name not in ("LATIN", "FULLWIDTH", "MODIFIER"))
    if not others or sum(others.values()) * 2 <= len(names):
        return ""
    for name in ("HIRAGANA", "KATAKANA", others.most_common(1)[0][0]):
        if others[name]:
            return f"written in {_SCRIPTS.get(name, name.capitalize() + ' letters')}"
    return ""


def _language(prompt: str, world: World) -> str:
    """The language that most of the words speak for; "" for English and where nothing does."""
    words = [word for word in tokens(unicodedata.normalize("NFC", prompt)) if word[0].isalpha()]
    texts = [text for region, phrases in world.vocabulary.items() for text in (region, *phrases)]
    own = _stems(tuple(texts))

    def is_foreign(word: str) -> bool:
        listed = word in _WEAK or any(word in known for known in _LANGUAGES.values())
        return listed or not (word.isascii() or stem(word) in own or _english(word))

    foreign = [is_foreign(word) for word in words]
    said = {name: sum(word in known for word in words) for name, known in _LANGUAGES.items()}
    best = max(said, key=said.__getitem__)
    if said[best] and sum(foreign) * 2 >= len(words):
        return f"{best}, it seems"
    accented = any(not word.isascii() for word in words)
    named = any(letter.isupper() for letter in prompt)  # "Timothée Chalamet"
    return "in another language, it seems" if accented and all(foreign) and not named else ""


@lru_cache(maxsize=8)
def _stems(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(stem(word) for text in texts for word in tokens(text))


def _english(word: str) -> bool:
    """Whether the sentence encoder has a word whole, accents aside: café."""
    plain = unicodedata.normalize("NFD", word)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return sentence_encoder().tokenizer.token_to_id(plain) is not None
