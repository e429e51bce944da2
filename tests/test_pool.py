from __future__ import annotations

import torch

from eclipsed.pool import BATCH, build_pool, encode, features_between, look_at
from eclipsed.types import Goal, Synthesis
from tests.fakes import fake_world

GOAL = Goal("bright hair", "a person", ("hair",))


def test_a_pool_is_what_one_batch_would_give() -> None:
    world = fake_world()
    seeds = list(range(BATCH + 3))
    pool = build_pool(world, seeds, space="w+", truncation=0.7)
    latents = world.generator.sample(seeds, truncation=0.7)
    images = world.generator.synthesize(latents).image
    torch.testing.assert_close(pool.latents, latents)
    torch.testing.assert_close(pool.embeddings, world.encoder.encode_image(images.clamp(-1, 1)))


def test_truncation_in_z_happens_when_the_image_is_made() -> None:
    world = fake_world()
    in_z, in_w = (build_pool(world, [1, 2], space=space, truncation=0.5) for space in ("z", "w"))
    torch.testing.assert_close(in_z.embeddings, in_w.embeddings, rtol=1e-4, atol=1e-5)


def test_originals_hold_everything_in_the_order_asked() -> None:
    world = fake_world()
    latents = world.generator.sample(list(range(BATCH + 2)))
    seen = look_at(
        world, GOAL, latents, space="w+", truncation=0.7, features=("layer_2", "layer_3")
    )
    rows = torch.tensor([BATCH, 3])
    taken = seen.take(rows)
    made = world.generator.synthesize(latents[rows], features=("layer_2", "layer_3"))
    torch.testing.assert_close(taken.images, made.image)
    torch.testing.assert_close(taken.masks, world.segmenter.masks(made, ("hair",)))
    torch.testing.assert_close(taken.embeddings, encode(world, made))
    for name in ("layer_2", "layer_3"):
        torch.testing.assert_close(taken.features[name], made.features[name])


def test_without_regions_the_mask_is_the_whole_image() -> None:
    world = fake_world()
    latents = world.generator.sample([1])
    seen = look_at(world, Goal("x", "y"), latents, space="w+", truncation=0.7)
    assert bool((seen.masks == 1).all())
    assert not seen.features


def test_colours_beyond_white_do_not_count() -> None:
    world = fake_world()
    white, beyond = (Synthesis(torch.full((1, 3, 32, 32), value)) for value in (1.0, 3.0))
    torch.testing.assert_close(encode(world, white), encode(world, beyond))


def test_features_are_chosen_by_their_size() -> None:
    # The fake's layers 1 to 4 are 4, 8, 16 and 32 px high.
    assert features_between(fake_world().generator, 8, 16) == ("layer_2", "layer_3")
