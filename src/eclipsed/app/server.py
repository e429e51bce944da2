"""What all browsers of one `eclipsed app` share, and how the server is set up.

This module does not import Streamlit: it says what Streamlit is to do.
"""

from __future__ import annotations

import socket
import threading
import tomllib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eclipsed import worlds
from eclipsed.app.desk import Desk
from eclipsed.app.library import Library, default_folder
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session
from eclipsed.errors import BadSetting
from eclipsed.search.realism import realism_of
from eclipsed.types import World

SCRIPT = Path(__file__).parent / "pages" / "main.py"
_OPTIONS = Path(__file__).parent / "streamlit.toml"


@dataclass(frozen=True, eq=False)
class Shared:
    """A world behind its renderer, the library, and every tab's desk under a token that only this
    tab knows, so that a reloaded page goes on. world: its name, or where its file lies.

    A token is never used twice: who comes with one gets the desk's contents on a desk of its own,
    so that a tab and its duplicate, which know the same token, never change each other's. The desks
    that were looked at last are remembered, from any thread; the others are forgotten.
    """

    renderer: Renderer
    library: Library
    world: str
    device: str
    most_desks: int = 64
    _desks: OrderedDict[str, Desk] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def desk(self) -> Desk:
        """An editor for one more tab."""
        return Desk(self.renderer, self.library, self.world, self.device)

    def keep(self, desk: Desk) -> None:
        """Remember a desk as the one that was looked at last."""
        with self._lock:
            self._desks[desk.token] = desk
            self._desks.move_to_end(desk.token)
            while len(self._desks) > self.most_desks:
                self._desks.popitem(last=False)

    def resume(self, desk: Desk, token: object) -> None:
        """Go on, on this desk, where the desk with that token was; on an unknown token, as it is.

        token: what a browser sent, whatever it is.
        """
        desk.settled = True
        with self._lock:
            earlier = self._desks.get(token) if isinstance(token, str) else None
        if earlier is not None and earlier is not desk:
            desk.go_on_from(earlier)


_open: list[Shared] = []
_lock = threading.Lock()


def open_world(world: str = "starter", device: str = "cpu", library: Path | None = None) -> Shared:
    """Load what this process serves, and draw one image, so that the first browser need not wait.

    Raises what `load_world` raises.
    """
    with _lock:
        loaded = worlds.load_world(world, device)
        cards = Library(library or default_folder(), loaded.shipped and loaded.shipped / "cards")
        renderer = Renderer(loaded)
        shared = Shared(renderer, cards, world, device)
        renderer.shot(Session(world, shared.library.folder, truncation=renderer.world.truncation))
        _open[:] = [shared]
        if loaded.shipped is not None and (loaded.shipped / "results").is_dir():
            threading.Thread(target=_warm_up, args=(loaded,), name="warm-up", daemon=True).start()
        return shared


def _warm_up(world: World) -> None:
    """Take in what comes with a world while the browser opens, so that a first prompt need not."""
    realism_of(world)


def shared() -> Shared:
    """What this process serves; the starter world where nothing was opened."""
    return _open[0] if _open else open_world()


def free_port(first: int = 8501) -> int:
    """The first port from this one on that nobody listens on."""
    for port in range(first, 2**16):
        with suppress(OSError):
            _try_port(port)
            return port
    raise BadSetting("No port is free.", "Name one: eclipsed app --port 9000.")


def check_port(port: int) -> None:
    """Raise BadSetting where this port cannot be listened on, before the world is loaded."""
    try:
        _try_port(port)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"Cannot listen on port {port}: {reason}."
        raise BadSetting(message, "Leave out --port for one that is free.") from error


def _try_port(port: int) -> None:
    with socket.socket() as tried:
        # As the server does, so that a port that was left just now is free.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind(("127.0.0.1", port))


def options(port: int, *, browser: bool) -> dict[str, Any]:
    """Streamlit's options. browser: whether it opens one."""
    options = tomllib.loads(_OPTIONS.read_text(encoding="utf-8"))
    options["server.headless"] = not browser
    options["server.port"] = port
    return options
