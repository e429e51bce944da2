"""What the Edit page is told: a desk as plain JSON, pictures included. Nothing here changes a desk
but to say what could not be drawn."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from eclipsed.app import session as sessions
from eclipsed.app.rendering import reach_of
from eclipsed.app.session import Line, Session
from eclipsed.app.thumbnails import known_thumbnail
from eclipsed.types import Generator

if TYPE_CHECKING:
    from eclipsed.app.desk import Desk
    from eclipsed.app.searching import Search

# So many cards of the library are on offer beside the stack.
OFFERED = 12


def screen(desk: Desk) -> dict[str, Any]:
    """The exact image, the stack, what can be done and what there is to say; no frames."""
    now, generator = desk.session, desk.renderer.world.generator
    before = desk.attempt(lambda: desk.renderer.before(now))
    shot = desk.attempt(lambda: desk.renderer.shot(now)) or before
    offers = desk.attempt(lambda: offers_of(desk)) or []
    at = now.selected
    return {
        "image": "" if shot is None else png_uri(shot.png),
        "before": "" if before is None else png_uri(before.png),
        "mask": _mask(desk),
        "inside": _inside(now),
        "milliseconds": None if shot is None else round(shot.milliseconds, 1),
        "seed": now.seed,
        "latent": "" if now.start is None else now.start.name,
        "truncation": now.truncation,
        "compare": now.compare,
        "selected": at,
        "lines": [_line(line, generator) for line in now.lines],
        "regions": list(desk.regions),
        "undo": len(desk.history.past),
        "redo": len(desk.history.future),
        "offers": offers,
        "sketching": sum(not offer["picture"] for offer in offers),
        "frames_key": "" if at is None else desk.renderer.frames_key(now, at),
        "search": None if desk.search is None else _search(desk.search),
        "notice": None if desk.notice is None else vars(desk.notice),
    }


def frames(desk: Desk) -> dict[str, Any] | None:
    """The pictures that the selected line's slider is dragged over; None without."""
    now, at = desk.session, desk.session.selected
    made = None if at is None else desk.attempt(lambda: desk.renderer.frames(now, at))
    if at is None or made is None:
        return None
    return {
        "key": desk.renderer.frames_key(now, at),
        "strengths": list(made.strengths),
        "pictures": [jpeg_uri(picture) for picture in made.pictures],
        "milliseconds": round(made.milliseconds, 1),
    }


def brush(desk: Desk, at: int) -> dict[str, Any] | None:
    """What drawing the mask of a line begins with; None where there is no such line."""
    if not 0 <= at < len(desk.session.lines):
        return None
    mask = desk.attempt(lambda: desk.renderer.brush(desk.session, at))
    return None if mask is None else {"at": at, "mask": png_uri(mask)}


def _inside(session: Session) -> list[str]:
    """In words where the edits mean to change the image; nothing for all of it."""
    regions, masks = reach_of(session) or ((), ())
    return [*regions, *(["the drawn mask"] if masks else [])]


def _line(line: Line, generator: Generator) -> dict[str, Any]:
    low, high = sessions.ends_of(line)
    return {
        "name": line.direction.name,
        "file": line.file,
        "strength": line.edit.strength,
        "low": low,
        "high": high,
        "good": list(line.direction.range),
        "muted": line.edit.muted,
        "hard": line.edit.hard,
        "drawn": line.edit.drawn is not None,
        "layers": None if line.edit.layers is None else list(line.edit.layers),
        "count": len(sessions.layers_of(line.direction, generator)),
        "touched": _touched(line),
        "regions": list(line.reach),
    }


def _touched(line: Line) -> list[int]:
    """The layers that the direction moves at all; none are told of one that moves all alike."""
    if line.direction.space == "w":
        return []
    pieces = line.direction.vector.split([layer.width for layer in line.direction.layers])
    return [index for index, piece in enumerate(pieces) if bool(piece.any())]


def offers_of(desk: Desk) -> list[dict[str, str]]:
    """Cards that this world can use, the newest first; the picture is an empty text where it was
    not drawn yet."""
    offers: list[dict[str, str]] = []
    for entry in desk.library.entries():
        if entry.direction is not None and not desk.trouble(entry) and len(offers) < OFFERED:
            known = known_thumbnail(desk.renderer, entry.direction)
            picture = "" if known is None else jpeg_uri(known)
            offers.append({"file": entry.file, "name": entry.name, "picture": picture})
    return offers


def _mask(desk: Desk) -> str:
    now = desk.session
    if now.compare != "outside" or not now.lines:
        return ""
    mask = desk.attempt(lambda: desk.renderer.mask(now))
    return "" if mask is None else png_uri(mask)


def _search(search: Search) -> dict[str, Any]:
    status = search.status
    report, look = status.report, status.look
    return {
        "prompt": search.request.prompt.strip(),
        "stage": status.stage,
        "running": status.running,
        "step": 0 if report is None else report.step,
        "steps": 0 if report is None else report.steps,
        "left": None if status.left is None else round(status.left, 1),
        "seconds": round(status.seconds),
        "verdict": None if look is None else look.found.verdict,
        "reason": "" if look is None else look.found.reason,
        "regions": [] if look is None else list(look.found.goal.regions),
        "error": status.error,
        "snapshots": [jpeg_uri(picture) for picture in status.snapshots],
    }


def png_uri(data: bytes) -> str:
    """The address of a PNG that needs no file."""
    return uri(data, "image/png")


def jpeg_uri(data: bytes) -> str:
    """The address of a JPEG that needs no file."""
    return uri(data, "image/jpeg")


def uri(data: bytes, kind: str) -> str:
    """The address of a file's bytes, of a kind such as image/png."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
