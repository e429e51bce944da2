"""Time the editor in a real browser: `python -m benchmarks.editor`.

Needs Streamlit, Playwright and Chromium. The starter world, a library of one card; a prompt is
searched for on the page itself. Prints one JSON object.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

import eclipsed
from eclipsed.app.library import Library
from tests.app import browsing
from tests.app.browsing import Hands

PROMPT = "sunglasses"
MOVES = 200


def main() -> None:
    """Measure and print."""
    if reason := browsing.why_not():
        sys.exit(f"The editor cannot be timed here: it {reason}.")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        _fill(library)
        with browsing.served(library) as (address, server), browsing.chromium() as browser:
            print(json.dumps(_measured(browser, address, server.pid), indent=2))


def _fill(library: Path) -> None:
    world = eclipsed.load_world("starter")
    goal = eclipsed.goal_from_prompt("curly hair", world)
    Library(library).add(eclipsed.train_direction(world, goal))


def _measured(browser: Any, address: str, server: int) -> dict[str, float]:
    hands = Hands(browser, address)
    began = time.monotonic()
    hands.open().shown()
    first = time.monotonic() - began
    for count in (1, 2):
        hands.page.locator(".card").first.click()
        hands.page.locator(".line").nth(count - 1).wait_for()
    hands.shown("frames")
    hands.quiet()
    dragged = drag_numbers(hands.drag(moves=120))
    other = drag_numbers(hands.drag(at=1, moves=60))
    before = _memory(server)
    for _ in range(MOVES // 50):
        hands.drag(moves=50)
    grown = _memory(server) - before
    began = time.monotonic()
    hands.page.locator(".prompt").fill(PROMPT)
    hands.page.locator(".prompt").press("Enter")
    hands.page.locator(".line .name", has_text=PROMPT).wait_for(timeout=600_000)
    hands.shown("frames")
    found = time.monotonic() - began
    return {
        "first image, s": round(first, 2),
        **dragged,
        "longest freeze at another slider, ms": other["longest freeze, ms"],
        f"memory after {MOVES} moves, MB": round(grown / 1e6, 1),
        "prompt to slider, s": round(found, 1),
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
