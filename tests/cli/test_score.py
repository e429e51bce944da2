from __future__ import annotations

import pytest

from eclipsed.evaluation import evaluate
from eclipsed.evaluation.scores import KEYS
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal, save_card


def test_score_reads_a_card(eclipsed: Run, world: World) -> None:
    save_card(world, "c.safetensors")
    result = eclipsed("score", "c.safetensors", "--json", "--seeds", "0-7").json
    assert set(result) == {*KEYS, "judged_by", "verdict"}
    assert result["judged_by"] == evaluate.INDEPENDENT
    assert result["success"]["median"] > 0.9
    ran = eclipsed("score", "c.safetensors")
    assert ran.code == 0
    assert "success" in ran.out
    save_card(world, "d.safetensors", generator_fingerprint="0" * 64)
    ran = eclipsed("score", "d.safetensors")
    assert ran.code == 1
    assert "made for the generator" in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["score", "missing.safetensors"], 1),
        (["score", "missing.safetensors", "--seeds", "b"], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)
