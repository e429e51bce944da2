from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eclipsed.types import World
from tests.cli.conftest import Run

WORDS = ("study", "fig4", "--seeds", "3")


def test_study_writes_rows_and_a_report(eclipsed: Run) -> None:
    ran = eclipsed(*WORDS)
    assert ran.code == 0, ran.err
    assert "read study/fig4/report.md" in ran.out
    assert "cannot be told" in ran.out
    assert "fig4: Fig. 4" in ran.err
    for name in ("rows.jsonl", "report.md", "report.html"):
        assert (Path("study/fig4") / name).exists()


def test_study_as_json_is_one_object_and_goes_on(eclipsed: Run) -> None:
    found: dict[str, Any] = eclipsed(*WORDS, "-o", "x", "--json").json
    assert set(found["studies"]) == {"fig4"}
    assert found["studies"]["fig4"]["report"] == "x/fig4/report.md"
    rows = Path("x/fig4/rows.jsonl").read_bytes()
    again = eclipsed(*WORDS, "-o", "x", "--json").json
    assert again["studies"] == found["studies"]
    assert Path("x/fig4/rows.jsonl").read_bytes() == rows


def test_unknown_names_are_refused_with_the_list(eclipsed: Run) -> None:
    ran = eclipsed("study", "fig1")
    assert ran.code == 2
    assert "There is no study 'fig1'" in ran.err
    assert "table1" in ran.err
    assert "entanglement" in ran.err
    assert list(Path().iterdir()) == []


def test_a_folder_of_another_world_is_refused(eclipsed: Run, world: World) -> None:
    eclipsed(*WORDS)
    path = Path("study/fig4/rows.jsonl")
    path.write_text(path.read_text().replace(world.generator.fingerprint, "0" * 64))
    ran = eclipsed(*WORDS)
    assert ran.code == 1
    assert "was made with another world" in ran.err


def test_ctrl_c_says_what_is_kept(eclipsed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from eclipsed.study.figures import study

    def cut(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "run_study", cut)
    ran = eclipsed(*WORDS)
    assert ran.code == 130
    assert "what is done is kept in study" in ran.err
