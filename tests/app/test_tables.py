from __future__ import annotations

import json

import pytest

from eclipsed.app.tables import Cell, Table, heads
from tests.app.hostile import HOSTILE

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_table_is_plain_json() -> None:
    made = Table(
        heads(["", "a"]),
        ((Cell("x", strong=True), Cell("0.5", (PNG, b"\xff\xd8\xff"), shade=1.5, tone="good")),),
    )
    found = json.loads(json.dumps(made.to_json()))
    assert [cell["text"] for cell in found["head"]] == ["", "a"]
    (first, second) = found["rows"][0]
    assert (first["strong"], first["shade"], first["pictures"]) == (True, None, [])
    assert (second["shade"], second["tone"]) == (1.0, "good")
    assert [uri.split(";")[0] for uri in second["pictures"]] == [
        "data:image/png",
        "data:image/jpeg",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_left_as_they_are(text: str) -> None:
    assert Cell(text).to_json()["text"] == text


def test_a_row_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="cell for each head"):
        Table(heads(["a", "b"]), ((Cell("x"),),))
