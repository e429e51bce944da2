from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from eclipsed.editing.stack import Edit, render
from eclipsed.errors import OutOfMemory
from eclipsed.evaluation.evaluate import HELD_OUT_SEEDS, score_direction
from eclipsed.generators import memory
from eclipsed.methods.default import DefaultConfig, default_plan
from eclipsed.methods.paper import PaperConfig, paper_plan
from eclipsed.methods.training import train_direction
from eclipsed.prompts.goals import goal_from_prompt
from eclipsed.search.optimizer import gradient_of
from eclipsed.search.plan import Plan
from eclipsed.testing import FakeGenerator, fake_world
from eclipsed.types import Synthesis, World

PAPER = PaperConfig(steps=3, clip_norm="batch", batch=4)
DEFAULT = DefaultConfig(pool=60, originals=12)


@pytest.fixture(autouse=True)
def _plenty() -> Iterator[None]:
    memory.forget()
    yield
    memory.forget()


class Small(FakeGenerator):
    """Has memory for `fits` images; `backward` is where it runs out, else in the synthesis."""

    fits: int = 1000
    backward: bool = False

    def synthesize(self, latents: Tensor, *args: Any, **options: Any) -> Synthesis:
        def check(count: int) -> None:
            if count > self.fits:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

        made = super().synthesize(latents, *args, **options)
        if not self.backward:
            check(len(latents))
        elif made.image.requires_grad:
            made.image.register_hook(lambda gradient: check(len(gradient)))
        return made


def world_of(fits: int, *, backward: bool = False) -> World:
    generator = Small()
    object.__setattr__(generator, "fits", fits)
    object.__setattr__(generator, "backward", backward)
    return replace(fake_world(), generator=generator)


def halvings(caught: pytest.WarningsRecorder) -> list[str]:
    return [
        f"{match[1]}→{match[2]}"
        for each in caught
        if (match := re.search(r"with (\d+) images at once; from now on it is (\d+)", str(each)))
    ]


@pytest.mark.parametrize(("fits", "backward"), [(1, False), (3, True)])
@pytest.mark.parametrize(
    ("config", "plan_of"), [(PAPER, paper_plan), (DEFAULT, default_plan)], ids=["paper", "default"]
)
def test_a_step_that_runs_out_of_memory_has_the_same_gradient(
    config: Any, plan_of: Callable[..., Plan], fits: int, backward: bool
) -> None:
    goal = goal_from_prompt("bright hair", fake_world())
    plan = plan_of(world_of(1000), goal, config)
    away = plan.start + 0.1 * torch.randn(plan.start.shape)
    expected, losses = gradient_of(plan, away, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = plan_of(world_of(fits, backward=backward), goal, config)
    memory.forget()
    with pytest.warns(RuntimeWarning, match="images at once"):
        gradient, again = memory.fitting(lambda: gradient_of(short, away, 0))
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)
    assert again == pytest.approx(losses, rel=1e-4)


def test_a_training_that_runs_out_of_memory_gives_the_same_direction() -> None:
    expected = train_direction(world_of(1000), "bright hair", PAPER)
    with pytest.warns(RuntimeWarning, match="images at once"):
        result = train_direction(world_of(1), "bright hair", PAPER)
    torch.testing.assert_close(result.vector, expected.vector, rtol=1e-4, atol=1e-6)
    assert result.unit == pytest.approx(expected.unit, rel=1e-4)
    assert result.range == pytest.approx(expected.range, rel=1e-4)


def test_images_and_scores_are_the_same() -> None:
    plenty, little = world_of(1000), world_of(3)
    direction = train_direction(plenty, "bright hair", PAPER)
    latents = plenty.generator.sample(range(20), space="z")
    expected = render(plenty.generator, latents, Edit(direction), space="z")
    seeds = HELD_OUT_SEEDS[:8]
    scores = score_direction(plenty, direction, seeds=seeds)
    with pytest.warns(RuntimeWarning) as caught:
        images = render(little.generator, latents, Edit(direction), space="z")
    assert halvings(caught) == ["8→4", "4→2"]
    torch.testing.assert_close(images, expected)
    memory.forget()
    with pytest.warns(RuntimeWarning):
        again = score_direction(little, direction, seeds=seeds)
    for key, score in scores.items():
        if score is not None:
            assert again[key]["median"] == pytest.approx(score["median"], rel=1e-4)


def test_one_image_that_does_not_fit_is_told() -> None:
    world = world_of(0)
    latents = world.generator.sample(range(3), space="z")
    with pytest.warns(RuntimeWarning), pytest.raises(OutOfMemory, match="a single image") as caught:
        render(world.generator, latents, [], space="z")
    assert caught.value.hint


def test_other_errors_come_through() -> None:
    def fail(rows: Tensor) -> Tensor:
        raise RuntimeError("The size of tensor a (3) must match")

    with pytest.raises(RuntimeError, match="must match"):
        memory.in_parts(fail, torch.zeros(4, 1))


def test_nothing_is_computed_of_no_rows() -> None:
    assert memory.in_parts(lambda rows: rows, torch.zeros(0, 2)) == []
