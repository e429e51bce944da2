"""Every study runs from nothing to a report on a world that can hardly do anything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import World
from reproduction import ALL, STUDIES, studies_named
from reproduction.study import run_study

# These read hundreds of texts, or load spaCy.
_SLOW = ("fig5", "fig9")
_NAMES = [pytest.param(name, marks=pytest.mark.slow if name in _SLOW else ()) for name in STUDIES]


@pytest.mark.parametrize("name", _NAMES)
def test_it_reports_and_goes_on(name: str, small: World, tmp_path: Path) -> None:
    study = STUDIES[name]
    trainings = 1 if study.trainings else None
    done = run_study(small, name, study, tmp_path, trainings=trainings, seeds=2)
    assert done.report == tmp_path / name / "report.md"
    text = done.report.read_text()
    assert text.startswith(f"# {study.title}")
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == ["What the paper says", "What was measured here", "What survives"]
    assert done.verdicts
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path = tmp_path / name / target
        if path.suffix == ".svg":
            ElementTree.parse(path)
        else:
            Image.open(path).load()
    rows = tmp_path / name / "rows.jsonl"
    before, report = rows.read_bytes(), done.report.read_bytes()
    kinds = {json.loads(line)["kind"] for line in before.splitlines()}
    assert ("judged" in kinds) == bool(study.trainings)
    again = run_study(small, name, study, tmp_path, trainings=trainings, seeds=2)
    assert rows.read_bytes() == before
    assert again.report.read_bytes() == report


def test_a_report_is_of_what_is_asked_for(small: World, tmp_path: Path) -> None:
    """More trainings and images that are there already do not slip into a smaller report."""
    study = STUDIES["spaces"]
    few = run_study(small, "spaces", study, tmp_path, trainings=1, seeds=2)
    before = few.report.read_text()
    many = run_study(small, "spaces", study, tmp_path, trainings=2, seeds=3)
    assert "3 images" in many.report.read_text()
    again = run_study(small, "spaces", study, tmp_path, trainings=1, seeds=2)
    assert again.report.read_text() == before


def test_other_worlds_rows_are_refused(small: World, tmp_path: Path) -> None:
    run_study(small, "fig4", STUDIES["fig4"], tmp_path, seeds=2)
    with pytest.raises(BadSetting, match="another world"):
        run_study(small, "fig4", STUDIES["fig3"], tmp_path, seeds=2)


def test_unknown_names_are_refused_with_the_list() -> None:
    with pytest.raises(UnknownName, match=r"table1.*entanglement.*all"):
        studies_named("table2")
    assert studies_named(ALL) == STUDIES
    assert list(studies_named("fig6")) == ["fig6"]
