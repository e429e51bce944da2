"""A user's own world: a short TOML file that names its networks and what its regions are called.

    name = "cats"
    generator = "cats.pkl"          # a file, or a generator of the catalogue
    encoder = "clip-vit-base-patch32"   # a file, a folder, one of the catalogue, or "starter"
    segmenter = "starter"           # likewise; without one only the whole image can be changed
    neutral = "a photo of a cat"
    truncation = 0.7
    class = 2                       # of a generator of several classes
    judge_encoder = "siglip-base-patch16-224"   # both or neither: what scores are judged by
    judge_segmenter = "cat-parts.safetensors"
    inverter = "e4e_ffhq_encode.pt" # gives the latents of photos: e4e's file, or a small one
    detector = "mtcnn"              # finds people's faces in photos, for generators made as FFHQ's

    [regions]
    ears = ["ears", "pointed ears"]

Paths are relative to the file; "./NAME" is one even where the catalogue has a NAME.

This module reads and stores such descriptions. It never opens the networks that they name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from eclipsed.errors import BadFile, UnknownName
from eclipsed.files import StrPath, disk, make_folder, read_bytes, read_toml, shown, write_atomic
from eclipsed.worlds.catalogue import KINDS, WORLDS, Kind, Part, catalogue, find_part, part_names

# What a description names: a file or folder, a network of the catalogue, or the starter's own.
Choice = Path | Part | str
STARTER = "starter"

# What scores are judged by → what kind of network it is.
_JUDGES: Mapping[str, Kind] = {"judge_encoder": "encoder", "judge_segmenter": "segmenter"}
_KEYS = (
    "name",
    *KINDS,
    "neutral",
    "truncation",
    "class",
    *_JUDGES,
    "inverter",
    "example_prompts",
    "multilingual",
    "regions",
)
_NEEDED = ("name", "generator", "encoder")
_VERBS = frozenset({"add", "forget", "fetch"})  # what may follow `eclipsed world`
_MOST_BYTES = 2**20
_MOST_REGIONS = 1_000
_MOST_PROMPTS = 1_000
# Kind of network → what it can lie in, its article, and what else may be named.
_PLACES: Mapping[Kind, tuple[str, str, str]] = {
    "generator": ("file", "a", ""),
    "encoder": ("file or folder", "an", ', or "starter"'),
    "segmenter": ("file or folder", "a", ', or "starter"'),
    "detector": ("folder", "a", ', or "starter"'),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REGION = re.compile(r"[^\W_](?:[\w' -]{0,62}\w)?")


@dataclass(frozen=True)
class OwnWorld:
    """What a description says, checked; paths are absolute.

    regions: region → words that mean it; empty where the segmenter's own names have to do.
    judge_encoder, judge_segmenter: networks that only scores use; both or none.
    segmenter: None where a world has none, and so no regions.
    detector: what finds the generator's faces in photos; None where photos are cut in the middle.
    inverter: the file of what gives the latents of photos; None where they are found step by step.
    example_prompts: short prompts that the world answers, to offer to people.
    multilingual: whether the encoder reads other languages than English.
    class_index: of a generator of several classes; None where the description names none.
    """

    name: str
    generator: Choice
    encoder: Choice
    segmenter: Choice | None = None
    neutral: str = "a photo"
    truncation: float = 0.7
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judge_encoder: Choice | None = None
    judge_segmenter: Choice | None = None
    example_prompts: tuple[str, ...] = ()
    multilingual: bool = False
    class_index: int | None = None
    detector: Choice | None = None
    inverter: Path | None = None

    @property
    def choices(self) -> Mapping[str, Choice]:
        """Key → network, of all that the description names."""
        choices = {key: getattr(self, key) for key in (*KINDS, *_JUDGES)}
        return {key: choice for key, choice in choices.items() if choice is not None}


# --- reading ------------------------------------------------------------------------------------


def read_own(path: StrPath) -> OwnWorld:
    """The world that a TOML file describes.

    Raises BadFile, naming the key and its line, for a file that is missing or no TOML, for keys
    that are unknown or missing, for values of the wrong kind, and for networks that do not exist.
    """
    values, text = read_toml(path, limit=_MOST_BYTES)
    page = _Page(path, text)
    for key in values:
        page.check(key in _KEYS, key, "is unknown", f"The keys are {', '.join(_KEYS)}.")
    for key in _NEEDED:
        if key not in values:
            raise BadFile(f"{shown(path)} has no {key!r}.", f"It needs {', '.join(_NEEDED)}.")
    for key, (fits, reason, hint) in _RULES.items():
        page.check(key not in values or fits(values[key]), key, reason, hint)
    prompts, regions = values.get("example_prompts", []), values.get("regions", {})
    choices = {
        key: page.choice(key, kind, values[key])
        for key, kind in (*zip(KINDS, KINDS, strict=True), *_JUDGES.items())
        if key in values
    }
    page.check_judges(choices)
    if regions and "segmenter" not in choices:
        raise BadFile(
            f"{shown(path)} has no 'segmenter', which would find its regions.",
            "Name one, or leave out [regions].",
        )
    return OwnWorld(
        name=page.world_name(values["name"]),
        neutral=page.line("neutral", values.get("neutral", "a photo")),
        truncation=float(values.get("truncation", 0.7)),
        class_index=values.get("class"),
        example_prompts=page.lines("example_prompts", prompts),
        multilingual=values.get("multilingual", False),
        regions={name: page.region(name, words) for name, words in regions.items()},
        inverter=page.file("inverter", values["inverter"]) if "inverter" in values else None,
        **choices,
    )


def _is_truncation(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2


def _is_class(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# Key → whether its value fits, and what to say where it does not.
_RULES: Mapping[str, tuple[Callable[[Any], bool], str, str]] = {
    "truncation": (_is_truncation, "must be a number from 0 to 2", "Write truncation = 0.7."),
    "class": (_is_class, "must be a whole number from 0", "Write class = 2."),
    "example_prompts": (
        lambda value: isinstance(value, list) and len(value) <= _MOST_PROMPTS,
        f"must be a list of at most {_MOST_PROMPTS} prompts",
        'Write example_prompts = ["pointed ears", "a striped coat"].',
    ),
    "multilingual": (
        lambda value: isinstance(value, bool),
        "must be true or false",
        "Write multilingual = true for an encoder that reads other languages than English.",
    ),
    "regions": (
        lambda value: isinstance(value, dict) and len(value) <= _MOST_REGIONS,
        "must be a table",
        'Write [regions] and ears = ["ears"].',
    ),
}


@dataclass(frozen=True)
class _Page:
    """A description while it is checked: its path and its text, to say where something is."""

    path: StrPath
    source: str

    def check(self, fits: bool, key: str, reason: str, hint: str) -> None:
        """Raise BadFile that says what is wrong with a key, and in which line, unless it fits."""
        if fits:
            return
        shape = re.compile(rf"""\s*(?:["']?{re.escape(key)}["']?\s*=|\[\s*{re.escape(key)}\s*\])""")
        lines = enumerate(self.source.splitlines(), start=1)
        where = next((f", line {n}" for n, line in lines if shape.match(line)), "")
        raise BadFile(f"In {shown(self.path)}{where}: {_quoted(key)} {reason}.", hint)

    def line(self, key: str, value: Any) -> str:
        fits = isinstance(value, str) and bool(value.strip()) and value.isprintable()
        self.check(fits, key, "must be a line of text", f'Write {key} = "…".')
        return str(value).strip()

    def lines(self, key: str, values: Sequence[Any]) -> tuple[str, ...]:
        """Different lines, in their order."""
        return tuple(dict.fromkeys(self.line(key, value) for value in values))

    def world_name(self, value: Any) -> str:
        name = self.line("name", value)
        fits = _NAME.fullmatch(name) is not None
        hint = 'Such as name = "my-cats".'
        self.check(fits, "name", "must be of letters, digits, - and _", hint)
        free = name.lower() not in {*WORLDS, *catalogue(), *_VERBS}
        self.check(free, "name", f"is {_quoted(name)}, which is taken", "Choose another name.")
        return name

    def choice(self, key: str, kind: Kind, value: Any) -> Choice:
        text = self.line(key, value)
        if text == STARTER and kind != "generator":
            return STARTER
        part = find_part(kind, text)
        if part is not None:
            return part
        path = self._beside(text)
        places, article, also = _PLACES[kind]
        self.check(
            os.path.isfile(path) or (os.path.isdir(path) and kind != "generator"),
            key,
            f"is {_quoted(text)}, and there is no {places} {shown(path)}",
            f"Name one that is there, or {article} {kind} of the catalogue, such as "
            f"{', '.join(part_names(kind)[:3])}{also}.",
        )
        return path

    def file(self, key: str, value: Any) -> Path:
        """A network that lies in a file."""
        text = self.line(key, value)
        path = self._beside(text)
        reason = f"is {_quoted(text)}, and there is no file {shown(path)}"
        self.check(os.path.isfile(path), key, reason, "Name one that is there.")
        return path

    def _beside(self, text: str) -> Path:
        """A path that is relative to the description."""
        try:
            path = Path(text).expanduser()
        except RuntimeError:  # a "~somebody" whom the system does not know
            path = Path(text)
        return Path(self.path).parent.absolute() / path

    def check_judges(self, choices: Mapping[str, Choice]) -> None:
        """Judges must be other networks than those they judge, and both or none."""
        for key, kind in _JUDGES.items():
            if key in choices:
                hint = f"Name {' and '.join(_JUDGES)}, or none."
                self.check(_JUDGES.keys() <= choices.keys(), key, "stands alone", hint)
                other = choices[key] != choices.get(kind)
                hint = "Name another, or no judges at all."
                self.check(other, key, f"is the world's own {kind}", hint)

    def region(self, name: str, words: Any) -> tuple[str, ...]:
        """The words that mean a region; its own name is always one of them."""
        fits = _REGION.fullmatch(name) is not None and name.lower() not in ("auto", "none")
        hint = "Use words such as hair or left ear."
        self.check(fits, name, "cannot be a region's name", hint)
        hint = f'Write {name} = ["{name}"].'
        self.check(isinstance(words, list), name, "must be a list of words", hint)
        return tuple(dict.fromkeys((name, *self.lines(name, words))))


def _quoted(text: str) -> str:
    return shown(text[:60])


# --- storing ------------------------------------------------------------------------------------


def registry() -> Path:
    """The folder of the user's configuration that holds registered descriptions."""
    return user_config_path("eclipsed") / "worlds"


def register(path: StrPath, *, folder: Path | None = None) -> Path:
    """Store a description, so that its world can be called by name; where it is stored.

    Paths in it become absolute; the networks stay where they are. Registering the same
    description again changes nothing.

    Raises BadFile for a description that is not valid or cannot be stored, and when another world
    of that name is registered.
    """
    own = read_own(path)
    target = (folder or registry()) / f"{own.name}.toml"
    content = to_toml(own)
    if target.exists() and read_bytes(target, limit=_MOST_BYTES) != content:
        raise BadFile(
            f"There is already a world {own.name}: {shown(target)}.",
            "Forget it first, or choose another name.",
        )
    make_folder(target.parent)
    write_atomic(target, content)
    return target


def registered(folder: Path | None = None) -> Mapping[str, Path]:
    """Name → description of the worlds that were registered, by name; none is opened."""
    root = folder or registry()
    with disk("read", root):
        paths = sorted(path for path in root.glob("*.toml") if os.path.isfile(path))
    return {path.stem: path for path in paths if _NAME.fullmatch(path.stem)}


def described(name: str | Path) -> OwnWorld | None:
    """The description of a world that was registered by this name, or of a TOML file; None for
    another name. Raises BadFile as `read_own`."""
    path = registered().get(str(name), Path(name))
    return read_own(path) if path.is_file() else None


def parts_of(name: str) -> tuple[Part, ...]:
    """The networks of the catalogue that a world uses: one of the catalogue, or of one's own by
    its name or file; none of any other."""
    entry = catalogue().get(name)
    if entry is not None:
        return entry.parts
    own = described(name)
    choices = () if own is None else own.choices.values()
    return tuple(choice for choice in choices if isinstance(choice, Part))


def forget(name: str, *, folder: Path | None = None) -> None:
    """Drop a registered description; the networks it names stay. UnknownName if there is none."""
    paths = registered(folder)
    if name not in paths:
        raise UnknownName(
            f"There is no world {_quoted(name)} of your own.",
            f"Yours are {', '.join(paths)}." if paths else "You have registered none.",
        )
    with disk("delete", paths[name]):
        paths[name].unlink()


def to_toml(own: OwnWorld) -> bytes:
    """A description as a TOML file that can lie anywhere. Raises BadFile for an odd path."""
    named = {
        k: choice.name if isinstance(choice, Part) else str(choice)
        for k, choice in own.choices.items()
    }
    facts: dict[str, Any] = {
        "name": own.name,
        **named,
        "neutral": own.neutral,
        "truncation": own.truncation,
    }
    if own.class_index is not None:
        facts["class"] = own.class_index
    if own.inverter is not None:
        facts["inverter"] = str(own.inverter)
    if own.multilingual:
        facts["multilingual"] = True
    if own.example_prompts:
        facts["example_prompts"] = own.example_prompts
    lines = [f"{key} = {_toml(value)}" for key, value in facts.items()]
    if own.regions:
        lines += ["", "[regions]"]
    lines += [f"{_toml(region)} = {_toml(words)}" for region, words in own.regions.items()]
    try:
        return ("\n".join(lines) + "\n").encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadFile(
            f"The world {own.name} names a file whose name is no text.", "Rename that file."
        ) from error


def _toml(value: Any) -> str:
    """A text, a number or a list in TOML, which is JSON's but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
