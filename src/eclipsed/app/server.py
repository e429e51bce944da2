"""What all browsers of one `eclipsed app` share, and how the server is set up.

This module does not import Streamlit: it says what Streamlit is to do.
"""

from __future__ import annotations

import threading
import tomllib
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eclipsed import worlds
from eclipsed.app.desk import Desk
from eclipsed.app.library import Library, default_folder
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session

SCRIPT = Path(__file__).parent / "pages" / "main.py"
_OPTIONS = Path(__file__).parent / "streamlit.toml"
_MOST_DESKS = 64
_LONGEST_TOKEN = 100


class Desks:
    """Every tab's desk under a token that only this tab knows, so that a reloaded page goes on.

    A token is never used twice: who comes with one gets the desk's contents on a desk of its own,
    so that a tab and its duplicate, which know the same token, never change each other's. The desks
    that were looked at last are remembered, from any thread; the others are forgotten.
    """

    def __init__(self, most: int = _MOST_DESKS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._desks: OrderedDict[str, Desk] = OrderedDict()

    def keep(self, desk: Desk) -> None:
        """Remember a desk as the one that was looked at last."""
        with self._lock:
            self._desks[desk.token] = desk
            self._desks.move_to_end(desk.token)
            while len(self._desks) > self._most:
                self._desks.popitem(last=False)

    def resume(self, desk: Desk, token: object) -> None:
        """Go on, on this desk, where the desk with that token was; on an unknown token, as it is.

        token: what a browser sent, whatever it is.
        """
        desk.settled = True
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
            return
        with self._lock:
            earlier = self._desks.get(token)
        if earlier is not None and earlier is not desk:
            desk.go_on_from(earlier)


@dataclass(frozen=True)
class Shared:
    """A world behind its renderer, and the library. world: its name, or where its file lies."""

    renderer: Renderer
    library: Library
    world: str
    device: str
    desks: Desks = field(default_factory=Desks)

    def desk(self) -> Desk:
        """An editor for one more tab."""
        return Desk(self.renderer, self.library, self.world, self.device)


_open: list[Shared] = []
_lock = threading.Lock()


def open_world(world: str = "starter", device: str = "cpu", library: Path | None = None) -> Shared:
    """Load what this process serves, and draw one image, so that the first browser need not wait.

    Raises what `load_world` raises.
    """
    with _lock:
        renderer = Renderer(worlds.load_world(world, device))
        shared = Shared(renderer, Library(library or default_folder()), world, device)
        renderer.shot(Session(world, shared.library.folder, truncation=renderer.world.truncation))
        _open[:] = [shared]
        return shared


def shared() -> Shared:
    """What this process serves; the starter world where nothing was opened."""
    return _open[0] if _open else open_world()


def options(port: int | None, *, browser: bool) -> dict[str, Any]:
    """Streamlit's options. port: None for the first free one. browser: whether it opens one."""
    options = tomllib.loads(_OPTIONS.read_text(encoding="utf-8"))
    options["server.headless"] = not browser
    if port is not None:
        options["server.port"] = port
    return options
