"""How long jobs show on stderr: a moving bar on a terminal, a line at the end elsewhere."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from eclipsed.cli.console import note, printable

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from eclipsed import hub


@runtime_checkable
class Steps(Protocol):
    """How far a training is, or the inversion of a photo; seconds since it began."""

    @property
    def step(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def seconds(self) -> float: ...


OnStep = Callable[[Steps], None]


def _bars(*columns: ProgressColumn) -> Progress:
    """Moving bars that vanish at the end: name, bar, and these columns."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    shown = (TextColumn("{task.description}"), BarColumn(bar_width=24), *columns)
    return Progress(*shown, console=Console(stderr=True), transient=True)


@contextmanager
def training_progress(prompt: str) -> Iterator[OnStep]:
    """A callback for training that shows how far it is and the time that is left; the losses are
    in the log. Where stderr is no terminal, the last step is said."""
    if not sys.stderr.isatty():
        yield _say_last
        return
    from rich.markup import escape
    from rich.progress import MofNCompleteColumn, TextColumn, TimeRemainingColumn

    doing = TextColumn("{task.fields[doing]}")
    with _bars(MofNCompleteColumn(), TimeRemainingColumn(), doing) as progress:
        # No total yet: the bar pulses while the world is looked at before the first step.
        task = progress.add_task(escape(prompt), total=None, doing="looking at the world")

        def on_step(state: Steps) -> None:
            progress.update(task, total=state.steps, completed=state.step, doing="")
            _say_last(state)

        yield on_step


def progress(name: str = "training") -> OnStep:
    """A bar on stderr, for one training: `train_direction(world, goal, on_step=progress())`.

    name: what stands before the bar. Where stderr is no terminal, lines are printed instead. The
    bar vanishes when the training has ended, whatever ended it.
    """
    bar = ExitStack()
    show = bar.enter_context(training_progress(name))

    def on_step(state: Steps) -> None:
        show(state)
        if state.step == state.steps:
            bar.close()

    weakref.finalize(on_step, bar.close)  # of a training that was stopped or failed
    return on_step


@contextmanager
def transfer_progress() -> Iterator[Callable[[str], hub.Progress]]:
    """A function that starts showing a file's transfer and returns what its progress goes to."""
    if not sys.stderr.isatty():
        yield _announce
        return
    from rich.markup import escape
    from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    with _bars(DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()) as progress:

        def start(name: str) -> hub.Progress:
            task = progress.add_task(escape(name), total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield start


# A job's name, and None when it begins, or its error ("" if none) and seconds when it ends.
OnJob = Callable[[str, tuple[str, float] | None], None]


@contextmanager
def batch_progress(total: int) -> Iterator[OnJob]:
    """A callback for a batch of so many jobs: how many are done, failed and running, how fast they
    go, and the time that is left. Failures, and where stderr is no terminal every job, get a line.
    """
    counts = {"done": 0, "failed": 0, "running": 0}
    began = time.monotonic()

    def count(ended: tuple[str, float] | None) -> int:
        counts["running"] += 1 if ended is None else -1
        if ended is not None:
            counts["failed" if ended[0] else "done"] += 1
        return counts["done"] + counts["failed"]

    if not sys.stderr.isatty():

        def say(name: str, ended: tuple[str, float] | None) -> None:
            number = count(ended)
            if ended is not None:
                what = ended[0] or f"{ended[1]:.1f} s"
                note(f"{number} of {total}, {name}: {what}")

        yield say
        return
    from rich.markup import escape
    from rich.progress import MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), TextColumn("{task.fields[counts]}"), TimeRemainingColumn())
    with _bars(*columns) as shown:
        task = shown.add_task("", total=total, counts="")

        def show(name: str, ended: tuple[str, float] | None) -> None:
            number = count(ended)
            rate = 60.0 * number / max(1e-9, time.monotonic() - began)
            words = ", ".join(f"{value} {key}" for key, value in counts.items())
            shown.update(task, completed=number, counts=f"{words}, {rate:.1f} a minute, left")
            if ended is not None and ended[0]:
                shown.console.print(escape(printable(f"{name}: {ended[0]}")), highlight=False)

        yield show


def _announce(name: str) -> hub.Progress:
    note(f"fetching {name}")
    return lambda *_: None  # a file that is no terminal gets no moving bar


def _say_last(state: Steps) -> None:
    if state.step == state.steps:
        note(f"step {state.step} of {state.steps}, {state.seconds:.1f} s")
