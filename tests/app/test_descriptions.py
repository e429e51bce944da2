from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from eclipsed.app import descriptions
from eclipsed.app.library import Library
from eclipsed.app.search import Status, layers_written
from eclipsed.errors import BadSetting
from eclipsed.evaluation.verdict import DirectionVerdict, Kind
from eclipsed.search.optimizer import State


def test_a_card_in_words(library: Library) -> None:
    direction = library.direction("eyes.safetensors")
    assert descriptions.headline(direction) == "in eyes · w+ · by hand · good from -1.5 to +3.0"
    assert descriptions.score_rows(direction.scores) == []
    scored = replace(
        direction,
        scores={
            "success": {"median": 0.5, "low": 0.25, "high": 1.0},
            "preservation": None,
            "odd": {"x": 1.0},
        },
        judged_by="independent networks",
        config={"steps": 12, "steps_done": 5},
    )
    success, preservation, odd = descriptions.score_rows(scored.scores)
    assert list(success.values())[:3] == ["success", "0.500", "0.250 … 1.000"]
    assert preservation["median"] == odd["median"] == "cannot be told"
    assert "trained for 5 of 12 steps" in descriptions.provenance(scored)


@pytest.mark.parametrize(
    ("kind", "sentence", "words", "colour"),
    [
        ("works", "Works on 31 of 32 images that lacked it.", "Works on 31 of 32", "green"),
        ("works", "Works on 93% of the images that lacked it.", "Works on 93%", "green"),
        (
            "partly",
            "Works in part: 9 of 20 images that lacked it show it. It also changes: skin (40%).",
            "Works in part: 9 of 20",
            "orange",
        ),
        ("fails", "Fails: none of 32 images that lacked it shows it.", "Fails: none of 32", "red"),
        (
            "reversed",
            "Hardly works: 1 of 9 images that had it; at −1 8 do.",
            "Hardly works: 1 of 9",
            "red",
        ),
        (
            "unknown",
            "Cannot be told: no image has it.",
            "Cannot be told: no image has it",
            "orange",
        ),
    ],
)
def test_a_verdict_is_one_badge(kind: Kind, sentence: str, words: str, colour: str) -> None:
    assert descriptions.badge(DirectionVerdict(kind, sentence)) == (words, colour)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (200, "3 min ago"),
        (7300, "2 h ago"),
        (200_000, "2 d ago"),
        (-50, "just now"),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert descriptions.ago(time.time() - seconds) == words


def test_progress_says_what_is_left() -> None:
    zero = torch.zeros(1, 2)
    state = State(4, zero, zero, zero, steps=12, seconds=2.0)
    fraction, words = descriptions.progress(Status("training", state=state))
    assert fraction == pytest.approx(1 / 3)
    assert words == "step 4 of 12, about 4 s left"
    assert descriptions.progress(Status("failed", error="No."))[1].startswith("No.")


@pytest.mark.parametrize(
    ("text", "layers"),
    [("", None), (" all ", None), ("3-5,7", (3, 4, 5, 7)), ("2, 2", (2,))],
)
def test_layers_are_written_as_on_the_command_line(
    text: str, layers: tuple[int, ...] | None
) -> None:
    assert layers_written(text) == layers


@pytest.mark.parametrize("text", ["x", "1-", "5-3", "1;2", "-1", "99999"])
def test_layers_that_make_no_sense(text: str) -> None:
    with pytest.raises(BadSetting):
        layers_written(text)
