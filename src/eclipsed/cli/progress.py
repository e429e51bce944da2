"""How long jobs show on stderr: a moving bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from eclipsed.cli.console import note

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from eclipsed import hub
    from eclipsed.search.optimizer import State

OnStep = Callable[["State"], None]
_LINES = 10  # of a training whose stderr is no terminal


def _bars(*columns: ProgressColumn) -> Progress:
    """Moving bars that vanish at the end: name, bar, and these columns."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    shown = (TextColumn("{task.description}"), BarColumn(bar_width=24), *columns)
    return Progress(*shown, console=Console(stderr=True), transient=True)


@contextmanager
def training_progress(prompt: str) -> Iterator[OnStep]:
    """A callback for training that shows losses and the time that is left."""
    if not sys.stderr.isatty():
        yield _print_some
        return
    from rich.markup import escape
    from rich.progress import MofNCompleteColumn, TextColumn, TimeRemainingColumn

    losses = TextColumn("{task.fields[losses]}")
    with _bars(MofNCompleteColumn(), TimeRemainingColumn(), losses) as progress:
        # No total yet: the bar pulses while the world is looked at before the first step.
        task = progress.add_task(escape(prompt), total=None, losses="looking at the world")

        def on_step(state: State) -> None:
            progress.update(task, total=state.steps, completed=state.step, losses=_losses(state))
            if state.step == state.steps:
                note(_line(state))

        yield on_step


def progress(name: str = "training") -> OnStep:
    """A bar on stderr, for one training: `train_direction(world, goal, on_step=progress())`.

    name: what stands before the bar. Where stderr is no terminal, lines are printed instead. The
    bar vanishes when the training has ended, whatever ended it.
    """
    bar = ExitStack()
    show = bar.enter_context(training_progress(name))

    def on_step(state: State) -> None:
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


def _print_some(state: State) -> None:
    if state.step % max(1, state.steps // _LINES) == 0 or state.step == state.steps:
        note(_line(state))


def _line(state: State) -> str:
    return f"step {state.step} of {state.steps}, {state.seconds:.1f} s: {_losses(state)}"


def _losses(state: State) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in state.losses.items())
