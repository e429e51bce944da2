"""Everything that one tab's editor knows, in one object: what the pages show and ask for.

A page reads `view`, shows it, and hands back what was done there as events; nothing else changes a
desk. What a person can get wrong ends as one sentence in `notice`, never as an exception.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from PIL import Image

from eclipsed.app import session as sessions
from eclipsed.app import views
from eclipsed.app.history import History
from eclipsed.app.library import Entry, Library, search
from eclipsed.app.rendering import Renderer, at_strengths
from eclipsed.app.restoring import recipe_of, restore
from eclipsed.app.saying import command, files_of, snippet, strip_command
from eclipsed.app.searching import Request, Search, Status, layers_written, space_named
from eclipsed.app.session import Line, Session
from eclipsed.app.thumbnails import thumbnail
from eclipsed.app.verbs import QUIET, VERBS
from eclipsed.editing.animation import KINDS, MEDIA_TYPES, animated, need_video, there_and_back
from eclipsed.editing.images import load_png, save_png, strength_label, strip_picture, to_pil
from eclipsed.editing.latents import read_latent
from eclipsed.editing.starts import Start
from eclipsed.errors import BadFile, EclipsedError, UnknownName
from eclipsed.files import kind_of, read_tensors, shown, write_atomic
from eclipsed.methods.registry import method_named, names
from eclipsed.naming import file_name

STRIP_ROWS = 3
STRIP_STRENGTHS = 7
ANIMATED = 25  # strengths of an animation, one way
Made = TypeVar("Made")

# What browsers call the files that are handed out, by their endings.
_MEDIA = {"png": "image/png", **{str(kind): media for kind, media in MEDIA_TYPES.items()}}
_WRONG_EVENT = "The page asked for something that does not exist."


@dataclass(frozen=True)
class Notice:
    """One sentence for the person, and whether it tells of something that went wrong."""

    text: str
    bad: bool


class Desk:
    """One tab's editor.

    world: by what name it is loaded again, in a command or in Python. device: where it computes.
    token: what its tab knows it by. settled: whether the tab showed the token of an earlier desk.
    """

    def __init__(self, renderer: Renderer, library: Library, world: str, device: str) -> None:
        self.renderer, self.library, self.device = renderer, library, device
        start = Session(world, library.folder, truncation=renderer.world.truncation)
        self.history = History(start)
        self.token = secrets.token_urlsafe(24)
        self.settled = False
        self.notice: Notice | None = None
        self.search: Search | None = None
        self._taken: Search | None = None  # whose card is in the stack already
        self._deleted: tuple[str, str] | None = None  # token and name of the last deleted card
        self._was_running = False
        self._heard = 0
        self._frames_wanted = False
        self._brush_wanted: int | None = None
        self._download: dict[str, Any] | None = None
        self._downloads = 0

    # --- what is on the screen ------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """What is on the screen now."""
        return self.history.now

    def view(self) -> dict[str, Any]:
        """All that the Edit page shows, as JSON: the exact image, the stack, what can be done.

        Frames, and what a brush begins with, are part of it only when they were asked for, so that
        nothing waits for them.
        """
        self.collect()
        wanted, self._frames_wanted = self._frames_wanted, False
        brushed, self._brush_wanted = self._brush_wanted, None
        return {
            **views.screen(self),
            "token": self.token,
            "settled": self.settled,
            "heard": self._heard,
            "frames": views.frames(self) if wanted else None,
            "brush": None if brushed is None else views.brush(self, brushed),
            "download": self._download,
        }

    def want_frames(self) -> None:
        """Make frames part of the next view."""
        self._frames_wanted = True

    def want_brush(self, at: int) -> None:
        """Make what the mask of a line begins with part of the next view."""
        self._brush_wanted = at

    def command(self) -> str:
        """The command that makes the picture on the screen; empty where there is none."""
        return command(self.session, self.device)

    def strip_command(self) -> str:
        """The command that draws the selected card's strip; empty without one."""
        return strip_command(self.session, self._strip_seeds())

    def snippet(self) -> str:
        """Python that makes the picture on the screen."""
        return snippet(self.session, self.device)

    def files(self) -> dict[str, bytes]:
        """The files that the command and the Python read beside the cards: name → content."""
        return files_of(self.session)

    def draw(self) -> None:
        """Draw the picture of one more card on offer, if one lacks it."""
        offers = self.attempt(lambda: views.offers_of(self)) or []
        undrawn = [offer["file"] for offer in offers if not offer["picture"]]
        if undrawn:
            self.attempt(lambda: thumbnail(self.renderer, self.library, undrawn[0]))

    def picture(self, entry: Entry) -> bytes | None:
        """What a card does, as a JPEG; None where it cannot be drawn."""
        try:
            return thumbnail(self.renderer, self.library, entry.file)
        except EclipsedError:
            return None

    # --- events ---------------------------------------------------------------------------------

    def handle(self, events: object) -> None:
        """Carry out what was done on the page: [{"id", "do", …}], each once, in order.

        What does not make sense is refused with a sentence, and the rest is carried out.
        """
        for event in events if isinstance(events, list) else []:
            number = event.get("id") if isinstance(event, dict) else None
            if not isinstance(number, int) or number <= self._heard:
                continue
            self._heard = number
            self.do(event)

    def do(self, event: Mapping[str, Any]) -> None:
        """Carry out one event, for example {"do": "strength", "at": 0, "to": 1.2}."""
        what = event.get("do")
        verb = VERBS.get(what) if isinstance(what, str) else None
        if what not in QUIET:
            self.notice = self._download = None
        if verb is None:
            self.notice = Notice(_WRONG_EVENT, bad=True)
            return
        with self._sentence():
            try:
                verb(self, event)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                if isinstance(error, EclipsedError):
                    raise
                self.notice = Notice(_WRONG_EVENT, bad=True)

    def change(self, session: Session, merging: str = "") -> None:
        """Put another session on the screen, in a way that can be undone."""
        self.history = self.history.do(session, merging)

    def undo(self) -> None:
        """Take back the last change."""
        self.history = self.history.undo()

    def redo(self) -> None:
        """Make the change again that was taken back."""
        self.history = self.history.redo()

    def go_on_from(self, earlier: Desk) -> None:
        """Have what an earlier desk has: the picture, what can be undone, a search that runs."""
        self.history = earlier.history
        self.search, self._taken = earlier.search, earlier._taken
        self._deleted = earlier._deleted
        self._was_running = self.status.running

    def tell(self, text: str) -> None:
        """Say something that went well."""
        self.notice = Notice(text, bad=False)

    @contextmanager
    def _sentence(self) -> Iterator[None]:
        try:
            yield
        except EclipsedError as error:
            self.notice = Notice(str(error), bad=True)

    def attempt(self, make: Callable[[], Made]) -> Made | None:
        """What `make` makes; None, and a sentence, where it cannot."""
        try:
            return make()
        except EclipsedError as error:
            self.notice = Notice(str(error), bad=True)
            return None

    # --- pictures in and out --------------------------------------------------------------------

    def saved(self) -> tuple[str, bytes]:
        """A file's name and the PNG of the picture on the screen, with its recipe inside."""
        now = self.session
        shot = self.renderer.shot(now)
        picture = Image.open(io.BytesIO(shot.png)).convert("RGB")
        recipe = recipe_of(now, self.renderer.world)
        name = "-".join([now.image_name, *(line.direction.name for line in now.lines[:3])])
        return f"{file_name(name)}.png", _as_bytes(picture, recipe)

    def strip(self) -> tuple[str, bytes] | None:
        """A file's name and a PNG of seeds, or the latent, as rows and strengths of the selected
        line as columns, the rest of the stack as it is; None without a line."""
        now = self.session
        if now.selected is None:
            return None
        line = now.lines[now.selected]
        strengths = [round(one, 2) for one in _ladder(line, STRIP_STRENGTHS)]
        if now.start is None:
            rows = [str(seed) for seed in self._strip_seeds()]
            images = self.renderer.strip(now, now.selected, self._strip_seeds(), strengths)
        else:
            rows = [now.start.name]
            images = self.renderer.images(at_strengths(now, now.selected, strengths))[None]
        picture = strip_picture(
            images,
            rows,
            [strength_label(strength) for strength in strengths],
            title=" + ".join(line.direction.name for line in now.lines),
        )
        return f"{file_name(line.direction.name)}-strip.png", _as_bytes(picture, None)

    def animation(self, kind: str) -> tuple[str, bytes] | None:
        """A file's name and a WebP, GIF or MP4 of the selected line going from end to end and back;
        None without a line.

        Raises UnknownName for another kind, MissingExtra for an MP4 that cannot be written here.
        """
        now = self.session
        wanted = [known for known in KINDS if known == kind]
        if not wanted:
            raise UnknownName(
                f"There is no animation '{kind}'.", f"Choose from {', '.join(KINDS)}."
            )
        if now.selected is None:
            return None
        if kind == "mp4":
            need_video()  # before pictures are drawn for nothing
        line = now.lines[now.selected]
        moving = at_strengths(now, now.selected, _ladder(line, ANIMATED))
        pictures = [to_pil(image) for image in self.renderer.images(moving)]
        data = animated(there_and_back(pictures), wanted[0])
        return f"{file_name(line.direction.name)}.{kind}", data

    def hand_out(self, file: tuple[str, bytes] | None) -> None:
        """Let the page save a file of this name."""
        if file is not None:
            self._downloads += 1
            name, data = file
            address = views.uri(data, _MEDIA[name.rpartition(".")[2]])
            self._download = {"number": self._downloads, "name": name, "data": address}

    def _strip_seeds(self) -> list[int]:
        now = self.session
        return [sessions.step_seed(now, step).seed for step in range(STRIP_ROWS)]

    def drop(self, data: bytes, name: str) -> None:
        """Take in a dropped file: a saved picture is restored, a latent becomes the image, a card
        is kept and added."""
        self.notice = None
        with self._sentence():
            if kind_of(data).endswith("picture"):
                self._drop_picture(data, name)
            elif _is_latent(data):
                self._drop_latent(data, name)
            else:
                self.add(self.library.take(data, name))
                self.tell("The card is in the library and in the stack.")

    def _drop_latent(self, data: bytes, name: str) -> None:
        world = self.renderer.world
        space, latent = _from_file(data, name, lambda path: read_latent(path, world.generator))
        self.change(sessions.set_start(self.session, Start.of(name, space, latent), world))
        self.tell("The image is that of the latent. The next seed leaves it.")

    def _drop_picture(self, data: bytes, name: str) -> None:
        _, recipe = _from_file(data, name, load_png)
        if recipe is None:
            raise BadFile(
                f"There is no recipe in {shown(name[:200])}.", "Drop a picture that was saved here."
            )
        self.change(restore(self.session, recipe, self.renderer.world, self.library))
        self.tell("Everything is as it was when this picture was saved.")

    # --- searching ------------------------------------------------------------------------------

    def begin(self, request: Request) -> None:
        """Search for what a prompt asks for, unless a search is running."""
        if self.status.running:
            self.notice = Notice("A search is running. Stop it first.", bad=True)
            return
        self.search = Search(self.renderer.world, self.library, request)
        self._was_running = True

    def stop(self) -> None:
        """End the search early; what was learned is kept."""
        if self.search is not None:
            self.search.stop()

    def go_on(self) -> None:
        """Train although it is unlikely to work."""
        if self.search is not None:
            self.search.go_on()

    def dismiss(self) -> None:
        """Show the search no longer, once it is over."""
        if not self.status.running:
            self.search = None

    def find(
        self,
        prompt: str,
        regions: Sequence[str] | None,
        preset: str,
        space: str | None,
        layers: str,
        steps: int,
    ) -> None:
        """Search as a form says. regions: None for what the prompt says, empty for the whole image.
        layers: "" for what suits, or "3-5,7". steps: 0 for the preset's."""
        self.notice = None
        now = self.session
        with self._sentence():
            self.begin(
                Request(
                    prompt,
                    regions=None if regions is None else tuple(regions),
                    preset=preset,
                    space=space_named(space),
                    layers=layers_written(layers),
                    steps=steps or None,
                    seed=now.seed,
                    truncation=now.truncation,
                )
            )

    @property
    def prompt(self) -> str:
        """What is being searched for; empty without a search."""
        return "" if self.search is None else self.search.request.prompt.strip()

    def search_over_since_last_asked(self) -> bool:
        """Whether the search came to an end, or to a question, since this was asked before."""
        was, self._was_running = self._was_running, self.status.running
        return was and not self._was_running

    @property
    def regions(self) -> tuple[str, ...]:
        """The world's regions."""
        return tuple(self.renderer.world.segmenter.regions)

    @property
    def wishes(self) -> tuple[str, ...]:
        """A few things that the world answers."""
        return self.renderer.world.wishes[:3]

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces that the world's generator has."""
        return self.renderer.world.generator.spaces

    @property
    def presets(self) -> tuple[str, ...]:
        """The ways to train."""
        return tuple(name for name in names() if method_named(name).plan)

    @property
    def status(self) -> Status:
        """How far the search is; an empty one without a search."""
        return Status("stopped") if self.search is None else self.search.status

    def collect(self) -> None:
        """Put what a search found into the stack, once."""
        found = self.search
        if found is None or found is self._taken or not found.status.file:
            return
        self._taken = found
        with self._sentence():
            self.add(found.status.file)

    # --- the library ----------------------------------------------------------------------------

    def entries(self, words: str = "") -> list[Entry]:
        """The library's cards that the words fit, the newest first."""
        return search(self.attempt(self.library.entries) or [], words)

    def nothing_found(self, words: str) -> str:
        """What to say where no card is shown."""
        if words.strip():
            return "No card fits these words."
        return "No cards yet. Find one with a sentence, or import one."

    def trouble(self, entry: Entry) -> str:
        """Why a card cannot be used on this world; empty where it can."""
        return entry.trouble(self.renderer.world.generator)

    def rename(self, file: str, name: str) -> None:
        """Call a card otherwise."""
        with self._sentence():
            self.library.rename(file, name)
            self.tell("The card has its new name.")

    def delete(self, file: str) -> None:
        """Take a card out of the library, with a way back."""
        with self._sentence():
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
            with self._sentence():
                self.library.restore(self._deleted[0])
                self.tell("The card is back.")
            self._deleted = None

    def take(self, data: bytes, name: str) -> None:
        """Keep a card that was uploaded."""
        with self._sentence():
            self.library.take(data, name)
            self.tell("The card is in the library.")

    def add_safely(self, file: str) -> None:
        """Put a card of the library on the stack, and say so."""
        with self._sentence():
            self.add(file)
            self.tell("The card is in the stack.")

    def add(self, file: str) -> None:
        """Put a card of the library on the stack; raises EclipsedError where that cannot be."""
        direction = self.library.direction(file)
        self.change(sessions.add(self.session, file, direction, self.renderer.world.generator))


def _ladder(line: Line, count: int) -> list[float]:
    """Strengths from end to end of a card's range."""
    low, high = line.direction.range
    return [low + (high - low) * i / (count - 1) for i in range(count)]


def _is_latent(data: bytes) -> bool:
    """Whether a file looks like a latent; a card carries a text that says what it is."""
    try:
        return kind_of(data) == "a NumPy array" or "eclipsed" not in read_tensors(data)[1]
    except BadFile:
        return False


def _from_file(data: bytes, name: str, read: Callable[[Path], Made]) -> Made:
    """What `read` reads of a file with these bytes; what it refuses is said of the given name."""
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / "file"
        write_atomic(path, data)
        try:
            return read(path)
        except BadFile as error:
            message = error.message.replace(shown(path), shown(name[:200]))
            raise BadFile(message, error.hint) from error


def _as_bytes(picture: Image.Image, recipe: Mapping[str, Any] | None) -> bytes:
    with TemporaryDirectory(prefix="eclipsed-") as folder:
        path = Path(folder) / "picture.png"
        save_png(picture, path, recipe)
        return path.read_bytes()
