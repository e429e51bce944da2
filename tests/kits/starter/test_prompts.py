from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eclipsed.worlds.starter.predicates import PREDICATE
from eclipsed.worlds.starter.world import WEIGHTS
from eclipsed.worlds.weights import read_record
from kits.starter import prompts
from kits.starter.captions import phrasings
from kits.starter.report import page


def test_there_are_many_prompts_and_none_was_trained_on() -> None:
    asked = [pair for own in prompts.held_out_prompts().values() for pair in own.items()]
    assert len(asked) >= 30
    assert len({sentence for _, sentence in asked}) == len(asked)
    for name, sentence in asked:
        assert name in PREDICATE
        assert sentence in phrasings("held-out")[name]
    trained_on = {sentence for own in phrasings("train").values() for sentence in own}
    assert not trained_on & {sentence for _, sentence in asked}


def test_rows_are_ranked_by_flips_and_then_by_share() -> None:
    def row(success: float | None, locality: float) -> dict[str, object]:
        return {"scores": {"success": success, "locality": locality}}

    rows = [row(None, 0.9), row(0.5, 0.2), row(1.0, 0.3), row(1.0, 0.6)]
    assert prompts.ranked(rows) == [rows[3], rows[2], rows[1], rows[0]]


@pytest.mark.slow
def test_prompts_are_measured_into_the_record_and_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, docs = tmp_path / "weights", tmp_path / "docs"
    shutil.copytree(WEIGHTS, weights)
    (docs / "pictures").mkdir(parents=True)
    monkeypatch.setattr(prompts, "ASKED", {"hair": ("afro",), "mouth": ("tongue out",)})
    assert prompts.main(weights, docs, seeds=range(1_000_000, 1_000_004)) == 0
    record = read_record(weights)
    found = record["prompts"]
    assert found["seeds"] == 4
    assert found["tables"]["hair"][0]["scores"]["success"] > 0.5
    assert set(found["shown"]) == {"best", "median", "worst"}
    text = page(record)
    assert text == (docs / "starter.md").read_text(encoding="utf-8")
    for name, prompt in found["shown"].items():
        assert (docs / "pictures" / f"starter-{name}.png").is_file()
        assert f"The {name} prompt: {prompt}" in text
    # Nothing else of the record has changed.
    del record["prompts"]
    before = json.loads((WEIGHTS / "world.json").read_text(encoding="utf-8"))
    before.pop("prompts", None)
    assert record == before
