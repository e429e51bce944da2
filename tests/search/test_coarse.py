from __future__ import annotations

from dataclasses import replace

import pytest
from torch import Tensor
from torch.nn import functional as F

from eclipsed.generators.stylegan2 import StyleGAN2
from eclipsed.search import coarse
from eclipsed.search.coarse import coarse_of
from eclipsed.search.pool import View, picture
from eclipsed.testing import fake_world
from eclipsed.types import World
from tests.generators.test_stylegan2 import tiny_generator

CHANNELS = {4: 16, 8: 16, 16: 16, 32: 12, 64: 8}


def world_of(generator: StyleGAN2, size: int = 16) -> World:
    """The fake world with a StyleGAN2, whose encoder sees so many pixels."""
    world = fake_world()

    class Small:
        def __getattr__(self, name: str) -> object:
            return getattr(world.encoder, name)

        def encode_image(self, images: Tensor) -> Tensor:
            return world.encoder.encode_image(F.adaptive_avg_pool2d(images, world.encoder.size))

    encoder = Small()
    encoder.size = size  # type: ignore[attr-defined]
    return replace(world, generator=generator, encoder=encoder)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def generator() -> StyleGAN2:
    made = tiny_generator(resolution=64, channels=CHANNELS)
    return made.requires_grad_(False)


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights are never as near as trained ones."""
    monkeypatch.setattr(coarse, "NEAR", 5.0)


def test_what_is_added_brings_the_image_nearer(generator: StyleGAN2) -> None:
    world = world_of(generator)
    found = coarse_of(world)
    assert found is not None
    assert (found.resolution, found.feature) == (16, "layer_5")
    z = generator.sample(range(100, 108), space="z")
    seen, _ = picture(View(world, "z", world.truncation, coarse=found), z)
    assert seen.image.shape == (8, 3, 16, 16)
    whole = generator.synthesize(z, "z", truncation=world.truncation).image
    whole = F.interpolate(whole, (16, 16), mode="bilinear", antialias=True)
    early = generator.synthesize(z, "z", truncation=world.truncation, resolution=16).image
    errors = [(image - whole).square().mean() for image in (early, seen.image)]
    assert errors[1] < 0.8 * errors[0]


def test_its_own_images_are_claimed_to_be_as_near_as_others_are(generator: StyleGAN2) -> None:
    world = world_of(generator)
    found = coarse_of(world)
    assert found is not None
    z = generator.sample(range(200, 216), space="z")
    seen = found.synthesis(generator, z, "z", (), world.truncation).image.clamp(-1.0, 1.0)
    whole = generator.synthesize(z, "z", truncation=world.truncation).image
    whole = F.interpolate(whole, (16, 16), mode="bilinear", antialias=True).clamp(-1.0, 1.0)
    decibels = -10.0 * ((seen - whole).square().mean() / 4.0).log10()
    assert found.decibels == pytest.approx(float(decibels), abs=1.5)


def test_gradients_pass_to_the_latents(generator: StyleGAN2) -> None:
    world = world_of(generator)
    latents = generator.sample([3]).requires_grad_()
    view = View(world, "w+", coarse=coarse_of(world))
    picture(view, latents)[1].sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0


def test_where_it_would_not_be_right_images_are_whole(
    generator: StyleGAN2, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert coarse_of(world_of(generator, size=33)) is None, "the encoder sees as fine"
    assert coarse_of(fake_world()) is None, "the generator has no earlier image"
    reading = world_of(generator)
    segmenter = replace(reading.segmenter, feature_names=("layer_9",))
    assert coarse_of(replace(reading, segmenter=segmenter)) is None, "the segmenter reads later"
    monkeypatch.setattr(coarse, "NEAR", 200.0)
    assert coarse_of(world_of(generator)) is None, "it would look like something else"


def test_what_is_seen_from_afar_has_keys_of_its_own(generator: StyleGAN2) -> None:
    world = world_of(generator)
    near, far = View(world), View(world, coarse=coarse_of(world))
    keys = {view.key("pool", 1, ("generator",), 5).digest for view in (near, far)}
    assert len(keys) == 2
