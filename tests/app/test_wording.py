from __future__ import annotations

import time
from dataclasses import replace

import pytest

from eclipsed.app import wording
from eclipsed.app.library import Library
from eclipsed.app.searching import Status, layers_written, space_named
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.search.logs import StepReport
from eclipsed.types import World


def test_a_card_in_words(library: Library) -> None:
    direction = library.direction("eyes.safetensors")
    assert wording.headline(direction) == "in eyes · w+ · by hand · good from -1.5 to +3.0"
    assert wording.score_lines(direction) == []
    assert wording.badges(direction) == []
    assert wording.score_table(direction.scores).rows == ()
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
    assert wording.score_lines(scored) == [
        "success 0.500 [0.250, 1.000], of seeds without the attribute, those that show it at +1",
        "preservation cannot be told, of the other visible attributes stay",
        "odd cannot be told",
    ]
    assert wording.badges(scored) == [("success 0.50", "orange")]
    success, preservation, odd = wording.score_table(scored.scores).rows
    assert [cell.text for cell in success[:3]] == ["success", "0.500", "0.250 … 1.000"]
    assert success[1].shade == 0.5
    assert preservation[1].text == odd[1].text == "cannot be told"
    assert "trained for 5 of 12 steps" in wording.provenance(scored)


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
    assert wording.ago(time.time() - seconds) == words


def test_progress_says_what_is_left() -> None:
    report = StepReport(step=4, steps=12, losses={}, seconds=2.0)
    share, words = wording.progress(Status("training", report=report))
    assert share == pytest.approx(1 / 3)
    assert words == "step 4 of 12, about 4 s left"
    for stage in ("checking", "asking", "looking", "training", "scoring", "done", "stopped"):
        share, words = wording.progress(Status(stage))
        assert 0.0 <= share <= 1.0
        assert words.endswith(" s")
    assert wording.progress(Status("failed", error="No."))[1].startswith("No.")


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


def test_spaces_are_known_by_name(world: World) -> None:
    assert space_named(None) is None
    assert space_named("w+") == "w+"
    with pytest.raises(UnknownName):
        space_named("v")
