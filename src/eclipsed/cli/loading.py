"""What several verbs load: a world on a device, cards and their edits, and latents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from eclipsed.cli import console
from eclipsed.errors import BadFile

if TYPE_CHECKING:
    from torch import Tensor

    from eclipsed.directions import Direction
    from eclipsed.editing.stack import Edit
    from eclipsed.editing.starts import Start
    from eclipsed.types import Generator, Goal, Space, World


@dataclass(frozen=True, eq=False)
class Bare:
    """A generator of a file that no world names: enough to draw what it makes."""

    name: str
    generator: Generator
    truncation: float = 0.7


def open_world(name: str, device: str, which: int | None = None) -> World:
    """The world by name, TOML file or folder, its generator bound to a class where one is given.

    Raises EclipsedError where it cannot be had, or the device or the class is not there.
    """
    from eclipsed import worlds
    from eclipsed.types import resolve_device

    world = worlds.load_world(name, resolve_device(device))
    if which is not None:
        return replace(world, generator=world.generator.of_class(which))
    if world.generator.label is not None:
        from eclipsed.worlds.own import described

        own = described(name)
        _note_class(world.generator, named=own is not None and own.class_index is not None)
    return world


def open_generator(
    world: str, file: Path | None, device: str, which: int | None = None
) -> World | Bare:
    """A world, or the generator of a file in its place; raises BadParameter for both."""
    if file is None:
        return open_world(world, device, which)
    if world != "starter":
        raise typer.BadParameter("give one of them.", param_hint="--world or --generator")

    from eclipsed.generators.loading import load_generator

    generator: Generator = load_generator(file, device)
    if which is not None:
        generator = generator.of_class(which)
    _note_class(generator, named=which is not None)
    return Bare(file.stem, generator)


def _note_class(generator: Generator, *, named: bool) -> None:
    if generator.label is not None and not named:
        console.note(
            f"'{generator.name}' has {len(generator.label)} classes, and this is class 0: choose "
            "with --class, or with class = N in the world's TOML file."
        )


# --- cards --------------------------------------------------------------------------------------


def warn_beyond(card: Direction, *strengths: float) -> None:
    """Say so on stderr where strengths lie beyond the card's range."""
    warning = card.beyond(*strengths)
    if warning:
        console.note(warning)


def free_path(first: Path, is_own: Callable[[Path], bool]) -> Path:
    """Where to write what nobody named: the first of hair, hair-2, hair-3 … that is not there yet,
    or holds what the same command wrote. A number is said on stderr."""
    names = (first.with_stem(f"{first.stem}-{number}") for number in count(2))
    path = next(path for path in chain([first], names) if not path.exists() or is_own(path))
    if path != first:
        console.note(f"{first} holds something else and stays; this is written to {path}.")
    return path


def is_of(path: Path, world: World, goal: Goal, config: Any) -> bool:
    """Whether a file is the card that a search with this goal and config leads to, or a draft of
    it."""
    from eclipsed.directions import Direction
    from eclipsed.methods.registry import method_of
    from eclipsed.search.loop import answers
    from eclipsed.types import weights_of

    try:
        card = Direction.load(path)
    except BadFile:
        return False
    if card.config.get("draft"):
        generator = weights_of(world.generator.fingerprint)
        same = weights_of(card.generator_fingerprint) == generator
        return same and (card.prompt, card.regions) == (goal.prompt, goal.regions)
    return answers(card, world, goal, method_of(config).name, config)


def written_facts(path: Path, card: Direction) -> dict[str, Any]:
    """A card that was written, for a verb's result."""
    from eclipsed.directions import card_facts

    facts = card_facts(card)
    return {"card": str(path), **{key: facts[key] for key in ("name", "space", "unit", "range")}}


def fitted(world: World, files: Path | Sequence[Path] | None) -> World:
    """The world with the generator that shows a photo, where a file of latents is its inversion.

    Raises WrongGenerator for an inversion with another generator, and BadFile for a tuned one among
    several files, which one generator cannot show.
    """
    paths = [files] if isinstance(files, Path) else list(files or ())
    if not paths:
        return world

    from eclipsed.editing.photos.latent_file import Inversion, is_inversion
    from eclipsed.files import shown

    inversions = [(path, Inversion.load(path)) for path in paths if is_inversion(path)]
    for path, inversion in inversions:
        inversion.check(world.generator)
        if inversion.factors and len(paths) > 1:
            raise BadFile(
                f"The generator is tuned to the photo of {shown(path)}, and shows no others.",
                "Give it alone.",
            )
    return world if len(paths) > 1 or not inversions else inversions[0][1].world(world)


# --- latents ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Source:
    """Latents [N, D] of a space: of `seeds`, or of the files that `starts` hold.

    labels: what each is called.
    """

    latents: Tensor
    space: Space
    truncation: float
    labels: tuple[str, ...]
    seeds: tuple[int, ...] = ()
    starts: tuple[Start, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What a recipe says of them."""
        from eclipsed.editing.recipes import latent_facts

        if not self.starts:
            return {"seeds": list(self.seeds), "truncation": self.truncation}
        each = [latent_facts(start) for start in self.starts]
        return each[0] if len(each) == 1 else {"latents": each}

    def part(self, first: int, count: int = 1) -> Source:
        """Some of them."""
        some = slice(first, first + count)
        return replace(
            self,
            latents=self.latents[some],
            labels=self.labels[some],
            seeds=self.seeds[some],
            starts=self.starts[some],
        )


def check_source(
    seeds: object, files: object, *, option: str = "--seed", default: bool = False
) -> None:
    """Refuse both of seeds and files, and none of them unless there are default seeds."""
    if (seeds is not None and files) or not (default or seeds is not None or files):
        raise typer.BadParameter("give exactly one of them.", param_hint=f"{option} or --latent")


def check_single(source: Source, file: Path, otherwise: str = "") -> None:
    """Raise BadFile for a file of several latents where one is edited."""
    count = len(source.labels)
    if count > 1:
        from eclipsed.files import shown

        hint = f"Choose one with --index 1 to {count}{', ' * bool(otherwise)}{otherwise or '.'}"
        raise BadFile(f"There are {count} latents in {shown(file)}.", hint)


def open_source(
    world: World | Bare,
    seeds: Sequence[int],
    files: Sequence[Path] | None = None,
    truncation: float | None = None,
    *,
    space: Space | None = None,
    index: int | None = None,
) -> Source:
    """The latents of files, where there are any, or else of seeds; the world's truncation unless
    another is given. Latents of files are not truncated. space, index: as in `read_latents`.

    Raises BadFile for a file that holds no latent of the world's generator, or files of latents of
    different spaces.
    """
    psi = world.truncation if truncation is None else truncation
    if not files:
        latents = world.generator.sample(seeds, space="z")
        return Source(latents, "z", psi, tuple(map(str, seeds)), seeds=tuple(seeds))

    import torch

    from eclipsed.editing.latents import read_latents
    from eclipsed.editing.starts import Start

    read = [read_latents(file, world.generator, space=space, index=index) for file in files]
    taken = read[0].space
    if any(each.space != taken for each in read):
        raise BadFile("These latents are of different spaces.", "Say which with --space.")
    starts = []
    for file, each in zip(files, read, strict=True):
        if each.note:
            console.note(each.note)
        numbers = [""] if len(each.names) == 1 else [f"#{i + 1}" for i in range(len(each.names))]
        rows = zip(numbers, each.latents, strict=True)
        starts += [Start.of(f"{file.name}{number}", taken, row[None]) for number, row in rows]
    latents = torch.cat([each.latents for each in read])
    labels = [name for each in read for name in each.names]
    return Source(latents, taken, 1.0, tuple(labels), starts=tuple(starts))


def draw_folder(
    world: World | Bare,
    source: Source,
    edits: Iterable[Edit],
    folder: Path,
    recipe: Mapping[str, Any],
) -> list[str]:
    """Write each image of a source as a picture of its own; the paths, in order."""
    from eclipsed.editing.images import save_pngs
    from eclipsed.editing.stack import BATCH
    from eclipsed.files import make_folder

    make_folder(folder)
    edits, prefix = tuple(edits), "" if source.starts else "seed-"
    paths = [folder / f"{prefix}{label}.png" for label in source.labels]

    def pictures() -> Iterator[tuple[Tensor, Path, dict[str, Any]]]:
        for first in range(0, len(paths), BATCH):
            images = draw(world, source.part(first, BATCH), edits)
            for number, image in enumerate(images, start=first):
                yield image, paths[number], {**recipe, **source.part(number).facts}

    save_pngs(pictures())
    return [str(path) for path in paths]


def draw(world: World | Bare, source: Source, edits: Iterable[Edit] = ()) -> Tensor:
    """The source's images [N, 3, H, W] with edits."""
    from eclipsed.editing.stack import EditStack, render

    stack = EditStack(tuple(edits))
    is_bounded = any(edit.bounded for edit in stack.edits)
    return render(
        world.generator,
        source.latents,
        stack,
        space=source.space,
        truncation=source.truncation,
        segmenter=None if isinstance(world, Bare) or not is_bounded else world.segmenter,
    )
