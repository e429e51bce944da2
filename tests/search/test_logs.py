from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from eclipsed.errors import BadFile
from eclipsed.search.logs import StepReport, both, json_log


def report(step: int) -> StepReport:
    return StepReport(step, 9, {"total": 1.0 / step}, 0.5 * step, torch.zeros(1, 2))


def steps_in(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_one_line_a_step(tmp_path: Path) -> None:
    write = json_log(tmp_path / "log.jsonl")
    for step in (1, 2):
        write(report(step))
    first, second = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert first == {"step": 1, "steps": 9, "losses": {"total": 1.0}, "seconds": 0.5}
    assert second["step"] == 2


def test_a_resumed_training_reads_as_one(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write = json_log(path)
    for step in (1, 2, 3, 4):
        write(report(step))
    path.write_text(path.read_text() + '{"step": 5, "lo')  # killed while writing
    write = json_log(path)
    for step in (3, 4, 5):
        write(report(step))
    assert steps_in(path) == [1, 2, 3, 4, 5]


def test_a_new_training_starts_a_new_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    json_log(path)(report(3))
    json_log(path)(report(1))
    assert steps_in(path) == [1]


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="Cannot write"):
        json_log(tmp_path / "missing" / "log.jsonl")(report(1))


def test_both_calls_everything_in_order() -> None:
    seen: list[str] = []
    both(lambda r: seen.append(f"a{r.step}"), None, lambda r: seen.append(f"b{r.step}"))(report(2))
    assert seen == ["a2", "b2"]
