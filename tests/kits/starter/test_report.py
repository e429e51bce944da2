from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from eclipsed.editing.images import load_png
from eclipsed.errors import BadFile
from eclipsed.worlds.starter.world import WEIGHTS
from eclipsed.worlds.weights import RECORD, read_record
from kits.starter.report import DOCS, LINES, PAGE, page, write_report
from tests.kits.starter.conftest import Smoke


@pytest.fixture
def record() -> dict[str, Any]:
    return read_record(WEIGHTS)


def row(text: str, name: str) -> list[str]:
    """The cells after the first of the table's row that begins so."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_committed_page_is_what_the_committed_record_says() -> None:
    """Holds before there are weights too: then there must be no page that speaks of them."""
    if (WEIGHTS / RECORD).exists():
        assert (DOCS / PAGE).read_text(encoding="utf-8") == page(read_record(WEIGHTS))
    else:
        assert not (DOCS / PAGE).exists()


def test_numbers_come_from_the_record(record: dict[str, Any]) -> None:
    scores = record["scores"]
    scores["generator"]["psnr"] = 29.123
    scores["encoder"]["world"]["held-out"]["auc"] = 0.95
    scores["oracle"]["on generated"]["mouth"] = 0.8
    scores["oracle"]["on renders"]["mouth"] = 0.95
    text = page(record)
    assert row(text, "generator, PSNR in dB") == ["26.9", "28.0", "30.0", "29.12", "floor"]
    assert row(text, "encoder, AUC, held-out phrasings")[-2:] == ["0.950", "target"]
    drop = row(text, "oracle, generated images minus renders, mouth")
    assert drop == ["−0.16", "−0.08", "−0.05", "−0.150", "**neither**"]


def test_what_misses_its_target_is_said(record: dict[str, Any]) -> None:
    record["scores"]["generator"]["psnr"] = 29.0
    text = page(record)
    assert "- generator, PSNR in dB: 29.00, short of its target" in text
    record["scores"]["generator"]["psnr"] = 31.0
    assert "- generator, PSNR in dB" not in page(record)


def test_what_is_unknown_is_a_dash(record: dict[str, Any]) -> None:
    record["scores"]["segmenter"]["world on renders"]["hat"] = None
    record["scores"]["oracle"]["on generated"]["eyes"] = None
    text = page(record)
    assert row(text, "hat")[0] == "–"
    assert row(text, "oracle, generated images minus renders, eyes")[-2:] == ["–", "**neither**"]


def test_every_coupling_and_every_network_has_a_row(record: dict[str, Any]) -> None:
    text = page(record)
    assert re.search(
        r"\| hair color: gray \| glasses: square glasses \| [\d.]+% \| [\d.]+% \|", text
    )
    assert row(text, "judge's encoder") == ["150,000", "64", "0.002"]
    assert row(text, "encoder's text")[-3:] == ["2,000,000", "256", "0.002"]
    assert "which learns from 3,000." in text
    assert "| generator at 128² | 96,000 | 16 | 0.03 |" in text
    assert "$" not in text
    assert "None" not in text
    assert "nan" not in text.lower().split()


def test_lines_ask_for_more_and_more() -> None:
    for line in LINES:
        assert line.floor <= line.target
        assert len(line.name) < 60


@pytest.mark.slow
def test_the_page_shows_only_pictures_that_are_made(smoke: Smoke, tmp_path: Path) -> None:
    write_report(smoke.world, tmp_path)
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\((pictures/[^)]+)\)", text))
    made = {f"pictures/{path.name}" for path in (tmp_path / "pictures").iterdir()}
    assert shown == made
    assert len(made) == 5
    for name in made:
        picture, recipe = load_png(tmp_path / name)
        assert min(picture.size) > 100
        assert recipe is not None
        assert f"starter-{recipe['picture']}.png" in name


def test_half_a_world_has_no_page(record: dict[str, Any], tmp_path: Path) -> None:
    del record["scores"]
    with pytest.raises(BadFile, match="no scores"):
        page(record)
    with pytest.raises(BadFile, match="no folder"):
        write_report(WEIGHTS, tmp_path / "missing")
