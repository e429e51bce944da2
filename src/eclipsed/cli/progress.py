"""How long jobs show on stderr: a moving bar on a terminal, a line at the end elsewhere."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from eclipsed.cli.console import note

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


def _announce(name: str) -> hub.Progress:
    note(f"fetching {name}")
    return lambda *_: None  # a file that is no terminal gets no moving bar


def _say_last(state: Steps) -> None:
    if state.step == state.steps:
        note(f"step {state.step} of {state.steps}, {state.seconds:.1f} s")
