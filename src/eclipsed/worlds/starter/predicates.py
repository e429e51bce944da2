"""What can be said of an avatar: predicates, what makes each of them true, and words for them.

They stand in predicates.toml. A random quarter of each predicate's phrases is held out from
training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from eclipsed.files import word_lists
from eclipsed.worlds.phrases import Kind, Phrase, split


@dataclass(frozen=True)
class Predicate:
    """Something that is true of an avatar when its `group` shows one of `values`.

    doubts: group → values under which neither picture nor word decides the truth.
    """

    name: str
    group: str
    values: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    held_out: tuple[Phrase, ...]
    doubts: Mapping[str, tuple[str, ...]]


def _predicate(name: str, entry: Mapping[str, Any]) -> Predicate:
    phrases = [
        Phrase(text, cast("Kind", kind))
        for kind in entry
        if kind in get_args(Kind)
        for text in entry[kind]
    ]
    trained, held_out = split(phrases, name)
    return Predicate(
        name,
        entry["group"],
        tuple(entry["values"]),
        trained,
        held_out,
        {group: tuple(values) for group, values in entry.get("doubts", {}).items()},
    )


PREDICATE: dict[str, Predicate] = {
    name: _predicate(name, entry)
    for name, entry in word_lists(__package__, "predicates.toml").items()
}
PREDICATES: tuple[Predicate, ...] = tuple(PREDICATE.values())
