"""What is on the screen, as a value: every change gives a new one.

Nothing here draws, reads a file or knows a browser. A transition refuses what makes no sense with
an EclipsedError of one sentence, and never leaves half a change behind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from eclipsed.app.photos import OpenPhoto
from eclipsed.directions import Direction
from eclipsed.editing.masks import Mask
from eclipsed.editing.stack import Edit, EditStack
from eclipsed.editing.starts import Start
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.files import sha256_of
from eclipsed.prompts.goals import checked_regions
from eclipsed.types import Generator, Layer, World

Compare = Literal["after", "split", "difference", "outside"]
COMPARES: tuple[Compare, ...] = get_args(Compare)
LAST_SEED = 2**32 - 1  # what RandomState takes
MOST_LINES = 50
# Far beyond any card's range; what lies beyond is a slip of the finger.
_STRONGEST = 1_000.0


@dataclass(frozen=True)
class Line:
    """One line of the stack: an edit, and the file in the library that holds its card.

    regions: where a hard edit may reach, in place of the card's own; None for those.
    """

    file: str
    edit: Edit
    regions: tuple[str, ...] | None = None

    @property
    def direction(self) -> Direction:
        """The card's direction, as it is in the library."""
        return self.edit.direction

    @property
    def bounds(self) -> tuple[str, ...]:
        """The regions that hold for this line; empty for the whole image."""
        return self.direction.regions if self.regions is None else self.regions

    def applied(self) -> Edit:
        """The edit that is rendered."""
        if self.regions is None:
            return self.edit
        return replace(self.edit, direction=replace(self.direction, regions=self.bounds))

    def key(self) -> tuple[object, ...]:
        """What its pixels depend on, besides the image that it changes."""
        edit, direction = self.edit, self.direction
        return (
            sha256_of(direction.vector),
            direction.unit,
            direction.space,
            edit.strength,
            edit.layers,
            (self.bounds if edit.drawn is None else edit.drawn.digest) if edit.bounded else None,
            direction.keep,
            edit.muted,
        )


@dataclass(frozen=True)
class Session:
    """Which image, which edits in which order, and how they are looked at.

    selected: the line whose slider is at hand, None for none. compare: how after is held against
    before. library: the folder of cards that `Line.file` names files in. start: a latent in place
    of the seed's; the seed is then where the next ones begin. photo: whose latent that is, if it is
    one's. near: whether a photo is looked at from nearby. mixed: whether the generator's own image
    is laid into it.
    """

    world: str
    library: Path
    seed: int = 1
    start: Start | None = None
    truncation: float = 0.7
    lines: tuple[Line, ...] = ()
    selected: int | None = None
    compare: Compare = "after"
    photo: OpenPhoto | None = None
    near: bool = False
    mixed: bool = False

    @property
    def stack(self) -> EditStack:
        """What is rendered."""
        return EditStack(tuple(line.applied() for line in self.lines))

    @property
    def active(self) -> tuple[Line, ...]:
        """The lines that are not muted."""
        return tuple(line for line in self.lines if not line.edit.muted)

    @property
    def at_hand(self) -> int:
        """The index of the selected line; UnknownName where none is selected."""
        if self.selected is None:
            raise UnknownName("No edit is selected.", "Select one on the Edit page first.")
        return self.selected

    @property
    def image_name(self) -> str:
        """What the image is called: seed 7, or the file of the latent or the photo."""
        if self.photo is not None:
            return Path(self.photo.photo.name).stem
        return f"seed {self.seed}" if self.start is None else f"latent {self.start.name}"

    @property
    def image_words(self) -> str:
        """What the image is, in words that hold nothing from outside."""
        if self.photo is not None:
            return "a photo"
        return f"seed {self.seed}" if self.start is None else "a latent"

    @property
    def image_key(self) -> tuple[object, ...]:
        """What the image depends on before it is edited."""
        if self.photo is not None:
            return (self.photo.key, self.near, self.mixed)
        return (self.seed if self.start is None else self.start.digest, self.truncation)

    def same_picture(self, other: Session) -> bool:
        """Whether both have the same image and edits, however they are looked at."""
        return self == replace(other, selected=self.selected, compare=self.compare, near=self.near)


def ends_of(line: Line) -> tuple[float, float]:
    """Where its slider begins and ends: the card's range, and at least −1, 1 and where it is."""
    low, high = line.direction.range
    return min(low, -1.0, line.edit.strength), max(high, 1.0, line.edit.strength)


# --- the image ----------------------------------------------------------------------------------


def set_seed(session: Session, seed: int) -> Session:
    """Another image; BadSetting for a number that is no seed."""
    if not 0 <= seed <= LAST_SEED:
        raise BadSetting(f"{seed} is not a seed.", f"Seeds are 0 to {LAST_SEED}.")
    return replace(session, seed=seed, start=None, photo=None)


def step_seed(session: Session, step: int) -> Session:
    """The next seeds, or earlier ones; after the last comes the first."""
    return set_seed(session, (session.seed + step) % (LAST_SEED + 1))


def next_seeds(session: Session, count: int) -> list[int]:
    """So many seeds, from the session's on."""
    return [step_seed(session, step).seed for step in range(count)]


def set_start(session: Session, start: Start, world: World) -> Session:
    """The image of a latent, as the command line draws it.

    Raises BadFile for a latent that is none of this world's generator, BadSetting for one that is
    too large to be saved with the picture.
    """
    start.latent(world.generator)
    start.text()
    psi = 1.0 if start.space == "z" else world.truncation
    return replace(session, start=start, photo=None, truncation=psi)


def set_photo(session: Session, photo: OpenPhoto) -> Session:
    """A photo, seen whole; WrongGenerator for one that was inverted with another generator."""
    inversion, world = photo.inversion, photo.world
    inversion.check(world.generator)
    start = Start.of(photo.photo.name, inversion.space, inversion.latent)
    return replace(
        session, start=start, photo=photo, truncation=world.truncation, near=False, mixed=False
    )


def set_mixed(session: Session, mixed: bool) -> Session:
    """Whether the generator's own image is laid into a photo, in place of the change."""
    return replace(session, mixed=mixed)


def set_truncation(session: Session, truncation: float) -> Session:
    """ψ: 0 is the mean image, 1 the full range; BadSetting outside 0 … 2, and for a latent."""
    if session.start is not None:
        raise BadSetting("A latent is not truncated.", "Choose a seed first.")
    if not 0.0 <= truncation <= 2.0:
        raise BadSetting(f"A truncation of {truncation:g} makes no sense.", "Choose from 0 to 2.")
    return replace(session, truncation=truncation)


# --- the stack ----------------------------------------------------------------------------------


def add(session: Session, file: str, direction: Direction, generator: Generator) -> Session:
    """With one more edit at the end, at strength 1, and selected.

    Raises WrongGenerator for a direction of another generator, BadSetting where the stack is full.
    """
    direction.check(generator)
    if len(session.lines) >= MOST_LINES:
        raise BadSetting(f"A stack holds at most {MOST_LINES} edits.", "Remove one first.")
    low, high = direction.range
    line = Line(file, Edit(direction, strength=min(max(1.0, low), high)))
    return replace(session, lines=(*session.lines, line), selected=len(session.lines))


def renew(session: Session, file: str, direction: Direction) -> Session:
    """With the direction that a card of the library now holds, in all lines of this card."""
    lines = [
        replace(line, edit=replace(line.edit, direction=direction)) if line.file == file else line
        for line in session.lines
    ]
    return replace(session, lines=tuple(lines))


def remove(session: Session, at: int) -> Session:
    """Without a line; the one that takes its place is selected."""
    _line(session, at)
    lines = session.lines[:at] + session.lines[at + 1 :]
    return replace(session, lines=lines, selected=min(at, len(lines) - 1) if lines else None)


def move(session: Session, at: int, to: int) -> Session:
    """With a line at another index, where it is selected."""
    line, _ = _line(session, at), _line(session, to)
    lines = [*session.lines[:at], *session.lines[at + 1 :]]
    lines.insert(to, line)
    return replace(session, lines=tuple(lines), selected=to)


def set_strength(session: Session, at: int, strength: float) -> Session:
    """A line at another strength, beyond the card's range as well; BadSetting for no number."""
    if not math.isfinite(strength) or abs(strength) > _STRONGEST:
        raise BadSetting(
            "This strength makes no sense.", f"Choose from -{_STRONGEST:g} to {_STRONGEST:g}."
        )
    return _with_edit(session, at, strength=strength)


def set_muted(session: Session, at: int, muted: bool) -> Session:
    """A line left out, or back in."""
    return _with_edit(session, at, muted=muted)


def set_layers(session: Session, at: int, layers: Sequence[int] | None, world: World) -> Session:
    """A line on some layers only; None, or all of them, for all.

    Raises UnknownName for a layer that the direction lacks, BadSetting for none at all.
    """
    count = len(layers_of(_line(session, at).direction, world.generator))
    if layers is None or set(layers) == set(range(count)):
        return _with_edit(session, at, layers=None)
    chosen = tuple(sorted(set(layers)))
    if not chosen:
        raise BadSetting("No layer is left.", "Mute the edit to leave it out.")
    if chosen[0] < 0 or chosen[-1] >= count:
        raise UnknownName(
            f"There is no layer {chosen[-1]}: this direction has {count}.",
            f"Choose from 0 to {count - 1}.",
        )
    return _with_edit(session, at, layers=chosen)


def set_hard(session: Session, at: int, hard: bool) -> Session:
    """A line that keeps every pixel outside its regions, or not, and then without a drawn mask."""
    mask = _line(session, at).edit.mask if hard else None
    return _with_edit(session, at, hard=hard, mask=mask)


def set_mask(session: Session, at: int, mask: Mask | None) -> Session:
    """A line that is hard and reaches what was drawn; None for its regions again.

    Raises BadSetting for a mask of too much detail to be saved with the picture.
    """
    if mask is not None:
        mask.text()
    hard = _line(session, at).edit.hard or mask is not None
    return _with_edit(session, at, hard=hard, mask=mask)


def set_regions(session: Session, at: int, regions: Sequence[str] | None, world: World) -> Session:
    """A line whose hard edit reaches other regions; None for the card's own.

    Raises UnknownName for a region that the world lacks.
    """
    line = _line(session, at)
    if regions is None or tuple(regions) == line.direction.regions:
        return _with_line(session, at, replace(line, regions=None))
    return _with_line(session, at, replace(line, regions=checked_regions(regions, world)))


def reset(session: Session) -> Session:
    """The same image without edits."""
    return replace(session, lines=(), selected=None)


def layers_of(direction: Direction, generator: Generator) -> tuple[Layer, ...]:
    """The layers that an edit with this direction can be kept to."""
    return generator.layers("w+") if direction.space == "w" else direction.layers


# --- how it is looked at ------------------------------------------------------------------------


def select(session: Session, at: int) -> Session:
    """With another line's slider at hand."""
    return _with_line(session, at, _line(session, at))


def set_compare(session: Session, compare: str) -> Session:
    """Another way to hold after against before; UnknownName for one that does not exist."""
    for known in COMPARES:
        if known == compare:
            return replace(session, compare=known)
    raise UnknownName(f"There is no view '{compare}'.", f"Choose from {', '.join(COMPARES)}.")


def set_near(session: Session, near: bool) -> Session:
    """A photo seen from nearby, or whole."""
    return replace(session, near=near)


def _with_edit(session: Session, at: int, **changes: Any) -> Session:
    line = _line(session, at)
    return _with_line(session, at, replace(line, edit=replace(line.edit, **changes)))


def _with_line(session: Session, at: int, line: Line) -> Session:
    lines = (*session.lines[:at], line, *session.lines[at + 1 :])
    return replace(session, lines=lines, selected=at)


def _line(session: Session, at: int) -> Line:
    if not 0 <= at < len(session.lines):
        raise UnknownName("This edit is no longer in the stack.")
    return session.lines[at]
