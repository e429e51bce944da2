"""From a session to pictures: one exact image, and the frames that a slider is dragged over.

A renderer is shared by every browser that looks at its world; one image is made at a time, and what
was made lately is cached. Times are of the making alone.
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eclipsed.app.session import Session, ends_of, set_seed
from eclipsed.editing.images import to_pil
from eclipsed.editing.masks import Mask
from eclipsed.editing.stack import EditStack, feather, region_mask, render
from eclipsed.files import sha256_of
from eclipsed.types import Space, World

FRAMES = 25
# A hard edit takes several images and masks for each frame; the page blends between frames.
HARD_FRAMES = 9
# What the cache may hold: some 60 sliders' frames of 128 px images.
_MOST_BYTES = 64 * 2**20
# Frames are for looking at while the hand moves; the exact image follows when it rests.
_WIDEST_FRAME, _QUALITY = 512, 92

Item = TypeVar("Item", bound=Sized)


@dataclass(frozen=True)
class Shot:
    """One exact image: a lossless PNG, and how long the generator took."""

    png: bytes
    milliseconds: float

    def __len__(self) -> int:
        """Bytes of the picture."""
        return len(self.png)


@dataclass(frozen=True)
class Frames:
    """One line of the stack at several strengths, all else as it is: a JPEG for each.

    of: how many there are in all.
    """

    strengths: tuple[float, ...]
    pictures: tuple[bytes, ...]
    of: int

    def __len__(self) -> int:
        """Bytes of all pictures."""
        return sum(map(len, self.pictures))


class Renderer:
    """Draws sessions of one world, from any thread, one image at a time.

    bytes_cached: how much the pictures in the cache take. Raises what `stack.render` raises.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._lock = threading.RLock()
        self._cache: OrderedDict[object, Sized] = OrderedDict()
        self.bytes_cached = 0

    def shot(self, session: Session) -> Shot:
        """The image that is on the screen."""
        return self.cached(("shot", _key(session)), lambda: self._shot(session))

    def before(self, session: Session) -> Shot:
        """The same image without edits."""
        return self.shot(replace(session, lines=(), selected=None))

    def image(self, session: Session) -> Float[Tensor, "1 3 h w"]:
        """The image that is on the screen as numbers, exactly as the command line makes it; of a
        photo the small copy that is seen."""
        stack, photo = session.stack, session.photo
        if photo is not None:
            with self._lock:
                return photo.image(stack, near=session.near, mixed=session.mixed)
        latents, space = self._start(session)
        with self._lock:
            return render(
                self.world.generator,
                latents,
                stack,
                space=space,
                truncation=session.truncation,
                segmenter=self.world.segmenter
                if any(edit.bounded for edit in stack.active)
                else None,
            )

    @torch.no_grad()
    def images(self, sessions: Sequence[Session]) -> Float[Tensor, "n 3 h w"]:
        """An image of each session, a few at a time; equal to `image`'s but for rounding."""
        if any(session.photo is not None for session in sessions):
            return torch.cat([self.image(session) for session in sessions])
        edited = [self._edited(session) for session in sessions]
        space, *others = {space for _, space in edited}
        if others or any(edit.bounded for session in sessions for edit in session.stack.active):
            return torch.cat([self.image(session) for session in sessions])
        latents = torch.cat([latents for latents, _ in edited])
        generator, psi = self.world.generator, sessions[0].truncation
        with self._lock:
            return render(generator, latents, EditStack(), space=space, truncation=psi)

    def strip(
        self, session: Session, at: int, seeds: Sequence[int], strengths: Sequence[float]
    ) -> Float[Tensor, "s a 3 h w"]:
        """Images of seeds (rows) with the whole stack, the line at `at` at strengths (columns)."""
        rows = [at_strengths(set_seed(session, seed), at, strengths) for seed in seeds]
        return torch.stack([self.images(row) for row in rows])

    def frames(self, session: Session, at: int, start: int = 0, count: int = FRAMES) -> Frames:
        """The image at several strengths of the line at index `at`: `count` of all, from the
        `start`-th on. The first are both ends of its slider and the middle; each next lies midway
        between two that came before it."""
        strengths = halved(_slider_strengths(session, at))
        some = tuple(strengths[start : start + count])
        key = (self.frames_key(session, at), some)
        return self.cached(key, lambda: self._frames(session, at, some, len(strengths)))

    def frames_key(self, session: Session, at: int) -> str:
        """What `frames` depends on, in short; it stays while that line's slider moves."""
        (still,) = at_strengths(session, at, [0.0])
        facts = (_key(still), at, _slider_strengths(session, at))
        return sha256_of(repr(facts).encode())[:24]

    def mask(self, session: Session) -> bytes:
        """Where the edits mean to change the image: a PNG, white inside the regions of all of them
        before and after and the drawn masks, feathered as a hard edit is."""
        key = ("mask", _key(session), bounds_of(session))
        return self.cached(key, lambda: self._mask(session).png())

    def brush(self, session: Session, at: int) -> bytes:
        """What drawing a line's mask begins with, as a grey PNG: the mask that it has, or where its
        regions are as a hard edit, or nothing for the whole image."""
        line = session.lines[at]
        key = ("brush", _key(session), at, line.bounds, line.key())
        return self.cached(key, lambda: self._brush(session, at).png())

    def _shot(self, session: Session) -> Shot:
        began = time.perf_counter()
        images = self.image(session)
        milliseconds = 1000.0 * (time.perf_counter() - began)
        return Shot(png(to_pil(images[0])), milliseconds)

    def _frames(self, session: Session, at: int, some: tuple[float, ...], of: int) -> Frames:
        if not some:
            return Frames((), (), of)
        images = self.images(at_strengths(session, at, some))
        widest = _WIDEST_FRAME if session.photo is None else max(images.shape[2:])
        return Frames(some, tuple(jpeg(to_pil(image), widest) for image in images), of)

    def square(self, session: Session) -> bytes:
        """What the generator shows, as a PNG: of a photo the square alone."""
        photo = session.photo
        if photo is None:
            return self.shot(session).png
        key = ("square", _key(session))
        return self.cached(key, lambda: png(to_pil(photo.square(session.stack))))

    def _mask(self, session: Session) -> Mask:
        if session.photo is not None:
            return Mask.of(session.photo.mask(session.stack, near=session.near))
        bounds, size = bounds_of(session), self.image(session).shape[2:]
        if bounds is None:
            return Mask.of(torch.ones(size))
        regions, drawn = bounds
        layers = [feather(mask.sized(*size)[None]) for mask in drawn]
        if regions:
            layers.append(self._regions(session, regions).cpu())
        return Mask.of(torch.stack(layers).amax(dim=0)[0])

    def _brush(self, session: Session, at: int) -> Mask:
        line, photo = session.lines[at], session.photo
        world = self.world if photo is None else photo.own_world
        if line.edit.drawn is not None:
            return line.edit.drawn
        latents, space = self._start(session)
        if not line.bounds:
            sides = getattr(world.generator, "size", (world.generator.resolution,) * 2)
            return Mask.of(torch.zeros(*sides))
        mask = region_mask(
            world.generator,
            latents,
            session.stack,
            at,
            space=space,
            truncation=session.truncation,
            segmenter=world.segmenter,
        )
        return Mask.of(mask[0])

    @torch.no_grad()
    def _regions(self, session: Session, regions: Sequence[str]) -> Float[Tensor, "1 h w"]:
        generator, segmenter = self.world.generator, self.world.segmenter
        names, psi = segmenter.feature_names, session.truncation
        masks = []
        for each in (replace(session, lines=()), session):
            latents, space = self._edited(each)
            synthesis = generator.synthesize(latents, space, features=names, truncation=psi)
            masks.append(segmenter.masks(synthesis, regions))
        return feather(torch.maximum(*masks))

    def _edited(self, session: Session) -> tuple[Tensor, Space]:
        """The latent [1, D] with the session's edits, and the space that it is of then."""
        latents, space = self._start(session)
        stack, psi = session.stack, session.truncation
        edited = stack.apply(self.world.generator, latents, space, truncation=psi)
        return edited, stack.space(space)

    def _start(self, session: Session) -> tuple[Tensor, Space]:
        """The latent [1, D] before any edit, and the space that it is of."""
        if session.start is None:
            return self.world.generator.sample([session.seed], space="z"), "z"
        return session.start.latent(self.world.generator), session.start.space

    def cached(self, key: object, make: Callable[[], Item]) -> Item:
        """What `make` returned for this key lately, or returns now; the oldest gives way."""
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return cast("Item", self._cache[key])
            item = self._cache[key] = make()
            self.bytes_cached += len(item)
            while self.bytes_cached > _MOST_BYTES and len(self._cache) > 1:
                self.bytes_cached -= len(self._cache.popitem(last=False)[1])
            return item


def _key(session: Session) -> tuple[object, ...]:
    """What an image depends on; muted lines are no part of it."""
    return (session.image_key, *(line.key() for line in session.active))


def _slider_strengths(session: Session, at: int) -> list[float]:
    """From end to end of a line's slider."""
    line = session.lines[at]
    hard = any(edit.bounded for edit in (*session.stack.active, line.edit))
    hard = hard or session.photo is not None  # whose square has a mask each time
    return [float(x) for x in np.linspace(*ends_of(line), HARD_FRAMES if hard else FRAMES)]


def halved(values: Sequence[float]) -> list[float]:
    """The same values, the ends first, then the middle, then the middles of what lies between."""
    order = list(dict.fromkeys((0, len(values) - 1)))
    while len(order) < len(values):
        known = sorted(order)
        order += [sum(gap) // 2 for gap in pairwise(known) if gap[1] - gap[0] > 1]
    return [values[index] for index in order]


def bounds_of(session: Session) -> tuple[tuple[str, ...], tuple[Mask, ...]] | None:
    """The regions and the drawn masks of all edits that are not muted; None where that is the whole
    image."""
    masks = tuple(line.edit.drawn for line in session.active if line.edit.drawn is not None)
    bounds = [line.bounds for line in session.active if line.edit.drawn is None]
    if not session.active or not all(bounds):
        return None
    return tuple(dict.fromkeys(region for each in bounds for region in each)), masks


def at_strengths(session: Session, at: int, strengths: Sequence[float]) -> list[Session]:
    """The session with the line at `at` at each strength, and not muted: a muted slider would move
    nothing."""
    before, line, after = session.lines[:at], session.lines[at], session.lines[at + 1 :]
    edits = [replace(line.edit, strength=strength, muted=False) for strength in strengths]
    return [replace(session, lines=(*before, replace(line, edit=e), *after)) for e in edits]


def png(picture: Image.Image) -> bytes:
    """A PNG, quickly rather than small."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def jpeg(picture: Image.Image, widest: int) -> bytes:
    """A JPEG to look at, made no wider and no higher than `widest` pixels."""
    buffer = io.BytesIO()
    picture.thumbnail((widest, widest))
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
