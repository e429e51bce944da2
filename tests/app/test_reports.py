from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from eclipsed.app import descriptions, sheets
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.reports import Report, measure
from eclipsed.app.session import Session
from eclipsed.evaluation.evaluate import HELD_OUT_SEEDS, STRENGTHS, score_direction
from eclipsed.types import World


def nothing(done: int, of: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def report(world: World, library: Library) -> Report:
    return measure(world, library.direction("hair.safetensors"), 16, nothing)


def test_the_scores_are_those_of_the_command_line(
    world: World, library: Library, report: Report
) -> None:
    hair = library.direction("hair.safetensors")
    assert report.scores == score_direction(world, hair, seeds=HELD_OUT_SEEDS[:16])
    assert report.judged_by == "independent networks"
    assert report.seeds == HELD_OUT_SEEDS[:16]


def test_curves_go_over_all_strengths(report: Report) -> None:
    gain, probability, locality, leakage = report.curves
    assert [point["strength"] for point in gain.points] == list(STRENGTHS)
    for curve in (gain, probability):
        medians = [point["median"] for point in curve.points]
        assert medians == sorted(medians)
        assert medians[0] < medians[-1]
    for curve in report.curves:
        assert all(point["low"] <= point["median"] <= point["high"] for point in curve.points)
    assert 0.0 not in [point["strength"] for point in locality.points]  # nothing has changed there
    assert all(point["median"] > 0.5 for point in locality.points)
    assert {point["strength"]: point["median"] for point in leakage.points}[0.0] == 0.0


def test_progress_is_told_and_time_is_bounded(world: World, library: Library) -> None:
    told: list[tuple[int, int]] = []
    hair = library.direction("hair.safetensors")
    measure(world, hair, 16, lambda done, of: told.append((done, of)))
    assert told == [(8, 16), (16, 16)]
    short = measure(world, hair, 48, nothing, longest=0.0)
    assert (len(short.seeds), short.wanted) == (8, 48)
    assert "8 unseen images of 48, as time was up" in "\n".join(descriptions.report_lines(short))


def test_best_median_and_worst_are_ranked_by_text_gain(
    world: World, library: Library, report: Report
) -> None:
    assert [word for word, _ in report.ranked] == ["best", "median", "worst"]
    gains = []
    for _, seed in report.ranked:
        scores = score_direction(world, library.direction("hair.safetensors"), seeds=[seed])
        gain = scores["text_gain"]
        assert gain is not None
        gains.append(gain["median"])
    assert gains == sorted(gains, reverse=True)


def test_a_card_without_a_prompt_has_what_can_be_told(world: World, library: Library) -> None:
    hair = replace(library.direction("hair.safetensors"), prompt="", neutral="", regions=())
    report = measure(world, hair, 8, nothing)
    assert report.curves == ()
    assert len(report.ranked) == 3


def test_a_world_without_judges_says_who_judged(world: World, library: Library) -> None:
    report = measure(replace(world, judge=None), library.direction("hair.safetensors"), 8, nothing)
    assert report.judged_by == "the world's own networks"
    assert len(report.curves) == 3  # no probability


def test_the_sheet_has_a_row_for_each_ranked_seed(
    renderer: Renderer, session: Session, report: Report
) -> None:
    def height(rows: int) -> int:
        data = sheets.ranked(renderer, session, report.ranked[:rows], report.direction)
        return Image.open(io.BytesIO(data)).height

    assert 2 * 96 < height(3) - height(1) < 3 * 96
