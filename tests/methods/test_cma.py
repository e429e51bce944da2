from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eclipsed.methods.cma import minimize


def valley(points: Tensor) -> Tensor:
    """Least, 0, at 1 in every dimension; a thousand times steeper in the last than in the first."""
    steepness = torch.logspace(0.0, 3.0, points.shape[1])
    return ((points - 1.0).square() * steepness).sum(dim=1)


def found(generations: int, **changes: float) -> Tensor:
    numbers = {"sigma": 0.5, "population": 12, "seed": 3} | changes
    return minimize(valley, torch.zeros(10), generations=generations, **numbers)


def test_it_finds_the_bottom_of_a_valley_that_is_narrow_in_some_dimensions() -> None:
    assert torch.allclose(found(300), torch.ones(10), atol=1e-3)


def test_the_result_is_the_best_that_was_seen() -> None:
    seen: list[float] = []

    def remembered(points: Tensor) -> Tensor:
        losses = valley(points)
        seen.extend(losses.tolist())
        return losses

    best = minimize(remembered, torch.zeros(4), sigma=0.5, generations=9, population=6, seed=0)
    assert len(seen) == 1 + 9 * 6
    assert float(valley(best[None])[0]) == pytest.approx(min(seen))


def test_without_generations_it_stays_and_a_seed_decides_the_rest() -> None:
    assert torch.equal(found(0), torch.zeros(10))
    assert torch.equal(found(5), found(5))
    assert not torch.equal(found(5), found(5, seed=4))


@pytest.mark.parametrize("population", [2, 3])
def test_the_smallest_populations_still_descend(population: int) -> None:
    best = found(200, population=population)
    assert float(valley(best[None])[0]) < float(valley(torch.zeros(1, 10))[0])
