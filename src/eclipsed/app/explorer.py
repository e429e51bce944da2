"""What the pages Explore and Judge ask of a desk: sheets by the names of cards, drawn once.

What a person can mend is not raised: the desk's notice says it, and there is no sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eclipsed.app import arithmetic, exploring, reports
from eclipsed.app import session as sessions
from eclipsed.app.answers import Answers, ask, texts_written
from eclipsed.app.arithmetic import Sum, seeds_written
from eclipsed.app.components import components, row_sets
from eclipsed.app.desk import Desk
from eclipsed.app.exploring import Row
from eclipsed.app.library import checked_name, named
from eclipsed.app.phrasing import Phrasing, look, phrasings_written
from eclipsed.app.reports import OnProgress, Report
from eclipsed.app.session import Session
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
        return [entry.file for entry in self.desk.entries() if not self.desk.trouble(entry)]

    def name_of(self, file: str) -> str:
        """What a card calls itself."""
        names = {entry.file: entry.name for entry in self.desk.entries()}
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
                rows.append(exploring.random_row(rows[0].direction))
            if channel.strip():
                rows.append(exploring.style_channel(self.renderer.world, *_channel(channel)))
            return exploring.side_by_side(
                self.renderer, self._plain, rows, COLUMNS, equal_change=equal_change
            )

        return self._sheet(("side by side", *words), files, draw)

    def palette(self, across: str | None, down: str | None) -> bytes | None:
        """Two cards against each other; None unless both are chosen."""
        if across is None or down is None:
            return None

        def draw() -> bytes:
            pair = [self.desk.library.direction(file) for file in (across, down)]
            return exploring.palette(self.renderer, self._plain, pair[0], pair[1], PALETTE)

        return self._sheet(("palette",), [across, down], draw)

    def grid(self, count: int) -> bytes | None:
        """Seeds from the desk's on, with its stack, the selected line at strengths; None without
        a selected line."""
        now = self.desk.session
        at = now.selected
        if at is None:
            return None
        seeds = [sessions.step_seed(now, step).seed for step in range(count)]

        def draw() -> bytes:
            return exploring.seeds_by_strengths(self.renderer, now, at, seeds, COLUMNS)

        key = ("grid", count, at, *(line.key() for line in now.lines))
        return self._sheet(key, [], draw)

    def layers(self, file: str | None) -> bytes | None:
        """What each range of layers does; None without a card."""
        if file is None:
            return None

        def draw() -> bytes:
            direction = self.desk.library.direction(file)
            return exploring.layer_sheet(self.renderer, self._plain, direction)

        return self._sheet(("layers",), [file], draw)

    def animation(self, to: int, kind: Kind) -> bytes | None:
        """From the desk's seed to another and back, with its stack, as an animation."""
        now = self.desk.session
        key = ("between", to, kind, *(line.key() for line in now.lines))
        return self._sheet(key, [], lambda: exploring.interpolation(self.renderer, now, to, kind))

    @property
    def row_sets(self) -> list[str]:
        """Which layers components may move."""
        return list(row_sets(self.renderer.world.generator))

    def components(self, way: str, count: int, rows: str) -> list[Direction] | None:
        """The first components of GANSpace or SeFa; None where the generator has none."""
        key = ("components", way, count, rows)
        return self.desk.attempt(
            lambda: self.renderer.keep(
                key, lambda: components(self.renderer.world, way, count, rows), _size
            )
        )

    def component_sheet(self, found: list[Direction]) -> bytes | None:
        """A row for each component on the desk's image, a column for each strength."""

        def draw() -> bytes:
            rows = [Row(direction.name, direction) for direction in found]
            return exploring.side_by_side(self.renderer, self._plain, rows, COLUMNS)

        return self._sheet(("components", *map(_facts, found)), [], draw)

    def total(self, plus: str, minus: str, to: str) -> Sum | None:
        """Seeds as they are written, the desk's own where nothing is to be added to."""
        own = (self.desk.session.seed,)
        return self.desk.attempt(
            lambda: Sum(
                seeds_written(plus), seeds_written(minus), seeds_written(to) if to.strip() else own
            )
        )

    def sum_sheet(self, total: Sum) -> bytes | None:
        """The images of a sum and what comes out."""
        world, truncation = self.renderer.world, self.desk.session.truncation
        key = ("sum", total)
        return self._sheet(key, [], lambda: arithmetic.sheet(world, total, truncation))

    def keep_sum(self, total: Sum, name: str, prompt: str) -> None:
        """Keep the difference of a sum as a card, and say so."""
        world, truncation = self.renderer.world, self.desk.session.truncation
        self._keep(lambda: arithmetic.card(world, total, truncation, prompt), name)

    def keep(self, direction: Direction, name: str) -> None:
        """Keep a direction in the library under a name, and say so."""
        self._keep(lambda: direction, name)

    def _keep(self, make: Callable[[], Direction], name: str) -> None:
        def kept() -> None:
            checked_name(name)  # before seconds are spent on making it
            file = self.desk.library.add(named(make(), name))
            self.desk.tell(f"In the library as “{self.name_of(file)}”.")

        self.desk.attempt(kept)

    def answers(self, texts: str, count: int) -> Answers | None:
        """What the encoder says to as many images, from the desk's seed on, and to some lines."""
        now = self.desk.session
        seeds = [sessions.step_seed(now, step).seed for step in range(count)]
        return self.desk.attempt(
            lambda: self.renderer.keep(
                ("answers", tuple(seeds), texts),
                lambda: ask(self.renderer.world, seeds, texts_written(texts)),
                lambda found: found.size,
            )
        )

    def phrasings(self, text: str) -> list[Phrasing] | None:
        """What pre-flight says to each line of a text, one at a time so that others may draw."""
        lines = self.desk.attempt(lambda: phrasings_written(text))
        return (
            None if lines is None else self.desk.attempt(lambda: list(map(self._phrasing, lines)))
        )

    def _phrasing(self, words: str) -> Phrasing:
        key, world = ("phrasing", words), self.renderer.world
        return self.renderer.keep(key, lambda: look(world, words), lambda found: found.size)

    def report(self, file: str, count: int, on_progress: OnProgress) -> Report | None:
        """How good a card is, measured now; None where it cannot be used."""
        library, world = self.desk.library, self.renderer.world
        return self.desk.attempt(
            lambda: reports.measure(world, library.direction(file), count, on_progress)
        )

    def report_sheet(self, report: Report) -> bytes | None:
        """The best, the median and the worst seed of a report."""
        key = ("report", report.ranked, _facts(report.direction))
        return self._sheet(key, [], lambda: reports.sheet(self.renderer, self._plain, report))

    def keep_scores(self, file: str, report: Report) -> None:
        """Write the scores of a report into its card, and say so."""

        def kept() -> None:
            self.desk.library.keep_scores(file, report.scores, report.judged_by)
            self.desk.tell("The scores are in the card.")

        self.desk.attempt(kept)

    @property
    def _plain(self) -> Session:
        """The desk's image without edits."""
        return replace(self.desk.session, lines=(), selected=None)

    def _sheet(
        self, words: tuple[object, ...], files: list[str], draw: Callable[[], bytes]
    ) -> bytes | None:
        now = self.desk.session

        def found() -> bytes:
            cards = [_facts(self.desk.library.direction(file)) for file in files]
            key = (*words, now.seed, now.image_key, *cards)
            return self.renderer.keep(key, draw, len)

        return self.desk.attempt(found)


def _facts(direction: Direction) -> tuple[object, ...]:
    return sha256_of(direction.vector), direction.unit, direction.name, direction.range


def _size(found: list[Direction]) -> int:
    return sum(direction.vector.nbytes for direction in found)


def _channel(text: str) -> tuple[int, int]:
    layer, slash, channel = text.strip().partition("/")
    if not slash or not (layer.isascii() and layer.isdigit() and channel.isascii()):
        raise BadSetting("This channel makes no sense.", "Write it like 5/17.")
    if not channel.isdigit() or len(text) > 20:
        raise BadSetting("This channel makes no sense.", "Write it like 5/17.")
    return int(layer), int(channel)
