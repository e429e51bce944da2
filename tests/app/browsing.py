"""The editor in a real browser: a server of its own, and hands that click, drag and drop."""

from __future__ import annotations

import copy
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
# Windows, from a small phone to a large screen; between 761 and 889 once lay a gap.
SIZES = {
    "narrow": (360, 740),
    "phone": (390, 844),
    "landscape": (844, 390),
    "tablet": (768, 1024),
    "half": (850, 700),
    "wide": (1280, 800),
    "large": (1920, 1080),
    "largest": (2560, 1440),
}
_STARTS = 300.0

# Notes, in the page, when the pointer moved and when which picture was drawn.
_WATCH = """
(canvas) => {
  window.notes = { moves: [], draws: [] };
  const moved = (event) => window.notes.moves.push(event.timeStamp);
  document.addEventListener("pointermove", moved, true);
  new MutationObserver(() => {
    window.notes.draws.push([performance.now(), canvas.dataset.shown]);
  }).observe(canvas, { attributes: true, attributeFilter: ["data-draws"] });
}
"""
# What of the editor is cut by the window's sides or does not hold its own words.
_MISFITS = """
(editor) => [...editor.querySelectorAll("button, input, select, canvas, li, label, p, .card span")]
  .filter((part) => part.checkVisibility())
  .filter((part) => {
    const { left, right } = part.getBoundingClientRect();
    const cut = part.matches("button:not(.card)") && part.scrollWidth > part.clientWidth + 1;
    return left < 0 || right > innerWidth + 0.5 || cut;
  })
  .map((part) => `${part.tagName} ${part.className} ${part.textContent.trim().slice(0, 30)}`)
"""
_PIXELS = """
(canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let hash = 2166136261;
  for (let i = 0; i < data.length; i += 1) hash = Math.imul(hash ^ data[i], 16777619) >>> 0;
  return hash;
}
"""


def why_not() -> str:
    """Why no browser can be had here; empty where one can."""
    if CHROMIUM is None:
        return "needs Chromium: apt install chromium, or name one in CHROMIUM"
    for module in ("streamlit", "playwright"):
        try:
            __import__(module)
        except ImportError:
            return f"needs {module}: pip install streamlit playwright"
    return ""


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


@contextmanager
def served(library: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`eclipsed app` on a library of its own and an empty cache: its address, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "eclipsed", "app", "--no-browser", "--port", str(port)]
    command += ["--library", str(library), *words]
    with TemporaryDirectory() as cache, (library.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=library.parent,
            env={**os.environ, "XDG_CACHE_HOME": cache},
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address, process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _STARTS
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended by itself"
        with suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the server did not start")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Hands:
    """One browser's page, by what a person would do there."""

    def __init__(
        self, browser: Any, address: str, size: str = "wide", scheme: str = "light"
    ) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            has_touch=size in ("narrow", "phone", "landscape"),
            accept_downloads=True,
        )
        self.address = address
        self.scripts_run: list[str] = []
        self.errors: list[str] = []
        self.page = self._watched(self.context.new_page())

    def _watched(self, page: Any) -> Any:
        """A page whose scripts that ran and errors are noted here."""
        page.set_default_timeout(60_000)
        page.on("dialog", lambda box: (self.scripts_run.append(box.message), box.dismiss()))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def beside(self, page: Any) -> Hands:
        """Hands for another tab of the same browser."""
        other = copy.copy(self)
        other.page = self._watched(page)
        return other

    def open(self, page: str = "") -> Hands:
        self.page.goto(f"{self.address}/{page}")
        return self

    def shown(self, ready: str = "image") -> None:
        """Wait for the picture, or for the frames that a slider is dragged over."""
        wanted = '.frame[data-ready="frames"]' if ready == "frames" else ".frame[data-ready]"
        self.page.wait_for_selector(wanted)

    def quiet(self) -> None:
        """Wait until Python has heard everything and said the last word."""
        self.page.wait_for_selector('.frame[data-quiet="true"]')

    def still(self) -> None:
        """Wait until a page has been drawn to its end."""
        self.page.wait_for_selector('.stApp[data-test-script-state="notRunning"]')
        self.page.wait_for_timeout(300)

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.quiet()

    def misfits(self) -> list[str]:
        """What does not fit into the window: of the editor, or the page as a whole."""
        cut: list[str] = self.page.locator(".editor").evaluate(_MISFITS)
        return cut + self.too_wide()

    def too_wide(self) -> list[str]:
        """A sentence where a page of any kind is wider than its window."""
        script = "() => [document.documentElement.scrollWidth, innerWidth]"
        needed, width = self.page.evaluate(script)
        return [f"the page needs {needed} of {width} pixels"] if needed > width else []

    def pixels(self) -> int:
        """The canvas as one number."""
        hashed: int = self.page.locator(".canvas").evaluate(_PIXELS)
        return hashed

    def image(self) -> str:
        """The exact image as Python sent it."""
        self.quiet()
        image: str = self.page.locator(".frame").evaluate("(frame) => frame.image")
        return image

    def save(self, path: Path) -> Path:
        """Press Save PNG and keep what comes."""
        with self.page.expect_download() as waiting:
            self.page.locator('[data-do="save"]').click()
        waiting.value.save_as(path)
        self.quiet()
        return path

    def drop(self, file: Path) -> None:
        """Open a file as the button does."""
        self.page.locator("input.file").set_input_files(str(file))
        self.page.wait_for_selector(".notice:not([hidden]), .opener .square:not([hidden])")
        self.quiet()

    def choose(self, left: float, top: float, side: float) -> None:
        """Draw the square of a photo that is opened, in shares of its width, and use it."""
        frame = self.page.locator(".frame").bounding_box()
        square = self.page.locator(".square")
        box = square.bounding_box()
        assert frame is not None
        assert box is not None
        x, y, wanted = box["x"] + box["width"] - 8, box["y"] + box["height"] - 8, side
        by = wanted * frame["width"] - box["width"]
        self._pull((x, y), (x + by, y + by))
        x, y = box["x"] + 10, box["y"] + 10
        to = frame["x"] + left * frame["width"] + 10, frame["y"] + top * frame["width"] + 10
        self._pull((x, y), to)
        self.click('[data-open="square"]')
        self.page.locator(".ofphoto").wait_for()
        self.quiet()

    def _pull(self, start: tuple[float, float], to: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*to, steps=6)
        self.page.mouse.up()

    def stroke(self, *points: tuple[float, float]) -> None:
        """Draw on the picture through points, which are shares of its sides."""
        box = self.page.locator(".veil").bounding_box()
        assert box is not None
        (x, y), *others = points
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.page.mouse.down()
        for x, y in others:
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        self.page.mouse.up()

    def drag(self, at: int = 0, moves: int = 60, pause: float = 0.016) -> dict[str, Any]:
        """Drag a slider from end to end and back; when the pointer moved, and what was drawn."""
        canvas = self.page.locator(".canvas")
        canvas.evaluate(_WATCH)
        box = self.page.locator(".slider").nth(at).bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        left, width = box["x"] + 12, box["width"] - 24
        self.page.mouse.move(left + width / 2, y)
        self.page.mouse.down()
        began = time.monotonic()
        for move in range(moves):
            share = abs(((2.0 * move / moves) % 2.0) - 1.0)
            self.page.mouse.move(left + share * width, y)
            time.sleep(pause)
        seconds = time.monotonic() - began
        self.page.mouse.up()
        self.quiet()
        notes: dict[str, Any] = self.page.evaluate("() => window.notes")
        return {**notes, "seconds": seconds}
