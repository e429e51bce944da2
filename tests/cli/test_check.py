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


def test_check_says_how_an_instruction_is_read_and_what_it_keeps(eclipsed: Run) -> None:
    ran = eclipsed("check", "make the hair bright, same background")
    assert ran.code == 0, ran.err
    assert "read as       bright hair" in ran.out
    assert "keeps         background" in ran.out
    result = eclipsed("check", "remove the hat and nothing else", "--json").json
    assert (result["text"], result["regions"]) == ("no hat", ["hat"])
    assert set(result["keep"]) == {"background", "skin", "hair", "eyes", "mouth"}
    assert "It is read as 'no hat'." in result["understood"]


def test_another_language_is_said_to_be_that(eclipsed: Run) -> None:
    result = eclipsed("check", "ponle gafas", "--json").json
    assert (result["verdict"], result["probability"], result["instead"]) == ("unlikely", 0.0, [])
    assert "reads English only" in result["reason"]
    assert "Spanish" in result["reason"]


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
