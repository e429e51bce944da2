"""Pictures of the editor for the README: `python -m benchmarks.screenshots FOLDER`.

Needs Streamlit, Playwright and Chromium. Three directions of the starter world are trained first;
then the Edit page, the Explore page and a drag of a slider are photographed as a person sees them.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

import eclipsed
from eclipsed.app.library import Library
from eclipsed.editing.animation import there_and_back
from tests.app import browsing
from tests.app.browsing import Hands

PROMPTS = ("ginger hair", "round glasses", "curly hair")
SEED = "2"
STEPS = 20  # pictures of a drag, one way
WIDTH = 800  # of the animation
SHOWN = {"x": 32, "y": 40, "width": 1216, "height": 602}  # of the page, in the animation
_WEBP = {"save_all": True, "duration": 70, "loop": 0, "quality": 80, "method": 4}


def main() -> None:
    """Train, open the editor and photograph it."""
    if reason := browsing.why_not():
        sys.exit(f"The editor cannot be photographed here: it {reason}.")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        library = Path(place) / "library"
        fill(library)
        with browsing.served(library) as (address, _), browsing.chromium() as browser:
            hands = Hands(browser, address)
            stack(hands)
            hands.page.screenshot(path=folder / "editor.png")
            drag(hands, folder / "drag.webp")
            explore(hands, folder / "explore.png")


def fill(library: Path) -> None:
    """Train the three directions."""
    world = eclipsed.load_world("starter")
    for prompt in PROMPTS:
        goal = eclipsed.goal_from_prompt(prompt, world)
        Library(library).add(eclipsed.train_direction(world, goal))


def stack(hands: Hands) -> None:
    """The Edit page with all three on one image; the last one is at hand."""
    hands.open().shown()
    hands.page.locator(".seed-box").fill(SEED)
    hands.page.locator(".seed-box").press("Enter")
    hands.quiet()
    for prompt in PROMPTS:
        hands.page.locator(".card", has_text=prompt).click()
        hands.page.locator(".line .name", has_text=prompt).wait_for()
        hands.quiet()
    hands.shown("frames")


def drag(hands: Hands, place: Path) -> None:
    """An animation of the last line's slider going from end to end and back."""
    box: Any = hands.page.locator(".slider").nth(len(PROMPTS) - 1).bounding_box()
    y = box["y"] + box["height"] / 2
    hands.page.mouse.move(box["x"] + 9, y)
    hands.page.mouse.down()
    pictures = []
    for step in range(STEPS):
        hands.page.mouse.move(box["x"] + 9 + (box["width"] - 18) * step / (STEPS - 1), y)
        hands.page.wait_for_timeout(50)
        seen = Image.open(io.BytesIO(hands.page.screenshot(clip=SHOWN))).convert("RGB")
        size = (WIDTH, round(WIDTH * seen.height / seen.width))
        pictures.append(seen.resize(size, Image.Resampling.LANCZOS))
    hands.page.mouse.up()
    first, *others = there_and_back(pictures)
    first.save(place, append_images=others, **_WEBP)


def explore(hands: Hands, place: Path) -> None:
    """The Explore page: cards side by side."""
    hands.page.get_by_role("link", name="Explore").click()
    hands.page.locator(".stImage img").first.wait_for()
    hands.page.wait_for_timeout(2_000)
    hands.page.screenshot(path=place)


if __name__ == "__main__":
    main()
