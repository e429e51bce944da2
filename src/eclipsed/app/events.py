"""What the Edit page may ask for: each event takes its own words and changes a desk.

Events come from a browser and are believed in nothing unchecked: a word of the wrong kind
raises TypeError or ValueError, what a person can mend an EclipsedError.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

from eclipsed.app import downloads
from eclipsed.app import session as sessions
from eclipsed.app.desk import Desk, Notice
from eclipsed.app.downloads import File
from eclipsed.app.screen import offers_of
from eclipsed.app.search import Search
from eclipsed.app.session import Session
from eclipsed.app.thumbnails import thumbnail
from eclipsed.editing.masks import Mask

Reader = Callable[[Any], Any]  # of one word of an event

# What the page asks for by itself; a sentence on the screen stays there.
_QUIET = frozenset({"look", "frames", "select", "brush"})


def handle_all(desk: Desk, events: object) -> None:
    """Carry out what was done on the page: [{"id", "do", …}], each once, in order.

    What cannot be done is refused with a sentence, and the rest is carried out.
    """
    for event in events if isinstance(events, list) else []:
        number = event.get("id") if isinstance(event, dict) else None
        if isinstance(number, int) and number > desk.heard:
            desk.heard = number
            handle(desk, event)


def handle(desk: Desk, event: Mapping[str, Any]) -> None:
    """Carry out one event, for example {"do": "strength", "at": 0, "to": 1.2}."""
    if event.get("do") not in _QUIET:
        desk.notice = desk.download = None
    try:
        desk.attempt(lambda: _carry_out(desk, event))
    except (KeyError, TypeError, ValueError, OverflowError):
        desk.notice = Notice("The page asked for something that does not exist.", bad=True)


def _carry_out(desk: Desk, event: Mapping[str, Any]) -> None:
    act, *words = _HANDLERS[_text(event.get("do"))]
    act(desk, *(read(event.get(word)) for word, read in words))


# --- what a word may be -------------------------------------------------------------------------


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number is needed")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("a number is needed")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is needed")
    return value


def _truth(value: object) -> bool:
    return value is True


def _data(value: object) -> bytes:
    return base64.b64decode(_text(value), validate=True)


def _mask(value: object) -> Mask:
    return Mask.read(_data(value))


def _box(value: object) -> list[float]:
    if not isinstance(value, list) or len(value) != 4:
        raise TypeError("four numbers are needed")
    return [_number(side) for side in value]


def _list_of(read: Reader) -> Reader:
    return lambda values: [read(value) for value in values]


def _or_none(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


# --- what is done -------------------------------------------------------------------------------


def _strength(desk: Desk, at: int, to: float, dragging: bool) -> None:
    moved, drag = sessions.set_strength(desk.session, at, to), f"strength {at}"
    if dragging:
        desk.change(moved, drag)
    else:  # where a drag ends is part of it
        desk.change(moved, drag if desk.history.merging == drag else "")
        desk.history = desk.history.settle()


def _find(desk: Desk, prompt: str) -> None:
    desk.find(desk.request(prompt))


def _frames(desk: Desk, at: int, start: int, count: int) -> None:
    desk.wanted_frames = at, max(0, start), max(0, count)


def _brush(desk: Desk, at: int) -> None:
    desk.wanted_brush = at


def _look(desk: Desk) -> None:
    """Draw the picture of one more card on offer, if one lacks it."""
    undrawn = [offer["file"] for offer in offers_of(desk) if not offer["picture"]]
    if undrawn:
        thumbnail(desk.renderer, desk.library.direction(undrawn[0]))


def _undo(desk: Desk) -> None:
    desk.history = desk.history.undo()


def _redo(desk: Desk) -> None:
    desk.history = desk.history.redo()


def _enough(desk: Desk) -> None:
    if desk.opening is not None:
        desk.opening.stop()


def _to_session(change: Callable[..., Session], merging: str = "") -> Callable[..., None]:
    return lambda desk, *words: desk.change(change(desk.session, *words), merging)


def _in_world(change: Callable[..., Session]) -> Callable[..., None]:
    return lambda desk, *words: desk.change(change(desk.session, *words, desk.world))


def _to_search(change: Callable[[Search], None]) -> Callable[[Desk], None]:
    return lambda desk: None if desk.search is None else change(desk.search)


def _to_download(make: Callable[..., File]) -> Callable[..., None]:
    def act(desk: Desk, *words: object) -> None:
        desk.download = make(desk.renderer, desk.session, *words)
        desk.downloads += 1
        desk.notice = Notice(desk.download.words, bad=False)

    return act


_AT, _TO = ("at", _whole), ("to", _whole)
# What carries an event out, and the words that it takes in order.
_HANDLERS: dict[str, tuple[Any, ...]] = {
    "add": (Desk.add, ("file", _text)),
    "strength": (_strength, _AT, ("to", _number), ("dragging", _truth)),
    "layers": (_in_world(sessions.set_layers), _AT, ("to", _or_none(_list_of(_whole)))),
    "regions": (_in_world(sessions.set_regions), _AT, ("to", _or_none(_list_of(_text)))),
    "brush": (_brush, _AT),
    "mask": (_to_session(sessions.set_mask), _AT, ("to", _or_none(_mask))),
    "find": (_find, ("prompt", _text)),
    "stop": (_to_search(Search.stop),),
    "go on": (_to_search(Search.train_anyway),),
    "dismiss": (Desk.dismiss,),
    "frames": (_frames, _AT, ("from", _whole), ("count", _whole)),
    "look": (_look,),
    "save": (_to_download(downloads.picture), ("times", _whole)),
    "strip": (_to_download(downloads.strip),),
    "animation": (_to_download(downloads.animation), ("kind", _text)),
    "save photo": (_to_download(lambda _, session: downloads.photo(session)),),
    "choose": (
        Desk.choose,
        ("method", _text),
        ("face", _or_none(_whole)),
        ("box", _or_none(_box)),
    ),
    "enough": (_enough,),
    "choose again": (Desk.choose_again,),
    "leave": (Desk.leave,),
    "near": (_to_session(sessions.set_near), ("to", _truth)),
    "mixed": (_to_session(sessions.set_mixed), ("to", _truth)),
    "undo": (_undo,),
    "redo": (_redo,),
    "file": (Desk.drop, ("data", _data), ("name", _text)),
    "seed": (_to_session(sessions.set_seed), _TO),
    "next": (_to_session(sessions.step_seed), ("by", _whole)),
    "truncation": (_to_session(sessions.set_truncation, "truncation"), ("to", _number)),
    "remove": (_to_session(sessions.remove), _AT),
    "move": (_to_session(sessions.move), _AT, _TO),
    "mute": (_to_session(sessions.set_muted), _AT, ("to", _truth)),
    "hard": (_to_session(sessions.set_hard), _AT, ("to", _truth)),
    "reset": (_to_session(sessions.reset),),
    "select": (_to_session(sessions.select), _AT),
    "compare": (_to_session(sessions.set_compare), ("to", _text)),
}
