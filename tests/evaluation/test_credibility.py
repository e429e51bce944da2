from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from eclipsed.evaluation import evaluate
from eclipsed.evaluation.credibility import (
    CREDIBLE,
    PHRASINGS,
    SecondLook,
    area,
    text_lines,
    varied,
)
from eclipsed.evaluation.verdict import DirectionVerdict
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.testing import FakeEncoder, fake_world, patch_vector
from eclipsed.types import Synthesis, World
from tests.evaluation.test_evaluate import HAIR, make

ALONE = fake_world(judged=False)
SEEDS = range(12)


def test_the_area_counts_pairs() -> None:
    assert area(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])) == 1.0
    assert area(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0])) == 0.5
    assert area(torch.tensor([0.0, 2.0]), torch.tensor([1.0])) == 0.5


def test_variants_are_the_same_pictures_a_little_changed() -> None:
    images = F.interpolate(torch.rand(2, 3, 4, 6) * 2.0 - 1.0, scale_factor=8, mode="bilinear")
    variants = varied(images)
    assert len(variants) > 2
    for variant in variants:
        assert variant.shape == images.shape
        assert float(variant.abs().max()) <= 1.0
        assert 0.01 < float((variant - images).abs().mean()) < 0.3


def test_prompts_are_put_in_words_that_no_training_used() -> None:
    asked: list[str] = []

    class Listening(FakeEncoder):
        def encode_text(self, texts: list[str]) -> Tensor:
            asked.extend(texts)
            return super().encode_text(texts)

    goal = goal_from_prompt("bright hair", ALONE)
    lines = text_lines(Listening(), goal)
    assert lines.shape[0] == len(PHRASINGS)
    assert goal.text not in asked
    assert {phrasing.format(goal.text) for phrasing in PHRASINGS} <= set(asked)


def test_what_works_is_not_doubted() -> None:
    card = evaluate.scored(ALONE, HAIR, seeds=SEEDS)
    assert "doubt" not in card.verdict
    assert card.verdict["kind"] == "unknown"


def test_a_region_in_which_nothing_happens_is_named() -> None:
    elsewhere = make(patch_vector("mouth"), "bright hair", "hair")
    card = evaluate.scored(ALONE, elsewhere, seeds=SEEDS)
    assert "The segmenter sees the hair change in 0 of 12 images only" in card.verdict["doubt"]
    assert "--region" in card.verdict["doubt"]


class Fooled(FakeEncoder):
    """Also answers to a checkerboard of single pixels, which nobody sees."""

    def encode_text(self, texts: list[str]) -> Tensor:
        return FakeEncoder().encode_text(texts)

    def encode_image(self, images: Tensor) -> Tensor:
        text, neutral = FakeEncoder().encode_text(["bright hair", "a person"])
        line = F.normalize(text - neutral, dim=0)
        spots = (checkers(images) * images.clamp(-1.0, 1.0)).mean(dim=(1, 2, 3))
        return F.normalize(super().encode_image(images) + 40.0 * spots[:, None] * line, dim=1)


def checkers(images: Tensor) -> Tensor:
    rows, columns = (torch.arange(size) for size in images.shape[2:])
    return ((rows[:, None] + columns) % 2).float() * 2.0 - 1.0


def look(world: World, after: Tensor, before: Tensor) -> SecondLook:
    again = SecondLook(world, replace(goal_from_prompt("bright hair", world), regions=()))
    again.see(Synthesis(before), Synthesis(after))
    return again


def test_what_only_this_encoder_sees_is_doubted() -> None:
    world = replace(ALONE, encoder=Fooled())
    latents = world.generator.sample(SEEDS)
    before = world.generator.synthesize(latents).image.clamp(-0.8, 0.8)
    unseen = before + 0.05 * checkers(before)
    there = world.generator.synthesize(latents + patch_vector("hair")).image
    text, neutral = world.encoder.encode_text(["bright hair", "a person"])
    gains = [
        area(*(world.encoder.encode_image(each) @ (text - neutral) for each in (before, after)))
        for after in (unseen, there)
    ]
    assert min(gains) > CREDIBLE  # asked once, it is content with both
    assert look(world, there, before).doubt == ""
    doubted = look(world, unseen, before)
    assert doubted.auc < CREDIBLE
    assert doubted.doubt.startswith(
        "The encoder cannot tell bright hair apart on these images: AUC"
    )


@pytest.mark.parametrize(("kind", "kept"), [("fails", True), ("unknown", False)])
def test_a_doubt_takes_the_place_of_what_seemed_to_work(kind: str, kept: bool) -> None:
    verdict = DirectionVerdict(kind, "Seems to work.")  # type: ignore[arg-type]
    assert verdict.doubted("") is verdict
    doubted = verdict.doubted("Not so.")
    assert doubted.sentence == ("Seems to work." if kept else "Not so.")
    assert doubted.to_json()["doubt"] == "Not so."
    assert "doubt" not in verdict.to_json()


def test_judges_are_not_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecondLook, "see", lambda *_: pytest.fail("asked again"))
    evaluate.scored(fake_world(), HAIR, seeds=SEEDS)
