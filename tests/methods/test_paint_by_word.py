from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from eclipsed.errors import BadSetting, EclipsedError, UnknownName
from eclipsed.methods.one_image import start_of
from eclipsed.methods.paint_by_word import (
    PAINT_BY_WORD,
    PaintByWordConfig,
    brush,
    find,
    painting_loss,
)
from eclipsed.testing import FakeJudge, fake_judge, fake_world, patch_mask
from eclipsed.types import Goal, Synthesis

BRIGHT = Goal("bright hair", "a person", ("hair",))
HAT = Goal("a hat", "a person", ("hat",))
QUICK = PaintByWordConfig(image=5, generations=6, population=12, steps=40, rate=0.1)


def brightness(image: Tensor, part: str) -> float:
    return float((image * patch_mask(part)).sum() / (3.0 * patch_mask(part).sum()))


@pytest.mark.parametrize("changes", [{}, {"generations": 0}, {"steps": 0, "generations": 20}])
def test_the_region_answers_and_the_rest_stays(changes: dict[str, int]) -> None:
    """By both optimisers together, and by either alone."""
    world = fake_world()
    (direction,) = find(world, BRIGHT, replace(QUICK, **changes))
    start = start_of(world, "w+", 5)
    latents = torch.stack([start.latent, start.latent + direction.scaled()])
    before, after = world.generator.synthesize(latents).image
    assert brightness(after, "hair") > brightness(before, "hair") + 0.1
    outside = ((after - before).abs() * (1.0 - patch_mask("hair"))).sum()
    assert outside < 0.5 * ((after - before).abs() * patch_mask("hair")).sum()


def test_the_direction_is_what_was_found_for_that_image() -> None:
    world = fake_world()
    (direction,) = find(world, BRIGHT, QUICK)
    assert (direction.unit, direction.range) == (1.0, (0.0, 1.0))
    assert direction.name == "bright hair, image 5"
    assert direction.regions == ("hair",)
    assert direction.method == PAINT_BY_WORD.name
    assert direction.config["image"] == 5
    start = start_of(world, "w+", 5)
    loss = painting_loss(start, BRIGHT, QUICK.outside_weight)
    moves = torch.stack([torch.zeros_like(start.latent), direction.scaled() / start.units])
    stayed, painted = loss(moves).tolist()
    assert painted < stayed


def test_the_same_call_gives_the_same_vector_and_another_image_another() -> None:
    world, quick = fake_world(), replace(QUICK, generations=2, steps=2)
    first, again = (find(world, BRIGHT, quick)[0].vector for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, find(world, BRIGHT, replace(quick, image=6))[0].vector)


def test_a_change_outside_the_region_costs_and_is_not_read() -> None:
    """The text is asked of the original with the region taken from the edited image."""
    world = fake_world()
    start = start_of(world, "w+", 5)
    moves = torch.zeros(2, 32)
    moves[1, 16:19] = 1.0  # the mouth's colour
    free, bound = (painting_loss(start, BRIGHT, weight)(moves) for weight in (0.0, 1.0))
    assert float(free[1]) == pytest.approx(float(free[0]), abs=1e-6)
    assert float(bound[1]) > float(bound[0]) + 1e-3


def test_the_brush_is_the_region_and_the_place_it_has_elsewhere() -> None:
    world = fake_world()
    bare = start_of(world, "w+", _seed(hat=False))
    hatted = start_of(world, "w+", _seed(hat=True))
    # One of the two images wears a hat and the other shows its hair, in the same place.
    for start in (bare, hatted):
        assert torch.equal(brush(start, BRIGHT), patch_mask("hair"))
        assert torch.equal(brush(start, HAT), patch_mask("hair"))
    assert torch.equal(brush(bare, Goal("x", "y")), torch.ones(32, 32))


def test_what_few_images_show_elsewhere_is_no_place_to_paint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ears are at the left in three images of four and at the right in this one."""
    world = fake_world()

    def ears(_: object, made: Synthesis, regions: Sequence[str]) -> Tensor:
        masks = torch.zeros(len(made.image), 32, 32)
        masks[:, :4, :4] = 1.0
        masks[::4] = masks[::4].flip(2)
        return masks

    monkeypatch.setattr(type(world.segmenter), "masks", ears)
    expected = torch.zeros(32, 32)
    expected[:4, :4] = expected[:4, -4:] = 1.0
    assert torch.equal(brush(start_of(world, "w+", 0), HAT), expected)
    monkeypatch.setattr(type(world.segmenter), "masks", lambda *given: ears(*given).roll(1, dims=0))
    expected[:4, -4:] = 0.0
    assert torch.equal(brush(start_of(world, "w+", 0), HAT), expected)


def _seed(*, hat: bool) -> int:
    """A seed whose image wears a hat, or none."""
    world, judge = fake_world(), fake_judge()
    assert isinstance(judge, FakeJudge)
    latents = world.generator.sample(range(64), truncation=world.truncation)
    seen = judge.attributes(world.generator.synthesize(latents).image).probabilities["hat"]
    return int((seen[:, 1] > 0.5).float().argmax() if hat else (seen[:, 1] < 0.5).float().argmax())


def test_a_region_that_no_image_shows_cannot_be_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = fake_world()
    monkeypatch.setattr("eclipsed.testing.hat_strength", lambda images: torch.zeros(len(images)))
    with pytest.raises(EclipsedError, match="no image shows hat"):
        find(world, HAT, QUICK)


def test_it_paints_in_z_where_there_is_nothing_else() -> None:
    only_z = fake_world(spaces=("z",))
    (direction,) = find(only_z, BRIGHT, replace(QUICK, generations=2, steps=2))
    assert direction.space == "z"
    with pytest.raises(UnknownName):
        find(only_z, BRIGHT, replace(QUICK, space="w+"))


@pytest.mark.parametrize(
    "changes",
    [
        {"image": -1},
        {"image": 2**32},
        {"steps": 0, "generations": 0},
        {"population": 1},
        {"rate": float("nan")},
        {"sigma": -1.0},
        {"sigma": 0.0, "generations": 1},
        {"outside_weight": -0.1},
    ],
)
def test_settings_without_sense_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        PaintByWordConfig(**changes)  # type: ignore[arg-type]
