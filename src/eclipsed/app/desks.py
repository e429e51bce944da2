"""Every tab's desk under a token that only this tab knows, so that a reloaded page goes on.

A token is never used twice: who comes with one gets the desk's contents on a desk of its own, so
that a tab and its duplicate, which know the same token, never change each other's.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eclipsed.app.desk import Desk

KEPT = 64
_LONGEST_TOKEN = 100


class Desks:
    """The desks that were looked at last, from any thread; the others are forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._desks: OrderedDict[str, Desk] = OrderedDict()

    def keep(self, desk: Desk) -> None:
        """Remember a desk as the one that was looked at last."""
        with self._lock:
            self._desks[desk.token] = desk
            self._desks.move_to_end(desk.token)
            while len(self._desks) > self._kept:
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
