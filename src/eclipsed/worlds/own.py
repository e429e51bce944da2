"""A user's own world: a short TOML file that names its networks and what its regions are called.

    name = "cats"
    generator = "cats.pkl"          # a file, or a generator of the catalogue
    encoder = "clip-vit-base-patch32"   # a file, a folder, one of the catalogue, or "starter"
    segmenter = "starter"           # likewise
    neutral = "a photo of a cat"
    truncation = 0.7
    judge_encoder = "siglip-base-patch16-224"   # both or neither: what scores are judged by
    judge_segmenter = "cat-parts.safetensors"

    [regions]
    ears = ["ears", "pointed ears"]

Paths are relative to the file; "./NAME" is one even where the catalogue has a NAME.

This module reads and keeps such descriptions. It never opens the networks that they name, and is
handed what loads them.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from eclipsed.errors import BadFile, UnknownName
from eclipsed.evaluation.observe import NetworkJudge
from eclipsed.files import StrPath, failure, read_bytes, shown, write_atomic
from eclipsed.types import Encoder, Generator, Judge, Segmenter, World
from eclipsed.worlds.catalogue import BUILT_IN, KINDS, Kind, Part, catalogue, find_part, part_names

# What a description names: a file or folder, a network of the catalogue, or the starter's own.
Choice = Path | Part | str
STARTER = "starter"

LoadGenerator = Callable[[Choice, str], Generator]
LoadEncoder = Callable[[Choice, str], Encoder]
LoadSegmenter = Callable[[Choice, tuple[str, ...], str], Segmenter]

# What scores are judged by → what kind of network it is.
_JUDGES: Mapping[str, Kind] = {"judge_encoder": "encoder", "judge_segmenter": "segmenter"}
_KEYS = ("name", *KINDS, "neutral", "truncation", *_JUDGES, "example_prompts", "regions")
_NEEDED = ("name", *KINDS)
_VERBS = frozenset({"add", "forget", "fetch"})  # what may follow `eclipsed world`
_MOST_BYTES = 2**20
_MOST_REGIONS = 1_000
_MOST_WISHES = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REGION = re.compile(r"[^\W_](?:[\w' -]{0,62}\w)?")


@dataclass(frozen=True)
class OwnWorld:
    """What a description says, checked; paths are absolute.

    regions: region → words that mean it; empty where the segmenter's own names have to do.
    judge_encoder, judge_segmenter: networks that only scores use; both or none.
    example_prompts: short prompts that the world answers, to offer to people.
    """

    name: str
    generator: Choice
    encoder: Choice
    segmenter: Choice
    neutral: str = "a photo"
    truncation: float = 0.7
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judge_encoder: Choice | None = None
    judge_segmenter: Choice | None = None
    example_prompts: tuple[str, ...] = ()

    @property
    def choices(self) -> Mapping[str, Choice]:
        """Key → network, of all that the description names."""
        found = {key: getattr(self, key) for key in (*KINDS, *_JUDGES)}
        return {key: choice for key, choice in found.items() if choice is not None}


# --- reading ------------------------------------------------------------------------------------


def read_own(path: StrPath) -> OwnWorld:
    """The world that a TOML file describes.

    Raises BadFile, naming the key and its line, for a file that is missing or no TOML, for keys
    that are unknown or missing, for values of the wrong kind, and for networks that do not exist.
    """
    text = _read_text(path)
    page = _Page(path, text)
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise BadFile(f"{shown(path)} is not valid TOML: {reason}.", "Mend that line.") from error
    for key in values:
        if key not in _KEYS:
            raise page.refusal(key, "is unknown", f"The keys are {', '.join(_KEYS)}.")
    for key in _NEEDED:
        if key not in values:
            raise BadFile(f"{shown(path)} has no {key!r}.", f"It needs {', '.join(_NEEDED)}.")
    chosen = {kind: page.choice(kind, kind, values[kind]) for kind in KINDS}
    return OwnWorld(
        name=page.world_name(values["name"]),
        neutral=page.text("neutral", values.get("neutral", "a photo")),
        truncation=page.truncation(values.get("truncation", 0.7)),
        example_prompts=page.example_prompts(values.get("example_prompts", [])),
        regions=page.regions(values.get("regions", {})),
        **chosen,
        **page.judges(values, chosen),
    )


def _read_text(path: StrPath) -> str:
    try:
        return read_bytes(path, limit=_MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFile(f"{shown(path)} is not a text in UTF-8.", "Name a TOML file.") from error


@dataclass(frozen=True)
class _Page:
    """A description while it is checked: its path and its text, to say where something is."""

    path: StrPath
    source: str

    def refusal(self, key: str, reason: str, hint: str) -> BadFile:
        """What is wrong with a key, and where."""
        shape = re.compile(rf"""\s*(?:["']?{re.escape(key)}["']?\s*=|\[\s*{re.escape(key)}\s*\])""")
        lines = enumerate(self.source.splitlines(), start=1)
        line = next((f", line {n}" for n, found in lines if shape.match(found)), "")
        return BadFile(f"In {shown(self.path)}{line}: {_quoted(key)} {reason}.", hint)

    def text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.refusal(key, "must be a line of text", f'Write {key} = "…".')
        return value.strip()

    def world_name(self, value: object) -> str:
        name = self.text("name", value)
        if not _NAME.fullmatch(name):
            raise self.refusal(
                "name", "must be of letters, digits, - and _", 'Such as name = "my-cats".'
            )
        if name.lower() in {*BUILT_IN, *catalogue(), *_VERBS}:
            raise self.refusal(
                "name", f"is {_quoted(name)}, which is taken", "Choose another name."
            )
        return name

    def choice(self, key: str, kind: Kind, value: object) -> Choice:
        text = self.text(key, value)
        if text == STARTER and kind != "generator":
            return STARTER
        part = find_part(kind, text)
        if part is not None:
            return part
        place = Path(self.path).parent.absolute() / _home(text)
        if os.path.isfile(place) or (os.path.isdir(place) and kind != "generator"):
            return place
        also = "" if kind == "generator" else ', or "starter"'
        raise self.refusal(
            key,
            f"is {_quoted(text)}, and there is no {_kinds_of_place(kind)} {shown(place)}",
            f"Name one that is there, or {_a(kind)} of the catalogue, such as "
            f"{', '.join(part_names(kind)[:3])}{also}.",
        )

    def judges(
        self, values: Mapping[str, object], chosen: Mapping[Kind, Choice]
    ) -> dict[str, Choice]:
        """The judges, which must be other networks than those they judge; none where none is
        named."""
        found = {
            key: self.choice(key, kind, values[key])
            for key, kind in _JUDGES.items()
            if key in values
        }
        for key, choice in found.items():
            if len(found) < len(_JUDGES):
                raise self.refusal(key, "stands alone", f"Name {' and '.join(_JUDGES)}, or none.")
            if choice == chosen[_JUDGES[key]]:
                raise self.refusal(
                    key, f"is the world's own {_JUDGES[key]}", "Name another, or no judges at all."
                )
        return found

    def truncation(self, value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2:
            return float(value)
        raise self.refusal("truncation", "must be a number from 0 to 2", "Write truncation = 0.7.")

    def example_prompts(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > _MOST_WISHES:
            raise self.refusal(
                "example_prompts",
                f"must be a list of at most {_MOST_WISHES} prompts",
                'Write example_prompts = ["pointed ears", "a striped coat"].',
            )
        return tuple(dict.fromkeys(self.text("example_prompts", prompt) for prompt in value))

    def regions(self, value: object) -> Mapping[str, tuple[str, ...]]:
        if not isinstance(value, dict) or len(value) > _MOST_REGIONS:
            raise self.refusal("regions", "must be a table", 'Write [regions] and ears = ["ears"].')
        return {self._region(name): self._words(name, words) for name, words in value.items()}

    def _region(self, name: str) -> str:
        if not _REGION.fullmatch(name) or name.lower() in ("auto", "none"):
            raise self.refusal(
                name, "cannot be a region's name", "Use words such as hair or left ear."
            )
        return name

    def _words(self, name: str, words: object) -> tuple[str, ...]:
        if not isinstance(words, list):
            raise self.refusal(name, "must be a list of words", f'Write {name} = ["{name}"].')
        # A region is always meant by its own name as well.
        return tuple(dict.fromkeys((name, *(self.text(name, word) for word in words))))


def _home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # a "~somebody" whom the system does not know
        return Path(text)


def _quoted(text: str) -> str:
    return shown(text[:60])


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind == "encoder" else f"a {kind}"


def _kinds_of_place(kind: Kind) -> str:
    return "file" if kind == "generator" else "file or folder"


# --- assembling ---------------------------------------------------------------------------------


def assemble(
    own: OwnWorld,
    device: str,
    *,
    load_generator: LoadGenerator,
    load_encoder: LoadEncoder,
    load_segmenter: LoadSegmenter,
) -> World:
    """The world of a description, its networks made by the loaders.

    A loader gets what the description names (a path, a part of the catalogue, or "starter") and
    the device; the segmenter's also gets the names of the regions, for one that finds what it is
    told to. The judges are loaded when they are first asked for. Raises BadFile when the segmenter
    lacks a region that the description names, WrongGenerator for a segmenter made for another
    generator, and whatever the loaders raise.
    """
    generator = load_generator(own.generator, device)

    def fitting_segmenter(choice: Choice) -> Segmenter:
        segmenter = load_segmenter(choice, tuple(own.regions), device)
        check_fits(segmenter, generator)
        return segmenter

    def judge_of(encoder: Choice, segmenter: Choice) -> Judge:
        return NetworkJudge(load_encoder(encoder, device), fitting_segmenter(segmenter))

    judge = None
    if own.judge_encoder is not None and own.judge_segmenter is not None:
        judge = cache(partial(judge_of, own.judge_encoder, own.judge_segmenter))
    segmenter = fitting_segmenter(own.segmenter)
    unknown = [region for region in own.regions if region not in segmenter.regions]
    if unknown:
        raise BadFile(
            f"The world {own.name} has words for the region {_quoted(unknown[0])}, which its "
            f"segmenter {segmenter.name} does not find.",
            f"Its regions are {', '.join(segmenter.regions)}.",
        )
    return World(
        name=own.name,
        generator=generator,
        encoder=load_encoder(own.encoder, device),
        segmenter=segmenter,
        vocabulary={region: own.regions.get(region, (region,)) for region in segmenter.regions},
        neutral=own.neutral,
        truncation=own.truncation,
        example_prompts=own.example_prompts,
        judge=judge,
    )


def check_fits(segmenter: Segmenter, generator: Generator) -> None:
    """Raise WrongGenerator for a segmenter that reads the features of another generator."""
    check = getattr(segmenter, "check", None)
    if check is not None:
        check(generator)


# --- keeping ------------------------------------------------------------------------------------


def registry() -> Path:
    """The folder of the user's configuration that holds registered descriptions."""
    return user_config_path("eclipsed") / "worlds"


def register(path: StrPath, *, folder: Path | None = None) -> Path:
    """Keep a description, so that its world can be called by name; where it is kept.

    Paths in it become absolute; the networks stay where they are. Registering the same
    description again changes nothing.

    Raises BadFile for a description that is not valid or cannot be kept, and when another world
    of that name is registered.
    """
    own = read_own(path)
    place = _place(own.name, folder)
    content = to_toml(own)
    if place.exists() and read_bytes(place, limit=_MOST_BYTES) != content:
        raise BadFile(
            f"There is already a world {own.name}: {shown(place)}.",
            "Forget it first, or choose another name.",
        )
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failure("make the folder", place.parent, error) from error
    write_atomic(place, content)
    return place


def registered(folder: Path | None = None) -> Mapping[str, Path]:
    """Name → description of the worlds that were registered, by name; none is opened."""
    root = registry() if folder is None else folder
    try:
        found = sorted(path for path in root.glob("*.toml") if os.path.isfile(path))
    except OSError as error:
        raise failure("read", root, error) from error
    return {path.stem: path for path in found if _NAME.fullmatch(path.stem)}


def forget(name: str, *, folder: Path | None = None) -> None:
    """Drop a registered description; the networks it names stay. UnknownName if there is none."""
    found = registered(folder)
    if name not in found:
        raise UnknownName(
            f"There is no world {_quoted(name)} of your own.",
            f"Yours are {', '.join(found)}." if found else "You have registered none.",
        )
    try:
        found[name].unlink()
    except OSError as error:
        raise failure("delete", found[name], error) from error


def _place(name: str, folder: Path | None) -> Path:
    return (registry() if folder is None else folder) / f"{name}.toml"


def to_toml(own: OwnWorld) -> bytes:
    """A description as a TOML file that can lie anywhere. Raises BadFile for an odd path."""
    lines = [
        f"name = {_string(own.name)}",
        *(f"{key} = {_string(_named(choice))}" for key, choice in own.choices.items()),
        f"neutral = {_string(own.neutral)}",
        f"truncation = {own.truncation!r}",
    ]
    if own.example_prompts:
        lines.append(f"example_prompts = [{', '.join(map(_string, own.example_prompts))}]")
    if own.regions:
        lines += ["", "[regions]"]
    for region, words in own.regions.items():
        lines.append(f"{_string(region)} = [{', '.join(map(_string, words))}]")
    try:
        return ("\n".join(lines) + "\n").encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadFile(
            f"The world {own.name} names a file whose name is no text.", "Rename that file."
        ) from error


def _named(choice: Any) -> str:
    return choice.name if isinstance(choice, Part) else str(choice)


def _string(text: str) -> str:
    """A basic string of TOML, which is JSON's but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
