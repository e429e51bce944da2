"""Worlds whose images are oblong, grey or transparent, from the file to the editor's pictures."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Line, Session
from eclipsed.app.thumbnails import thumbnail
from eclipsed.directions import Direction
from eclipsed.editing.images import to_pil
from eclipsed.editing.masks import Mask, change_region
from eclipsed.editing.stack import Edit, EditStack, render
from eclipsed.evaluation.evaluate import evaluate
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.search.losses import resize_for_encoder
from eclipsed.types import World
from eclipsed.worlds.assembling import own_world
from eclipsed.worlds.own import read_own

CHANNELS = dict.fromkeys((4, 8, 16, 32), 4)


@pytest.fixture(params=[((8, 4), 1), ((3, 5), 4), ((4, 4), 1)], ids=["high grey", "wide", "grey"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    start, colours = request.param
    torch.manual_seed(0)
    network = StyleGAN2(
        StyleGAN2Config(
            32, CHANNELS, z_dim=8, w_dim=8, mapping_layers=2, start=start, colours=colours
        )
    )
    torch.save({"g_ema": network.state_dict()}, tmp_path / "net.pt")
    (tmp_path / "own.toml").write_text(
        'name = "own"\ngenerator = "net.pt"\nencoder = "starter"\nsegmenter = "starter"\n'
    )
    return own_world(read_own(tmp_path / "own.toml"), "cpu")


def direction(world: World, regions: tuple[str, ...] = ()) -> Direction:
    generator = world.generator
    layers = generator.layers("w+")
    return Direction(
        vector=torch.ones(sum(layer.width for layer in layers)),
        name="brighter",
        prompt="bright hair",
        neutral="a person",
        space="w+",
        layers=layers,
        regions=regions,
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method="by hand",
    )


def test_everything_fits_the_images_shape(world: World) -> None:
    generator = world.generator
    height, width = generator.size  # type: ignore[attr-defined]
    latents = generator.sample([0, 1])
    synthesis = generator.synthesize(latents, features=generator.feature_names)
    assert synthesis.image.shape == (2, 3, height, width)
    assert world.encoder.encode_image(synthesis.image).shape[0] == 2
    assert resize_for_encoder(synthesis.image, 32).shape == (2, 3, 32, 32)
    masks = world.segmenter.masks(synthesis, ["background"])
    assert masks.shape == (2, height, width)
    assert change_region(masks, masks).shape == masks.shape
    card = direction(world, ("background",))
    for mask in (None, Mask.of(torch.ones(7, 9))):
        stack = EditStack((Edit(card, 1.0, hard=True, mask=mask),))
        images = render(generator, latents, stack, segmenter=world.segmenter)
        assert images.shape == synthesis.image.shape
    assert to_pil(images[0]).size == (width, height)
    assert len(evaluate(world, card, generator.sample([0, 1], space="z"))) == 2


def test_the_editor_draws_them(world: World, tmp_path: Path) -> None:
    height, width = world.generator.size  # type: ignore[attr-defined]
    renderer = Renderer(world)
    card = direction(world, ("background",))
    lines = (Line("", Edit(card)), Line("", Edit(card, hard=True, mask=Mask.of(torch.eye(6)))))
    session = Session(world.name, tmp_path, truncation=0.7, lines=lines)
    for data in (renderer.shot(session).png, renderer.mask(session), renderer.brush(session, 0)):
        assert Image.open(io.BytesIO(data)).size == (width, height)
    for at in (0, 1):
        assert renderer.frames(session, at).pictures
    small = Image.open(io.BytesIO(thumbnail(renderer, card)))
    assert small.width / small.height == pytest.approx(3 * width / height, rel=0.05)
