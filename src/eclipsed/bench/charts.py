"""Charts as SVG by matplotlib, which is needed here only; the same numbers give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclipsed.errors import MissingExtra, install_command

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that most eyes tell apart (Okabe and Ito); after the last they return, drawn otherwise.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
_MARKERS, _LINES = "os^", ("solid", "dashed", "dotted")
_WIDTH, _HEIGHT, _LEGEND = 4.2, 3.4, 1.8  # inches: of a panel, and of the names beside them
# Letters stay letters, and no name or date differs from one run to the next.
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "eclipsed",
    "svg.fonttype": "none",
    "font.size": 9.0,
    "font.sans-serif": ["DejaVu Sans"],
    "figure.constrained_layout.wspace": 0.06,
    "axes.grid": True,
    "axes.edgecolor": "#6b6b6b",
    "grid.color": "#dddddd",
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
}


@dataclass(frozen=True)
class Panel:
    """One plot of a chart."""

    # What its axes show.
    x: str
    y: str
    # Name → its points (x, y): a mark for one, a line through more.
    series: Mapping[str, Sequence[tuple[float, float]]]
    # A thin line across.
    level: float | None = None
    # Whether the x axis counts powers of ten.
    log: bool = False


def svg(panels: Sequence[Panel], names: Sequence[str]) -> bytes:
    """Plots side by side as SVG. names: of all series, in order; each looks the same everywhere.

    Raises MissingExtra where matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra(
            "Charts need matplotlib, which is not installed.",
            f"The same command draws them after: {install_command('bench')}",
        ) from error
    buffer = io.BytesIO()
    with rc_context(_STYLE):
        figure = Figure((_WIDTH * len(panels) + _LEGEND, _HEIGHT), layout="constrained")
        labels: dict[str, Any] = {}
        for index, panel in enumerate(panels, start=1):
            labels |= _draw(figure.add_subplot(1, len(panels), index), panel, names)
        shown = [name for name in names if name in labels]
        figure.legend([labels[name] for name in shown], shown, loc="outside right upper")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _draw(ax: Axes, panel: Panel, names: Sequence[str]) -> dict[str, Any]:
    """Draw a panel; name → what stands for it in the legend."""
    handles = {}
    for style, name in enumerate(names):
        if points := panel.series.get(name):
            again, colour = divmod(style, len(_COLOURS))
            (line,) = ax.plot(*zip(*points, strict=True), color=_COLOURS[colour])
            if len(points) == 1:
                line.set(linestyle="", marker=_MARKERS[again % len(_MARKERS)])
            else:
                line.set(linestyle=_LINES[again % len(_LINES)])
            handles[name] = line
    if panel.level is not None:
        ax.axhline(panel.level, color="#6b6b6b", linewidth=0.8)
    ax.set(xlabel=panel.x, ylabel=panel.y)
    if panel.log:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
    return handles
