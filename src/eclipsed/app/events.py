"""What the Edit page may ask for: each event takes its own words and changes a desk.

Events come from a browser and are believed in nothing unchecked: a word that is missing or of the
wrong kind raises KeyError, TypeError or ValueError, what a person can mend an EclipsedError.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

from eclipsed.app import downloads
from eclipsed.app import session as sessions
from eclipsed.app.desk import Desk
from eclipsed.app.screen import offers_of
from eclipsed.app.search import Request
from eclipsed.app.session import Session
from eclipsed.app.thumbnails import thumbnail
from eclipsed.editing.masks import Mask
from eclipsed.errors import EclipsedError

Handler = Callable[[Desk, Mapping[str, Any]], None]

# What the page asks for by itself; a sentence on the screen stays there.
_QUIET = frozenset({"look", "frames", "select", "brush"})
_WRONG_EVENT = "The page asked for something that does not exist."


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
    what = event.get("do")
    if what not in _QUIET:
        desk.notice = desk.download = None
    with desk.reporting():
        try:
            _HANDLERS[_text(what)](desk, event)
        except EclipsedError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError):
            desk.warn(_WRONG_EVENT)


def _strength(desk: Desk, event: Mapping[str, Any]) -> None:
    at = _whole(event["at"])
    moved, drag = sessions.set_strength(desk.session, at, _number(event["to"])), f"strength {at}"
    if event.get("dragging") is True:
        desk.change(moved, drag)
    else:  # where a drag ends is part of it
        desk.change(moved, drag if desk.history.merging == drag else "")
        desk.history = desk.history.settle()


def _layers(desk: Desk, event: Mapping[str, Any]) -> None:
    wanted = event["to"]
    layers = None if wanted is None else [_whole(layer) for layer in wanted]
    generator = desk.world.generator
    desk.change(sessions.set_layers(desk.session, _whole(event["at"]), layers, generator))


def _regions(desk: Desk, event: Mapping[str, Any]) -> None:
    wanted = event["to"]
    regions = None if wanted is None else [_text(region) for region in wanted]
    known = desk.world.segmenter.regions
    desk.change(sessions.set_regions(desk.session, _whole(event["at"]), regions, known))


def _mask(desk: Desk, event: Mapping[str, Any]) -> None:
    drawn = event["to"]
    mask = None if drawn is None else Mask.read(base64.b64decode(_text(drawn), validate=True))
    desk.change(sessions.set_mask(desk.session, _whole(event["at"]), mask))


def _find(desk: Desk, event: Mapping[str, Any]) -> None:
    session = desk.session
    prompt = _text(event["prompt"])
    desk.find(Request(prompt, seed=session.seed, truncation=session.truncation))


def _file(desk: Desk, event: Mapping[str, Any]) -> None:
    desk.drop(base64.b64decode(_text(event["data"]), validate=True), _text(event["name"]))


def _frames(desk: Desk, _: Mapping[str, Any]) -> None:
    desk.wants_frames = True


def _brush(desk: Desk, event: Mapping[str, Any]) -> None:
    desk.wanted_brush = _whole(event["at"])


def _look(desk: Desk, _: Mapping[str, Any]) -> None:
    """Draw the picture of one more card on offer, if one lacks it."""
    undrawn = [offer["file"] for offer in offers_of(desk) if not offer["picture"]]
    if undrawn:
        thumbnail(desk.renderer, desk.library, undrawn[0])


def _undo(desk: Desk, _: Mapping[str, Any]) -> None:
    desk.history = desk.history.undo()


def _redo(desk: Desk, _: Mapping[str, Any]) -> None:
    desk.history = desk.history.redo()


def _download(
    make: Callable[[Desk, Mapping[str, Any]], tuple[str, bytes] | None],
) -> Handler:
    def handler(desk: Desk, event: Mapping[str, Any]) -> None:
        desk.download = make(desk, event)
        desk.downloads += desk.download is not None

    return handler


def _on_session(
    change: Callable[[Session, Mapping[str, Any]], Session], merging: str = ""
) -> Handler:
    return lambda desk, event: desk.change(change(desk.session, event), merging)


_HANDLERS: dict[str, Handler] = {
    "add": lambda desk, event: desk.add(_text(event["file"])),
    "strength": _strength,
    "layers": _layers,
    "regions": _regions,
    "brush": _brush,
    "mask": _mask,
    "find": _find,
    "stop": lambda desk, _: desk.stop(),
    "go on": lambda desk, _: desk.train_anyway(),
    "dismiss": lambda desk, _: desk.dismiss(),
    "frames": _frames,
    "look": _look,
    "save": _download(lambda desk, _: downloads.picture(desk.renderer, desk.session)),
    "strip": _download(lambda desk, _: downloads.strip(desk.renderer, desk.session)),
    "animation": _download(
        lambda desk, event: downloads.animation(desk.renderer, desk.session, _text(event["kind"]))
    ),
    "undo": _undo,
    "redo": _redo,
    "file": _file,
    "seed": _on_session(lambda now, event: sessions.set_seed(now, _whole(event["to"]))),
    "next": _on_session(lambda now, event: sessions.step_seed(now, _whole(event["by"]))),
    "truncation": _on_session(
        lambda now, event: sessions.set_truncation(now, _number(event["to"])), "truncation"
    ),
    "remove": _on_session(lambda now, event: sessions.remove(now, _whole(event["at"]))),
    "move": _on_session(
        lambda now, event: sessions.move(now, _whole(event["at"]), _whole(event["to"]))
    ),
    "mute": _on_session(
        lambda now, event: sessions.set_muted(now, _whole(event["at"]), event["to"] is True)
    ),
    "hard": _on_session(
        lambda now, event: sessions.set_hard(now, _whole(event["at"]), event["to"] is True)
    ),
    "reset": _on_session(lambda now, _: sessions.reset(now)),
    "select": _on_session(lambda now, event: sessions.select(now, _whole(event["at"]))),
    "compare": _on_session(lambda now, event: sessions.set_compare(now, _text(event["to"]))),
}


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
