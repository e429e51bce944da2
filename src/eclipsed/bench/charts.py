"""Charts as SVG, drawn by hand so that a report needs nothing else: dots, lines, rows, shades."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

# Colours that stay apart for most eyes (Okabe and Ito), then the same with other marks.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
_WIDE, _HIGH = 460, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 28, 42
_LINE, _INK, _GREY = "#dddddd", "#1a1a1a", "#6b6b6b"
_BROAD, _ROW, _ROOM = 640, 44, 24  # of a chart of rows: its width, a row's height, its margins
# Of a chart of shades: a cell's size, and the room for names to the left and, slanting, above.
_CELL, _CELL_HIGH, _NAMES, _SLANT = 52, 22, 190, 84
_TICKS = 5  # of an axis, about
_SMALLEST = 1e-3  # that an axis of powers shows


@dataclass(frozen=True)
class Series:
    """A name and its points (x, y); `style` is its place in the order of colours and marks."""

    name: str
    points: tuple[tuple[float, float], ...]
    style: int


def mark(style: int, x: float, y: float, size: float = 4.5) -> str:
    """A contender's mark, the same in every chart."""
    colour = _COLOURS[style % len(_COLOURS)]
    kind = style // len(_COLOURS) % 3
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}"/>'
    if kind == 1:
        box = f'x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size}" height="{2 * size}"'
        return f'<rect {box} fill="{colour}"/>'
    corners = f"{x:.1f},{y - size:.1f} {x + size:.1f},{y + size:.1f} {x - size:.1f},{y + size:.1f}"
    return f'<polygon points="{corners}" fill="{colour}"/>'


def legend(names: Sequence[str]) -> str:
    """Which mark belongs to whom."""
    columns, wide, high = 5, 170, 18
    drawn = []
    for i, name in enumerate(names):
        x, y = wide * (i % columns) + 10, high * (i // columns) + 12
        drawn.append(f'{mark(i, x, y)}<text x="{x + 12}" y="{y + 4}">{escape(name)}</text>')
    return _svg(wide * columns, high * -(-len(names) // columns) + 6, drawn, "legend")


def dots(series: Sequence[Series], title: str, x_title: str, *, log_x: bool = False) -> str:
    """A mark at each series' points."""
    frame = _Frame.around(series, log_x=log_x)
    drawn = [mark(one.style, *frame.at(x, y)) for one in series for x, y in one.points]
    return frame.svg(drawn, title, x_title)


def lines(series: Sequence[Series], title: str, x_title: str, *, level: float | None = None) -> str:
    """A line through each series' points; `level` is drawn across, dashed."""
    frame = _Frame.around(series, log_x=False)
    drawn = []
    if level is not None:
        y = frame.at(frame.x[0], level)[1]
        ends = f'x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        drawn.append(f'<line {ends} stroke="{_GREY}" stroke-dasharray="4 3"/>')
    for one in series:
        places = [frame.at(x, y) for x, y in one.points]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour = _COLOURS[one.style % len(_COLOURS)]
        drawn.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        drawn += [mark(one.style, x, y, 2.5) for x, y in places]
    return frame.svg(drawn, title, x_title)


@dataclass(frozen=True)
class Row:
    """A name, its values, and their middle with its interval."""

    name: str
    values: tuple[float, ...]
    middle: float
    low: float
    high: float


def rows(shown: Sequence[Row], title: str, x_title: str) -> str:
    """Each row's values as faint marks, under its name, with the middle and its interval; a line
    stands at 0."""
    low, high = _padded([0.0, *(x for row in shown for x in (*row.values, row.low, row.high))])
    bottom = _TOP + _ROW * len(shown)

    def across(x: float) -> float:
        return _ROOM + (x - low) / (high - low) * (_BROAD - 2 * _ROOM)

    drawn = [f'<text x="{_ROOM}" y="17" fill="{_INK}">{escape(title)}</text>']
    for x, label in _ticks((low, high), log=False):
        at = f"{across(x):.1f}"
        drawn.append(f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{label}</text>')
    zero = f'x1="{across(0.0):.1f}" x2="{across(0.0):.1f}" y1="{_TOP}" y2="{bottom}"'
    drawn.append(f'<line {zero} stroke="{_GREY}" stroke-dasharray="4 3"/>')
    for place, row in enumerate(shown):
        colour = _COLOURS[place % len(_COLOURS)]
        y = _TOP + _ROW * place + 28
        drawn.append(f'<text x="{_ROOM}" y="{y - 12}" fill="{_INK}">{escape(row.name)}</text>')
        drawn += [
            f'<circle cx="{across(x):.1f}" cy="{y}" r="4" fill="{colour}" fill-opacity="0.35"/>'
            for x in row.values
        ]
        ends = f'x1="{across(row.low):.1f}" x2="{across(row.high):.1f}" y1="{y}" y2="{y}"'
        drawn.append(f'<line {ends} stroke="{colour}" stroke-width="3"/>')
        drawn.append(f'<circle cx="{across(row.middle):.1f}" cy="{y}" r="5.5" fill="{colour}"/>')
    below = f'x="{_BROAD / 2}" y="{bottom + 34}" text-anchor="middle"'
    drawn.append(f"<text {below}>{escape(x_title)}</text>")
    return _svg(_BROAD, bottom + 42, drawn, title)


def shades(shown: Mapping[str, Mapping[str, float]], title: str) -> str:
    """A row of cells for each name, as dark as their shares (0 to 1) are large; empty where a row
    lacks a column. A thin line parts rows whose names begin differently."""
    columns = list(dict.fromkeys(key for one in shown.values() for key in one))
    top = _TOP + _SLANT
    drawn = [f'<text x="8" y="17" fill="{_INK}">{escape(title)}</text>']
    for place, column in enumerate(columns):
        x, y = _NAMES + _CELL * (place + 0.5), top - 8
        drawn.append(
            f'<text transform="translate({x:.0f} {y}) rotate(-40)">{escape(column)}</text>'
        )
    wide, before = _NAMES + _CELL * len(columns) + _SLANT, ""
    for place, (name, shares) in enumerate(shown.items()):
        y = top + _CELL_HIGH * place
        group = name.partition(",")[0]
        if before not in ("", group):
            ends = f'x1="8" x2="{wide - _SLANT}" y1="{y}" y2="{y}"'
            drawn.append(f'<line {ends} stroke="{_GREY}"/>')
        before = group
        drawn.append(f'<text x="{_NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>')
        for column, share in shares.items():
            x = _NAMES + _CELL * columns.index(column)
            box = f'x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_CELL_HIGH - 2}"'
            shade = f'fill="{_COLOURS[0]}" fill-opacity="{0.03 + 0.97 * share:.3f}"'
            ink = "#ffffff" if share > 0.55 else _INK
            drawn.append(f"<rect {box} {shade}/>")
            at = f'x="{x + _CELL / 2:.0f}" y="{y + 15}" text-anchor="middle"'
            drawn.append(f'<text {at} fill="{ink}">{share:.2f}</text>')
    return _svg(wide, top + _CELL_HIGH * len(shown) + 8, drawn, title)


@dataclass(frozen=True)
class _Frame:
    """The ranges that a chart shows, and where its numbers lie on the page."""

    x: tuple[float, float]
    y: tuple[float, float]
    log_x: bool

    @classmethod
    def around(cls, series: Sequence[Series], *, log_x: bool) -> _Frame:
        points = [point for one in series for point in one.points]
        xs = [math.log10(max(x, _SMALLEST)) if log_x else x for x, _ in points] or [0.0, 1.0]
        ys = [y for _, y in points] or [0.0, 1.0]
        return cls(_padded(xs), _padded(ys), log_x)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Numbers → pixels."""
        return self.place(math.log10(max(x, _SMALLEST)) if self.log_x else x, y)

    def place(self, across: float, up: float) -> tuple[float, float]:
        """Numbers as the axes count them → pixels."""
        right = (across - self.x[0]) / (self.x[1] - self.x[0])
        rise = (up - self.y[0]) / (self.y[1] - self.y[0])
        return (
            _LEFT + right * (_WIDE - _LEFT - _RIGHT),
            _HIGH - _BOTTOM - rise * (_HIGH - _TOP - _BOTTOM),
        )

    def svg(self, drawn: Sequence[str], title: str, x_title: str) -> str:
        parts = [f'<text x="{_LEFT}" y="17" fill="{_INK}">{escape(title)}</text>']
        for across, label in _ticks(self.x, log=self.log_x):
            x = self.place(across, 0.0)[0]
            below = _HIGH - _BOTTOM + 16
            parts.append(f'<text x="{x:.1f}" y="{below}" text-anchor="middle">{label}</text>')
        for up, label in _ticks(self.y, log=False):
            y = self.place(0.0, up)[1]
            ends = f'x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
            parts.append(f'<line {ends} stroke="{_LINE}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
        middle = (_LEFT + _WIDE - _RIGHT) / 2
        parts.append(
            f'<text x="{middle}" y="{_HIGH - 8}" text-anchor="middle">{escape(x_title)}</text>'
        )
        return _svg(_WIDE, _HIGH, [*parts, *drawn], title)


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or max(0.1 * abs(high), 0.1)
    return low - room, high + room


def _ticks(ends: tuple[float, float], *, log: bool) -> list[tuple[float, str]]:
    """Round numbers between the ends of an axis, where they lie on it, and how they read.

    log: the axis counts powers of ten, and 1, 2 and 5 times these are round.
    """
    low, high = ends
    if log:
        powers = range(math.floor(low), math.ceil(high) + 1)
        values = [factor * 10.0**power for power in powers for factor in (1.0, 2.0, 5.0)]
        return [(math.log10(v), f"{v:g}") for v in values if low <= math.log10(v) <= high]
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [(i * step, f"{i * step:.6g}") for i in range(first, last + 1)]


def _svg(wide: int, high: int, parts: Sequence[str], label: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" role="img" aria-label="{escape(label)}" font-family="sans-serif" '
        f'font-size="12" fill="{_GREY}">'
    )
    return head + "".join(parts) + "</svg>"
