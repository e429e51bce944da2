from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from eclipsed.errors import BadFile, MissingExtra
from eclipsed.search.logs import StepReport, both, json_log, tensorboard_log


def report(step: int) -> StepReport:
    return StepReport(step, 9, {"total": 1.0 / step}, 0.5 * step)


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


def test_tensorboard_missing_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **kind: Any) -> Any:
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return real(name, *rest, **kind)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"eclipsed\[tensorboard\]"):
        tensorboard_log(tmp_path)


def test_tensorboard_gets_every_loss(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra eclipsed[tensorboard] is not installed")
    tensorboard_log(tmp_path)(report(1))
    assert any(tmp_path.iterdir())
