from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eclipsed.cache import forget
from eclipsed.search.pool import (
    BATCH,
    View,
    build_pool,
    fast_bfloat16,
    features_between,
    look_at,
    masks_of,
    picture,
    sample_mixed,
    spaced,
)
from eclipsed.testing import FakeEncoder, fake_world, patch_vector
from eclipsed.types import Goal

GOAL = Goal("bright hair", "a person", ("hair",))


def test_a_pool_is_what_one_batch_would_give() -> None:
    world = fake_world()
    seeds = list(range(BATCH + 3))
    pool = build_pool(View(world, "w+", 0.7), seeds)
    latents = world.generator.sample(seeds, truncation=0.7)
    images = world.generator.synthesize(latents).image
    torch.testing.assert_close(pool.latents, latents)
    torch.testing.assert_close(pool.embeddings, world.encoder.encode_image(images.clamp(-1, 1)))


def test_mixed_latents_take_their_late_layers_from_another_seed() -> None:
    view = View(fake_world(), "w+", 0.7)
    seeds = list(range(40))
    generator = view.world.generator
    mixed = sample_mixed(view, seeds).unflatten(1, (4, -1))
    plain = generator.sample(seeds, truncation=0.7).unflatten(1, (4, -1))
    same = (mixed == plain).all(dim=2)
    cuts = same.sum(dim=1)
    # From its cut on, and not before, every image has the layers of another; all cuts occur.
    assert all(
        row.tolist() == [True] * cut + [False] * (4 - cut)
        for row, cut in zip(same, cuts, strict=True)
    )
    assert set(cuts.tolist()) == {1, 2, 3}
    assert torch.equal(sample_mixed(view, seeds[5:6]).view(4, -1), mixed[5])
    # The same images in S; nothing to mix in z and w.
    for space, images in (("s", mixed.flatten(1)), ("w", None)):
        there = sample_mixed(replace(view, space=space), seeds)
        wanted = (
            generator.sample(seeds, truncation=0.7, space=space)
            if images is None
            else generator.convert(images, "w+", space)
        )
        assert torch.equal(there, wanted)


def test_truncation_in_z_happens_when_the_image_is_made() -> None:
    world = fake_world()
    in_z, in_w = (build_pool(View(world, space, 0.5), [1, 2]) for space in ("z", "w"))
    torch.testing.assert_close(in_z.embeddings, in_w.embeddings, rtol=1e-4, atol=1e-5)


def test_originals_hold_everything_in_the_order_asked() -> None:
    world = fake_world()
    latents = world.generator.sample(list(range(BATCH + 2)))
    seen = look_at(View(world), GOAL, latents, ("layer_2", "layer_3"))
    rows = torch.tensor([BATCH, 3])
    taken = seen.take(rows)
    made = world.generator.synthesize(latents[rows], features=("layer_2", "layer_3"))
    torch.testing.assert_close(taken.images, made.image)
    torch.testing.assert_close(taken.masks, world.segmenter.masks(made, ("hair",)))
    torch.testing.assert_close(taken.embeddings, picture(View(world), latents[rows])[1])
    for name in ("layer_2", "layer_3"):
        torch.testing.assert_close(taken.features[name], made.features[name])


def test_without_regions_the_mask_is_the_whole_image() -> None:
    world = fake_world()
    latents = world.generator.sample([1])
    seen = look_at(View(world), Goal("x", "y"), latents)
    assert bool((seen.masks == 1).all())
    assert not seen.features


def test_colours_beyond_white_do_not_count() -> None:
    world = fake_world()
    latents = world.generator.sample([1]) + 5.0 * patch_vector("hair")
    image, embedding = picture(View(world), latents)
    assert float(image.image.max()) > 1.0
    torch.testing.assert_close(embedding, world.encoder.encode_image(image.image.clamp(-1, 1)))


def test_half_precision_is_near_and_its_results_are_float32() -> None:
    world = fake_world()
    latents = world.generator.sample([1, 2]).requires_grad_()
    made, embeddings = picture(View(world, half=True), latents, ("layer_3",))
    masks = masks_of(View(world, half=True), GOAL, made)
    for tensor in (made.image, made.features["layer_3"], embeddings, masks):
        assert tensor.dtype == torch.float32
    exact = picture(View(world), latents)[1]
    assert not torch.equal(embeddings, exact)
    torch.testing.assert_close(embeddings, exact, rtol=0, atol=0.05)
    embeddings.sum().backward()
    assert latents.grad is not None


def test_half_precision_is_only_used_where_it_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for found, fast in (({"avx512_bf16": True}, True), ({"avx2": True}, False), ({}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found, raising=False)
        assert fast_bfloat16(cpu) is fast
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert fast_bfloat16(cpu) is False
    assert fast_bfloat16(torch.device("meta")) is False


def test_features_are_chosen_by_their_size() -> None:
    # The fake's layers 1 to 4 are 4, 8, 16 and 32 px high.
    assert features_between(fake_world().generator, 8, 16) == ("layer_2", "layer_3")


class Known(FakeEncoder):
    """An encoder which counts the images it is shown."""

    shown = 0

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        Known.shown += len(images)
        return super().encode_image(images)


def test_embeddings_are_computed_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Known, "shown", 0)
    world = replace(fake_world(), encoder=Known())
    seeds = [3, 1, 4]
    first = build_pool(View(world, "w+", 0.7), seeds)
    again = build_pool(View(world, "s", 0.7), seeds)
    assert Known.shown == 3
    assert torch.equal(first.embeddings, again.embeddings)
    build_pool(View(world, "w+", 0.6), seeds)
    assert Known.shown == 6
    mixed = [build_pool(View(world, space, 0.7), seeds, mixed=True) for space in ("w+", "s")]
    assert torch.equal(mixed[0].embeddings, mixed[1].embeddings)
    assert not torch.equal(mixed[0].embeddings, first.embeddings)
    assert Known.shown == 9
    for file in (cache / "pools").iterdir():
        file.write_bytes(b"damaged")
    forget()
    assert torch.equal(build_pool(View(world, "w+", 0.7), seeds).embeddings, first.embeddings)
    assert Known.shown == 12


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    cache: Path,
) -> None:
    cache.mkdir()
    (cache / "pools").write_text("a file where the folder should be")
    world = replace(fake_world(), encoder=Known())
    assert len(build_pool(View(world), [1, 2]).embeddings) == 2


@given(st.integers(1, 50), st.integers(1, 50))
def test_spaced_numbers_are_different_and_in_range(count: int, wanted: int) -> None:
    chosen = spaced(count, wanted)
    assert len(chosen) == len(set(chosen)) == min(count, wanted)
    assert all(0 <= index < count for index in chosen)
