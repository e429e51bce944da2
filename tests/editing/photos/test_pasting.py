from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eclipsed.editing.photos import pasting
from eclipsed.editing.photos.crop import Crop, box_crop
from eclipsed.editing.photos.pasting import (
    GHOST,
    Pasted,
    blend,
    faded,
    ghosting,
    paste,
    redrawn,
)
from eclipsed.editing.photos.reading import Photo, as_stored, photo_of, turned
from tests.editing.photos.pictures import deep, deep_png, file, noise, wide_profile

SIZE = 64


def disc(radius: float = 18.0, x: float = 32.0, y: float = 32.0, size: int = SIZE) -> Tensor:
    down, across = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return ((down - y + 0.5) ** 2 + (across - x + 0.5) ** 2 <= radius**2).float()


def flat(*colour: float) -> Tensor:
    return torch.tensor(colour)[:, None, None].expand(3, SIZE, SIZE)


PHOTO = photo_of(file(noise(120, 150), "PNG"))
CROP = box_crop(30, 20, 110, 100)


def turned_crop() -> Crop:
    return Crop(((40, 10), (10, 60), (60, 90), (90, 40)))


@pytest.mark.parametrize("crop", [CROP, turned_crop(), box_crop(-30, -20, 50, 60)])
def test_nothing_changes_outside_the_mask(crop: Crop) -> None:
    pasted = paste(PHOTO, crop, flat(0.4, -0.4, 0.2), disc())
    differs = (pasted.stored() != PHOTO.stored).any(-1)
    left, top, right, bottom = pasted.box
    assert pasted.changed == differs.sum() > 500
    assert not (pasted.pixels != pasted.before)[~pasted.mask].any()
    differs[top:bottom, left:right] = False
    assert not differs.any()
    # The mask itself is a disc in the photo, within half a pixel of the generator's.
    side = crop.side / SIZE
    area = np.pi * (18 * side) ** 2
    if crop.bounds[0] >= 0:
        assert abs(pasted.mask.sum() / area - 1) < 0.05


def test_well_inside_the_whole_difference_is_added() -> None:
    pasted = paste(PHOTO, CROP, flat(0.2, -0.1, 0.0), disc())
    change = pasted.pixels.astype(int) - pasted.before
    y, x = (side // 2 for side in change.shape[:2])
    middle = change[y - 4 : y + 4, x - 4 : x + 4].reshape(-1, 3)
    inside = (PHOTO.pixels[56:64, 66:74] < 220).all(-1).reshape(-1)
    assert np.abs(middle[inside] - [25.5, -12.75, 0]).max() <= 1.0


def test_no_difference_changes_nothing() -> None:
    assert paste(PHOTO, CROP, torch.zeros(3, SIZE, SIZE), disc()).changed == 0


def test_an_empty_mask_changes_nothing() -> None:
    pasted = paste(PHOTO, CROP, flat(1.0, 1.0, 1.0), torch.zeros(SIZE, SIZE))
    assert pasted.changed == 0
    assert pasted.pixels.size == 0
    assert (pasted.stored() == PHOTO.stored).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photos_get_the_same_edit(orientation: int) -> None:
    pixels = np.ascontiguousarray(turned(noise(120, 150), as_stored(orientation)))
    photo = photo_of(file(pixels, "PNG", orientation))
    pasted = paste(photo, CROP, flat(0.4, -0.4, 0.2), disc())
    plain = paste(PHOTO, CROP, flat(0.4, -0.4, 0.2), disc())
    assert (photo.turned(pasted.stored()) == plain.stored()).all()


def test_16_bits_are_changed_in_16_bits() -> None:
    pixels = deep(90, 90)
    photo = photo_of(deep_png(pixels))
    pasted = paste(photo, box_crop(10, 10, 74, 74), flat(0.001, 0.001, 0.001), disc())
    change = pasted.pixels.astype(int) - pasted.before
    assert change.max() == 33  # of 65535, less than a step of 8 bits
    assert pasted.pixels.dtype == np.uint16


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_alpha_stays_and_grey_stays_grey(channels: int) -> None:
    photo = photo_of(file(noise(90, 90, channels), "PNG"))
    pasted = paste(photo, box_crop(10, 10, 74, 74), flat(-0.3, -0.3, -0.3), disc())
    change = pasted.pixels.astype(int) - pasted.before
    colours = 1 if channels < 3 else 3
    assert change[..., :colours].min() <= -37
    assert not change[..., colours:].any()


def test_colours_wider_than_srgb_are_met() -> None:
    grey = np.full((90, 90, 3), 128, np.uint8)
    crop, red = box_crop(10, 10, 74, 74), flat(0.5, -0.5, -0.5)
    plain = photo_of(file(grey, "PNG"))
    wide = photo_of(file(grey, "PNG", icc_profile=wide_profile()))
    assert plain.colours is None
    assert wide.colours is not None
    for lay in (paste, blend):
        seen = []
        for photo in (plain, wide):
            pasted = lay(photo, crop, red, disc())
            data = file(pasted.stored(), "PNG", **photo.facts)
            seen.append(photo_of(data).rgb[40:44, 40:44].astype(int))
        assert np.abs(seen[0] - seen[1]).max() <= 3
        assert not (pasted.pixels != pasted.before)[~pasted.mask].any()
    assert paste(wide, crop, torch.zeros(3, SIZE, SIZE), disc()).changed == 0
    own = noise(90, 90)
    extreme = photo_of(file(own, "PNG", icc_profile=wide_profile()))
    assert paste(extreme, crop, torch.zeros(3, SIZE, SIZE), disc()).changed == 0


def ring(pasted: Pasted, width: int) -> float:
    """The mean change just inside the mask's edge."""
    mask = torch.from_numpy(pasted.mask).float()[None]
    inner = -torch.nn.functional.max_pool2d(-mask, 2 * width + 1, 1, width)[0]
    band = pasted.mask & ~inner.bool().numpy()
    change = np.abs(pasted.pixels.astype(int) - pasted.before).mean(-1)
    return float(change[band].mean())


def test_a_colour_fades_in_and_lines_do_not() -> None:
    crop = box_crop(10, 10, 74, 74)
    photo = photo_of(file(np.full((90, 90, 3), 128, np.uint8), "PNG"))
    colour = paste(photo, crop, flat(0.5, 0.5, 0.5), disc())
    stripes = flat(0.5, 0.5, 0.5) * (1 - 2 * (torch.arange(SIZE) % 2))
    lines = paste(photo, crop, stripes, disc())
    full = 0.5 * 127.5
    assert ring(colour, 2) < 0.6 * full
    assert ring(lines, 2) > ring(colour, 2) + 0.1 * full


def test_what_lies_within_the_mask_stays_whole_up_to_its_edge() -> None:
    change = 0.5 * disc(17).expand(3, SIZE, SIZE)
    assert torch.equal(faded(change, disc(20)), change)


@pytest.mark.parametrize("radius", [1.5, 3.0, 6.0])
def test_small_regions_keep_their_edit(radius: float) -> None:
    both = torch.maximum(disc(radius, 20, 20), disc(16, 44, 44))
    change = faded(flat(0.5, 0.5, 0.5), both)
    assert change[0, 18:22, 18:22].max() > 0.45
    assert not change[:, both == 0].any()


@settings(max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([32, 64, 160, 320]))
def test_faded_is_never_more_than_the_difference_nor_outside(seed: int, size: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    mask = (torch.rand(size, size, generator=rng) < 0.7).float()
    smooth = torch.rand(3, 1, 1, generator=rng).expand(3, size, size)
    change = faded(smooth, mask)
    assert not change[:, mask == 0].any()
    assert (change <= smooth + 1e-5).all()
    assert (change >= -1e-5).all()


def test_a_soft_mask_changes_in_part() -> None:
    change = faded(flat(0.5, 0.5, 0.5), 0.5 * disc())
    assert change[0, 32, 32] == pytest.approx(0.25, abs=0.01)


def test_blending_replaces_the_photo() -> None:
    pasted = blend(PHOTO, CROP, flat(0.0, 0.0, 0.0), disc())
    y, x = (side // 2 for side in pasted.mask.shape)
    assert np.abs(pasted.pixels[y - 5 : y + 5, x - 5 : x + 5].astype(int) - 127.5).max() <= 1
    assert not (pasted.pixels != pasted.before)[~pasted.mask].any()


class TestGhosts:
    """A dark disc on a light ground, which the edit removes."""

    GROUND, DARK = 0.6, -0.6

    def image(self, x: float, radius: float = 10.0) -> Tensor:
        shape = disc(radius, x)
        return (self.GROUND + (self.DARK - self.GROUND) * shape).expand(3, SIZE, SIZE)

    def test_an_inversion_that_meets_the_photo_leaves_none(self) -> None:
        removed = flat(0.6, 0.6, 0.6)
        assert ghosting(self.image(32), self.image(32), removed, disc(25)) == 0.0

    def test_a_shape_in_another_place_stays(self) -> None:
        removed = flat(0.6, 0.6, 0.6)
        assert ghosting(self.image(37), self.image(32), removed, disc(25)) > GHOST
        assert ghosting(self.image(32.3), self.image(32), removed, disc(25)) < GHOST

    def test_noise_is_none(self) -> None:
        noisy = self.image(32) + 0.03 * torch.randn(3, SIZE, SIZE)
        assert ghosting(noisy, self.image(32), flat(0.6, 0.6, 0.6), disc(25)) < GHOST

    def test_colours_draw_no_shape(self) -> None:
        ramp = torch.linspace(-0.2, 0.2, SIZE).expand(3, SIZE, SIZE)
        assert ghosting(self.image(40), self.image(32), self.image(32) + ramp, disc(25)) == 0.0


class TestOtherShapes:
    """A dark disc on a light ground, whose place in the photo the inversion misses by a little."""

    GROUND, DARK = 0.6, -0.6

    def image(self, x: float, radius: float = 10.0, dark: float = DARK) -> Tensor:
        shape = disc(radius, x)
        return (self.GROUND + (dark - self.GROUND) * shape).expand(3, SIZE, SIZE)

    def pasted(self, view: Tensor, before: Tensor, after: Tensor, mask: Tensor) -> Tensor:
        """The photo after the edit, at the generator's size."""
        photo = photo_of(file(((view + 1) * 127.5).round().byte().permute(1, 2, 0).numpy(), "PNG"))
        anew = redrawn(view, before, after, mask)
        done = paste(photo, box_crop(0, 0, SIZE, SIZE), after - before, mask, anew)
        return torch.from_numpy(done.stored()).permute(2, 0, 1) / 127.5 - 1

    def test_an_old_shape_leaves_with_all_its_lines(self) -> None:
        view, before, after = self.image(34), self.image(32), flat(*[self.GROUND] * 3)
        mask = disc(25)
        ghost = (view + faded(after - before, mask) - after)[0, 20:44, 16:52].abs().max()
        left = (self.pasted(view, before, after, mask) - after)[0, 20:44, 16:52].abs().max()
        assert ghost > 1.0
        assert left < 0.1 * ghost
        anew = redrawn(view, before, after, mask)
        assert ghosting(view, before, after, mask, anew) < 0.2 * ghosting(view, before, after, mask)

    def test_new_shapes_come_in_the_photos_light(self) -> None:
        before, after = flat(*[self.GROUND] * 3), self.image(32)
        darker = before - 0.2
        done = self.pasted(darker, before, after, disc(28))
        assert float((done - (after - 0.2))[:, 24:40, 24:40].abs().max()) < 0.1

    def test_what_only_changes_its_colour_is_not_redrawn(self) -> None:
        view, before = self.image(34), self.image(32)
        for dark in (-0.3, 0.0, 0.3):
            after = self.image(32, dark=dark)
            assert redrawn(view, before, after, disc(25)).share.max() < 1e-6
        assert redrawn(view, before, before, disc(25)).share.max() < 1e-6

    @pytest.mark.parametrize("size", [32, 64, 256])
    def test_it_means_the_same_at_every_size(self, size: int) -> None:
        view, before = (
            torch.nn.functional.interpolate(self.image(x)[None], (size, size), mode="bilinear")[0]
            for x in (34, 32)
        )
        after = torch.full_like(before, self.GROUND)
        share = redrawn(view, before, after, torch.ones(size, size)).share
        assert share.shape == (size, size)
        assert 0.05 < float(share.mean()) < 0.6


def test_small_faces_start_softly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches a mask's edge is told in the photo's pixels, however few a face has."""
    stripes = flat(0.5, 0.5, 0.5) * (1 - 2 * (torch.arange(SIZE) // 4 % 2))
    photo = photo_of(file(np.full((450, 450, 3), 128, np.uint8), "PNG"))
    boxes = [box_crop(5, 5, 5 + side, 5 + side) for side in (64, 440)]
    soft = [ring(paste(photo, box, stripes, disc(25)), 2) for box in boxes]
    monkeypatch.setattr(pasting, "_RIM", 0)
    hard = [ring(paste(photo, box, stripes, disc(25)), 2) for box in boxes]
    assert soft[0] < 0.8 * hard[0]
    assert soft[1] > 0.9 * hard[1]


def test_a_photo_is_left_as_it_is() -> None:
    photo: Photo = photo_of(file(noise(90, 90), "PNG"))
    paste(photo, box_crop(10, 10, 74, 74), flat(1.0, 1.0, 1.0), disc())
    assert (photo.stored == noise(90, 90)).all()
