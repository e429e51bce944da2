"""The worlds that are public: what `catalogue.toml` says, checked, and the way to their files.

This module loads no network; it knows names, addresses, sizes and terms.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from eclipsed.errors import BadSetting
from eclipsed.hub import Item, Progress, fetch, is_here, locate

# The worlds of this project, and those of them whose weights come with the package.
WORLDS = ("starter", "heads")
BUILT_IN: dict[str, str] = {
    "starter": "avatars of 128×128 pixels, made by this project; offline, with exact judges",
}
SOURCE = Path(__file__).with_name("catalogue.toml")

Kind = Literal["generator", "encoder", "segmenter", "detector"]
KINDS: tuple[Kind, ...] = ("generator", "encoder", "segmenter", "detector")


@dataclass(frozen=True)
class Licence:
    """On what terms something may be used; `non_commercial` where only for research or the like."""

    name: str
    non_commercial: bool


@dataclass(frozen=True)
class Part:
    """One public network.

    family: what kind of network, such as "stylegan2" or "clip". files: the weights first, then
    what must lie beside them. repo: on Hugging Face, where all files come from one repository.
    resolution: side of a generator's images in pixels. doubts: what is not certain, in words.
    """

    name: str
    kind: Kind
    family: str
    files: tuple[Item, ...]
    licence: Licence
    repo: str = ""
    revision: str = ""
    resolution: int | None = None
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.files:
            raise BadSetting(f"The {self.kind} {self.name} has no files.")
        if (self.kind == "generator") != (self.resolution is not None):
            raise BadSetting(f"A resolution belongs to generators only: see {self.name}.")

    def path(self, cache: Path | None = None) -> Path:
        """What a loader is given: a repository's folder, otherwise the file of weights."""
        weights = locate(self.files[0], cache)
        return weights.parent if self.repo else weights


Parts = Mapping[Kind, Mapping[str, Part]]


@dataclass(frozen=True)
class Entry:
    """A public world.

    domain: what its images show. regions: phrases to look for, where the segmenter finds what it
    is told to; none where it has regions of its own. detector: finds what it shows in photos; only
    editing one's own photos needs it.
    """

    name: str
    domain: str
    generator: Part
    encoder: Part
    segmenter: Part
    regions: tuple[str, ...] = ()
    neutral: str = "a photo"
    truncation: float = 0.7
    detector: Part | None = None
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.segmenter.family == "clipseg") != bool(self.regions):
            raise BadSetting(f"The world {self.name} and its segmenter disagree about regions.")
        if not 0.0 <= self.truncation <= 1.0:
            raise BadSetting(f"The truncation of {self.name} must be from 0 to 1.")

    @property
    def parts(self) -> tuple[Part, ...]:
        needed = (self.generator, self.encoder, self.segmenter)
        return needed if self.detector is None else (*needed, self.detector)

    @property
    def files(self) -> tuple[Item, ...]:
        return tuple(item for part in self.parts for item in part.files)

    @property
    def resolution(self) -> int:
        return self.generator.resolution or 0

    @property
    def non_commercial(self) -> bool:
        """Whether any part may only be used for research or the like, or states no terms."""
        return any(part.licence.non_commercial for part in self.parts)

    @property
    def licences(self) -> Mapping[str, str]:
        """Kind of part → its terms."""
        return {part.kind: part.licence.name for part in self.parts}

    @property
    def size(self) -> int:
        """Bytes of all files whose size is public."""
        return sum(item.size or 0 for item in self.files)

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything that is not certain about this world, in words."""
        doubts = [f"{part.name}: {doubt}" for part in self.parts for doubt in part.doubts]
        # Small files of text are not worth a word.
        hashes = [
            f"{part.name}: {'only the beginning of its SHA-256' if sha256 else 'no SHA-256 of it'} "
            "is public, so the one first seen is recorded and holds from then on"
            for part, sha256 in ((part, part.files[0].sha256) for part in self.parts)
            if not part.files[0].pinned
        ]
        return (*self.doubts, *doubts, *hashes)


def catalogue() -> Mapping[str, Entry]:
    """Name → world, in the order of the catalogue."""
    return _everything()[1]


def find_part(kind: Kind, name: str) -> Part | None:
    """A public network by its name or by its repository's, or None."""
    parts = _everything()[0][kind]
    by_repo = {part.repo: part for part in parts.values() if part.repo}
    return parts.get(name) or by_repo.get(name)


def part_names(kind: Kind) -> tuple[str, ...]:
    """The names of the public networks of a kind."""
    return tuple(_everything()[0][kind])


def present(entry: Entry, cache: Path | None = None) -> Mapping[str, bool]:
    """File → whether it is in the cache already; nothing is read or fetched."""
    return {item.name: is_here(item, cache) for item in entry.files}


def fetch_part(
    part: Part,
    *,
    cache: Path | None = None,
    offline: bool | None = None,
    on_file: Callable[[Item], Progress] | None = None,
) -> Path:
    """Bring all files of a part; what a loader is given, as `Part.path` says.

    `on_file` is called with each file that is not here yet, and returns what its progress is
    reported to. Raises BadFile when a file cannot be had.
    """
    for item in part.files:
        report = None if on_file is None or is_here(item, cache) else on_file(item)
        fetch(item, cache=cache, offline=offline, on_progress=report)
    return part.path(cache)


@cache
def _everything() -> tuple[Parts, Mapping[str, Entry]]:
    """All parts by kind, and all worlds."""
    return parse(tomllib.loads(SOURCE.read_text(encoding="utf-8")))


def parse(data: Mapping[str, Any]) -> tuple[Parts, Mapping[str, Entry]]:
    """The parts and worlds of a catalogue's data; raises BadSetting where they contradict."""
    licences = {name: Licence(**facts) for name, facts in data["licences"].items()}
    parts = {
        kind: {name: _part(kind, name, facts, licences) for name, facts in data[f"{kind}s"].items()}
        for kind in KINDS
    }
    worlds = {name: _entry(name, facts, parts) for name, facts in data["worlds"].items()}
    return parts, worlds


def _part(kind: Kind, name: str, facts: Mapping[str, Any], licences: Mapping[str, Licence]) -> Part:
    licence = licences[facts["licence"]]
    repo, revision = facts.get("repo", ""), facts.get("revision", "")
    read = {
        "licence": licence,
        "files": tuple(_item(name, repo, revision, licence, file) for file in facts["files"]),
        "doubts": tuple(facts.get("doubts", ())),
    }
    return Part(name=name, kind=kind, **{**facts, **read})


def _item(part: str, repo: str, revision: str, licence: Licence, file: Mapping[str, Any]) -> Item:
    name, urls = file["name"], tuple(file.get("urls", ()))
    if repo:
        urls = (f"https://huggingface.co/{repo}/resolve/{revision}/{name}",)
        # Another revision is another folder, so that files of two never meet.
        name = f"{part}-{revision[:8]}/{name}"
    return Item(
        name=name,
        urls=urls,
        sha256=file.get("sha256"),
        size=file.get("bytes"),
        licence=licence.name,
    )


def _entry(name: str, facts: Mapping[str, Any], parts: Parts) -> Entry:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise BadSetting(f"{name!r} cannot be the name of a world.")
    read: dict[str, Any] = {key: tuple(facts.get(key, ())) for key in ("regions", "doubts")}
    for kind in KINDS:
        if kind == "detector" and kind not in facts:
            continue
        if facts[kind] not in parts[kind]:
            raise BadSetting(f"The world {name} names a {kind} that is not listed: {facts[kind]}.")
        read[kind] = parts[kind][facts[kind]]
    return Entry(name=name, **{**facts, **read})
