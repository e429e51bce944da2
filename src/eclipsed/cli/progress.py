"""A progress bar on stderr with losses and the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eclipsed.logs import StepReport


@contextmanager
def training_progress(prompt: str) -> Iterator[Callable[[StepReport], None]]:
    """A callback for training that moves the bar; the bar is there as long as the context."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
        console=Console(stderr=True),
    )
    with progress:
        # No total yet: the bar pulses while the world is looked at before the first step.
        task = progress.add_task(escape(prompt), total=None, losses="")

        def on_step(report: StepReport) -> None:
            losses = "  ".join(f"{name} {value:.3f}" for name, value in report.losses.items())
            progress.update(task, total=report.steps, completed=report.step, losses=losses)

        yield on_step
