"""What a batch asks for, and the TOML file that says it. Nothing is loaded or carried out here.

    world = "starter"                    # or several: ["starter", "heads"]
    prompts = ["afro", "a beanie"]       # a card for each, with its scores
    method = "default"                   # or several
    seeds = [0, 1, 2]                    # of trainings; by default the method's
    steps = 100                          # likewise

or, in place of prompts, edits of many images:

    stacks = ["afro.safetensors=1.5", ["afro.safetensors=1", "a-beanie.safetensors=-0.5"]]
    seeds = "0-9999"                     # or latents = ["mine.npy"], or photos = "holidays"
    truncation = 0.7

Paths are relative to the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eclipsed.editing.choices import CardChoice
from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import StrPath, fault_at, read_toml, shown
from eclipsed.methods.registry import method_named, names
from eclipsed.text import whole_numbers

MOST = 10**6  # jobs or images of one batch
_MOST_BYTES = 64 * 2**20
_LARGEST_SEED = 2**32 - 1
_LARGEST_STEPS = 10**6
_ABOUT_CARDS = ("method", "steps")
_ABOUT_IMAGES = ("latents", "photos", "truncation")
_KEYS = ("world", "prompts", "stacks", "seeds", *_ABOUT_CARDS, *_ABOUT_IMAGES)

Stack = tuple[CardChoice, ...]


@dataclass(frozen=True)
class Batch:
    """Every prompt in every world by every method and seed; or every stack on every image.

    seeds: of trainings, none for the method's own; with stacks, of images. steps: None for the
    method's own. photos: a folder. truncation: None for the world's.
    """

    worlds: tuple[str, ...] = ("starter",)
    prompts: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("default",)
    seeds: tuple[int, ...] = ()
    steps: int | None = None
    stacks: tuple[Stack, ...] = ()
    latents: tuple[Path, ...] = ()
    photos: Path | None = None
    truncation: float | None = None


def read_batch(path: StrPath, parse_card: Callable[[str], CardChoice]) -> Batch:
    """The batch that a TOML file describes.

    parse_card: reads a stack's words, such as "afro.safetensors=1.5", and raises ValueError or an
    exception of its own with a sentence for others.

    Raises BadFile, naming the key and its line, for a file that is missing or no TOML, for keys
    that are unknown or do not go together, and for values of the wrong kind.
    """
    values, text = read_toml(path, limit=_MOST_BYTES)
    page = _Page(path, text, values)
    for key in values:
        page.check(key in _KEYS, key, "is unknown", f"The keys are {', '.join(_KEYS)}.")
    one = ("prompts" in values) != ("stacks" in values)
    about = "prompts, for cards, or stacks, for images"
    both = "has both prompts and stacks" if "prompts" in values else "says nothing to do"
    page.whole(one, both, f'Give one of {about}: prompts = ["afro"].')
    if "prompts" in values:
        return page.of_cards()
    return page.of_images(parse_card)


@dataclass(frozen=True)
class _Page:
    """The file while it is checked: its path, its text, and what it says."""

    path: StrPath
    source: str
    values: dict[str, Any]

    def check(self, fits: bool, key: str, reason: str, hint: str) -> None:
        if not fits:
            raise fault_at(self.path, self.source, key, reason, hint)

    def whole(self, fits: bool, reason: str, hint: str) -> None:
        """Of what no single key is to blame for."""
        if not fits:
            raise BadFile(f"{shown(self.path)} {reason}.", hint)

    def of_cards(self) -> Batch:
        for key in _ABOUT_IMAGES:
            self.check(key not in self.values, key, "is about images", "Give stacks as well.")
        methods = self.lines("method", ["default"])
        for name in methods:
            known = name in names()
            self.check(known, "method", f"has no {shown(name)}", f"Choose {', '.join(names())}.")
            per_image = known and method_named(name).per_image
            reason = f"has {shown(name)}, which edits a single image"
            self.check(not per_image, "method", reason, "Use `eclipsed train` with --image.")
        return Batch(
            worlds=self.worlds(),
            prompts=self.lines("prompts", []),
            methods=methods,
            seeds=self.seeds(),
            steps=self.steps(),
        )

    def of_images(self, parse_card: Callable[[str], CardChoice]) -> Batch:
        for key in _ABOUT_CARDS:
            self.check(key not in self.values, key, "is about cards", "Give prompts as well.")
        worlds = self.worlds()
        self.check(len(worlds) == 1, "world", "has several", "A card is of one world.")
        sources = [key for key in ("seeds", "latents", "photos") if key in self.values]
        hint = 'One of seeds = "0-99", latents = ["mine.npy"] and photos = "folder".'
        self.whole(len(sources) == 1, "does not say which images", hint)
        psi = self.values.get("truncation")
        fits = psi is None or (isinstance(psi, int | float) and not isinstance(psi, bool))
        fits = fits and (psi is None or 0.0 <= psi <= 2.0) and ("seeds" in sources or psi is None)
        self.check(fits, "truncation", "must be from 0 to 2, of seeds", "Write truncation = 0.7.")
        latents, photos = tuple[Path, ...](), None
        if "latents" in sources:
            latents = tuple(map(self.beside, self.lines("latents", [])))
        if "photos" in sources:
            photos = self.beside(self.lines("photos", [])[0])
            hint = "Name a folder that is there."
            self.check(photos.is_dir(), "photos", f"is no folder: {shown(photos)}", hint)
        return Batch(
            worlds=worlds,
            methods=(),
            seeds=self.seeds(),
            stacks=self.stacks(parse_card),
            latents=latents,
            photos=photos,
            truncation=None if psi is None else float(psi),
        )

    def worlds(self) -> tuple[str, ...]:
        """Names as they are, files and folders made absolute."""
        named = self.lines("world", ["starter"])
        is_path = [name.endswith(".toml") or os.sep in name for name in named]
        return tuple(
            str(self.beside(name)) if path else name
            for name, path in zip(named, is_path, strict=True)
        )

    def lines(self, key: str, default: list[str]) -> tuple[str, ...]:
        """A text or several, each once, at least one."""
        given = self.values.get(key, default)
        texts = [given] if isinstance(given, str) else given
        fits = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
        fits = fits and bool(texts) and all(text.strip() for text in texts)
        self.check(fits, key, "must be a text or a list of texts", f'Write {key} = ["…", "…"].')
        return tuple(dict.fromkeys(text.strip() for text in texts))

    def seeds(self) -> tuple[int, ...]:
        given = self.values.get("seeds", [])
        if isinstance(given, str):
            try:
                given = whole_numbers(given, largest=_LARGEST_SEED, most=MOST)
            except EclipsedError as error:
                reason = f"makes no sense: {error.message.removesuffix('.')}"
                raise fault_at(self.path, self.source, "seeds", reason, "") from error
        given = [given] if isinstance(given, int) else given
        fits = isinstance(given, list) and all(
            isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= _LARGEST_SEED
            for seed in given
        )
        hint = 'Write seeds = [0, 1, 2] or seeds = "0-99".'
        self.check(fits and (bool(given) or "seeds" not in self.values), "seeds", "has none", hint)
        return tuple(dict.fromkeys(given))

    def steps(self) -> int | None:
        steps = self.values.get("steps")
        fits = steps is None or (isinstance(steps, int) and not isinstance(steps, bool))
        fits = fits and (steps is None or 1 <= steps <= _LARGEST_STEPS)
        self.check(fits, "steps", "must be a whole number from 1", "Write steps = 100.")
        return steps

    def stacks(self, parse_card: Callable[[str], CardChoice]) -> tuple[Stack, ...]:
        given = self.values["stacks"]
        listed = given if isinstance(given, list) else [given]
        stacks = [[one] if isinstance(one, str) else one for one in listed]
        fits = bool(stacks) and all(
            isinstance(one, list) and one and all(isinstance(word, str) for word in one)
            for one in stacks
        )
        hint = 'Write stacks = ["afro.safetensors=1.5"], or a list of cards for several at once.'
        self.check(fits, "stacks", "must be a list of cards, or of lists of cards", hint)
        return tuple(tuple(self.choice(word, parse_card) for word in one) for one in stacks)

    def choice(self, word: str, parse_card: Callable[[str], CardChoice]) -> CardChoice:
        try:
            choice = parse_card(str(self.beside(word)))
        except Exception as error:
            reason = f"makes no sense: {str(error).removesuffix('.')}"
            hint = "Write CARD=STRENGTH, as in `eclipsed edit -d`."
            raise fault_at(self.path, self.source, "stacks", reason, hint) from error
        mask = None if choice.mask is None else self.beside(choice.mask)
        return replace(choice, mask=mask)

    def beside(self, path: StrPath) -> Path:
        """A path that is relative to the file."""
        return Path(self.path).absolute().parent / path
