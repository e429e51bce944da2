"""What was on the screen before, so that every change can be undone and done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from eclipsed.app.session import Session

LONGEST = 200


@dataclass(frozen=True)
class History:
    """The session now, those before it (oldest first), and those that were undone (next first).

    merging: what kind of change came last; another of the same kind joins it, so that a drag of
    many small steps is undone at once.
    """

    now: Session
    past: tuple[Session, ...] = ()
    future: tuple[Session, ...] = ()
    merging: str = ""

    def do(self, session: Session, merging: str = "") -> History:
        """With a new session; what only looks different is no change that could be undone."""
        if session.same_picture(self.now):
            return replace(self, now=session)
        joins = bool(merging) and merging == self.merging
        if joins and self.past and session.same_picture(self.past[-1]):
            return History(session, self.past[:-1])  # back where the drag began
        past = self.past if joins else (*self.past, self.now)[-LONGEST:]
        return History(session, past, (), merging)

    def revised(self, change: Callable[[Session], Session]) -> History:
        """With every session changed, which is nothing that could be undone."""
        past, future = (tuple(map(change, each)) for each in (self.past, self.future))
        return replace(self, now=change(self.now), past=past, future=future)

    def settle(self) -> History:
        """The next change stands alone, whatever its kind."""
        return replace(self, merging="")

    def undo(self) -> History:
        """One change back, looked at as now; the same history where there is none."""
        if not self.past:
            return self
        back = _seen_as(self.past[-1], self.now)
        return History(back, self.past[:-1], (self.now, *self.future))

    def redo(self) -> History:
        """One change forward again; the same history where there is none."""
        if not self.future:
            return self
        forth = _seen_as(self.future[0], self.now)
        return History(forth, (*self.past, self.now), self.future[1:])


def _seen_as(session: Session, now: Session) -> Session:
    return replace(session, compare=now.compare, near=now.near)
