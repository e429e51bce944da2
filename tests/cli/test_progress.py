from __future__ import annotations

import sys

import pytest
import torch

from eclipsed.cli.progress import training_progress
from eclipsed.search.optimizer import State


def reports(steps: int) -> list[State]:
    zero = torch.zeros(1, 3)
    return [
        State(i, zero, zero, zero, steps, {"total": 1.0 / i}, 0.5 * i) for i in range(1, steps + 1)
    ]


def test_without_a_terminal_the_last_step_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with training_progress("curly hair") as on_step:
        for report in reports(200):
            on_step(report)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "step 200 of 200, 100.0 s\n"


def test_on_a_terminal_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    with training_progress("[bold]curly") as on_step:
        for report in reports(3):
            on_step(report)
    out, err = capsys.readouterr()
    assert out == ""
    assert "[bold]curly" in err
    assert "3/3" in err
    assert "step 3 of 3, 1.5 s" in err
