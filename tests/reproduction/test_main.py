from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eclipsed.cli import console
from eclipsed.types import World
from reproduction.__main__ import app
from tests.cli.conftest import Ran, Run, stand_in


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The fake world stands in for "starter" and the current folder is empty."""
    return stand_in(monkeypatch, tmp_path)


@pytest.fixture
def reproduce(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = console.run(app, arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


WORDS = ("fig4", "--seeds", "3")


def test_study_writes_rows_and_a_report(reproduce: Run) -> None:
    ran = reproduce(*WORDS)
    assert ran.code == 0, ran.err
    assert "read study/fig4/report.md" in ran.out
    assert "cannot be told" in ran.out
    assert "fig4: Fig. 4" in ran.err
    for name in ("rows.jsonl", "report.md", "report.html"):
        assert (Path("study/fig4") / name).exists()


def test_study_as_json_is_one_object_and_goes_on(reproduce: Run) -> None:
    found: dict[str, Any] = reproduce(*WORDS, "-o", "x", "--json").json
    assert set(found["studies"]) == {"fig4"}
    assert found["studies"]["fig4"]["report"] == "x/fig4/report.md"
    rows = Path("x/fig4/rows.jsonl").read_bytes()
    again = reproduce(*WORDS, "-o", "x", "--json").json
    assert again["studies"] == found["studies"]
    assert Path("x/fig4/rows.jsonl").read_bytes() == rows


def test_unknown_names_are_refused_with_the_list(reproduce: Run) -> None:
    ran = reproduce("fig1")
    assert ran.code == 2
    assert "There is no study 'fig1'" in ran.err
    assert "table1" in ran.err
    assert "entanglement" in ran.err
    assert list(Path().iterdir()) == []


def test_a_folder_of_another_world_is_refused(reproduce: Run, world: World) -> None:
    reproduce(*WORDS)
    path = Path("study/fig4/rows.jsonl")
    path.write_text(path.read_text().replace(world.generator.fingerprint, "0" * 64))
    ran = reproduce(*WORDS)
    assert ran.code == 1
    assert "was made with another world" in ran.err


def test_ctrl_c_says_what_is_kept(reproduce: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from reproduction import study

    def cut(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "run_study", cut)
    ran = reproduce(*WORDS)
    assert ran.code == 130
    assert "what is done is kept in study" in ran.err
