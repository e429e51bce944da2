from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eclipsed import worlds
from eclipsed.cli import console
from eclipsed.types import World
from reproduction import judging, sweeps
from reproduction.__main__ import app
from tests.reproduction.conftest import STUDY


@pytest.fixture
def here(small: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The fake world stands in for "starter" and the current folder is empty."""
    monkeypatch.setattr(worlds, "load_world", lambda *_: small)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_it_writes_rows_and_a_report_and_the_same_again(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sweeps, "studies_named", lambda _: {"small": STUDY})
    words = ("small", "--seeds", "2", "--trainings", "1", "-o", "x")
    assert console.run(app, words) == 0
    assert capsys.readouterr().out == "x/small/report.md\n"
    pages = [Path("x/small") / name for name in ("rows.jsonl", "report.md")]
    data = [path.read_bytes() for path in pages]
    assert console.run(app, words) == 0
    assert [path.read_bytes() for path in pages] == data


def test_unknown_names_are_refused_with_the_list(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console.run(app, ("fig1",)) == 2
    said = capsys.readouterr().err
    assert "There is no study 'fig1'" in said
    assert list(here.iterdir()) == []


def test_ctrl_c_says_what_is_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cut(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "measure", cut)
    assert console.run(app, ("fig6", "-o", "x")) == 130
    assert "what is done is kept in x" in capsys.readouterr().err
