from __future__ import annotations

from pathlib import Path

import pytest

from eclipsed.app.licences import terms
from eclipsed.worlds.catalogue import catalogue


def test_a_public_world_says_its_terms() -> None:
    entry = catalogue()["ffhq"]
    lines = terms("ffhq")
    assert [line.split()[0] for line in lines] == ["generator", "encoder", "segmenter", "detector"]
    assert entry.generator.licence.name in lines[0]
    assert ("not for commercial use" in " ".join(lines)) == entry.non_commercial


def test_the_starter_says_what_its_notice_says() -> None:
    said = " ".join(terms("starter"))
    notice = " ".join((Path(__file__).parents[2] / "NOTICE").read_text().split())
    assert "Apache-2.0" in said
    assert "free for personal and commercial use" in said
    assert "free for personal and commercial use" in notice


@pytest.mark.parametrize("world", ["nowhere", "", "../..", "x" * 5000, "a\x00b"])
def test_a_world_that_names_none_says_nothing(world: str) -> None:
    assert terms(world) == ()


def test_a_damaged_description_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("nonsense")
    assert terms(str(tmp_path / "bad.toml")) == ()
