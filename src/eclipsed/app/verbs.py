"""What the Edit page may ask for: each verb takes its own words from an event and changes a desk.

Events come from a browser and are believed in nothing unchecked: a word that is missing or of the
wrong kind raises KeyError, TypeError or ValueError, what a person can mend an EclipsedError.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from eclipsed.app import session as sessions
from eclipsed.app.searching import Request
from eclipsed.app.session import Session
from eclipsed.editing.masks import Mask

if TYPE_CHECKING:
    from eclipsed.app.desk import Desk

Verb = Callable[["Desk", Mapping[str, Any]], None]

# What the page asks for by itself; a sentence on the screen stays there.
QUIET = frozenset({"look", "frames", "select", "brush"})


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
    generator = desk.renderer.world.generator
    desk.change(sessions.set_layers(desk.session, _whole(event["at"]), layers, generator))


def _regions(desk: Desk, event: Mapping[str, Any]) -> None:
    wanted = event["to"]
    regions = None if wanted is None else [_text(region) for region in wanted]
    known = desk.renderer.world.segmenter.regions
    desk.change(sessions.set_regions(desk.session, _whole(event["at"]), regions, known))


def _mask(desk: Desk, event: Mapping[str, Any]) -> None:
    drawn = event["to"]
    mask = None if drawn is None else Mask.read(base64.b64decode(_text(drawn), validate=True))
    desk.change(sessions.set_mask(desk.session, _whole(event["at"]), mask))


def _find(desk: Desk, event: Mapping[str, Any]) -> None:
    now = desk.session
    prompt = _text(event["prompt"])
    desk.begin(Request(prompt, seed=now.seed, truncation=now.truncation))


def _file(desk: Desk, event: Mapping[str, Any]) -> None:
    desk.drop(base64.b64decode(_text(event["data"]), validate=True), _text(event["name"]))


def _on_session(change: Callable[[Session, Mapping[str, Any]], Session], merging: str = "") -> Verb:
    return lambda desk, event: desk.change(change(desk.session, event), merging)


VERBS: dict[str, Verb] = {
    "add": lambda desk, event: desk.add(_text(event["file"])),
    "strength": _strength,
    "layers": _layers,
    "regions": _regions,
    "brush": lambda desk, event: desk.want_brush(_whole(event["at"])),
    "mask": _mask,
    "find": _find,
    "stop": lambda desk, _: desk.stop(),
    "go on": lambda desk, _: desk.go_on(),
    "dismiss": lambda desk, _: desk.dismiss(),
    "frames": lambda desk, _: desk.want_frames(),
    "look": lambda desk, _: desk.draw(),
    "save": lambda desk, _: desk.hand_out(desk.saved()),
    "strip": lambda desk, _: desk.hand_out(desk.strip()),
    "animation": lambda desk, event: desk.hand_out(desk.animation(_text(event["kind"]))),
    "undo": lambda desk, _: desk.undo(),
    "redo": lambda desk, _: desk.redo(),
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
