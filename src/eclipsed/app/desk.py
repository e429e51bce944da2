"""What one tab's editor holds and what can be done to it: the stack, a search, the library's cards.

`events` changes a desk as the Edit page asks, `screen` says what that page shows. What a person can
get wrong ends as one sentence in `notice`, never as an exception.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from eclipsed.app import session as sessions
from eclipsed.app.history import History
from eclipsed.app.library import Library
from eclipsed.app.recipe import restore
from eclipsed.app.rendering import Renderer
from eclipsed.app.search import Request, Search, Status
from eclipsed.app.session import Session
from eclipsed.editing.images import load_png
from eclipsed.editing.latents import read_latent
from eclipsed.editing.starts import Start
from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import kind_of, read_tensors, shown, write_atomic
from eclipsed.types import World

Result = TypeVar("Result")


@dataclass(frozen=True)
class Notice:
    """One sentence for the person, and whether it tells of something that went wrong."""

    text: str
    bad: bool


class Desk:
    """One tab's editor.

    world_name: by what name the world is loaded again, in a command or in Python. device: where it
    computes. token: what its tab knows it by. settled: whether the tab showed the token of an
    earlier desk. heard: the number of the last event. wants_frames, wanted_brush: what the next
    view holds besides. download: a file for the page to save, its name first, and downloads counts
    them.
    """

    def __init__(self, renderer: Renderer, library: Library, world_name: str, device: str) -> None:
        self.renderer, self.library, self.device = renderer, library, device
        self.history = History(
            Session(world_name, library.folder, truncation=renderer.world.truncation)
        )
        self.token = secrets.token_urlsafe(24)
        self.settled = False
        self.notice: Notice | None = None
        self.search: Search | None = None
        self.heard = 0
        self.wants_frames = False
        self.wanted_brush: int | None = None
        self.download: tuple[str, bytes] | None = None
        self.downloads = 0
        self._collected: Search | None = None  # whose card is in the stack already
        self._deleted: tuple[str, str] | None = None  # token and name of the last deleted card
        self._was_running = False

    @property
    def session(self) -> Session:
        """What is on the screen now."""
        return self.history.now

    @property
    def world(self) -> World:
        """The world whose images are edited."""
        return self.renderer.world

    def change(self, session: Session, merging: str = "") -> None:
        """Put another session on the screen, in a way that can be undone."""
        self.history = self.history.do(session, merging)

    def go_on_from(self, earlier: Desk) -> None:
        """Have what an earlier desk has: the picture, what can be undone, a search that runs."""
        self.history = earlier.history
        self.search, self._collected = earlier.search, earlier._collected
        self._deleted = earlier._deleted
        self._was_running = self.status.running

    def tell(self, text: str) -> None:
        """Say something that went well."""
        self.notice = Notice(text, bad=False)

    def warn(self, text: str) -> None:
        """Say what went wrong."""
        self.notice = Notice(text, bad=True)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Say an EclipsedError instead of raising it."""
        try:
            yield
        except EclipsedError as error:
            self.warn(str(error))

    def attempt(self, make: Callable[[], Result]) -> Result | None:
        """What `make` makes; None, and a sentence, where it cannot."""
        try:
            return make()
        except EclipsedError as error:
            self.warn(str(error))
            return None

    def carry_out(self, action: Callable[[], object], message: str) -> None:
        """Do something and say so, or why it could not be done."""
        with self.reporting():
            action()
            self.tell(message)

    # --- dropped files --------------------------------------------------------------------------

    def drop(self, data: bytes, name: str) -> None:
        """Take in a dropped file: a saved picture is restored, a latent becomes the image, a card
        is stored and added."""
        self.notice = None
        with self.reporting():
            if kind_of(data).endswith("picture"):
                self._drop_picture(data, name)
            elif _is_latent(data):
                self._drop_latent(data, name)
            else:
                self.add(self.library.take(data, name))
                self.tell("The card is in the library and in the stack.")

    def _drop_latent(self, data: bytes, name: str) -> None:
        generator = self.world.generator
        space, latent = _from_file(data, name, lambda path: read_latent(path, generator))
        start = Start.of(name, space, latent)
        self.change(sessions.set_start(self.session, start, self.world))
        self.tell("The image is that of the latent. The next seed leaves it.")

    def _drop_picture(self, data: bytes, name: str) -> None:
        _, recipe = _from_file(data, name, load_png)
        if recipe is None:
            raise BadFile(
                f"There is no recipe in {shown(name[:200])}.", "Drop a picture that was saved here."
            )
        self.change(restore(self.session, recipe, self.world, self.library))
        self.tell("Everything is as it was when this picture was saved.")

    # --- searching ------------------------------------------------------------------------------

    def find(self, request: Request) -> None:
        """Search for what a prompt asks for, unless a search is running."""
        if self.status.running:
            self.warn("A search is running. Stop it first.")
            return
        self.notice = None
        self.search = Search(self.world, self.library, request)
        self._was_running = True

    def stop(self) -> None:
        """End the search early; what was learned is stored."""
        if self.search is not None:
            self.search.stop()

    def train_anyway(self) -> None:
        """Train although it is unlikely to work."""
        if self.search is not None:
            self.search.train_anyway()

    def dismiss(self) -> None:
        """Show the search no longer, once it is over."""
        if not self.status.running:
            self.search = None

    @property
    def status(self) -> Status:
        """How far the search is; an empty one without a search."""
        return Status("stopped") if self.search is None else self.search.status

    def search_over_since_last_asked(self) -> bool:
        """Whether the search came to an end, or to a question, since this was asked before."""
        was, self._was_running = self._was_running, self.status.running
        return was and not self._was_running

    def collect(self) -> None:
        """Put the card of a finished training into the stack, once."""
        search = self.search
        if search is None or search is self._collected or not search.status.file:
            return
        self._collected = search
        with self.reporting():
            self.add(search.status.file)

    # --- the library ----------------------------------------------------------------------------

    def add(self, file: str) -> None:
        """Put a card of the library on the stack; raises EclipsedError where that cannot be."""
        direction = self.library.direction(file)
        self.change(sessions.add(self.session, file, direction, self.world.generator))

    def delete(self, file: str) -> None:
        """Take a card out of the library, with a way back."""
        with self.reporting():
            if any(line.file == file for line in self.session.lines):
                raise EclipsedError("This card is in the stack.", "Remove it there first.")
            name = self.library.entry(file).name
            self._deleted = (self.library.delete(file), name)
            self.notice = None

    @property
    def deleted(self) -> str | None:
        """The name of the card that was deleted last and can be brought back."""
        return None if self._deleted is None else self._deleted[1]

    def undelete(self) -> None:
        """Bring the card back that was deleted last."""
        if self._deleted is not None:
            with self.reporting():
                self.library.restore(self._deleted[0])
                self.tell("The card is back.")
            self._deleted = None


def _is_latent(data: bytes) -> bool:
    """Whether a file looks like a latent; a card carries a text that says what it is."""
    try:
        return kind_of(data) == "a NumPy array" or "eclipsed" not in read_tensors(data)[1]
    except BadFile:
        return False


def _from_file(data: bytes, name: str, read: Callable[[Path], Result]) -> Result:
    """What `read` reads of a file with these bytes; what it refuses is said of the given name."""
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / "file"
        write_atomic(path, data)
        try:
            return read(path)
        except BadFile as error:
            message = error.message.replace(shown(path), shown(name[:200]))
            raise BadFile(message, error.hint) from error
