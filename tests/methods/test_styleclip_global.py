from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods import styleclip_global
from eclipsed.methods.channels import style_channels, style_population
from eclipsed.methods.styleclip_global import (
    TEMPLATES,
    StyleClipConfig,
    averaged_text,
    find,
    relevance,
)
from eclipsed.search.pool import picture, view_of
from eclipsed.testing import fake_world
from eclipsed.types import Goal
from tests.methods.looking import gain

GOAL = Goal("bright hair", "a person", ("hair",))


def test_relevance_is_the_mean_unit_move_between_both_ends() -> None:
    world, config = fake_world(), StyleClipConfig(images=3, sigmas=2.0)
    view, channels = view_of(world, "s"), style_channels(world.generator)
    rows = relevance(view, config, channels)
    mean, spread = style_population(world)
    latents = world.generator.sample(range(22_000_000, 22_000_003), truncation=0.7, space="s")
    low, high = latents.clone(), latents.clone()
    low[:, 9] = mean[9] - 2.0 * spread[9]
    high[:, 9] = mean[9] + 2.0 * spread[9]
    moves = F.normalize(picture(view, high)[1] - picture(view, low)[1], dim=1)
    assert rows.shape == (32, world.encoder.encode_text(["x"]).shape[1])
    torch.testing.assert_close(rows[9], F.normalize(moves.mean(dim=0), dim=0), rtol=0, atol=1e-3)


def test_the_text_is_averaged_over_templates_and_has_length_1() -> None:
    world = fake_world()
    text = averaged_text(world.encoder, GOAL)
    assert float(text.norm()) == pytest.approx(1.0, abs=1e-5)
    ends = [
        F.normalize(world.encoder.encode_text([t.format(x) for t in TEMPLATES]).mean(dim=0), dim=0)
        for x in (GOAL.prompt, GOAL.neutral)
    ]
    torch.testing.assert_close(text, F.normalize(ends[0] - ends[1], dim=0))


def test_the_prompt_is_answered_in_both_senses_by_the_channels_that_mean_it() -> None:
    world = fake_world()
    (direction,) = find(world, GOAL, StyleClipConfig())
    assert (direction.method, direction.space) == ("styleclip-global", "s")
    assert gain(world, direction, "hair") > 0.3
    assert gain(world, direction, "hair", -1.0) < -0.3
    # The hair's colours are the first three numbers of S, among 32.
    assert int(direction.vector.abs().argmax()) < 3
    assert direction.config["channels"] == int(direction.vector.count_nonzero())


def test_beta_leaves_out_what_is_less_relevant_and_scales_by_the_spread() -> None:
    world = fake_world()
    (loose,) = find(world, GOAL, StyleClipConfig(beta=0.0))
    (tight,) = find(world, GOAL, StyleClipConfig(beta=0.3))
    kept = tight.vector != 0
    assert 0 < int(kept.sum()) < 32
    ratio = tight.vector[kept] / loose.vector[kept]
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))
    channels = style_channels(world.generator)
    rows = relevance(view_of(world, "s"), StyleClipConfig(), channels)
    likeness = rows @ averaged_text(world.encoder, GOAL)
    assert torch.equal(kept, likeness.abs() >= 0.3)
    expected = likeness * style_population(world)[1]
    assert float(torch.cosine_similarity(loose.vector, expected, dim=0)) > 0.99999


def test_a_beta_that_no_channel_reaches_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"No channel is as relevant .* The most relevant one has"):
        find(fake_world(), GOAL, StyleClipConfig(beta=1.0))


def test_relevance_is_measured_once_a_world(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = fake_world()
    (first,) = find(world, GOAL, StyleClipConfig(images=1, beta=0.0))

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(styleclip_global, "_measured", never)
    (again,) = find(world, GOAL, StyleClipConfig(images=1, beta=0.0))
    assert torch.equal(first.vector, again.vector)
    find(world, Goal("bright mouth", "a person"), StyleClipConfig(images=1, beta=0.0))
    with pytest.raises(AssertionError, match="measured again"):
        find(world, GOAL, StyleClipConfig(images=2, beta=0.0))


@pytest.mark.parametrize("harm", [b"", b"not safetensors", None])
def test_a_damaged_cache_is_made_anew(cache: Path, harm: bytes | None) -> None:
    world = fake_world()
    config = StyleClipConfig(images=1)
    channels = style_channels(world.generator)
    first = relevance(view_of(world, "s"), config, channels)
    (file,) = (cache / "relevance").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-8] if harm is None else harm)
    again = relevance(view_of(world, "s"), config, channels)
    assert torch.equal(first, again)
    assert file.read_bytes() == whole


def test_a_generator_without_s_is_refused() -> None:
    with pytest.raises(UnknownName, match="no latent space 's'"):
        find(fake_world(spaces=("z",)), GOAL, StyleClipConfig())


@pytest.mark.parametrize(
    "settings", [{"images": 0}, {"sigmas": 0.0}, {"beta": -0.1}, {"beta": 1.5}, {"seed": 10_000}]
)
def test_settings_without_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        StyleClipConfig(**settings)
