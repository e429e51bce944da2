from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.spaces import layer_spread, widths_of
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.paper import (
    Draw,
    PaperConfig,
    PaperScaledConfig,
    draw,
    learning_rate,
    paper_config,
    paper_losses,
    paper_plan,
    start_directions,
    strength_of,
)
from eclipsed.search.optimizer import State, advance, gradient_of, initial_state
from eclipsed.search.plan import Plan
from eclipsed.testing import fake_world
from eclipsed.types import Goal, Synthesis, World
from tests.golden import golden_arrays

GOAL = Goal("bright hair", "a person", ("hair",))
SPACES = {"Wplus_K2": "w+", "W_K1": "w", "Z_K2": "z", "Splus_K1": "s"}


# --- against whole runs of the original's fit() --------------------------------------------------


@dataclass
class LinearEncoder:
    """The golden data's stand-in for CLIP."""

    matrix: Tensor
    text: Tensor
    name: str = "linear"
    fingerprint: str = "linear"
    size: int = 224
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        return F.normalize(self.text[None], dim=1).expand(len(texts), -1)

    def encode_image(self, images: Tensor) -> Tensor:
        raise AssertionError("the paper prepares the pixels itself")

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        flat = F.adaptive_avg_pool2d(pixels, 7).flatten(1)
        return F.normalize(flat @ self.matrix, dim=1)


@dataclass
class RecordedSegmenter:
    """Hands out the label maps of the recorded run: before and after the edit, step by step."""

    maps: Iterator[Tensor]
    name: str = "recorded"
    fingerprint: str = "recorded"
    regions: tuple[str, ...] = ("part",)
    feature_names: tuple[str, ...] = ()

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
        labels = next(self.maps)
        return ((labels == 2) | (labels == 3)).float()


def recorded_world(run: dict[str, Tensor]) -> World:
    weights = golden_arrays("stylegan2/ada_skip64_w512.weights.safetensors")
    for name in weights:
        if name.endswith(("torgb.weight", "torgb.bias")):
            weights[name] = 0.1 * weights[name]
    channels = {2**k: min(1024 // 2**k, 32) for k in range(2, 7)}
    config = StyleGAN2Config(resolution=64, channels=channels, mapping_layers=2)
    inputs = golden_arrays("losses/inputs.npz")
    pairs = zip(run["labels_old"], run["labels_new"], strict=True)
    return World(
        name="recorded",
        generator=StyleGAN2.from_tensors(weights, config),
        encoder=LinearEncoder(inputs["clip_matrix"], inputs["text_features"]),
        segmenter=RecordedSegmenter(labels for pair in pairs for labels in pair),
        vocabulary={"part": ("part",)},
    )


def recorded(run: dict[str, Tensor], what: str, entries: int) -> Tensor:
    """The recorded tensors, one per layer or whole, as flat vectors [K, D]."""
    return torch.cat([run[f"{what}.{i}"].flatten(1) for i in range(entries)], dim=1)


def recorded_plan(case: str) -> tuple[Plan, dict[str, Tensor], int]:
    run = golden_arrays(f"losses/train_{case}.npz")
    config = paper_config(
        directions=run["coefs"].shape[1],
        space=SPACES[case],
        steps=8,
        local_weight=0.08,
        correlation_weight=1.0,
        clip_norm="batch",
        strengths=(0.1, 1.0),
    )
    drawn = [
        Draw(
            z=torch.from_numpy(np.random.RandomState(seed).randn(2, 512)).float(),
            strength=strength,
            mix=mix,
        )
        for seed, strength, mix in zip(
            run["seeds"].tolist(), run["alpha"].tolist(), run["coefs"].float(), strict=True
        )
    ]
    # The original's S has one more entry at the end, which nothing uses.
    entries = 14 if case == "Splus_K1" else 1
    plan = paper_plan(
        recorded_world(run), Goal("words", "neutral", ("part",)), config, drawn.__getitem__
    )
    return replace(plan, start=recorded(run, "dirs_initial", entries)), run, entries


@pytest.mark.parametrize("case", sorted(SPACES))
def test_training_equals_the_original(case: str) -> None:
    plan, run, entries = recorded_plan(case)
    state = initial_state(plan.start)
    for step in range(8):
        assert plan.rate(step) == pytest.approx(float(run["lr"][step]))
        if step == 0:
            first, _ = gradient_of(plan, plan.start, 0)
            expected = recorded(run, "grad_step0", entries)
            bound = 5e-4 * float(expected.abs().max())
            torch.testing.assert_close(first, expected, rtol=0, atol=bound)
            plan = replace(recorded_plan(case)[0], start=plan.start)
        state = advance(state, plan)
        for name, value in state.losses.items():
            assert value == pytest.approx(float(run[f"{name}_loss"][step]), rel=1e-4, abs=1e-5)
    expected = recorded(run, "dirs_final", entries)
    torch.testing.assert_close(state.directions, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("case", ["W_K1", "Splus_K1"])
def test_start_and_strengths_equal_the_original(case: str) -> None:
    run = golden_arrays(f"losses/train_{case}.npz")
    config = PaperConfig(space=SPACES[case])
    entries = 14 if case == "Splus_K1" else 1
    torch.testing.assert_close(
        start_directions(recorded_world(run).generator, config),
        recorded(run, "dirs_initial", entries),
    )
    assert [strength_of(config, step) for step in range(8)] == pytest.approx(run["alpha"].tolist())


# --- what DESIGN and the paper say, on the fake world ---------------------------------------------


def test_defaults_are_the_papers() -> None:
    one = paper_config()
    assert (one.space, one.steps, one.batch, one.rate, one.truncation) == ("w+", 200, 2, 1e-3, 0.7)
    assert (one.clip_weight, one.local_weight, one.correlation_weight) == (1.0, 0.05, 0.0)
    assert (one.clip_norm, one.masks, one.strengths) == ("encoder", "average", (0.1, 1.0))
    three = paper_config(directions=3)
    assert (three.steps, three.correlation_weight) == (600, 1.0)


def test_rate_is_halved_at_the_steps_of_the_original() -> None:
    rates = [learning_rate(PaperConfig(), step) for step in range(200)]
    halved = [step for step in range(1, 200) if rates[step] < rates[step - 1]]
    assert halved == [49, 99, 149, 199]
    assert rates[0] == 1e-3
    assert rates[199] == pytest.approx(1e-3 / 16)
    assert learning_rate(PaperConfig(steps=2), 1) > 0  # the original divides by zero here


@given(st.integers(0, 2**31), st.integers(0, 30))
def test_draws_are_a_function_of_seed_and_step(seed: int, step: int) -> None:
    config = PaperConfig(seed=seed, directions=3)
    one, again = (draw(config, step, z_dim=4) for _ in range(2))
    assert one.strength == again.strength
    assert 0.1 <= one.strength <= 1.0
    assert torch.equal(one.z, again.z)
    assert torch.equal(one.mix, again.mix)
    assert float(one.mix.sum()) == pytest.approx(1.0)
    expected = np.random.RandomState(54321 + step).randn(2, 4)
    torch.testing.assert_close(one.z, torch.from_numpy(expected).float())


def test_every_direction_gets_its_turn() -> None:
    config = PaperConfig(directions=3)
    winners = [int(draw(config, step, z_dim=4).mix.argmax()) for step in range(60)]
    assert {winners.count(k) > 8 for k in range(3)} == {True}


class Refusing:
    """Stands for a network that must not be asked."""

    name, size, mean, std, regions = "refusing", 16, (0.5,) * 3, (0.5,) * 3, ("hair",)
    feature_names, fingerprint = (), "refusing"

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        return torch.ones(len(texts), 24)

    def encode_image(self, images: Tensor) -> Tensor:
        raise AssertionError("the encoder was asked")

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        raise AssertionError("the encoder was asked")

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
        raise AssertionError("the segmenter was asked")


def losses_of(world: World, goal: Goal, **changes: Any) -> dict[str, Tensor]:
    config = paper_config(**changes)
    directions = start_directions(world.generator, config).requires_grad_()
    return paper_losses(
        world,
        goal,
        config,
        text=world.encoder.encode_text([goal.prompt])[0],
        directions=directions,
        drawn=draw(config, 0, z_dim=world.generator.z_dim),
    )


def test_what_has_no_weight_is_not_computed() -> None:
    world = fake_world()
    no_encoder = replace(world, encoder=Refusing())
    assert set(losses_of(no_encoder, GOAL, clip_weight=0.0)) == {"localization", "total"}
    no_segmenter = replace(world, segmenter=Refusing())
    assert set(losses_of(no_segmenter, GOAL, local_weight=0.0)) == {"clip", "total"}
    whole = replace(GOAL, regions=())
    assert set(losses_of(no_segmenter, whole)) == {"clip", "total"}
    assert set(losses_of(world, GOAL, directions=2)) == {
        "clip", "localization", "correlation", "total",
    }  # fmt: skip


def test_skipping_changes_nothing_that_is_kept() -> None:
    world = fake_world()
    full, alone = losses_of(world, GOAL), losses_of(world, GOAL, local_weight=0.0)
    assert torch.equal(full["clip"], alone["clip"])
    assert torch.allclose(full["total"], full["clip"] + 0.05 * full["localization"])


@pytest.mark.parametrize("space", ["w+", "w", "z", "s"])
def test_the_paper_trains_in_every_space(space: Any) -> None:
    world = fake_world()
    plan = paper_plan(world, GOAL, paper_config(space=space, steps=5, rate=0.05))
    state: State = initial_state(plan.start)
    seen = []
    for _ in range(5):
        state = advance(state, plan)
        seen.append(state.losses["total"])
    assert all(np.isfinite(seen))
    assert not torch.equal(state.directions, plan.start)


def test_only_the_chosen_layers_are_trained_and_start() -> None:
    plan = paper_plan(fake_world(), GOAL, paper_config(layers=(1, 2)))
    state = advance(initial_state(plan.start), plan)
    rows = state.directions.view(4, 8)
    assert bool((rows[[0, 3]] == 0).all())
    assert bool((rows[[1, 2]] != plan.start.view(4, 8)[[1, 2]]).any())


def test_scaled_multiplies_the_rate_by_the_spread() -> None:
    world = fake_world()
    plain, scaled = (
        paper_plan(world, GOAL, config).rate(0) for config in (PaperConfig(), PaperScaledConfig())
    )
    spread = layer_spread(world.generator, "w+")
    assert len(spread) == len(widths_of(world.generator, "w+"))
    # The fake's w is z: eight numbers of variance 1 in every row.
    torch.testing.assert_close(spread, torch.full((4,), 8**0.5), rtol=0.1, atol=0)
    assert scaled == pytest.approx(plain * float(spread.mean()))


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(BadSetting, match="nothing to train"):
        paper_plan(fake_world(), GOAL, paper_config(clip_weight=0.0, local_weight=0.0))
    with pytest.raises(BadSetting, match="nothing to train"):
        paper_plan(fake_world(), replace(GOAL, regions=()), paper_config(clip_weight=0.0))


def test_strange_layers_and_regions_are_refused() -> None:
    with pytest.raises(UnknownName):
        paper_plan(fake_world(), GOAL, paper_config(layers=(9,)))
    plan = paper_plan(fake_world(), replace(GOAL, regions=("tail",)), paper_config())
    with pytest.raises(UnknownName):
        advance(initial_state(plan.start), plan)


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"batch": 0},
        {"rate": -1.0},
        {"rate": float("nan")},
        {"clip_weight": -0.1},
        {"strengths": (1.0, 0.1)},
        {"strengths": (-1.0, 1.0)},
        {"layers": ()},
        {"layers": (1, 1)},
        {"seed": -1},
    ],
)
def test_numbers_without_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(changes))):
        PaperConfig(**changes)
