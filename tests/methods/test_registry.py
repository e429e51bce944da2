from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from eclipsed.errors import UnknownName
from eclipsed.methods.method import Method
from eclipsed.methods.registry import METHODS, method_named
from tests.method_table import table

PAGE = Path(__file__).parent.parent.parent / "docs" / "methods.md"


def test_the_page_holds_the_table_as_the_code_has_it() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_a_method_is_found_by_its_name_alone() -> None:
    assert method_named("eclipsed") is METHODS["eclipsed"]
    with pytest.raises(UnknownName, match=r"no method 'magic'.*eclipsed"):
        method_named("magic")


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_every_method_says_what_it_is(method: Method) -> None:
    assert method.paper
    assert method.about.endswith(".")
    assert method.differs.endswith(".")
    assert is_dataclass(method.config)
    method.config()  # every number has a default
    assert method.per_image == ("image" in {field.name for field in fields(method.config)})
