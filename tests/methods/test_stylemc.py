from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.method import rank
from eclipsed.methods.stylemc import StyleMcConfig, batches, beside, find, gradient
from eclipsed.search.pool import picture
from eclipsed.testing import S_WIDTHS, fake_world
from eclipsed.types import Goal
from tests.methods.looking import gain

GOAL = Goal("bright mouth", "a person", ("mouth",))
QUICK = StyleMcConfig(steps=12)


def test_the_prompt_is_answered_in_both_senses() -> None:
    world = fake_world()
    (direction,) = find(world, GOAL, QUICK)
    assert (direction.method, direction.space) == ("stylemc", "s")
    assert gain(world, direction, "mouth") > 0.2
    assert gain(world, direction, "mouth", -1.0) < -0.2


def test_the_first_layer_is_not_moved() -> None:
    (direction,) = find(fake_world(), GOAL, QUICK)
    assert not direction.vector[: S_WIDTHS[0]].any()
    assert direction.vector[S_WIDTHS[0] :].all()


def test_the_gradient_is_that_of_the_loss() -> None:
    world = fake_world()
    ranking = rank(world, GOAL, "s")
    text = world.encoder.encode_text([GOAL.prompt])[0]
    vector, rows = 0.01 * torch.randn(32), torch.tensor([3, 8])

    def loss(at: torch.Tensor) -> float:
        latents = ranking.pool.latents[rows]
        seen = picture(ranking.view, latents)[1], picture(ranking.view, latents + at)[1]
        sides = [F.normalize(x - (x @ ranking.text)[:, None] * ranking.text, dim=1) for x in seen]
        kept = 1.0 - (sides[0] * sides[1]).sum(dim=1)
        return float((1.0 - seen[1] @ text).mean() + 2.0 * kept.mean())

    found = gradient(ranking, text, vector, rows, 2.0)
    way = F.normalize(torch.randn(32), dim=0)
    slope = (loss(vector + 0.05 * way) - loss(vector - 0.05 * way)) / 0.1
    assert float(found @ way) == pytest.approx(slope, rel=0.05, abs=2e-3)


def test_more_weight_on_identity_keeps_more_of_the_image() -> None:
    world = fake_world()
    free, held = (find(world, GOAL, StyleMcConfig(identity=w))[0] for w in (0.0, 5.0))
    ranking = rank(world, GOAL, "s")
    before = ranking.pool.embeddings[:40]

    def strayed(vector: torch.Tensor) -> float:
        after = picture(ranking.view, ranking.pool.latents[:40] + vector)[1]
        moves = after - before
        return float((beside(moves, ranking.text).norm(dim=1) / moves.norm(dim=1)).mean())

    assert strayed(held.scaled()) < strayed(free.scaled())


def test_batches_are_a_function_of_the_seed_and_hold_nothing_twice() -> None:
    drawn = [list(batches(64, StyleMcConfig(seed=seed))) for seed in (0, 0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[2], strict=True))
    assert all(len(set(rows.tolist())) == 8 for rows in drawn[0])
    assert [len(rows) for rows in batches(3, QUICK)] == [3] * 12


def test_same_call_same_bytes() -> None:
    first, again = (find(fake_world(), GOAL, QUICK)[0].vector for _ in range(2))
    assert torch.equal(first, again)


def test_a_generator_without_s_is_refused() -> None:
    with pytest.raises(UnknownName, match="no latent space 's'"):
        find(fake_world(spaces=("z",)), GOAL, QUICK)


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"batch": 0}, {"rate": 0.0}, {"identity": -1.0}, {"seed": -1}]
)
def test_settings_without_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        StyleMcConfig(**settings)
