"""A folder of cards: listed, searched, imported, exported, renamed, and deleted with a way back.

Beside them stand the cards that come with a world, which nothing changes.

What a card calls itself is text to show and never a path: a file is named by `naming.file_name`,
and a file is only ever looked for by a name that the folder itself lists.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import torch
from platformdirs import user_data_path

from eclipsed.directions import Direction
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName
from eclipsed.files import disk, failure, make_folder, read_bytes, sha256_of, shown, write_atomic
from eclipsed.search.loop import answers
from eclipsed.text import file_name
from eclipsed.types import Generator, Goal, World

ENDING = ".safetensors"
# Where deleted cards wait for a change of mind; the oldest go for good.
_REMOVED, _MOST_REMOVED = ".removed", 100
_LONGEST_NAME = 200
_MOST_BYTES = 2**26

Result = TypeVar("Result")


@dataclass(frozen=True)
class Entry:
    """One file of the library. direction: None where it cannot be used, and `problem` says why.

    file: its name in the folder; of a card that comes with the world, its whole path.
    """

    file: str
    direction: Direction | None
    problem: str
    changed: float

    @property
    def shipped(self) -> bool:
        """Whether it comes with the world, and so cannot be changed."""
        return os.path.isabs(self.file)

    @property
    def name(self) -> str:
        """What to call it: the card's own name, or its file's."""
        return self.direction.name if self.direction is not None else self.file

    def trouble(self, generator: Generator) -> str:
        """Why it cannot be used with this generator, in one sentence; empty where it can."""
        if self.direction is None:
            return self.problem
        try:
            self.direction.check(generator)
        except EclipsedError as error:
            return str(error)
        return ""


def default_folder() -> Path:
    """Where cards are kept unless another folder is named."""
    return user_data_path("eclipsed") / "library"


class Library:
    """The cards of a folder, which is made when the first one is kept, and those of `shipped`.

    Every method may be called by several threads; files that others put there are seen at the
    next listing. Raises BadFile, with one sentence, for what the system refuses.
    """

    def __init__(self, folder: Path, shipped: Path | None = None) -> None:
        self.folder, self.shipped = folder, shipped
        self._lock = threading.RLock()

    def entries(self) -> list[Entry]:
        """All cards, the newest first; a file that is no card is listed with its problem.

        Those that come with the world are last, without one whose name a card of the folder has.
        """
        entries = [_entry(path, path.name) for path in self._paths()]
        names = {entry.name for entry in entries}
        shipped = [entry for entry in self._shipped() if entry.name not in names]
        newest_first = sorted(entries, key=lambda entry: (-entry.changed, entry.file))
        return newest_first + sorted(shipped, key=lambda entry: entry.file)

    def entry(self, file: str) -> Entry:
        """One card by its file's name; UnknownName where no such file is listed."""
        for path in self._paths():
            if path.name == file:
                return _entry(path, file)
        for entry in self._shipped():
            if entry.file == file:
                return entry
        raise UnknownName("This card is no longer in the library.")

    def direction(self, file: str) -> Direction:
        """The direction of a card; BadFile where it cannot be used."""
        entry = self.entry(file)
        if entry.direction is None:
            raise BadFile(entry.problem)
        return entry.direction

    def find(self, sha256: str, unit: float | None = None) -> Entry | None:
        """The newest card whose vector has this hash and, unless None, this unit.

        One that was deleted or replaced not long ago is brought back.
        """

        def fits(entry: Entry) -> bool:
            card = entry.direction
            return (
                card is not None and unit in (None, card.unit) and sha256_of(card.vector) == sha256
            )

        with self._lock:
            known = next(filter(fits, self.entries()), None)
            removed = [] if known is not None else _listed(self.folder / _REMOVED)
            tokens = (path.name for path in removed if fits(_entry(path, path.name)))
            token = next(tokens, None)
            return known if token is None else self.entry(self.restore(token))

    def answer(self, world: World, goal: Goal, method: str, config: Any) -> Entry | None:
        """The newest card that a whole search for this goal with this method and config led to."""
        for entry in self.entries():
            card = entry.direction
            if card is None or card.config.get("interrupted") or not card.verdict:
                continue
            if answers(card, world, goal, method, config):
                return entry
        return None

    def add(self, direction: Direction) -> str:
        """Keep a direction; its file's name. One that is there already is left as it is."""
        with self._lock:
            known = self.find(sha256_of(direction.vector), direction.unit)
            if known is not None:
                return known.file
            make_folder(self.folder)
            file = _free(self.folder, file_name(direction.name))
            direction.save(self.folder / file)
            return file

    def take(self, data: bytes, name: str) -> str:
        """Keep a card that came as bytes from a file of this name; the name of its file.

        Raises BadFile for anything that is no card, and then nothing is stored.
        """
        return self.add(read_as_file(data, name, Direction.load))

    def export(self, file: str) -> tuple[str, bytes]:
        """A name for the file, and the card's bytes."""
        entry = self.entry(file)
        data = read_bytes(self.folder / entry.file, limit=_MOST_BYTES)
        return f"{file_name(entry.name)}{ENDING}", data

    def rename(self, file: str, name: str) -> None:
        """Call a card otherwise; its file keeps its name, so that stacks still find it.

        Raises BadSetting for a name that a card cannot have, and for a card of the world's.
        """
        self._check_own(file)
        name = " ".join(name.split())
        if not 0 < len(name) <= _LONGEST_NAME:
            raise BadSetting(f"A name has 1 to {_LONGEST_NAME} characters, not {len(name)}.")
        try:
            renamed = replace(self.direction(file), name=name)
        except ValueError as error:
            raise BadSetting(f"A card cannot have this name: {error}.") from error
        renamed.save(self.folder / file)

    def update(self, file: str, direction: Direction) -> None:
        """Put a direction, scored or trained by now, in the place of a card; the name stays.

        A card that moves images otherwise is put aside, so that `find` knows it for pictures made
        with it. Raises BadSetting for a card of the world's.
        """
        self._check_own(file)
        with self._lock:
            card, path = self.direction(file), self.folder / file
            if not (card.unit == direction.unit and torch.equal(card.vector, direction.vector)):
                write_atomic(self._place_aside(path), read_bytes(path, limit=_MOST_BYTES))
            replace(direction, name=card.name).save(path)

    def delete(self, file: str) -> str:
        """Take a card out of the library; a token that `restore` brings it back with.

        Raises BadSetting for a card of the world's.
        """
        self._check_own(file)
        with self._lock:
            path = self.folder / self.entry(file).file
            aside = self._place_aside(path)
            with disk("delete", path):
                os.replace(path, aside)
                os.utime(aside)
            return aside.name

    def restore(self, token: str) -> str:
        """Bring back what `delete` took out; its file's name, UnknownName where it is gone."""
        with self._lock:
            removed = self.folder / _REMOVED
            if token not in {path.name for path in _listed(removed)}:
                raise UnknownName("This card is gone for good.")
            file = _free(self.folder, token.removesuffix(ENDING))
            with disk("restore", removed / token):
                os.replace(removed / token, self.folder / file)
            return file

    def _place_aside(self, path: Path) -> Path:
        """Where a card of the folder waits for a change of mind."""
        removed = self.folder / _REMOVED
        make_folder(removed)
        _forget_oldest(removed)
        return removed / _free(removed, path.name.removesuffix(ENDING))

    def _paths(self) -> list[Path]:
        return [path for path in _listed(self.folder) if path.name.endswith(ENDING)]

    def _shipped(self) -> list[Entry]:
        paths = [] if self.shipped is None else _listed(self.shipped.absolute())
        return [_entry(path, str(path)) for path in paths if path.name.endswith(ENDING)]

    def _check_own(self, file: str) -> None:
        if self.entry(file).shipped:
            raise BadSetting("This card comes with the world, so it stays as it is.")


def _entry(path: Path, file: str) -> Entry:
    try:
        status = path.stat()
    except OSError as error:  # it went away between the listing and now
        return Entry(file, None, str(failure("read", path, error)), 0.0)
    return _read(path, file, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=1024)
def _read(path: Path, file: str, stamp: tuple[int, int]) -> Entry:
    """A file as it was when it had this stamp: nanoseconds since 1970, and bytes."""
    changed = stamp[0] / 1e9
    try:
        return Entry(file, Direction.load(path), "", changed)
    except BadFile as error:
        return Entry(file, None, str(error), changed)


def read_as_file(data: bytes, name: str, read: Callable[[Path], Result]) -> Result:
    """What `read` reads of a file with these bytes; what it refuses is said of the given name."""
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / "file"
        write_atomic(path, data)
        try:
            return read(path)
        except BadFile as error:
            message = error.message.replace(shown(path), shown(name[:_LONGEST_NAME]))
            raise BadFile(message, error.hint) from error


def matching(entries: Iterable[Entry], words: str) -> list[Entry]:
    """The entries whose name, prompt, regions or method contain every word, however written."""
    wanted = words.casefold().split()
    return [entry for entry in entries if all(word in _text(entry) for word in wanted)]


def _text(entry: Entry) -> str:
    card = entry.direction
    about = () if card is None else (card.prompt, *card.regions, card.method)
    return " ".join((entry.name, *about)).casefold()


def _listed(folder: Path) -> list[Path]:
    """The plain files of a folder, links not followed; none where there is no folder."""
    with disk("read", folder), suppress(FileNotFoundError), os.scandir(folder) as items:
        return [Path(item.path) for item in items if item.is_file(follow_symlinks=False)]
    return []


def _free(folder: Path, stem: str) -> str:
    """A file's name that is not taken: hair, hair-2, hair-3 …"""
    taken = {path.name for path in _listed(folder)}
    names = (f"{stem}{f'-{number}' if number > 1 else ''}{ENDING}" for number in count(1))
    return next(name for name in names if name not in taken)


def _forget_oldest(removed: Path) -> None:
    """Make room for one more."""
    with suppress(OSError):
        paths = sorted(_listed(removed), key=lambda path: path.stat().st_mtime)
        for path in paths[: 1 - _MOST_REMOVED]:
            path.unlink()
