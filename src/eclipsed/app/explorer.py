"""What the pages Explore and Judge ask of a desk: sheets by the names of cards, drawn once.

What a person can mend is not raised: the desk's notice says it, and there is no sheet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from eclipsed.app import reports, sheets
from eclipsed.app.desk import Desk
from eclipsed.app.library import Entry
from eclipsed.app.reports import OnProgress, Report
from eclipsed.app.session import Session, next_seeds
from eclipsed.app.sheets import Row
from eclipsed.directions import Direction
from eclipsed.editing.animation import Kind
from eclipsed.errors import BadSetting
from eclipsed.files import sha256_of

PALETTE = 5
COLUMNS = 7
MOST_COMPARED = 8


class Explorer:
    """Sheets for one desk. A file is a card's name in the library."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.renderer = desk, desk.renderer

    @property
    def files(self) -> list[str]:
        """Cards that this world can use, the newest first."""
        generator = self.desk.world.generator
        return [entry.file for entry in self._entries() if not entry.trouble(generator)]

    def name_of(self, file: str) -> str:
        """What a card calls itself."""
        names = {entry.file: entry.name for entry in self._entries()}
        return names.get(file, file)

    def side_by_side(
        self, files: list[str], *, random: bool, channel: str, equal_change: bool
    ) -> bytes | None:
        """A row for each card; with a random direction like the first, and a channel of StyleSpace
        written "layer/channel", where asked for. None without a card."""
        if not files:
            return None
        words = (tuple(files), random, channel.strip(), equal_change)

        def draw() -> bytes:
            if len(files) > MOST_COMPARED:
                raise BadSetting(f"At most {MOST_COMPARED} cards fit side by side.")
            rows = [Row(self.name_of(file), self.desk.library.direction(file)) for file in files]
            if random:
                rows.append(sheets.random_row(rows[0].direction))
            if channel.strip():
                rows.append(sheets.style_channel(self.desk.world, *_channel(channel)))
            return sheets.side_by_side(
                self.renderer, self._plain, rows, COLUMNS, equal_change=equal_change
            )

        return self._sheet(("side by side", *words), files, draw)

    def palette(self, across: str | None, down: str | None) -> bytes | None:
        """Two cards against each other; None unless both are chosen."""
        if across is None or down is None:
            return None

        def draw() -> bytes:
            pair = [self.desk.library.direction(file) for file in (across, down)]
            return sheets.palette(self.renderer, self._plain, pair[0], pair[1], PALETTE)

        return self._sheet(("palette",), [across, down], draw)

    def grid(self, count: int) -> bytes | None:
        """Seeds from the desk's on, with its stack, the selected line at strengths; None without
        a selected line."""
        now = self.desk.session
        at = now.selected
        if at is None:
            return None
        seeds = next_seeds(now, count)

        def draw() -> bytes:
            return sheets.seeds_by_strengths(self.renderer, now, at, seeds, COLUMNS)

        key = ("grid", count, at, *(line.key() for line in now.lines))
        return self._sheet(key, [], draw)

    def layers(self, file: str | None) -> bytes | None:
        """What each range of layers does; None without a card."""
        if file is None:
            return None

        def draw() -> bytes:
            direction = self.desk.library.direction(file)
            return sheets.layer_sheet(self.renderer, self._plain, direction)

        return self._sheet(("layers",), [file], draw)

    def animation(self, to: int, kind: Kind) -> bytes | None:
        """From the desk's seed to another and back, with its stack, as an animation."""
        now = self.desk.session
        key = ("between", to, kind, *(line.key() for line in now.lines))
        return self._sheet(key, [], lambda: sheets.interpolation(self.renderer, now, to, kind))

    def report(self, file: str, count: int, on_progress: OnProgress) -> Report | None:
        """How good a card is, measured now; None where it cannot be used."""
        library, world = self.desk.library, self.desk.world
        return self.desk.attempt(
            lambda: reports.measure(world, library.direction(file), count, on_progress)
        )

    def report_sheet(self, report: Report) -> bytes | None:
        """The best, the median and the worst seed of a report."""
        key = ("report", report.ranked, _facts(report.direction))
        return self._sheet(key, [], lambda: reports.sheet(self.renderer, self._plain, report))

    def store_scores(self, file: str, report: Report) -> None:
        """Write the scores of a report into its card, and say so."""
        self.desk.carry_out(
            lambda: self.desk.library.store_scores(file, report.scores, report.judged_by),
            "The scores are in the card.",
        )

    def _entries(self) -> list[Entry]:
        return self.desk.attempt(self.desk.library.entries) or []

    @property
    def _plain(self) -> Session:
        """The desk's image without edits."""
        return replace(self.desk.session, lines=(), selected=None)

    def _sheet(
        self, words: tuple[object, ...], files: list[str], draw: Callable[[], bytes]
    ) -> bytes | None:
        now = self.desk.session

        def cached() -> bytes:
            cards = [_facts(self.desk.library.direction(file)) for file in files]
            key = (*words, now.seed, now.image_key, *cards)
            return self.renderer.cached(key, draw, len)

        return self.desk.attempt(cached)


def _facts(direction: Direction) -> tuple[object, ...]:
    return sha256_of(direction.vector), direction.unit, direction.name, direction.range


def _channel(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip(), re.ASCII)
    if match is None:
        raise BadSetting("This is not a channel.", "Write it like 5/17.")
    return int(match[1]), int(match[2])
