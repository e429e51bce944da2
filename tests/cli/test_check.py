from __future__ import annotations

import pytest

from tests.cli.conftest import Run, check_refusal


def test_check_says_what_was_understood(eclipsed: Run) -> None:
    ran = eclipsed("check", "bright hair")
    assert ran.code == 0, ran.err
    assert ran.out.startswith(("likely: ", "unsure: "))
    assert "because" in ran.out
    result = eclipsed("check", "bright hair", "--json", "--region", "none").json
    assert result["regions"] == []
    assert result["coverage"] == 1.0
    assert result["verdict"] in ("likely", "unsure", "unlikely")
    assert {"best", "worst", "contrast", "present", "reason", "understood"} <= set(result)
    assert {"probability", "trial", "spread", "instead"} <= set(result)
    assert result["changes"] == ["bright hair"]


def test_cuda_where_there_is_none_is_a_sentence(
    eclipsed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ran = eclipsed("check", "bright hair", "--device", "cuda")
    assert ran.code == 1
    assert "--device cpu" in ran.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check", ""], 2),
        (["check", "bright hair", "--region", "nose"], 1),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)
