from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import preflight
from benchmarks.preflight import Asked, area, curve, interval, main, worked
from eclipsed.testing import fake_world


def row(success: float | None, locality: float | None, *regions: str) -> dict[str, Any]:
    return {"success": success, "locality": locality, "regions": list(regions)}


@pytest.mark.parametrize(
    ("found", "right"),
    [
        (row(0.5, 0.43, "hair"), True),
        (row(0.49, 0.9, "hair"), False),
        (row(1.0, 0.42, "hair"), False),
        (row(1.0, 0.42, "glasses"), True),
        (row(1.0, 0.31, "mouth"), True),
        (row(1.0, 0.31, "hair", "mouth"), True),  # the smaller part's aim holds
        (row(1.0, 0.5), True),
        (row(None, None, "hair"), False),
    ],
)
def test_what_counts_as_success(found: dict[str, Any], right: bool) -> None:
    assert worked(found) == right


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    labels = np.array([True, True, False, False])
    assert area(np.array([4.0, 3.0, 2.0, 1.0]), labels) == 1.0
    assert area(np.array([4.0, 1.0, 2.0, 1.0]), labels) == pytest.approx(2.5 / 4)
    low, high = interval(np.array([4.0, 1.0, 2.0, 1.0]), labels, times=200)
    assert 0.0 <= low < 2.5 / 4 < high <= 1.0


def test_the_curve_is_found_again() -> None:
    random = np.random.default_rng(0)
    scores = random.uniform(-10.0, 20.0, size=20_000)
    chances = 1.0 / (1.0 + np.exp(-(scores - 6.0) / 2.0))
    assert curve(scores, random.random(20_000) < chances) == pytest.approx((6.0, 2.0), abs=0.1)


def test_rows_are_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [
        Asked("bright hair", True, {"success": 1.0, "locality": 0.9}),
        Asked("dark hair", True, {"success": 0.9, "locality": 0.9}),
        Asked("an alien", False),
        Asked("a truck", False),
    ]
    monkeypatch.setattr(preflight, "asked", lambda: wanted)
    path = tmp_path / "rows.jsonl"
    main(path, fake_world(), range(4))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["prompt"] for one in rows] == [one.prompt for one in wanted]
    assert [worked(one) for one in rows] == [True, True, False, False]
    told = capsys.readouterr().out
    assert "4 prompts, 2 worked" in told
    monkeypatch.setattr(preflight, "row_of", lambda *_: pytest.fail("measured again"))
    main(path, fake_world(), range(4))
    assert capsys.readouterr().out == told


def test_what_the_record_knows_is_not_trained_again() -> None:
    listed = preflight.asked()
    assert len({one.prompt for one in listed}) == len(listed) >= 60
    assert sum(one.scores is not None for one in listed) == 41
    assert not any(one.scores for one in listed if not one.drawn)
