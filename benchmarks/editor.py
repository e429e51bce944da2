"""Time the editor in a real browser: `python -m benchmarks.editor`.

Needs Streamlit, Playwright and Chromium. The starter world with what comes with it, and nothing
else: no library and an empty cache. One visit moves a slider, another asks for an edit of its own
and saves the picture. Prints one JSON object of seconds, unless it says otherwise.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.app import browsing
from tests.app.browsing import Hands

CARD, PROMPT = "curly hair", "a mohawk"
MOVES = 200
_LONG = 600_000  # milliseconds


def main() -> None:
    """Measure and print."""
    if reason := browsing.why_not():
        sys.exit(f"The editor cannot be timed here: it {reason}.")
    result = {**visited(first_slider), **visited(own_edit)}
    print(json.dumps(result, indent=2))


def visited(walk: Callable[[Hands, int, float], dict[str, float]]) -> dict[str, float]:
    """What a walk measures, on a new server that knows nothing yet."""
    with tempfile.TemporaryDirectory() as folder, browsing.chromium() as browser:
        began = time.monotonic()
        with browsing.served(Path(folder) / "library") as (address, server):
            hands = Hands(browser, address)
            hands.page.set_default_timeout(_LONG)
            return walk(hands, server.pid, began)


def first_slider(hands: Hands, server: int, began: float) -> dict[str, float]:
    """The page, the first card, and a drag of its slider."""
    started = time.monotonic()
    hands.open().shown()
    page = time.monotonic()
    hands.page.locator(".card", has_text=CARD).first.click()
    hands.page.locator(".slider").wait_for()
    hands.shown("frames")
    moving = time.monotonic()
    hands.quiet()
    dragged = drag_numbers(hands.drag(moves=120))
    hands.page.locator(".card").first.click()
    hands.page.locator(".line").nth(1).wait_for()
    hands.shown("frames")
    hands.drag(at=1, moves=10)
    other = drag_numbers(hands.drag(moves=60))
    before = _memory(server)
    for _ in range(MOVES // 50):
        hands.drag(moves=50)
    return {
        "command to server": round(started - began, 2),
        "server to first picture": round(page - started, 2),
        "first picture to a slider that moves": round(moving - page, 2),
        **dragged,
        "longest freeze at another slider, ms": other["longest freeze, ms"],
        f"memory after {MOVES} moves, MB": round((_memory(server) - before) / 1e6, 1),
    }


def own_edit(hands: Hands, server: int, began: float) -> dict[str, float]:
    """The page, a prompt, its slider, and the saved picture."""
    hands.open().shown()
    typed = time.monotonic()
    used = sum(psutil.Process(server).cpu_times()[:2])
    hands.page.locator(".prompt").fill(PROMPT)
    hands.page.locator(".prompt").press("Enter")
    hands.page.locator(".line .name", has_text=PROMPT).wait_for()
    slider = time.monotonic()
    used = sum(psutil.Process(server).cpu_times()[:2]) - used
    with tempfile.TemporaryDirectory() as folder:
        hands.save(Path(folder) / "picture.png")
    saved = time.monotonic()
    hands.page.locator(".search .judged").wait_for()
    return {
        "prompt to slider": round(slider - typed, 1),
        "prompt to slider, of the server's processors": round(used, 1),
        "command to own edit saved": round(saved - began, 1),
        "slider to verdict": round(time.monotonic() - slider, 1),
    }


def drag_numbers(noted: dict[str, Any]) -> dict[str, float]:
    """Pictures a second of a drag, and how long after a move the picture was drawn."""
    drawn = [(moment, shown) for moment, shown in noted["draws"] if shown != "exact"]
    waits = sorted(
        moment - max(move for move in noted["moves"] if move <= moment)
        for moment, _ in drawn
        if any(move <= moment for move in noted["moves"])
    )
    moments = [min(noted["moves"]), *(moment for moment, _ in drawn)]
    changes = sum(one[1] != other[1] for one, other in itertools.pairwise(drawn))
    return {
        "different pictures a second": round(changes / noted["seconds"], 1),
        "longest freeze, ms": round(max(b - a for a, b in itertools.pairwise(moments)), 1),
        "move to picture, ms, median": round(waits[len(waits) // 2], 1),
        "move to picture, ms, 95%": round(waits[int(0.95 * len(waits))], 1),
    }


def _memory(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss)


if __name__ == "__main__":
    main()
