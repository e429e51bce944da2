"""The editor in a real browser, once through: what a first visit does, on the starter world.

Nothing is trained to its end here; `test_browser` does that, and everything else at length.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app import browsing
from tests.app.browsing import Hands

pytestmark = pytest.mark.skipif(bool(browsing.why_not()), reason=browsing.why_not() or "-")

# Beside other tests everything takes its time.
PATIENCE = 180_000  # milliseconds


def opened(browser: Any, address: str, size: str = "wide") -> Hands:
    hands = Hands(browser, address, size)
    hands.page.set_default_timeout(PATIENCE)
    hands.open().shown()
    return hands


def test_a_first_visit(tmp_path: Path) -> None:
    library = tmp_path / "library"
    with browsing.served(library) as (address, _), browsing.chromium() as browser:
        hands = opened(browser, address)
        chip_starts_a_search(hands)
        take_a_card(hands, "curly hair")
        drag_and_undo(hands)
        paint_a_mask(hands)
        saved, image = hands.save(tmp_path / "saved.png"), hands.image()
        phone = opened(browser, address, "narrow")
        assert phone.image() != image
        phone.drop(saved)
        phone.page.locator(".line").wait_for()
        assert phone.image() == image
        assert phone.misfits() == []
        assert hands.errors == phone.errors == []
        assert hands.scripts_run == phone.scripts_run == []


def chip_starts_a_search(hands: Hands) -> None:
    chip = hands.page.locator(".prompts .chip").first
    prompt = chip.inner_text()
    chip.click()
    hands.page.locator(".search .words", has_text=prompt).wait_for()
    hands.page.locator(".search button", has_text="Stop").click()
    hands.page.locator(".search button", has_text="Close").click()
    hands.page.locator(".search").wait_for(state="hidden")
    hands.quiet()


def take_a_card(hands: Hands, name: str) -> None:
    """One of those that come with the world, whose pictures are there already."""
    card = hands.page.locator(".card", has_text=name)
    card.locator("img").wait_for()
    before = hands.image()
    card.click()
    hands.page.locator(".line .name", has_text=name).wait_for()
    hands.shown("frames")
    assert hands.image() != before


def drag_and_undo(hands: Hands) -> None:
    before = hands.image()
    noted = hands.drag(moves=21)
    assert len({value for _, value in noted["draws"] if value != "exact"}) >= 5
    assert hands.image() != before
    hands.click('[data-do="undo"]')
    assert hands.image() == before


def paint_a_mask(hands: Hands) -> None:
    before = hands.image()
    hands.click('[aria-label="Layers and region"]')
    hands.click('[aria-label="Paint where the edit may change the image"]')
    veil = hands.page.locator(".veil")
    veil.wait_for()
    hands.click('[data-brush="clear"]')
    hands.stroke((0.3, 0.2), (0.7, 0.2))
    hands.click('[data-brush="done"]')
    hands.page.locator(".badge", has_text="mask").wait_for()
    assert hands.image() != before
