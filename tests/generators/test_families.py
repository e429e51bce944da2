from __future__ import annotations

from pathlib import Path

from eclipsed.generators.loading import FAMILIES
from tests.families import GENERATORS, table

PAGE = Path(__file__).parents[2] / "docs" / "real.md"


def test_the_page_holds_the_table_as_the_code_has_it() -> None:
    assert set(GENERATORS) == set(FAMILIES)
    assert table() in PAGE.read_text(encoding="utf-8")
