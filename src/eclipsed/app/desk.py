"""What one tab's editor holds and what can be done to it: the stack, a search, the library's cards.

`events` changes a desk as the Edit page asks, `screen` says what that page shows. What a person can
get wrong ends as one sentence in `notice`, never as an exception.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from eclipsed.app import session as sessions
from eclipsed.app.downloads import File
from eclipsed.app.history import History
from eclipsed.app.library import Library, read_as_file
from eclipsed.app.opening import Opening
from eclipsed.app.photos import OpenPhoto
from eclipsed.app.recipe import restore
from eclipsed.app.rendering import Renderer
from eclipsed.app.search import Request, Search, Status
from eclipsed.app.session import Session
from eclipsed.directions import Direction
from eclipsed.editing.images import recipe_within
from eclipsed.editing.latents import read_latent
from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.editing.photos.reading import Photo, photo_of
from eclipsed.editing.starts import Start
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName
from eclipsed.files import kind_of, read_tensors, refused, shown
from eclipsed.search.pool import spaced
from eclipsed.types import World

Result = TypeVar("Result")
_PROMPTS = 8  # that are shown to be clicked
_FILMS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ")


@dataclass(frozen=True)
class Notice:
    """One sentence for the person, and whether it tells of something that went wrong."""

    text: str
    bad: bool


class Desk:
    """One tab's editor.

    world_name: by what name the world is loaded again, in a command or in Python. device: where it
    computes. token: what its tab knows it by. settled: whether the tab showed the token of an
    earlier desk. heard: the number of the last event. wanted_frames, wanted_brush: what the next
    view holds besides: frames of which line, from which on and how many; the mask of which line.
    download: a file for the page to save, and downloads counts them. opening: a photo that is not
    on the screen yet.
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
        self.opening: Opening | None = None
        self.heard = 0
        self.wanted_frames: tuple[int, int, int] | None = None
        self.wanted_brush: int | None = None
        self.download: File | None = None
        self.downloads = 0
        self._collected: tuple[Search | None, int] = None, 0  # whose card is in use, which version
        self._deleted: tuple[str, str] | None = None  # token and name of the last deleted card

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
        self.opening = earlier.opening
        self._deleted = earlier._deleted

    def attempt(self, make: Callable[[], Result], message: str = "") -> Result | None:
        """What `make` makes, and a message where there is one; None, and a sentence of why, where
        it cannot."""
        try:
            result = make()
        except EclipsedError as error:
            self.notice = Notice(str(error), bad=True)
            return None
        if message:
            self.notice = Notice(message, bad=False)
        return result

    # --- dropped files --------------------------------------------------------------------------

    def drop(self, data: bytes, name: str) -> None:
        """Take in a dropped file: a saved picture is restored, a photo is opened, a latent becomes
        the image, a card is stored and added."""
        if kind_of(data).endswith("picture") or data[4:8] == b"ftyp":
            self.attempt(lambda: self._drop_picture(data, name))
        elif _is_latent(data):
            self.attempt(lambda: self._drop_latent(data, name))
        else:
            message = "The card is in the library and in the stack."
            self.attempt(lambda: self.add(self.library.take(data, name)), message)

    def _drop_latent(self, data: bytes, name: str) -> None:
        world, photo = self.world, self._photo()
        if photo is not None:
            with suppress(BadFile):
                inversion = Inversion.read(data)
                if inversion.photo.get("sha256") == photo.sha256:
                    self._show(OpenPhoto(photo, inversion, world))
                    return
        latent = read_as_file(data, name, lambda path: read_latent(path, world.generator))
        self.change(sessions.set_start(self.session, Start.of(name, *latent), world))
        self._tell("The image is that of the latent. The next seed leaves it.")

    def _drop_picture(self, data: bytes, name: str) -> None:
        if kind_of(data) == "a GIF picture" or data[8:12] in _FILMS:
            raise BadFile(
                f"{shown(name[:200])} is an animation of a kind that holds no recipe.",
                "Drop a PNG or a WebP that was saved here, or a photo.",
            )
        with refused(name[:200]):
            recipe = recipe_within(data)
        if recipe is not None:
            self.change(restore(self.session, recipe, self.world, self.library))
            self._tell("Everything is as it was when this picture was saved.")
            return
        with refused(name[:200]):
            photo = photo_of(data)
        self.opening = Opening(self.world, replace(photo, name=name[-200:]))

    def _tell(self, text: str) -> None:
        self.notice = Notice(text, bad=False)

    # --- photos ---------------------------------------------------------------------------------

    def choose(self, method: str, face: int | None, box: Sequence[float] | None) -> None:
        """Invert a face of the photo that is being opened, or a box of it; raises what
        `Opening.choose` raises, UnknownName without a photo."""
        if self.opening is None:
            raise UnknownName("No photo is being opened.", "Drop one on the picture.")
        corners = None if box is None else (box[0], box[1], box[2], box[3])
        self.opening.choose(method, face=face, box=corners)

    def choose_again(self) -> None:
        """Choose another square of the photo on the screen, or another way to invert it."""
        photo = self._photo()
        if photo is not None and self.opening is None:
            self.opening = Opening(self.world, photo, asking=True)

    def leave(self) -> None:
        """Give up a photo that is being opened; else go from the one on the screen to a seed."""
        if self.opening is not None:
            self.opening.stop()
            self.opening = None
        elif self.session.photo is not None:
            self.change(sessions.set_seed(self.session, self.session.seed))

    def _photo(self) -> Photo | None:
        return None if self.session.photo is None else self.session.photo.photo

    def _show(self, opened: OpenPhoto) -> None:
        self.change(sessions.set_photo(self.session, opened))
        psnr = opened.inversion.scores["psnr"]
        words = f"The photo is open, inverted by {opened.inversion.method} to {psnr:.1f} dB."
        self._tell(" ".join([words, *opened.inversion.notes]))

    # --- searching ------------------------------------------------------------------------------

    def request(self, prompt: str, **how: Any) -> Request:
        """A search for what a prompt asks for, whose progress is shown on the image on the screen.

        how: as Request takes it. Raises EclipsedError for a prompt that cannot be one.
        """
        now = self.session
        return Request(
            prompt,
            seed=now.seed,
            start=now.start,
            truncation=now.truncation,
            stack=now.stack,
            **how,
        )

    def find(self, request: Request) -> None:
        """Search for what a prompt asks for; BadSetting while another search is running."""
        if self.status.running:
            raise BadSetting("A search is running.", "Stop it first.")
        self.notice = None
        self.search = Search(self.world, self.library, request)

    def dismiss(self) -> None:
        """Show the search no longer, once it is over."""
        if not self.status.running:
            self.search = None

    @property
    def status(self) -> Status:
        """How far the search is; an empty one without a search."""
        return Status("stopped") if self.search is None else self.search.status

    def collect(self) -> None:
        """Put a photo that was inverted on the screen, and what a search has stored into the stack,
        once, and renew it there when it changes."""
        if self.opening is not None and self.opening.status.opened is not None:
            self._show(self.opening.status.opened)
            self.opening = None
        status, (search, version) = self.status, self._collected
        if status.file and (self.search, status.version) != (search, version):
            self._collected = self.search, status.version
            known = search is self.search
            self.attempt(lambda: self._renew(status.file) if known else self.add(status.file))

    def _renew(self, file: str) -> None:
        direction = self.library.direction(file)
        self.history = self.history.revised(lambda one: sessions.renew(one, file, direction))

    # --- the library ----------------------------------------------------------------------------

    def cards(self) -> dict[str, Direction]:
        """The cards that this world can use, by their files' names, the newest first."""
        return {
            entry.file: entry.direction
            for entry in self.attempt(self.library.entries) or []
            if entry.direction is not None and not entry.trouble(self.world.generator)
        }

    def prompts(self) -> list[str]:
        """A few of the prompts that this world answers, of all kinds, and none whose card is in the
        library already."""
        names = {card.name for card in self.cards().values()}
        left = [prompt for prompt in self.world.example_prompts if prompt not in names]
        return [left[index] for index in spaced(len(left), _PROMPTS)]

    def sheet(
        self, draw: Callable[..., bytes], *words: Hashable, files: Sequence[str] = ()
    ) -> bytes | None:
        """What a function of `sheets` draws, drawn once: of the session, of further words and of
        cards; None, and a sentence, where it cannot be drawn."""

        def drawn() -> bytes:
            session = self.session
            cards = [self.library.direction(file) for file in files]
            lines = () if cards else tuple(line.key() for line in session.lines)
            key = (draw, session.seed, session.image_key, session.selected, lines, *words, *cards)
            return self.renderer.cached(key, lambda: draw(self.renderer, session, *words, *cards))

        return self.attempt(drawn)

    def add(self, file: str) -> None:
        """Put a card of the library on the stack; raises EclipsedError where that cannot be."""
        direction = self.library.direction(file)
        self.change(sessions.add(self.session, file, direction, self.world.generator))

    def delete(self, file: str) -> None:
        """Take a card out of the library, with a way back."""
        self.notice = None
        self.attempt(lambda: self._delete(file))

    def _delete(self, file: str) -> None:
        if any(line.file == file for line in self.session.lines):
            raise EclipsedError("This card is in the stack.", "Remove it there first.")
        name = self.library.entry(file).name
        self._deleted = (self.library.delete(file), name)

    @property
    def deleted(self) -> str | None:
        """The name of the card that was deleted last and can be brought back."""
        return None if self._deleted is None else self._deleted[1]

    def undelete(self) -> None:
        """Bring the card back that was deleted last."""
        if self._deleted is not None:
            token, _ = self._deleted
            self._deleted = None
            self.attempt(lambda: self.library.restore(token), "The card is back.")


def _is_latent(data: bytes) -> bool:
    """Whether a file looks like a latent; a card carries a text that says what it is."""
    if kind_of(data) in ("a NumPy array", "a zip archive or a torch checkpoint", "a Python pickle"):
        return True
    try:
        return "eclipsed" not in read_tensors(data)[1]
    except BadFile:
        return False
