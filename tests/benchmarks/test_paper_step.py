from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

import eclipsed
from benchmarks import paper_step
from eclipsed.testing import fake_world
from eclipsed.types import Synthesis


@pytest.mark.slow
def test_the_fast_step_is_measured_against_the_plain_one() -> None:
    """No times are asserted, but the cause of one: what the fast step need not remember."""
    found = paper_step.measure(64)
    assert tuple(found) == paper_step.VARIANTS
    plain, fast, half = found.values()
    assert 0.0 < plain["region, share of the images"] < 1.0
    assert fast["loss, relative difference"] < 1e-4
    assert fast["peak GiB"] < plain["peak GiB"]
    assert half["loss, relative difference"] < 1e-2
    # In float32 both round; neither may be much further from the truth than the other.
    exact = "gradient, with these label maps, from float64"
    assert max(fast[exact], plain[exact]) < 2e-3
    assert fast[exact] < 3 * plain[exact]


@dataclass
class Counting:
    """A segmenter whose every mask holds the number of the call."""

    name: str = "counting"
    fingerprint: str = "counting"
    regions: tuple[str, ...] = ("part",)
    feature_names: tuple[str, ...] = ()
    calls: list[int] = field(default_factory=list)

    def masks(self, synthesis: Synthesis, regions: list[str]) -> Tensor:
        self.calls.append(len(self.calls))
        return torch.full((1, 2, 2), float(self.calls[-1]))


def test_masks_are_noted_and_given_ones_take_their_place() -> None:
    watched = paper_step.Watched(Counting())
    image = Synthesis(torch.zeros(1, 3, 2, 2))
    seen = [watched.masks(image, ["part"]) for _ in range(2)]
    assert [float(mask.mean()) for mask in seen] == [0.0, 1.0]
    assert watched.noted == seen
    watched.given = [torch.full((1, 2, 2), 7.0)]
    assert [float(watched.masks(image, ["part"]).mean()) for _ in range(2)] == [7.0, 2.0]


def test_differences_are_relative_to_the_truth() -> None:
    assert paper_step.away(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0])) == pytest.approx(0.1)


def test_finished_directions_are_compared_beyond_their_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = fake_world()
    monkeypatch.setattr(eclipsed, "load_world", lambda *_: made)
    asked: list[bool] = []
    train = eclipsed.train_direction

    def in_float32(world: Any, goal: Any, config: Any) -> Any:
        asked.append(config.half)
        return train(world, goal, paper_step.PaperConfig(steps=config.steps))

    monkeypatch.setattr(eclipsed, "train_direction", in_float32)
    found = paper_step.finished(steps=3)
    assert asked == [False, True]
    assert found["cosine of the directions"] == pytest.approx(1.0)
    assert found["cosine of what was added"] == pytest.approx(1.0)
    # Three steps of Adam move every number by at most its rate.
    assert 0.0 < found["added, relative to the start"] < 0.02
