"""What holds for every family of generators; what is special to one is in its own file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from eclipsed.errors import UnknownName
from eclipsed.generators.spaces import check_space, layer_spread
from eclipsed.types import SPACES, Generator, Noise, Space, weights_of
from tests.generators import (
    test_biggan,
    test_dcgan,
    test_stylegan1,
    test_stylegan2,
    test_stylegan3,
)

STYLED: dict[str, Callable[..., Any]] = {
    "stylegan1": test_stylegan1.tiny_generator,
    "stylegan2": test_stylegan2.tiny_generator,
    "stylegan3": test_stylegan3.tiny_generator,
}
ONLY_Z: dict[str, Callable[..., Any]] = {
    "biggan": test_biggan.tiny_generator,
    "dcgan": test_dcgan.tiny_generator,
}
EVERY = STYLED | ONLY_Z

styled = pytest.mark.parametrize("family", STYLED)
only_z = pytest.mark.parametrize("family", ONLY_Z)
every = pytest.mark.parametrize("family", EVERY)


def home_of(family: str) -> Space:
    """The space that latents are of unless another is asked for."""
    return "w+" if family in STYLED else "z"


@every
def test_sampling_is_one_random_state_per_seed(family: str) -> None:
    generator = EVERY[family]()
    assert isinstance(generator, Generator)
    z = torch.from_numpy(np.random.RandomState(7).randn(generator.z_dim)).float()[None]
    assert torch.equal(generator.sample([3, 7], space="z")[1:], z)
    one = generator.sample([7])
    torch.testing.assert_close(one, generator.from_z(z, truncation=0.7))
    torch.testing.assert_close(generator.sample([3, 7])[1:], one)


@styled
def test_truncation_zero_is_the_mean_and_a_cutoff_spares_the_later_rows(family: str) -> None:
    generator = STYLED[family]()
    mean = generator.w_mean.repeat(generator.num_ws)
    assert bool((mean != 0).any())
    torch.testing.assert_close(generator.sample([1], truncation=0.0)[0], mean)
    z, first = torch.randn(2, generator.z_dim), 2 * generator.w_dim
    cut = generator.from_z(z, truncation=0.3, cutoff=2)
    torch.testing.assert_close(cut[:, :first], generator.from_z(z, truncation=0.3)[:, :first])
    torch.testing.assert_close(cut[:, first:], generator.from_z(z)[:, first:])


@styled
@pytest.mark.parametrize("space", SPACES)
def test_one_image_in_every_space(family: str, space: Space) -> None:
    generator = STYLED[family]()
    z = torch.randn(2, generator.z_dim)
    latents = generator.from_z(z, truncation=0.7, space=space)
    layers = generator.layers(space)
    assert len({layer.name for layer in layers}) == len(layers)
    assert latents.shape == (2, sum(layer.width for layer in layers))
    torch.testing.assert_close(generator.convert(z, "z", space, truncation=0.7), latents)
    image = generator.synthesize(latents, space=space, truncation=0.7).image
    expected = generator.synthesize(generator.from_z(z, truncation=0.7)).image
    torch.testing.assert_close(image, expected, rtol=1e-4, atol=1e-5)


@styled
def test_converting_in_one_step_or_several_is_the_same(family: str) -> None:
    generator = STYLED[family]()
    z = generator.sample([1, 2], space="z")
    w = generator.convert(z, "z", "w", truncation=0.6)
    plus = generator.convert(w, "w", "w+")
    s = generator.convert(plus, "w+", "s")
    torch.testing.assert_close(generator.convert(z, "z", "w+", truncation=0.6), plus)
    torch.testing.assert_close(generator.convert(z, "z", "s", truncation=0.6), s)
    torch.testing.assert_close(generator.convert(w, "w", "s"), s)
    assert generator.convert(s, "s", "s") is s
    torch.testing.assert_close(plus, w.repeat(1, generator.num_ws))


@styled
@pytest.mark.parametrize(("source", "target"), [("w", "z"), ("w+", "w"), ("s", "w+"), ("s", "z")])
def test_there_is_no_way_back(family: str, source: Space, target: Space) -> None:
    generator = STYLED[family]()
    with pytest.raises(UnknownName, match="cannot be turned back"):
        generator.convert(generator.sample([1], space=source), source, target)


@only_z
@pytest.mark.parametrize("space", ["w", "w+", "s"])
def test_without_a_mapping_there_is_no_space_but_z(family: str, space: Space) -> None:
    generator = ONLY_Z[family]()
    assert [(layer.name, layer.width) for layer in generator.layers("z")] == [("z", 5)]
    z = generator.sample([1])
    for ask in (
        lambda: generator.layers(space),
        lambda: generator.sample([1], space=space),
        lambda: generator.from_z(z, space=space),
        lambda: generator.convert(z, "z", space),
        lambda: generator.convert(z, space, "z"),
        lambda: generator.synthesize(z, space),
    ):
        with pytest.raises(UnknownName, match="Choose one of z"):
            ask()


def test_unknown_spaces_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"'x'.*Choose one of z, w, w\+, s"):
        check_space("x", STYLED["stylegan2"]().spaces)
    with pytest.raises(UnknownName, match=r"'x'.*Choose one of z\."):
        check_space("x", ONLY_Z["dcgan"]().spaces)


@every
def test_features_are_kept_on_request_only(family: str) -> None:
    generator = EVERY[family]()
    latents, names = generator.sample([1]), generator.feature_names
    assert names == tuple(f"layer_{i}" for i in range(len(names)))
    home = home_of(family)
    assert generator.synthesize(latents, home).features == {}
    wanted = (names[-1], names[0])
    assert set(generator.synthesize(latents, home, features=wanted).features) == set(wanted)
    with pytest.raises(UnknownName, match=f"layer_0 to {names[-1]}"):
        generator.synthesize(latents, home, features=(f"layer_{len(names)}",))


@every
def test_the_same_latent_gives_the_same_image_whatever_else_is_in_the_batch(family: str) -> None:
    generator = EVERY[family]()
    latents, home = generator.sample([1, 2, 3]), home_of(family)
    together = generator.synthesize(latents, home, truncation=0.5).image
    alone = [generator.synthesize(one[None], home, truncation=0.5).image for one in latents]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["stylegan3", *ONLY_Z])
def test_noise_changes_nothing_where_there_is_none(family: str) -> None:
    generator = EVERY[family]()
    latents, home = generator.sample([1]), home_of(family)
    choices: tuple[Noise, ...] = ("const", "none", 7)
    images = [generator.synthesize(latents, home, noise=noise).image for noise in choices]
    assert all(torch.equal(image, images[0]) for image in images)


@every
def test_gradients_reach_every_layer_of_latents_but_no_weight(family: str) -> None:
    generator = EVERY[family]()
    for space in {"z", home_of(family)}:
        latents = generator.sample([1, 2], space=space).requires_grad_()
        generator.synthesize(latents, space, truncation=0.5).image.square().sum().backward()
        assert latents.grad is not None
        widths = [layer.width for layer in generator.layers(space)]
        for part in latents.grad.split(widths, dim=1):
            assert bool((part != 0).any(dim=1).all())
    assert all(not parameter.requires_grad for parameter in generator.parameters())


@every
def test_the_fingerprint_tells_weights_apart(family: str) -> None:
    make = EVERY[family]
    assert make().fingerprint == make().fingerprint
    assert make().fingerprint != make(seed=1).fingerprint


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3", "biggan"])
def test_a_class_is_part_of_the_fingerprint_but_for_the_first(family: str) -> None:
    more = {} if family == "biggan" else {"c_dim": 3}
    generator = EVERY[family](**more)
    second = generator.of_class(1)
    assert generator.of_class(0).fingerprint == generator.fingerprint == generator.weights_sha256
    assert second.fingerprint != generator.fingerprint
    assert weights_of(second.fingerprint) == generator.fingerprint
    assert second.in_precision("bfloat16").fingerprint == f"{second.fingerprint}+bfloat16"


@every
def test_the_spread_of_layers_is_measured_once_per_class(family: str) -> None:
    generator, home = EVERY[family](), home_of(family)
    spread = generator.spread(home)
    assert torch.equal(spread, layer_spread(generator, home))
    generator.sample = None  # whatever is asked of it from now on fails
    assert torch.equal(generator.spread(home), spread)
    assert torch.equal(generator.in_precision("bfloat16").spread(home), spread)


def test_the_spread_of_w_is_that_of_its_class() -> None:
    generator = EVERY["stylegan2"](c_dim=3)
    assert not torch.equal(generator.spread("w"), generator.of_class(1).spread("w"))


# The other two ask whether autocast is on, which torch cannot tell of "meta".
@pytest.mark.parametrize("family", ["stylegan1", *ONLY_Z])
def test_everything_follows_the_network_to_another_device(family: str) -> None:
    # "meta" tensors hold no numbers, but mixing them with others fails as on an accelerator.
    generator = EVERY[family]().to("meta")
    generator.weights_sha256 = "unknown"  # runtime checks of Protocols ask for the fingerprint
    assert generator.device.type == "meta"
    choices: tuple[Noise, ...] = ("const", "none", 3)
    for noise in choices:
        made = generator.synthesize(generator.sample([1]), home_of(family), noise=noise)
        assert made.image.device.type == "meta"


@every
def test_a_few_images_at_a_time_are_the_same_images_and_gradients(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = EVERY[family]()
    latents = generator.sample(range(5))
    names = generator.feature_names[1:3]
    calls: list[int] = []
    at_once = type(generator)._at_once

    def seen() -> tuple[torch.Tensor, list[torch.Tensor]]:
        moved = latents.clone().requires_grad_()
        made = generator.synthesize(moved, features=names)
        total = made.image.square().mean() + sum(x.mean() for x in made.features.values())
        (gradient,) = torch.autograd.grad(total, moved)
        return gradient, [made.image.detach(), *(made.features[name].detach() for name in names)]

    def counted(self: Any, few: torch.Tensor, how: Any) -> Any:
        calls.append(len(few))
        return at_once(self, few, how)

    monkeypatch.setattr(type(generator), "_at_once", counted)
    gradient, whole = seen()
    assert calls == [5]
    monkeypatch.setattr(type(generator), "at_once", lambda *_: 2)
    again, parts = seen()
    assert calls[1:4] == [2, 2, 1]
    assert sorted(calls[4:]) == [1, 2, 2]  # once more for the gradient
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(again, gradient, atol=1e-5, rtol=1e-3)
    with torch.no_grad():
        calls.clear()
        torch.testing.assert_close(generator.synthesize(latents).image, whole[0])
    assert calls == [2, 2, 1]


def test_large_images_are_fewer_at_once() -> None:
    small = STYLED["stylegan2"]()
    assert small.at_once() >= 64
    small.size, small.resolution = (1024, 1024), 1024
    assert small.at_once() == 1
    assert small.at_once(stop=256) == 16
