from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.spaces import widths_of
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.methods.lelsd import LelsdConfig, find, paper_config, signed_draw
from eclipsed.methods.paper import paper_losses, start_directions
from eclipsed.segmenters.clusters import ClusterSegmenter
from eclipsed.testing import fake_world
from eclipsed.types import Goal, Synthesis, World
from tests.methods.looking import NO_GOAL

GOAL = Goal("", "", ("hair",))
QUICK = LelsdConfig(count=2, steps=3, batch=2)


@dataclass(frozen=True)
class TopHalf:
    """The upper half of every image is hair."""

    name: str = "top-half"
    fingerprint: str = "top-half"
    regions: tuple[str, ...] = ("hair",)
    feature_names: tuple[str, ...] = ()

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> torch.Tensor:
        mask = torch.zeros_like(synthesis.image[:, 0])
        mask[:, : mask.shape[1] // 2] = 1.0
        return mask


def styled_world() -> World:
    """A random StyleGAN2, in which every row changes all of the image."""
    torch.manual_seed(11)
    sizes = {4: 8, 8: 8, 16: 8}
    generator = StyleGAN2(StyleGAN2Config(16, sizes, z_dim=8, w_dim=8))
    return replace(
        fake_world(), generator=generator.eval().requires_grad_(False), segmenter=TopHalf()
    )


def losses(world: World, directions: torch.Tensor, config: LelsdConfig) -> dict[str, float]:
    """Mean losses of directions over five draws."""
    paper = paper_config(world, "w+", config)
    text = world.encoder.encode_text([""])[0]
    made = [
        paper_losses(
            world,
            GOAL,
            paper,
            text=text,
            directions=directions,
            drawn=signed_draw(paper, step, world.generator.z_dim),
        )
        for step in range(1_000, 1_005)
    ]
    return {name: sum(float(each[name]) for each in made) / len(made) for name in made[0]}


def test_training_moves_the_change_into_the_region_and_the_directions_apart() -> None:
    world = styled_world()
    config = LelsdConfig(count=2, steps=10, batch=2, rate=5e-2)
    found = find(world, GOAL, config)
    start = start_directions(world.generator, paper_config(world, "w+", config))
    after = torch.stack([each.vector for each in found])
    before, trained = losses(world, start, config), losses(world, after, config)
    assert trained["localization"] < before["localization"] - 0.02
    assert trained["correlation"] < before["correlation"] - 0.02
    assert set(trained) == {"localization", "correlation", "total"}


def test_directions_are_of_the_region_and_of_no_prompt() -> None:
    goal = Goal("bright hair", "a person", ("hair", "hat"))
    found = find(fake_world(), goal, QUICK)
    assert [each.name for each in found] == ["hair, hat 1", "hair, hat 2"]
    for each in found:
        assert (each.prompt, each.neutral, each.regions) == ("", "", ("hair", "hat"))
        assert (each.method, each.space) == ("lelsd", "w+")
        assert each.config["count"] == 2
        assert each.unit > 0.0


def test_strength_1_does_not_lie_beyond_what_was_trained() -> None:
    short = replace(QUICK, count=1, rate=0.0)
    (direction,) = find(fake_world(), GOAL, short)
    # Without a rate the start is kept, which has length 1 in every layer.
    layers = direction.scaled().view(4, 8).norm(dim=1)
    torch.testing.assert_close(layers, torch.ones(4))


def test_strengths_are_of_both_senses_and_fill_the_range() -> None:
    paper = paper_config(fake_world(), "w+", QUICK)
    drawn = [signed_draw(paper, step, 8).strength for step in range(200)]
    assert -1.0 <= min(drawn) < -0.9
    assert 0.9 < max(drawn) <= 1.0
    assert abs(sum(drawn) / len(drawn)) < 0.15
    assert signed_draw(paper, 7, 8).strength == drawn[7]


def test_the_training_is_the_papers() -> None:
    paper = paper_config(fake_world(), "w+", LelsdConfig(count=3))
    assert (paper.steps, paper.batch, paper.directions) == (300, 4, 3)
    assert (paper.clip_weight, paper.local_weight, paper.correlation_weight) == (0.0, 1.0, 5.0)
    assert paper.scaled


def test_only_chosen_layers_are_trained() -> None:
    (direction,) = find(fake_world(), GOAL, replace(QUICK, count=1, layers=(1, 2)))
    layers = direction.vector.split(widths_of(fake_world().generator, "w+"))
    assert [bool(layer.any()) for layer in layers] == [False, True, True, False]


def test_a_generator_with_z_alone_is_trained_in_z() -> None:
    (direction,) = find(fake_world(spaces=("z",)), GOAL, replace(QUICK, count=1))
    assert direction.space == "z"


def test_same_call_same_bytes() -> None:
    first, again = (find(fake_world(), GOAL, QUICK) for _ in range(2))
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(first, again, strict=True))
    other = find(fake_world(), GOAL, replace(QUICK, seed=1))
    assert not torch.equal(first[0].vector, other[0].vector)


@pytest.mark.parametrize("goal", [NO_GOAL, Goal("bright hair", "a person")])
def test_without_a_region_there_is_nothing_to_train(goal: Goal) -> None:
    with pytest.raises(BadSetting, match="needs a region"):
        find(fake_world(), goal, QUICK)


def test_a_region_or_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownName, match="nose"):
        find(fake_world(), Goal("", "", ("nose",)), QUICK)
    with pytest.raises(UnknownName, match="no layer 9"):
        find(fake_world(), GOAL, replace(QUICK, layers=(9,)))


@pytest.mark.parametrize(
    "settings",
    [
        {"count": 0},
        {"steps": 0},
        {"batch": 0},
        {"rate": -1.0},
        {"correlation": -1.0},
        {"layers": ()},
        {"seed": -1},
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        LelsdConfig(**settings)


def test_a_region_that_now_means_another_part_gets_another_direction() -> None:
    """Clusters that were renamed keep the name of their segmenter."""
    world = styled_world()
    feature = world.generator.feature_names[-1]
    width = (
        world.generator.synthesize(
            world.generator.sample([0], space="z"), space="z", features=(feature,)
        )
        .features[feature]
        .shape[1]
    )
    clusters = ClusterSegmenter(
        feature_names=(feature,),
        widths=(width,),
        names=("hair", "ground"),
        centres=torch.nn.functional.normalize(torch.randn(2, width), dim=1),
        generator_name=world.generator.name,
        generator_fingerprint=world.generator.fingerprint,
    )
    renamed = clusters.named({0: "ground", 1: "hair"})
    assert renamed.name == clusters.name
    (old,) = find(replace(world, segmenter=clusters), GOAL, replace(QUICK, count=1))
    (new,) = find(replace(world, segmenter=renamed), GOAL, replace(QUICK, count=1))
    (again,) = find(replace(world, segmenter=clusters), GOAL, replace(QUICK, count=1))
    assert not torch.equal(old.vector, new.vector)
    assert torch.equal(old.vector, again.vector)
