"""Where training reports its steps besides the screen: a JSON-lines file.

A writer is a callback for `training`; any number can be chained with `both`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from eclipsed.files import failure, write_atomic


@dataclass(frozen=True)
class StepReport:
    """One finished step: its number from 1, of how many, its losses, seconds since the start.

    directions: [K, D], what is learned so far, before it is calibrated.
    """

    step: int
    steps: int
    losses: dict[str, float]
    seconds: float
    directions: Tensor = field(repr=False, compare=False)


OnStep = Callable[[StepReport], None]


def json_log(path: Path) -> OnStep:
    """A callback that writes one JSON line a step.

    When a training is resumed, lines of steps that are now done again are dropped first, so that
    the file always reads as one uninterrupted training. Raises BadFile when it cannot be written.
    """
    begun = False

    def write(report: StepReport) -> None:
        nonlocal begun
        facts = {name: getattr(report, name) for name in ("step", "steps", "losses", "seconds")}
        line = json.dumps(facts) + "\n"
        if not begun:
            write_atomic(path, (_lines_before(path, report.step) + line).encode())
            begun = True
            return
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise failure("write", path, error) from error

    return write


def _lines_before(path: Path, step: int) -> str:
    """The file's whole lines of earlier steps; a half line that a kill left behind is dropped."""
    kept = []
    with suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                if json.loads(line)["step"] < step:
                    kept.append(line + "\n")
    return "".join(kept)


def both(*callbacks: OnStep | None) -> OnStep:
    """One callback that calls all of them, in order; None stands for nothing."""

    def call(report: StepReport) -> None:
        for callback in callbacks:
            if callback is not None:
                callback(report)

    return call
