from __future__ import annotations

import json
from pathlib import Path

import pytest

from eclipsed.bench.records import ROWS, open_records, read_records
from eclipsed.errors import BadFile, BadSetting


def test_rows_are_on_disk_at_once_and_read_back(tmp_path: Path) -> None:
    records = open_records(tmp_path / "b", {"world": "fake", "ladder": [0.1]})
    records.add(
        kind="seed", seed=1, scores={"locality": 1 / 3, "success": None}, list=[0.123456789]
    )
    lines = (tmp_path / "b" / ROWS).read_text().splitlines()
    assert json.loads(lines[1])["scores"] == {"locality": 0.333333, "success": None}
    again = open_records(tmp_path / "b", {"world": "fake", "ladder": [0.1]})
    assert again.rows == records.rows
    assert [row["list"] for row in again.of("seed", seed=1)] == [[0.123457]]
    assert list(again.of("seed", seed=2)) == list(again.of("direction")) == []


def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    records = open_records(tmp_path, {})
    records.add(kind="seed", seed=1)
    whole = records.path.read_bytes()
    records.path.write_bytes(whole + b'{"kind": "seed", "se')
    assert len(open_records(tmp_path, {}).rows) == 2
    assert records.path.read_bytes() == whole
    records.path.write_bytes(b'{"ki')
    assert [row["kind"] for row in open_records(tmp_path, {}).rows] == ["bench"]


def test_another_bench_is_refused(tmp_path: Path) -> None:
    open_records(tmp_path, {"seeds": 8})
    with pytest.raises(BadSetting, match="its seeds differs"):
        open_records(tmp_path, {"seeds": 9})


@pytest.mark.parametrize("text", ["no json\n", "[1]\n", '{"a": 1}\n', "\xff\n"])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / ROWS
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BadFile, match="damaged"):
        read_records(path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile):
        open_records(tmp_path / "file" / "b", {})
