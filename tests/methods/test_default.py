from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.spaces import layer_spread
from eclipsed.methods.default import (
    DefaultConfig,
    averaged,
    default_plan,
    draw_batch,
    edit_losses,
    exponential_scores,
    norms_of,
    prominent_run,
    runs_of,
    scale_to_cap,
    search_length,
    shortest_good,
    training_set,
)
from eclipsed.methods.training import train_direction
from eclipsed.testing import W_DIM, fake_world, hat_strength, patch_mask
from eclipsed.types import Goal, World

GOAL = Goal("bright hair", "a person", ("hair",))
QUICK = DefaultConfig(steps=12, pool=256, originals=24, pixel_weight=1.0, half=False)


def brightness(world: World, latents: Tensor, name: str) -> Tensor:
    mask = patch_mask(name)
    images = world.generator.synthesize(latents).image
    return (images * mask).sum(dim=(1, 2, 3)) / (3.0 * mask.sum())


@pytest.mark.parametrize(("prompt", "sign"), [("bright hair", 1.0), ("dark hair", -1.0)])
def test_it_does_what_the_words_say_both_ways_and_only_there(prompt: str, sign: float) -> None:
    world = fake_world()
    direction = train_direction(world, replace(GOAL, prompt=prompt), QUICK)
    latents = world.generator.sample(list(range(40)))
    step = direction.scaled()
    moved = {s: brightness(world, latents + s * step, "hair") for s in (-1.0, 0.0, 1.0)}
    assert bool((sign * (moved[1.0] - moved[0.0]) > 0.2).all())
    assert bool((sign * (moved[-1.0] - moved[0.0]) < -0.2).all())
    # Only the first row of W+ paints the hair patch; the rest was searched away.
    rows = step.view(4, W_DIM).norm(dim=1)
    assert float(rows[0]) > 0.0
    assert bool((rows[1:] == 0.0).all())
    assert direction.config["trained_layers"] == [0]


def test_a_thing_that_images_rarely_have_is_found_too() -> None:
    world = fake_world()
    direction = train_direction(world, Goal("a hat", "a person", ("hat", "hair")), QUICK)
    latents = world.generator.sample(list(range(30)))
    striped = [
        hat_strength(world.generator.synthesize(latents + s * direction.scaled()).image)
        for s in (0.0, 1.0)
    ]
    assert float((striped[1] > striped[0] + 0.1).float().mean()) == 1.0


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
def test_every_space_can_be_trained(space: Any) -> None:
    world = fake_world()
    direction = train_direction(world, GOAL, replace(QUICK, space=space, steps=4))
    generator = world.generator
    assert direction.layers == generator.layers(space)
    latents = generator.sample(list(range(20)), space=space)

    def hair(x: Tensor) -> Tensor:
        return brightness(world, generator.convert(x, space, "w+", 0.7), "hair")

    if space != "s":  # the fake cannot go back from S to W+
        assert float((hair(latents + direction.scaled()) - hair(latents)).mean()) > 0.1


def test_training_lowers_the_loss_of_the_warm_start() -> None:
    world = fake_world()
    config = replace(QUICK, layers=(0, 1, 2, 3))
    plan, data = default_plan(world, GOAL, config), training_set(world, GOAL, config)
    direction = train_direction(world, GOAL, replace(config, steps=30, rate=0.03))
    rows = torch.arange(data.negatives + data.positives)
    strengths = torch.where(rows < data.negatives, 1.0, -1.0)

    def loss(vector: Tensor) -> float:
        return float(edit_losses(data, vector, rows, strengths)["total"])

    assert loss(direction.vector) < 0.92 * loss(plan.start[0])


def test_the_training_set_keeps_parts_apart() -> None:
    data = training_set(fake_world(), GOAL, QUICK)
    negatives = data.originals.latents[: data.negatives]
    positives = data.originals.latents[data.negatives :]
    scores = data.target.scores(data.originals.embeddings)
    assert float(scores[: data.negatives].max()) < float(scores[data.negatives :].min())
    rows = [
        tuple(x.tolist()) for group in (negatives, positives, data.held_out.latents) for x in group
    ]
    assert len(set(rows)) == len(rows)


def test_no_layer_is_ever_longer_than_its_cap() -> None:
    world = fake_world()
    config = replace(QUICK, norm_cap=0.2, layers=(0, 1), rate=0.5)
    direction = train_direction(world, GOAL, config)
    caps = 0.2 * layer_spread(world.generator, "w+")
    assert bool((direction.vector.view(4, W_DIM).norm(dim=1) <= caps * 1.0001).all())


def test_without_a_region_the_whole_image_may_change() -> None:
    plan = default_plan(fake_world(), replace(GOAL, regions=()), QUICK)
    assert set(plan.loss(plan.start, 0)) == {"text", "total"}


@given(st.integers(0, 9_999), st.integers(0, 1_000))
def test_batches_are_a_function_of_seed_and_step(seed: int, step: int) -> None:
    config = replace(QUICK, seed=seed, batch=5)
    rows, strengths = draw_batch(config, step, negatives=7, positives=4)
    again = draw_batch(config, step, negatives=7, positives=4)
    assert torch.equal(rows, again[0])
    assert torch.equal(strengths, again[1])
    assert bool(((strengths > 0) == (rows < 7)).all())
    assert int((strengths > 0).sum()) == 3
    assert bool((rows < 11).all())
    low, high = config.strengths
    assert bool(((strengths.abs() >= low) & (strengths.abs() <= high)).all())


def test_a_run_goes_from_the_first_to_the_last_prominent_layer() -> None:
    norms = torch.tensor([0.1, 5.0, 0.2, 4.5, 1.0])
    assert prominent_run(norms, 0.8) == (1, 2, 3)
    assert prominent_run(norms, 0.95) == (1,)
    assert prominent_run(norms, 0.0) == (0, 1, 2, 3, 4)
    assert prominent_run(torch.zeros(5), 0.8) == (0, 1, 2, 3, 4)


def test_a_layer_is_as_long_as_its_numbers() -> None:
    vector = torch.tensor([0.1, 0.0, 3.0, 4.0, 0.2])
    assert norms_of(vector, [2, 2, 1]).tolist() == pytest.approx([0.1, 5.0, 0.2])


def test_runs_are_tried_from_the_longest_to_the_shortest_each_once() -> None:
    norms = torch.tensor([0.1, 5.0, 0.2, 4.5, 1.0])
    runs = runs_of(norms, (0.85, 0.1, 0.8))
    assert runs == [(1, 2, 3, 4), (1, 2, 3)]
    assert all(set(inner) < set(outer) for outer, inner in itertools.pairwise(runs))


def test_one_layer_alone_takes_in_the_longer_neighbour_that_the_longest_run_has() -> None:
    norms = torch.tensor([4.0, 5.0, 4.5, 0.1])
    assert runs_of(norms, (0.7, 0.95)) == [(0, 1, 2), (1, 2)]
    assert runs_of(torch.tensor([0.1, 4.5, 5.0, 0.2]), (0.7, 0.95)) == [(1, 2)]
    # Where no neighbour counts, one layer is all there is.
    assert runs_of(torch.tensor([0.1, 5.0, 0.1]), (0.7, 0.95)) == [(1,)]


def test_the_shortest_run_that_does_as_well_is_taken() -> None:
    assert shortest_good([0.5, 0.4, 0.405, 0.6]) == 2
    assert shortest_good([0.3, 0.4]) == 0
    assert shortest_good([0.3]) == 0


def test_a_run_that_leaks_is_left_for_a_shorter_one() -> None:
    world = fake_world()
    wide = replace(QUICK, layer_lengths=(0.0,), leak_penalty=0.0)
    narrow = replace(wide, layer_lengths=(0.0, 0.9))
    runs = [default_plan(world, GOAL, one).facts["trained_layers"] for one in (wide, narrow)]
    assert runs == [[0, 1, 2, 3], [0, 1]]


def test_the_length_with_the_least_loss_wins() -> None:
    assert search_length(lambda length: (length - 0.7) ** 2) == (0.65, pytest.approx(0.0025))


def test_layers_of_a_run_share_their_mean() -> None:
    vector = torch.tensor([1.0, 1.0, 2.0, 4.0, 4.0, 0.0, 7.0, 7.0])
    mean = averaged(vector, [2] * 4, (1, 2))
    assert mean.tolist() == [0.0, 0.0, 3.0, 2.0, 3.0, 2.0, 0.0, 0.0]


def test_strange_layers_are_refused_before_any_work() -> None:
    world = replace(fake_world(), encoder=fake_world().encoder)
    with pytest.raises(UnknownName, match="no layer 12"):
        default_plan(world, GOAL, replace(QUICK, layers=(12,)))
    with pytest.raises(UnknownName, match="region"):
        default_plan(world, replace(GOAL, regions=("tail",)), QUICK)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"batch": 1},
        {"pool": 50, "originals": 48},
        {"originals": 2},
        {"rate": float("inf")},
        {"contrast": 0.6},
        {"norm_cap": 0.0},
        {"leak_penalty": -1.0},
        {"layer_lengths": (0.9, 1.1)},
        {"layer_lengths": ()},
        {"pixel_weight": -1.0},
        {"strengths": (1.0, 1.0)},
        {"layers": (0, 0)},
        {"seed": 10_000},
    ],
)
def test_numbers_without_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(changes))):
        DefaultConfig(**changes)


def test_seeds_of_the_pool_depend_on_the_seed() -> None:
    one, other = (training_set(fake_world(), GOAL, replace(QUICK, seed=s)) for s in (0, 1))
    assert not np.allclose(one.start.numpy(), other.start.numpy())


def test_sharpened_scores_keep_the_order_and_let_no_image_decide() -> None:
    along = torch.randn(500, generator=torch.Generator().manual_seed(3))
    sharp = exponential_scores(along)
    order = along.argsort()
    assert bool((sharp[order].diff() >= 0).all())
    assert int((sharp == sharp.max()).sum()) >= 5
    assert bool(exponential_scores(torch.ones(20)).isfinite().all())


def test_the_start_is_brought_to_its_cap() -> None:
    start = torch.tensor([3.0, 4.0, 0.0, 1.0])
    scaled = start * scale_to_cap(start, [2, 2], [10.0, 1.0])
    assert float(scaled[2:].norm()) == pytest.approx(1.0)
    assert float(scaled[:2].norm()) == pytest.approx(5.0)
