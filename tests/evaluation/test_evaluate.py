from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from eclipsed.directions import Direction
from eclipsed.errors import WrongGenerator
from eclipsed.evaluation import evaluate
from eclipsed.evaluation.evaluate import (
    HELD_OUT_SEEDS,
    LatentScores,
    score_direction,
)
from eclipsed.evaluation.observe import Observation
from eclipsed.evaluation.scores import KEYS
from eclipsed.generators import spaces
from eclipsed.search import calibration, pool, preflight
from eclipsed.testing import (
    FakeGenerator,
    FakeJudge,
    FakeSegmenter,
    brightness,
    fake_world,
    patch_vector,
)
from eclipsed.types import Claim, Synthesis, Verdict, World

WORLD = fake_world()
LADDER = (-2.0, -1.0, 0.0, 1.0, 2.0)


def make(vector: Tensor, prompt: str, *regions: str, **changes: Any) -> Direction:
    generator = FakeGenerator()
    fields: dict[str, Any] = {
        "vector": vector,
        "name": prompt,
        "prompt": prompt,
        "neutral": "a person",
        "regions": regions,
        "space": "w+",
        "layers": generator.layers("w+"),
        "generator_name": generator.name,
        "generator_fingerprint": generator.fingerprint,
        "method": "text",
    }
    return Direction(**(fields | changes))


HAIR = make(patch_vector("hair"), "bright hair", "hair", "hat")
LEAKY = make(patch_vector("hair") + patch_vector("mouth"), "bright hair", "hair", "hat")
HAT = make(2.0 * patch_vector("hair", stripes=True), "a hat", "hat")


def world_with(judge: Any) -> World:
    return dataclasses.replace(WORLD, judge=lambda: judge)


def scored(
    world: World, direction: Direction, seeds: Sequence[int], **options: Any
) -> list[LatentScores]:
    latents = world.generator.sample(seeds, space="z")
    return evaluate.evaluate(world, direction, latents, **options)


def rows_of(direction: Direction, judge: Any = None, count: int = 40) -> list[LatentScores]:
    world = world_with(judge) if judge else WORLD
    return scored(world, direction, HELD_OUT_SEEDS[:count], strengths=LADDER)


def middle(direction: Direction, world: World = WORLD) -> dict[str, float | None]:
    scores = score_direction(world, direction, seeds=HELD_OUT_SEEDS[:40], strengths=LADDER)
    return {key: score and score["median"] for key, score in scores.items()}


def test_the_keys_are_those_of_the_contract() -> None:
    scores = score_direction(WORLD, HAIR, seeds=HELD_OUT_SEEDS[:8])
    assert tuple(scores) == KEYS
    for score in scores.values():
        assert score is not None
        assert tuple(score)[:5] == ("median", "low", "high", "worst", "of")
        assert score["low"] <= score["median"] <= score["high"]
    json.dumps(scores, allow_nan=False)


def test_a_clean_direction_scores_well() -> None:
    found = middle(HAIR)
    assert found["locality"] == pytest.approx(1.0)
    assert found["leakage"] == pytest.approx(0.0, abs=1e-7)
    assert found["identity"] == pytest.approx(1.0)
    assert found["preservation"] == found["monotonicity"] == 1.0
    assert min(found["success"] or 0, found["reversal"] or 0, found["text_gain"] or 0) > 0.95


class Measuring(FakeJudge):
    """Measures the brightness of patches instead of telling bright from dark."""

    def attributes(self, images: Tensor) -> Verdict:
        verdict = super().attributes(images)
        levels = {
            name: (0.5 + brightness(images, name)).clamp(0.0, 1.0)
            for name in ("hair", "mouth", "eyes")
        }
        pairs = {name: torch.stack([1.0 - v, v], dim=1) for name, v in levels.items()}
        return Verdict({**verdict.probabilities, **pairs}, verdict.visible, levels)

    def claim(self, prompt: str) -> Claim | None:
        claim = super().claim(prompt)
        return claim and dataclasses.replace(claim, span=(0.7, 1.0))


def test_a_judge_that_measures_tells_how_far_attributes_move() -> None:
    clean, leaky = (middle(direction, world_with(Measuring())) for direction in (HAIR, LEAKY))
    assert (clean["move"] or 0.0) > 0.3
    assert clean["drift"] == pytest.approx(0.0, abs=1e-5)
    assert (leaky["drift"] or 0.0) > 0.1
    assert (clean["linearity"] or 0.0) > 0.9
    assert (clean["success"] or 0.0) > 0.9
    weak = middle(make(0.1 * patch_vector("hair"), "bright hair", "hair"), world_with(Measuring()))
    assert 0.0 < (weak["move"] or 0.0) < 0.25
    assert (weak["success"] or 0.0) < 0.3
    assert weak["preservation"] == 1.0
    assert not {"move", "drift", "linearity"} & set(middle(HAIR))


def test_the_opposite_direction_scores_badly() -> None:
    found = middle(make(-patch_vector("hair"), "bright hair", "hair", "hat"))
    assert found["success"] == found["reversal"] == found["monotonicity"] == 0.0
    assert (found["text_gain"] or 0.0) < -0.9
    assert found["locality"] == pytest.approx(1.0)


def test_a_direction_that_does_nothing_gains_nothing() -> None:
    found = middle(make(torch.zeros(32), "bright hair", "hair"))
    assert found["success"] == found["reversal"] == found["text_gain"] == found["leakage"] == 0.0
    assert found["locality"] is None
    assert found["preservation"] == found["monotonicity"] == 1.0


def test_a_leak_is_seen_in_share_outside_kept_and_identity() -> None:
    found, clean = middle(LEAKY), middle(HAIR)
    hair, mouth = 8 * 20, 5 * 12
    assert found["locality"] == pytest.approx(hair / (hair + mouth), abs=0.01)
    assert (found["leakage"] or 0.0) > 0.03
    assert (found["preservation"] or 1.0) < 0.9
    assert (found["identity"] or 1.0) < (clean["identity"] or 0.0) - 0.01


def test_flip_is_asked_of_seeds_without_the_attribute_and_opposite_of_those_with() -> None:
    rows = rows_of(HAIR)
    kinds = {(row.has, row.success is None, row.reversal is None) for row in rows}
    assert kinds == {(True, True, False), (False, False, True), (None, True, True)}
    for row in rows:
        assert row.probabilities is not None
        at = dict(zip(row.strengths, row.probabilities, strict=True))
        if row.has is False:
            assert at[0.0] < 0.5
            assert row.success is (at[1.0] > 0.5)
        if row.has is True:
            assert at[0.0] > 0.5
            assert row.reversal is (at[-1.0] < 0.5)


def test_what_is_out_of_sight_is_not_asked() -> None:
    hidden = [row for row in rows_of(HAIR) if row.has is None]
    assert hidden
    assert {(row.success, row.reversal, row.monotonicity) for row in hidden} == {(None, None, None)}


def test_what_the_edit_hides_does_not_count_as_changed() -> None:
    # A hat hides the hair, whose colour the judge then guesses at random.
    class Guesser(FakeJudge):
        def attributes(self, images: Tensor) -> Verdict:
            verdict = super().attributes(images)
            hair = torch.where(verdict.visible["hair"][:, None], verdict.probabilities["hair"], 0.5)
            flipped = verdict.probabilities["hair"].flip(1)
            hair = torch.where(verdict.visible["hair"][:, None], hair, flipped)
            return Verdict({**verdict.probabilities, "hair": hair}, verdict.visible)

    rows = rows_of(HAT, Guesser())
    assert {row.preservation for row in rows} == {1.0}
    assert {row.success for row in rows} == {True, None}


def test_the_region_is_the_union_of_before_and_after() -> None:
    rows = [row for row in rows_of(HAT) if row.has is False]
    assert rows
    assert all(row.locality == pytest.approx(1.0) for row in rows)


@pytest.mark.parametrize(("pixels", "whole"), [(1, True), (2, False)])
def test_the_region_is_dilated_by_two_pixels_at_128(pixels: int, whole: bool) -> None:
    class Eroding(FakeSegmenter):
        def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
            mask = super().masks(synthesis, regions)[:, None]
            return 1.0 - F.max_pool2d(1.0 - mask, 2 * pixels + 1, 1, pixels)[:, 0]

    # One pixel at the size of these images, 32.
    direction = make(patch_vector("mouth"), "bright mouth", "mouth")
    rows = rows_of(direction, FakeJudge(segmenter=Eroding()), 4)
    assert all((row.locality == pytest.approx(1.0)) is whole for row in rows)


def test_the_claimed_values_count_together() -> None:
    class Undecided(FakeJudge):
        def attributes(self, images: Tensor) -> Verdict:
            verdict = super().attributes(images)
            bright = verdict.probabilities["hair"][:, 1:]
            three = torch.cat([1.0 - bright, 0.5 * bright, 0.5 * bright], dim=1)
            return Verdict({**verdict.probabilities, "hair": three}, verdict.visible)

        def claim(self, prompt: str) -> Claim | None:
            return Claim("hair", ("bright", "brighter"))

    judge = Undecided(groups={**FakeJudge().groups, "hair": ("dark", "bright", "brighter")})
    assert rows_of(HAIR, judge) == rows_of(HAIR)


def test_what_the_judge_cannot_tell_is_none() -> None:
    unclaimed = middle(make(patch_vector("hair"), "a nice day", "hair"))
    assert {key for key, value in unclaimed.items() if value is None} == {
        "success",
        "reversal",
        "preservation",
    }
    foreign = middle(make(patch_vector("hair"), "bright hair", "hair", "paws"))
    assert {key for key, value in foreign.items() if value is None} == {
        "locality",
        "leakage",
        "identity",
    }
    for wordless in ("a person", ""):
        same = middle(make(patch_vector("hair"), wordless, "hair", name="untold"))
        assert same["text_gain"] is None
        assert same["monotonicity"] is None


def test_a_world_without_judges_is_judged_by_its_own_networks() -> None:
    alone = fake_world(judged=False)
    judges = evaluate.judged_by(WORLD), evaluate.judged_by(alone)
    assert judges == (evaluate.INDEPENDENT, evaluate.OWN)
    found = middle(HAIR, alone)
    assert {key for key, value in found.items() if value is None} == {
        "success",
        "reversal",
        "preservation",
    }
    assert found["locality"] == pytest.approx(1.0)
    assert found["monotonicity"] == 1.0
    assert (found["text_gain"] or 0.0) > 0.95
    leaky = middle(LEAKY, alone)
    assert (leaky["identity"] or 1.0) < (found["identity"] or 0.0) - 0.01
    back = middle(make(-patch_vector("hair"), "bright hair", "hair"), alone)
    assert back["monotonicity"] == 0.0


def test_a_segmenter_that_reads_features_is_given_them() -> None:
    class Reading(FakeSegmenter):
        def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
            part = synthesis.features["layer_1"].abs().sum(dim=1, keepdim=True)
            return (F.interpolate(part, synthesis.image.shape[-2:])[:, 0] > 0).float()

    segmenter = Reading(feature_names=("layer_1",))
    world = dataclasses.replace(fake_world(judged=False), segmenter=segmenter)
    rows = scored(world, HAIR, [1, 2], strengths=LADDER)
    assert all(row.locality is not None for row in rows)


@pytest.mark.parametrize(("fall", "steady"), [(0.04, True), (0.06, False)])
def test_an_encoders_score_may_fall_by_a_twentieth_of_its_range(fall: float, steady: bool) -> None:
    levels = torch.tensor([[0.0, 5.0, 10.0, 10.0 * (1.0 - fall)]])
    assert evaluate._rises_by_text(levels) is steady


def test_a_change_of_the_whole_image_has_no_outside() -> None:
    found = middle(make(patch_vector("hair"), "bright hair"))
    assert found["locality"] is None
    assert found["leakage"] is None
    assert (found["identity"] or 1.0) < 0.999


def test_a_fall_at_any_strength_breaks_monotony() -> None:
    class Dipping(FakeJudge):
        def attributes(self, images: Tensor) -> Verdict:
            verdict = super().attributes(images)
            bright = verdict.probabilities["hair"][:, 1]
            level = images[:, :, :8, 6:26].mean(dim=(1, 2, 3))
            dipped = torch.where(level > 1.2, 0.9 * bright, bright)
            pair = torch.stack([1.0 - dipped, dipped], dim=1)
            return Verdict({**verdict.probabilities, "hair": pair}, verdict.visible)

    assert all(row.monotonicity in (True, None) for row in rows_of(HAIR))
    assert any(row.monotonicity is False for row in rows_of(HAIR, Dipping()))


def test_rows_are_in_order_and_do_not_depend_on_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    many = rows_of(HAIR)
    assert len(many) == 40
    monkeypatch.setattr(evaluate, "BATCH", 7)
    for one, other in zip(many, rows_of(HAIR), strict=True):
        assert one.success == other.success
        assert one.text_gain == pytest.approx(other.text_gain, abs=1e-5)
    json.dumps([dataclasses.asdict(row) for row in many], allow_nan=False)


def test_the_prompt_is_read_once_and_every_image_is_shown_once() -> None:
    class Counting(FakeJudge):
        asked = 0

        def claim(self, prompt: str) -> Claim | None:
            self.asked += 1
            return super().claim(prompt)

    judge = Counting()
    seen: list[dict[float, Observation]] = []
    seeds = HELD_OUT_SEEDS[: 2 * evaluate.BATCH + 1]
    scored(
        world_with(judge),
        HAIR,
        seeds,
        strengths=LADDER,
        watch=lambda shown: seen.append(dict(shown)),
    )
    assert judge.asked == 1
    assert [tuple(shown) for shown in seen] == 3 * [LADDER]
    assert sum(len(shown[0.0].codes) for shown in seen) == len(seeds)
    assert not torch.equal(seen[0][0.0].codes, seen[0][2.0].codes)


def test_latents_stand_in_for_seeds() -> None:
    generator = WORLD.generator
    latents = generator.sample(HELD_OUT_SEEDS[:8], space="z")
    by_seed = score_direction(WORLD, HAIR, seeds=HELD_OUT_SEEDS[:8])
    assert score_direction(WORLD, HAIR, latents=latents, space="z") == by_seed
    in_w = generator.convert(latents, "z", "w+", WORLD.truncation)
    for key, score in score_direction(WORLD, HAIR, latents=in_w).items():
        assert score == pytest.approx(by_seed[key], abs=1e-4), key


def test_needed_strengths_are_added_and_sorted() -> None:
    row = scored(WORLD, HAIR, [1], strengths=(2.0, -0.5))[0]
    assert row.strengths == (-1.0, -0.5, 0.0, 1.0, 2.0)


def test_another_generators_direction_is_refused() -> None:
    with pytest.raises(WrongGenerator):
        score_direction(WORLD, make(torch.zeros(32), "x", generator_fingerprint="0"), seeds=[1])


def test_no_other_part_looks_at_the_held_out_seeds() -> None:
    others = {*pool.SEEDS, *calibration.SEEDS, *preflight.SEEDS, *spaces._SPREAD_SEEDS}
    assert others.isdisjoint(HELD_OUT_SEEDS)
    # Training counts upwards from here.
    assert max(HELD_OUT_SEEDS) < pool.FIRST_SEED


def latent(has: bool | None, locality: float, **changes: Any) -> LatentScores:
    values = dict.fromkeys(KEYS) | {"locality": locality, "has": has, "strengths": LADDER}
    return LatentScores(**(values | {"probabilities": None} | changes))


def test_what_is_measured_at_strength_1_counts_where_there_was_something_to_change() -> None:
    lacks = [latent(False, 0.9, success=True, backward=False) for _ in range(3)]
    others = [latent(True, 0.0, reversal=True), latent(None, 0.1)]
    scores = evaluate.summary(lacks + 4 * others)
    assert scores["locality"] == {
        **dict.fromkeys(("median", "low", "high", "worst"), 0.9),
        "of": 3,
    }
    assert scores["success"] == {
        **dict.fromkeys(("median", "low", "high"), 1.0),
        "worst": None,
        "of": 3,
        "count": 3,
        "backward": 0,
    }
    reversal = scores["reversal"]
    assert reversal is not None
    assert (reversal["of"], reversal["count"]) == (4, 4)
    # Where none lacks it there is nothing else to count.
    everywhere = evaluate.summary(others)["locality"]
    assert everywhere is not None
    assert everywhere["of"] == 2


def test_a_direction_whose_reversal_does_what_was_asked_is_turned_round() -> None:
    wrong = make(-patch_vector("hair"), "bright hair", "hair", "hat", range=(-2.0, 1.5))
    mended = evaluate.scored(WORLD, wrong, seeds=HELD_OUT_SEEDS[:16])
    assert torch.equal(mended.vector, -wrong.vector)
    assert (mended.unit, mended.range) == (wrong.unit, (-1.5, 2.0))
    assert mended.config["turned"] is True
    assert mended.verdict["kind"] == "works"
    assert mended.judged_by == evaluate.INDEPENDENT
    again = score_direction(WORLD, mended, seeds=HELD_OUT_SEEDS[:16])
    assert {**mended.scores, "monotonicity": None} == {**again, "monotonicity": None}


@pytest.mark.parametrize(
    ("direction", "kind"),
    [
        (HAIR, "works"),
        (make(torch.zeros(32), "bright hair", "hair"), "fails"),
        # What was never seen at negative strengths is not used there.
        (make(-patch_vector("hair"), "bright hair", "hair", range=(0.0, 1.0)), "reversed"),
    ],
)
def test_any_other_direction_is_left_as_it_is(direction: Direction, kind: str) -> None:
    result = evaluate.scored(WORLD, direction, seeds=HELD_OUT_SEEDS[:16])
    assert torch.equal(result.vector, direction.vector)
    assert "turned" not in result.config
    assert result.verdict["kind"] == kind


def test_what_else_changes_is_in_the_verdict() -> None:
    assert evaluate.scored(WORLD, HAIR, seeds=HELD_OUT_SEEDS[:16]).verdict["also"] == []
    leaky = evaluate.scored(WORLD, LEAKY, seeds=HELD_OUT_SEEDS[:16])
    assert leaky.verdict["also"] == ["mouth"]
    assert "It also changes: mouth (" in leaky.verdict["sentence"]
    # No judge knows "strange": what changes is all that it can say.
    unknown = evaluate.scored(WORLD, make(HAIR.vector, "strange"), seeds=HELD_OUT_SEEDS[:16])
    assert unknown.verdict["also"] == ["hair"]


def test_a_fresh_direction_is_taken_through_all_strengths_on_half_of_its_seeds() -> None:
    whole = evaluate.score_direction(WORLD, HAIR, seeds=range(7))
    quick = evaluate.scored(WORLD, HAIR, seeds=range(7))
    rows = evaluate.evaluate(WORLD, HAIR, WORLD.generator.sample(range(7), space="z"), steadied=4)
    assert [len(row.strengths) for row in rows] == [9] * 4 + [3] * 3
    told = [row.monotonicity for row in rows if row.monotonicity is not None]
    assert told == [row.monotonicity for row in rows[:4] if row.monotonicity is not None]
    assert whole["monotonicity"] is not None
    assert 0 < quick.scores["monotonicity"]["of"] == len(told) < whole["monotonicity"]["of"]
    same = set(whole) - {"monotonicity"}
    assert {key: quick.scores[key] for key in same} == {key: whole[key] for key in same}
