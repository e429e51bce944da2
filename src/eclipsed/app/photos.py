"""A photo on the screen: its inversion is edited, and the change is laid into a small copy of it.

What is seen is made as the file is that will be saved, from fewer pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.editing.photos.crop import SMALLEST, Box, Crop, shrunk
from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.editing.photos.pasting import redrawn
from eclipsed.editing.photos.reading import Photo
from eclipsed.editing.photos.session import EditedPhoto, crop_of, drawn, edit_photo, laid, view_of
from eclipsed.editing.stack import EditStack
from eclipsed.files import sha256_of
from eclipsed.types import World

LONGEST = 1024  # pixels of a side of what is on the screen
_AROUND = 0.25  # of the square's side: so much is seen around it in a close-up


@dataclass(frozen=True, eq=False)
class OpenPhoto:
    """A photo that is edited in a world; the world as it was loaded, its generator not tuned."""

    photo: Photo
    inversion: Inversion
    world: World

    @cached_property
    def crop(self) -> Crop:
        """The square that is edited."""
        return crop_of(self.inversion, self.photo)

    @cached_property
    def own_world(self) -> World:
        """The world with the generator that shows this photo."""
        return self.inversion.world(self.world)

    @cached_property
    def key(self) -> str:
        """Hex that stands for the photo, its square and its inversion."""
        return sha256_of(self.photo.sha256.encode() + self.inversion.to_bytes())

    def image(self, stack: EditStack, *, near: bool, mixed: bool) -> Float[Tensor, "1 3 h w"]:
        """The edited photo as it is seen, in [-1, 1]; as a close-up where `near`.

        mixed: as `edit_photo` takes it. Raises what `render` raises.
        """
        photo, crop = self._near if near else self._whole
        pixels = photo.stored
        if stack.active:
            before, after, mask = drawn(self.own_world, self.inversion, stack)
            anew = redrawn(self._view, before, after.clamp(-1.0, 1.0), mask)
            pixels = laid(photo, crop, (before, after, mask), anew, mixed=mixed).stored()
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1.0

    def mask(self, stack: EditStack, *, near: bool) -> Float[Tensor, "h w"]:
        """Where the photo, as it is seen, may change: from 0 to 1."""
        photo, crop = self._near if near else self._whole
        *_, mask = drawn(self.own_world, self.inversion, stack)
        (left, top, right, bottom), laid, coverage = crop.back(mask[None], *photo.size)
        whole = torch.zeros(photo.size)
        whole[top:bottom, left:right] = laid[0] * coverage
        return whole

    def square(self, stack: EditStack) -> Float[Tensor, "3 s s"]:
        """What the generator shows in the square."""
        return drawn(self.own_world, self.inversion, stack)[1]

    def edited(self, stack: EditStack, *, mixed: bool) -> EditedPhoto:
        """The photo with all its pixels, edited."""
        return edit_photo(self.world, self.photo, self.inversion, stack, mixed=mixed)

    @cached_property
    def _view(self) -> Float[Tensor, "3 s s"]:
        return view_of(self.own_world, self.photo, self.crop)[0].cpu()

    @cached_property
    def _whole(self) -> tuple[Photo, Crop]:
        height, width = self.photo.size
        return small_copy(self.photo, self.crop, (0, 0, width, height))

    @cached_property
    def _near(self) -> tuple[Photo, Crop]:
        height, width = self.photo.size
        left, top, right, bottom = self.crop.bounds
        margin = _AROUND * self.crop.side
        box = (
            max(0, int(left - margin)),
            max(0, int(top - margin)),
            min(width, math.ceil(right + margin)),
            min(height, math.ceil(bottom + margin)),
        )
        return small_copy(self.photo, self.crop, box)


def small_copy(photo: Photo, crop: Crop, box: Box) -> tuple[Photo, Crop]:
    """A box of a photo in colours of the screen, and the crop in it: no side is longer than
    LONGEST, unless the crop would be too small to be one."""
    left, top, right, bottom = box
    pixels = torch.from_numpy(photo.rgb[top:bottom, left:right].copy())
    most = max(1, int(crop.side // SMALLEST))
    small, factor = shrunk(pixels, max(LONGEST, -(-max(pixels.shape[:2]) // most)))
    corners = [((x - left) / factor, (y - top) / factor) for x, y in crop.corners]
    stored = small.round().to(torch.uint8).numpy()
    first, second, third, fourth = corners
    moved = replace(crop, corners=(first, second, third, fourth))
    return Photo(photo.name, None, "PNG", True, 1, b"", stored, {}), moved
