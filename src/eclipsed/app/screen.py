"""What the Edit page is told: a desk as plain JSON, pictures included."""

from __future__ import annotations

import base64
from itertools import islice
from pathlib import Path
from typing import Any

from eclipsed.app import session as sessions
from eclipsed.app.desk import Desk
from eclipsed.app.opening import Opening
from eclipsed.app.rendering import bounds_of
from eclipsed.app.search import Search
from eclipsed.app.session import Line, Session
from eclipsed.app.thumbnails import known_thumbnail
from eclipsed.editing.animation import MEDIA_TYPES
from eclipsed.evaluation.verdict import DirectionVerdict, verdict_of_card
from eclipsed.types import Generator

# So many cards of the library are on offer beside the stack.
OFFERED = 24
# What browsers call files, by their endings.
_MEDIA = {f".{kind}": media for kind, media in MEDIA_TYPES.items()}
_MEDIA |= {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_MEDIA |= {".tif": "image/tiff", ".tiff": "image/tiff"}


def view(desk: Desk) -> dict[str, Any]:
    """The exact image, the stack, what can be done and what there is to say.

    Frames, and what a brush begins with, are part of it only once after they were asked for, so
    that nothing waits for them. A line's `frames_key` is what its frames go by.
    """
    desk.collect()
    wanted, desk.wanted_frames = desk.wanted_frames, None
    brushed, desk.wanted_brush = desk.wanted_brush, None
    session, generator, renderer = desk.session, desk.world.generator, desk.renderer
    before = desk.attempt(lambda: renderer.before(session))
    shot = desk.attempt(lambda: renderer.shot(session)) or before
    offers = offers_of(desk)
    at = session.selected
    regions, masks = bounds_of(session) or ((), ())  # nothing for the whole image
    outside = session.compare == "outside" and bool(session.lines)
    return {
        "image": "" if shot is None else _uri(shot.png),
        "before": "" if before is None else _uri(before.png),
        "mask": _uri(desk.attempt(lambda: renderer.mask(session))) if outside else "",
        "inside": [*regions, *(["the drawn mask"] if masks else [])],
        "milliseconds": None if shot is None else round(shot.milliseconds, 1),
        "seed": session.seed,
        "latent": "" if session.start is None else session.start.name,
        "photo": _photo(session),
        "opening": None if desk.opening is None else _opening(desk.opening),
        "truncation": session.truncation,
        "compare": session.compare,
        "selected": at,
        "lines": [
            {**_line(line, generator), "frames_key": renderer.frames_key(session, index)}
            for index, line in enumerate(session.lines)
        ],
        "examples": list(desk.world.example_prompts),
        "regions": list(desk.world.segmenter.regions),
        "undo": len(desk.history.past),
        "redo": len(desk.history.future),
        "offers": offers,
        "prompts": desk.prompts(),
        "sketching": sum(not offer["picture"] for offer in offers),
        "search": None if desk.search is None else _search(desk.search),
        "notice": None if desk.notice is None else vars(desk.notice),
        "token": desk.token,
        "settled": desk.settled,
        "heard": desk.heard,
        "frames": None if wanted is None else frames(desk, *wanted),
        "brush": None if brushed is None else brush(desk, brushed),
        "download": _download(desk),
    }


def frames(desk: Desk, at: int, start: int, count: int) -> dict[str, Any] | None:
    """Some of the pictures that a line's slider is dragged over; None where there is no such
    line."""
    session = desk.session
    if not 0 <= at < len(session.lines):
        return None
    some = desk.attempt(lambda: desk.renderer.frames(session, at, start, count))
    return (
        None
        if some is None
        else {
            "key": desk.renderer.frames_key(session, at),
            "strengths": list(some.strengths),
            "pictures": [_uri(picture, ".jpg") for picture in some.pictures],
            "of": some.of,
        }
    )


def brush(desk: Desk, at: int) -> dict[str, Any] | None:
    """What drawing the mask of a line begins with; None where there is no such line."""
    if not 0 <= at < len(desk.session.lines):
        return None
    mask = desk.attempt(lambda: desk.renderer.brush(desk.session, at))
    under = desk.attempt(lambda: desk.renderer.square(desk.session))
    return None if mask is None else {"at": at, "mask": _uri(mask), "under": _uri(under)}


def offers_of(desk: Desk) -> list[dict[str, str]]:
    """Cards that this world can use, the newest first; the picture is an empty text where it was
    not drawn yet."""
    offers = []
    for file, card in islice(desk.cards().items(), OFFERED):
        picture = _uri(known_thumbnail(desk.renderer, card), ".jpg")
        offers.append({"file": file, "name": card.name, "picture": picture})
    return offers


def _line(line: Line, generator: Generator) -> dict[str, Any]:
    low, high = sessions.ends_of(line)
    return {
        "name": line.direction.name,
        "judged": _judged(verdict_of_card(line.direction)),
        "draft": bool(line.direction.config.get("draft")),
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
        "regions": list(line.bounds),
    }


def _touched(line: Line) -> list[int]:
    """The layers that the direction moves at all; none are told of one that moves all alike."""
    if line.direction.space == "w":
        return []
    pieces = line.direction.vector.split([layer.width for layer in line.direction.layers])
    return [index for index, piece in enumerate(pieces) if bool(piece.any())]


def _download(desk: Desk) -> dict[str, Any] | None:
    if desk.download is None:
        return None
    name, data = desk.download.name, desk.download.data
    return {"number": desk.downloads, "name": name, "data": _uri(data, Path(name).suffix)}


def _photo(session: Session) -> dict[str, Any] | None:
    """The photo on the screen."""
    if session.photo is None:
        return None
    photo, inversion = session.photo.photo, session.photo.inversion
    height, width = photo.size
    return {
        "name": photo.name,
        "width": width,
        "height": height,
        "kind": "PNG" if photo.kind == "HEIC" else photo.kind,
        "method": inversion.method,
        "decibels": inversion.scores["psnr"],
        "near": session.near,
        "mixed": session.mixed,
    }


def _opening(opening: Opening) -> dict[str, Any]:
    """A photo on its way: boxes are left, top, right and bottom as fractions of its sides."""
    status, (height, width) = opening.status, opening.photo.size
    sides = (width, height, width, height)
    return {
        "name": opening.photo.name,
        "picture": _uri(opening.picture, ".jpg"),
        "aspect": width / height,
        "stage": status.stage,
        "running": status.running,
        "faces": [
            {
                "number": face.number,
                "box": [side / whole for side, whole in zip(face.box, sides, strict=True)],
            }
            for face in status.faces
        ],
        "finds": opening.world.detector is not None,
        "middle": list(opening.middle),
        "methods": list(opening.methods),
        "method": status.method,
        "notes": list(status.notes),
        "step": status.step,
        "steps": status.steps,
        "decibels": status.decibels,
        "pictures": [_uri(picture, ".jpg") for picture in status.pictures],
        "error": status.error,
    }


def _search(search: Search) -> dict[str, Any]:
    status = search.status
    state, look = status.state, status.look
    return {
        "prompt": search.request.prompt.strip(),
        "stage": status.stage,
        "running": status.running,
        "step": 0 if state is None else state.step,
        "steps": 0 if state is None else state.steps,
        "left": None if status.left is None else round(status.left, 1),
        "seconds": round(status.seconds),
        "draft": bool(status.file) and status.stage in ("looking", "training"),
        "verdict": None if look is None else look.preflight.verdict,
        "reason": "" if look is None else look.preflight.reason,
        "judged": _judged(status.verdict),
        "instead": [] if look is None else list(look.preflight.instead),
        "regions": [] if look is None else list(look.preflight.goal.regions),
        "error": status.error,
        "snapshots": [_uri(picture, ".jpg") for picture in status.snapshots],
    }


def _judged(verdict: DirectionVerdict | None) -> dict[str, str] | None:
    return None if verdict is None else {"kind": verdict.kind, "sentence": verdict.sentence}


def _uri(data: bytes | None, ending: str = ".png") -> str:
    """The address of a picture that needs no file; empty without one."""
    return "" if data is None else f"data:{_MEDIA[ending]};base64,{base64.b64encode(data).decode()}"
