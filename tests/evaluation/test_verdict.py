from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.evaluation.scores import INDEPENDENT, OWN
from eclipsed.evaluation.verdict import (
    NAMED,
    PARTLY,
    WORKS,
    changed_in,
    verdict_of,
    verdict_of_card,
)
from eclipsed.testing import patch_vector
from tests.evaluation.test_evaluate import make


def counted(count: int, of: int, **more: int) -> dict[str, Any]:
    """A score that is counted."""
    return {"median": count / of, "low": 0.0, "high": 1.0, "count": count, "of": of, **more}


def measured(median: float) -> dict[str, Any]:
    return {"median": median, "low": median, "high": median, "of": 32}


@pytest.mark.parametrize(
    ("scores", "prompt", "kind", "sentence"),
    [
        ({"success": counted(31, 32)}, "curly hair", "works", "Works on 31 of 32 images that"),
        ({"success": counted(1, 1)}, "curly hair", "works", "1 of 1 images that lacked it."),
        ({"success": counted(14, 14)}, "no beard", "works", "14 of 14 images that had it."),
        ({"success": counted(14, 14)}, "red hair, no beard", "works", "images that lacked it."),
        ({"success": counted(14, 32)}, "x", "partly", "14 of 32 images that lacked it show it at"),
        ({"success": counted(3, 32, backward=0)}, "x", "fails", "Hardly works: 3 of 32 images"),
        ({"success": counted(0, 32, backward=4)}, "x", "fails", "none of 32 images that lacked"),
        ({"success": counted(0, 32, backward=30)}, "x", "reversed", "at strength 1; at −1 30 do."),
        ({"success": counted(0, 1, backward=1)}, "x", "reversed", "at strength 1; at −1 1 does."),
        ({"success": counted(0, 6)}, "no hat", "fails", "images that had it has lost it"),
        ({"success": {"median": 0.97}}, "x", "works", "Works on 97% of the images that lacked it"),
        ({"success": {"median": 0.0}}, "x", "fails", "Fails: none of the images that lacked it"),
        (
            {"success": None, "reversal": counted(28, 32)},
            "x",
            "unknown",
            "every image already shows it. Strength −1 takes it away from 28 of 32 images.",
        ),
        (
            {"success": None, "reversal": counted(8, 32)},
            "no hat",
            "unknown",
            "no image has it. Strength −1 brings it to 8 of 32 images.",
        ),
        ({"preservation": measured(1.0)}, "x", "unknown", "in none of the images is it in sight."),
        ({"text_gain": measured(0.015)}, "a lobster", "fails", "hardly come nearer to the prompt"),
        ({"text_gain": measured(-0.24)}, "x", "fails", "move away from the prompt"),
        ({"text_gain": measured(0.4)}, "x", "unknown", "Seems to work: at strength 1 images come"),
        (
            {"text_gain": measured(0.4), "locality": measured(0.814)},
            "x",
            "unknown",
            "nearer to the prompt, 81% of the change in its region, says the judges' encoder",
        ),
        ({}, "", "unknown", "no judge knows what is asked for."),
    ],
)
def test_scores_in_words(scores: Any, prompt: str, kind: str, sentence: str) -> None:
    verdict = verdict_of(scores, INDEPENDENT, prompt)
    assert (verdict.kind, sentence in verdict.sentence) == (kind, True), verdict.sentence


def test_a_worlds_own_encoder_is_named() -> None:
    assert "the world's own encoder" in verdict_of({"text_gain": measured(0.4)}, OWN).sentence


@given(st.integers(1, 200), st.data())
def test_what_is_said_is_what_was_counted(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    backward = data.draw(st.integers(0, of))
    verdict = verdict_of({"success": counted(count, of, backward=backward)}, INDEPENDENT, "x")
    expected = "works" if count / of >= WORKS else "partly" if count / of >= PARTLY else None
    assert verdict.kind == (expected or verdict.kind)
    assert verdict.kind in ((expected,) if expected else ("fails", "reversed"))
    assert (f"{count} of {of} " if count else f"none of {of} ") in verdict.sentence
    if verdict.kind == "reversed":
        assert backward > count
        assert backward >= of / 2
    json.dumps(verdict.to_json(), allow_nan=False)


def test_what_else_changes_is_named_most_often_first() -> None:
    changed = changed_in([("skin",), ("skin", "top"), ("skin",), (), ("eyes",)])
    assert changed == {"skin": 0.6, "top": 0.2, "eyes": 0.2}
    verdict = verdict_of({"success": counted(4, 5)}, INDEPENDENT, "older", changed | {"top": NAMED})
    assert verdict.also == ("skin", "top")
    assert verdict.sentence.endswith("It also changes: skin (60%), top (25%).")
    # Of what no judge knows, what changes is all that can be told.
    unknown = verdict_of({"text_gain": measured(0.3)}, INDEPENDENT, "older", changed)
    assert unknown.sentence.endswith("It changes: skin (60%).")


def test_a_card_without_a_verdict_is_told_from_its_scores() -> None:
    assert verdict_of_card(make(torch.zeros(32), "bright hair")) is None
    old = make(patch_vector("hair"), "bright hair", scores={"success": {"median": 0.5}})
    assert verdict_of_card(old) == verdict_of(old.scores, "", "bright hair")
    told = verdict_of({"success": counted(3, 4)}).to_json()
    new = make(patch_vector("hair"), "bright hair", scores=old.scores, verdict=told)
    verdict = verdict_of_card(new)
    assert verdict is not None
    assert verdict.to_json() == told
