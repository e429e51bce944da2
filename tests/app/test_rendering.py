from __future__ import annotations

import io
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed.app import rendering
from eclipsed.app import session as sessions
from eclipsed.app.library import Library
from eclipsed.app.rendering import FRAMES, Renderer, bounds_of
from eclipsed.app.session import Session
from eclipsed.app.thumbnails import thumbnail
from eclipsed.editing.images import to_pil
from eclipsed.editing.masks import Mask
from eclipsed.editing.stack import render
from eclipsed.editing.starts import Start
from eclipsed.types import World


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=float)


def test_a_shot_is_what_render_makes(renderer: Renderer, session: Session, world: World) -> None:
    latents = world.generator.sample([5], space="z")
    expected = render(world.generator, latents, session.stack, space="z", truncation=0.7)
    shot = renderer.shot(session)
    assert Image.open(io.BytesIO(shot.png)).tobytes() == to_pil(expected[0]).tobytes()
    assert shot.milliseconds > 0.0


def test_before_has_no_edits(renderer: Renderer, session: Session) -> None:
    assert renderer.before(session).png == renderer.shot(sessions.reset(session)).png
    assert renderer.before(session).png != renderer.shot(session).png


def test_what_was_made_is_not_made_again(renderer: Renderer, session: Session) -> None:
    first = renderer.shot(session)
    assert renderer.shot(sessions.set_compare(session, "split")) is first
    assert renderer.shot(sessions.step_seed(session, 1)) is not first
    changed = sessions.set_strength(session, 0, 0.5)
    assert renderer.shot(changed).png != first.png
    assert renderer.shot(session) is first


def test_a_muted_line_is_as_if_it_were_not_there(renderer: Renderer, session: Session) -> None:
    muted = sessions.set_muted(session, 0, True)
    assert renderer.shot(muted) is renderer.shot(sessions.remove(session, 0))


@pytest.mark.parametrize("hard", [False, True])
def test_frames_are_the_image_at_each_strength(
    renderer: Renderer, session: Session, hard: bool
) -> None:
    session = sessions.set_hard(session, 1, hard)
    frames = renderer.frames(session, 1)
    assert frames.strengths[:2] == (-1.5, 3.0)
    assert len(frames.strengths) == len(frames.pictures) == frames.of <= FRAMES
    for strength, picture in zip(frames.strengths, frames.pictures, strict=True):
        exact = renderer.shot(sessions.set_strength(session, 1, strength))
        assert np.abs(pixels(picture) - pixels(exact.png)).mean() < 6.0  # JPEG's loss


def test_frames_are_kept_while_the_slider_moves(renderer: Renderer, session: Session) -> None:
    frames = renderer.frames(session, 1)
    assert renderer.frames(sessions.set_strength(session, 1, 2.0), 1) is frames
    assert renderer.frames(sessions.set_strength(session, 0, 2.0), 1) is not frames


def test_frames_reach_a_strength_beyond_the_range(renderer: Renderer, session: Session) -> None:
    frames = renderer.frames(sessions.set_strength(session, 1, 4.0), 1)
    assert max(frames.strengths) == 4.0


def test_frames_of_a_muted_line_show_what_it_would_do(renderer: Renderer, session: Session) -> None:
    frames = renderer.frames(sessions.set_muted(session, 1, True), 1)
    assert frames.pictures[0] != frames.pictures[-1]


def test_a_hard_edit_leaves_what_lies_outside(
    renderer: Renderer, session: Session, world: World
) -> None:
    one = sessions.remove(session, 1)
    one = sessions.set_strength(one, 0, 1.5)
    one = sessions.set_regions(sessions.set_hard(one, 0, True), 0, ["mouth"], world)
    assert renderer.shot(one).png == renderer.before(one).png
    mask = pixels(renderer.mask(one))
    assert mask[22, 16, 0] == 255.0
    assert mask[0, 0, 0] == 0.0


def test_the_mask_of_the_whole_image_is_white(
    renderer: Renderer, session: Session, world: World
) -> None:
    whole = sessions.set_regions(session, 0, [], world)
    assert pixels(renderer.mask(whole)).min() == 255.0


def test_a_drawn_mask_is_what_the_edits_mean_to_change(
    renderer: Renderer, session: Session
) -> None:
    square = torch.zeros(32, 32)
    square[20:24, 20:24] = 1.0
    one = sessions.set_mask(sessions.remove(session, 1), 0, Mask.of(square))
    assert bounds_of(one) == ((), (Mask.of(square),))
    mask = pixels(renderer.mask(one))
    assert (mask[22, 22, 0], mask[4, 16, 0]) == (255.0, 0.0)
    both = sessions.set_mask(session, 0, Mask.of(square))
    mask = pixels(renderer.mask(both))
    assert (mask[22, 22, 0], mask[13, 16, 0], mask[4, 16, 0]) == (255.0, 255.0, 0.0)
    assert bounds_of(both) == (("eyes",), (Mask.of(square),))


@pytest.mark.parametrize("hard", [False, True])
def test_a_brush_begins_with_the_region_and_changes_nothing_by_itself(
    renderer: Renderer, session: Session, hard: bool
) -> None:
    edited = sessions.set_hard(session, 0, hard)
    mask = Mask.read(renderer.brush(edited, 1))
    assert mask.sized(32, 32)[13, 16] == 1.0
    assert mask.sized(32, 32)[30, 16] == 0.0
    drawn = sessions.set_mask(edited, 1, mask)
    assert renderer.shot(drawn).png == renderer.shot(sessions.set_hard(edited, 1, True)).png
    assert Mask.read(renderer.brush(drawn, 1)) == mask


def test_a_brush_begins_with_nothing_where_all_may_change(
    renderer: Renderer, session: Session, world: World
) -> None:
    whole = sessions.set_regions(session, 0, [], world)
    assert not any(Mask.read(renderer.brush(whole, 0)).greys)


def test_the_image_of_a_latent_is_what_render_makes(
    renderer: Renderer, session: Session, world: World
) -> None:
    latent = world.generator.sample([9], truncation=1.3)
    edited = sessions.set_start(session, Start.of("w.npy", "w+", latent), world)
    expected = render(world.generator, latent, session.stack)
    shot = renderer.shot(edited)
    assert Image.open(io.BytesIO(shot.png)).tobytes() == to_pil(expected[0]).tobytes()
    assert renderer.before(edited).png != renderer.before(session).png
    frames = renderer.frames(edited, 1)
    exact = renderer.shot(sessions.set_strength(edited, 1, frames.strengths[0]))
    assert np.abs(pixels(frames.pictures[0]) - pixels(exact.png)).mean() < 6.0
    strip = renderer.strip(edited, 0, [5], [1.0])
    assert torch.equal(strip[0, 0], renderer.image(session)[0]), "a strip is of seeds"


def test_a_strip_has_seeds_as_rows(renderer: Renderer, session: Session) -> None:
    images = renderer.strip(session, 0, [5, 6, 7], [-1.0, 1.0])
    assert images.shape[:2] == (3, 2)
    # Images that are made together are summed in another order on some processors.
    torch.testing.assert_close(images[0, 1], renderer.image(session)[0], rtol=0.0, atol=1e-6)


def test_the_cache_is_bounded(
    renderer: Renderer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(renderer.shot(session).png)
    monkeypatch.setattr(rendering, "_MOST_BYTES", 3 * size)
    for seed in range(20):
        renderer.shot(sessions.set_seed(session, seed))
    assert renderer.bytes_cached <= 3 * size


def test_several_threads_get_the_same_images(world: World, session: Session) -> None:
    seeds = list(range(12))
    alone = Renderer(world)
    expected = [alone.shot(sessions.set_seed(session, seed)).png for seed in seeds]
    shared, shots = Renderer(world), {}

    def draw(order: list[int]) -> None:
        for seed in order:
            shots[seed, order[0]] = shared.shot(sessions.set_seed(session, seed)).png

    threads = [threading.Thread(target=draw, args=(order,)) for order in (seeds, seeds[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(shots[seed, first] == expected[seed] for seed in seeds for first in (0, 11))


def test_a_thumbnail_is_drawn_once(
    renderer: Renderer, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = thumbnail(renderer, library.direction("hair.safetensors"))
    low, _, high = np.split(pixels(first), 3, axis=1)
    assert high[:32].mean() > low[:32].mean() + 20.0
    monkeypatch.setattr(Renderer, "strip", None)
    assert thumbnail(renderer, library.direction("hair.safetensors")) == first
    other = replace(library.direction("hair.safetensors"), unit=2.0)
    other.save(library.folder / "hair.safetensors")
    with pytest.raises(TypeError):  # another unit is another picture
        thumbnail(renderer, library.direction("hair.safetensors"))
