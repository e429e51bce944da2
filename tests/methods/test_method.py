from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from eclipsed.directions import Direction
from eclipsed.errors import UnknownName
from eclipsed.generators.spaces import longest_layer
from eclipsed.methods import method
from eclipsed.methods.method import CHOOSING, calibrated, choose, for_one_image, rank
from eclipsed.methods.registry import method_named, names
from eclipsed.search.calibration import SEEDS
from eclipsed.search.pool import View
from eclipsed.testing import W_DIM, fake_world, patch_vector
from eclipsed.types import Goal, World

UNPROMPTED = Goal("", "")
GOAL = Goal("bright hair", "a person", ("hair",))


@dataclass(frozen=True)
class Numbers:
    """A config."""

    size: int = 3


def direction(world: World, name: str, goal: Goal = UNPROMPTED, scale: float = 1.0) -> Direction:
    return calibrated(
        world,
        scale * patch_vector(name),
        goal,
        Numbers(),
        method="test",
        space="w+",
        name=name,
        tried=name,
    )


def test_the_length_of_a_vector_does_not_matter() -> None:
    world = fake_world()
    small, large = (direction(world, "hair", GOAL, scale) for scale in (0.01, 30.0))
    torch.testing.assert_close(small.scaled(), large.scaled())
    assert longest_layer(world.generator, "w+", small.vector) == pytest.approx(method.LONGEST)
    assert small.config == {"size": 3, "tried": "hair"}
    assert (small.prompt, small.regions) == (GOAL.prompt, GOAL.regions)


def test_without_a_prompt_images_move_half_as_far_as_they_lie_apart() -> None:
    world = fake_world()
    unprompted = direction(world, "hair")
    assert unprompted.prompt == ""
    latents = world.generator.sample(SEEDS, truncation=world.truncation)

    def seen(x: torch.Tensor) -> torch.Tensor:
        return world.encoder.encode_image(world.generator.synthesize(x).image)

    before = seen(latents)
    moved = (seen(latents + unprompted.scaled()) - before).norm(dim=1).median()
    apart = (before - before.roll(1, dims=0)).norm(dim=1).median()
    assert float(moved / apart) == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(("prompt", "sign"), [("bright hair", 1.0), ("dark hair", -1.0)])
def test_the_best_of_several_is_chosen_with_the_sign_that_answers(prompt: str, sign: float) -> None:
    world = fake_world()
    directions = [direction(world, name) for name in ("mouth", "hair")]
    chosen = choose(world, Goal(prompt, "a person", ("hair",)), directions)
    assert chosen.config["chosen"] == "hair"
    assert chosen.config["sign"] == sign
    assert chosen.config["of"] == 2
    assert float(chosen.vector @ (sign * patch_vector("hair"))) > 0.0
    with pytest.raises(ValueError, match="no direction"):
        choose(world, GOAL, [])


def test_what_directions_do_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    directions = [direction(world, name) for name in ("hair", "mouth")]
    looks: list[int] = []
    real = method.picture
    monkeypatch.setattr(method, "picture", lambda *a: (looks.append(len(a[1])), real(*a))[1])
    choose(world, GOAL, directions)
    first = looks.count(CHOOSING)
    choose(world, Goal("dark hair", "a person", ("hair",)), directions)
    assert first == 5
    assert looks.count(CHOOSING) == first


def test_the_ranking_puts_the_answers_first() -> None:
    ranking = rank(fake_world(), GOAL, "w+", range(60))
    order = ranking.along.argsort(descending=True)
    assert torch.equal(ranking.best(5), ranking.pool.latents[order[:5]])
    assert torch.equal(ranking.worst(5), ranking.pool.latents[order.flip(0)[:5]])


def test_an_edit_of_one_image_stays_as_it_is() -> None:
    view, vector = View(fake_world()), patch_vector("hair")
    direction = for_one_image(view, vector, GOAL, _Of(image=7), method="test")
    assert torch.equal(direction.scaled(), vector)
    assert direction.range == (0.0, 1.0)
    assert "image 7" in direction.name
    assert direction.vector.shape == (4 * W_DIM,)


@dataclass(frozen=True)
class _Of:
    image: int


def test_methods_are_known_by_name() -> None:
    assert all(method_named(name).name == name for name in names())
    with pytest.raises(UnknownName, match="no method 'magic'"):
        method_named("magic")
