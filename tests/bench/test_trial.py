from __future__ import annotations

from typing import Any

import pytest

from eclipsed.bench.protocol import ENDS, FIRST_SEED, LADDER
from eclipsed.bench.trial import quick_look, try_direction, try_strength
from eclipsed.directions import Direction
from eclipsed.evaluation.evaluate import CURVES
from eclipsed.evaluation.observe import (
    Evaluator,
    Sample,
    Target,
    evaluator_of,
    sample_seeds,
    target_of,
)
from eclipsed.evaluation.scores import SLIDER
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.types import World
from tests.bench.conftest import Numbers, direction_of

SEEDS = tuple(range(FIRST_SEED, FIRST_SEED + 20))


def tried(
    world: World, prompt: str = "bright hair", **numbers: float
) -> tuple[Evaluator, Target, Direction, Sample]:
    evaluator = evaluator_of(world)
    goal = goal_from_prompt(prompt, world)
    return (
        evaluator,
        target_of(evaluator, goal),
        direction_of(world, goal, Numbers(**numbers)),
        sample_seeds(evaluator, SEEDS),
    )


def short(number: Any) -> Any:
    """As a row has it: within half of the fourth digit."""
    return pytest.approx(number, rel=5e-4, abs=1e-5) if isinstance(number, float) else number


def test_the_first_seeds_climb_the_ladder(world: World) -> None:
    evaluator, target, direction, sample = tried(world)
    rows = try_direction(evaluator, target, direction, sample, 17)
    assert [row["seed"] for row in rows] == list(SEEDS)
    assert all(row["strengths"] == list(LADDER) for row in rows[:17])
    assert all(row["strengths"] == list(ENDS) for row in rows[17:])
    assert set(rows[0]["slider"]) == set(SLIDER)
    assert rows[18]["slider"] is None
    assert set(rows[0]["curves"]) == set(CURVES)
    for name in CURVES:
        assert len(rows[0]["curves"][name]) == len(LADDER)
    zero = LADDER.index(0.0)
    assert rows[0]["curves"]["projection"][zero] == rows[0]["curves"]["artifact"][zero] == 0.0
    assert rows[0]["curves"]["artifact"][-1] > 0.1  # far beyond what the fake can draw


def test_a_clean_direction_is_told_from_a_leaky_one(world: World) -> None:
    scores = {}
    for leak in (0.0, 1.0):
        evaluator, target, direction, sample = tried(world, leak=leak)
        scores[leak] = try_direction(evaluator, target, direction, sample, 20)[0]["scores"]
    assert scores[0.0]["locality"] == pytest.approx(1.0)
    assert scores[0.0]["psnr"] == 100.0
    assert scores[0.0]["ssim"] == pytest.approx(1.0, abs=1e-5)
    assert scores[0.0]["distance"] == pytest.approx(0.0, abs=1e-4)
    assert scores[1.0]["locality"] < 0.7
    assert scores[1.0]["psnr"] < 30.0
    assert scores[1.0]["ssim"] < 0.99
    assert scores[1.0]["distance"] > 0.002


def test_a_single_strength_says_the_same_as_the_ladder(world: World) -> None:
    evaluator, target, direction, sample = tried(world, leak=0.2)
    at_one = try_strength(evaluator, target, direction, sample, 1.0)
    for row, other in zip(
        at_one, try_direction(evaluator, target, direction, sample, 20), strict=True
    ):
        assert (row["seed"], row["has"]) == (other["seed"], other["has"])
        for key, value in row["scores"].items():
            assert value == short(other["scores"][key]), key
    looks = quick_look(evaluator, target, direction, sample, 1.0)
    assert tuple(looks) == SEEDS
    for row in at_one:
        projection, shows = looks[row["seed"]]
        assert row["scores"]["projection"] == short(projection)
        assert row["scores"]["success"] == (shows if row["has"] is False else None)


def test_what_no_judge_can_tell_is_not_there(silent_world: World) -> None:
    evaluator, target, direction, sample = tried(silent_world)
    rows = try_direction(evaluator, target, direction, sample, 2)
    assert set(rows[0]["curves"]) == {"projection", "text_gain"}
    assert set(rows[0]["scores"]) == {
        "text_gain", "projection", "locality", "leakage", "psnr", "ssim", "identity",
        "monotonicity",
    }  # fmt: skip
    assert set(rows[0]["slider"]) == {"csm", "mid", "projection_range"}
    assert rows[0]["has"] is None
    assert "success" not in try_strength(evaluator, target, direction, sample, 1.0)[0]["scores"]
    assert {shows for _, shows in quick_look(*tried(silent_world), 1.0).values()} == {None}


def test_a_prompt_beyond_the_judge_has_no_flips(world: World) -> None:
    evaluator, target, direction, sample = tried(world, "a castle")
    row = try_direction(evaluator, target, direction, sample, 1)[0]
    assert "success" not in row["scores"]
    assert "artifact" in row["scores"]


def test_reach_grows_with_strength_where_the_cosine_does_not(world: World) -> None:
    """Why methods are matched by projection."""
    evaluator, target, direction, sample = tried(world)
    row = try_direction(evaluator, target, direction, sample, 1)[0]
    some, more = LADDER.index(0.25), LADDER.index(1.0)
    projection, gain = row["curves"]["projection"], row["curves"]["text_gain"]
    assert projection[more] > 2.0 * projection[some] > 0.0
    assert abs(gain[more] - gain[some]) < 0.2
