from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from eclipsed.search import start as module
from eclipsed.search.pool import SEEDS, Pool
from eclipsed.search.start import COARSE, FIRST, MORE, fit, foretold, looked_at, slope
from eclipsed.testing import fake_world


def slope_of(
    latents: Tensor,
    scores: Tensor,
    pixels: Tensor | None = None,
    *,
    ridge: float = 0.01,
    leak_penalty: float = 2.0,
) -> Tensor:
    """The slope on a pool with thumbnails of 1×2 pixels, the left one inside the region."""
    painted = torch.zeros(len(latents), 2) if pixels is None else pixels
    thumbnails = painted[:, None, None, :].expand(-1, 3, 2, -1)
    pool = Pool(latents, torch.zeros(len(latents), 1), thumbnails)
    inside = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    return slope(fit(pool, ridge), scores, inside, leak_penalty)


def test_the_start_is_not_led_astray_by_what_comes_along() -> None:
    random = torch.Generator().manual_seed(0)
    answer = torch.randn(400, generator=random)
    companion = 0.7 * answer + 0.7 * torch.randn(400, generator=random)
    other = torch.randn(400, 3, generator=random)
    latents = torch.cat([answer[:, None], companion[:, None], other], dim=1)
    start = slope_of(latents, 2.0 * answer + 0.1 * torch.randn(400, generator=random))
    best, worst = answer.argsort()[-50:], answer.argsort()[:50]
    naive = latents[best].mean(dim=0) - latents[worst].mean(dim=0)
    assert float(naive[1] / naive[0]) > 0.5
    assert abs(float(start[1] / start[0])) < 0.1
    # Along the start the score rises by 1: half a unit of `answer`.
    assert float(start[0]) == pytest.approx(0.5, rel=0.1)


def test_the_start_keeps_away_from_what_changes_outside_the_region() -> None:
    random = torch.Generator().manual_seed(1)
    latents = torch.randn(400, 5, generator=random)
    # The answer shows along two numbers; one paints inside, the other outside.
    scores, pixels = latents[:, 0] + latents[:, 1], latents[:, :2]
    starts = [
        slope_of(latents, scores, pixels, leak_penalty=leak_penalty)
        for leak_penalty in (0.0, 1.0, 10.0)
    ]
    leaks = [abs(float(start[1] / start[0])) for start in starts]
    assert leaks[0] == pytest.approx(1.0, abs=0.1)
    assert leaks[0] > 2.0 * leaks[1] > 4.0 * leaks[2]
    # Whatever it is bent away from, along it the score rises by 1.
    assert [float(start[:2].sum()) for start in starts] == pytest.approx([1.0] * 3, rel=0.1)
    # Where the region shows nothing ever, what is asked for is still found.
    hidden = slope_of(latents, scores, latents[:, [4, 1]] * torch.tensor([0.0, 1.0]))
    assert float(hidden[0]) == pytest.approx(1.0, rel=0.1)


def test_repeating_a_latents_numbers_changes_nothing() -> None:
    latents, scores, pixels = torch.randn(40, 6), torch.randn(40), torch.randn(40, 2)
    once = slope_of(latents, scores, pixels, ridge=0.15)
    thrice = slope_of(latents.repeat(1, 3), scores, pixels, ridge=0.15)
    torch.testing.assert_close(thrice.view(3, 6), once.expand(3, 6), rtol=1e-3, atol=1e-4)


def test_more_numbers_than_images_are_no_trouble() -> None:
    for scores in (torch.randn(10), torch.zeros(10)):
        for pixels in (torch.randn(10, 2), None):
            start = slope_of(torch.randn(10, 300), scores, pixels, ridge=0.15)
            assert bool(start.isfinite().all())


def test_it_is_the_solution_that_the_formula_names() -> None:
    random = torch.Generator().manual_seed(5)
    latents, scores = torch.randn(60, 4, generator=random), torch.randn(60, generator=random)
    thumbnails = torch.randn(60, 3, 2, 2, generator=random)
    inside = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    found = slope(fit(Pool(latents, torch.zeros(60, 1), thumbnails), 0.1), scores, inside, 3.0)

    around = (latents - latents.mean(dim=0)).double()
    pixels = (thumbnails - thumbnails.mean(dim=0)).flatten(1).double()
    gram = around @ around.t()
    penalty = 0.1 * gram.square().sum() / gram.trace()
    ridge = torch.linalg.inv(around.t() @ around + penalty * torch.eye(4)) @ around.t()
    b, slopes = ridge @ (scores - scores.mean()).double(), (ridge @ pixels).t()
    weight = inside.expand(3, 2, 2).flatten().double()
    changes = (around @ slopes.t()).square().sum(dim=0) / gram.trace()
    usual = (changes * weight).sum() + 1e-3 * changes.sum()
    leaks = slopes * (1.0 - weight)[:, None]
    way = torch.linalg.inv(torch.eye(4) + 3.0 / usual * leaks.t() @ leaks) @ b
    torch.testing.assert_close(found.double(), way / (way @ b), rtol=1e-3, atol=1e-4)


def test_leaks_are_looked_at_coarsely() -> None:
    pool = Pool(torch.randn(20, 5), torch.zeros(20, 1), torch.rand(20, 3, 32, 32))
    fitted = fit(pool, 0.1)
    assert fitted.size == COARSE
    assert fitted.paint.shape == (20, 3 * COARSE**2)
    # A region of any size fits: where it touches a coarse pixel it covers it.
    assert bool(slope(fitted, torch.randn(20), torch.ones(32, 32), 2.0).isfinite().all())


PROMPTS = tuple(f"bright hair {number}" for number in range(40))


def pool_of(count: int, noise: float, seed: int) -> Pool:
    """Embeddings of three numbers that are linear in the latents, and noise."""
    random = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, 12, generator=random)
    embeddings = latents[:, :3] + noise * torch.randn(count, 3, generator=random)
    return Pool(latents, embeddings, torch.zeros(count, 3, 1, 1))


def test_a_fit_foretells_what_it_has_not_seen() -> None:
    lines = torch.eye(3)
    clear, dim, blind = (
        foretold(pool_of(200, noise, 1), pool_of(200, noise, 2), lines)
        for noise in (0.0, 1.0, 50.0)
    )
    assert clear > 0.99
    assert 0.5 < dim < 0.8  # the noise of what is asked cannot be foretold: at best 1/√2
    assert abs(blind) < 0.2


def test_no_more_images_are_looked_at_than_a_regression_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def told(fitted: Pool, asked_: Pool, _: Tensor) -> float:
        assert len(asked_.latents) == MORE
        asked.append(len(fitted.latents) + MORE)
        return [0.3, 0.4, 0.41, 0.42, 0.9][len(asked) - 1]

    monkeypatch.setattr(module, "foretold", told)
    world = replace(fake_world(), example_prompts=PROMPTS)
    assert looked_at(world) == SEEDS[: FIRST + 3 * MORE]
    assert asked == [FIRST, FIRST + MORE, FIRST + 2 * MORE, FIRST + 3 * MORE]


def test_what_comes_with_a_world_is_looked_at_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "comes_along", lambda *_, **__: True)
    world = replace(fake_world(), example_prompts=PROMPTS)
    assert looked_at(world) == SEEDS
