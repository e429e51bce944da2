"""The first visit in windows of five widths, photographed: `python -m benchmarks.walks FOLDER`.

Needs Streamlit, Playwright and Chromium. The starter world with what comes with it: the first page,
a card taken, its slider dragged, its library page. Says for every window whether the page is wider.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.app import browsing
from tests.app.browsing import SIZES, Hands

WINDOWS = ("narrow", "tablet", "half", "wide", "large")
CARD = "curly hair"


def main() -> None:
    """Walk and photograph."""
    if reason := browsing.why_not():
        sys.exit(f"No visit can be made here: it {reason}.")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        browsing.chromium() as browser,
        browsing.served(Path(place) / "library") as (address, _),
    ):
        for window in WINDOWS:
            hands = Hands(browser, address, window)
            hands.page.set_default_timeout(300_000)
            print(f"{window}, {SIZES[window][0]} px: {', '.join(walk(hands, folder, window))}")
            hands.context.close()


def walk(hands: Hands, folder: Path, window: str) -> list[str]:
    """What was seen at each station."""
    said = []

    def station(name: str) -> None:
        hands.page.screenshot(path=folder / f"{SIZES[window][0]}-{name}.png")
        wide = hands.page.evaluate("() => document.documentElement.scrollWidth")
        fits = "fits" if wide <= SIZES[window][0] else f"is {wide} px wide"
        said.append(f"{name} {fits}")

    hands.open().shown()
    hands.page.locator(".card img").first.wait_for()
    station("first")
    hands.page.locator(".card", has_text=CARD).first.click()
    hands.page.locator(".line .name", has_text=CARD).wait_for()
    hands.shown("frames")
    hands.drag(moves=15)
    station("dragged")
    hands.open("library").still()
    hands.page.get_by_text("comes with the world").first.wait_for()
    station("library")
    return said


if __name__ == "__main__":
    main()
