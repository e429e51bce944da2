"""From a session to pictures: one exact image, and the frames that a slider is dragged over.

A renderer is shared by every browser that looks at its world; one image is made at a time, and what
was made lately is cached. Times are of the making alone.
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eclipsed.app.session import Line, Session, ends_of, set_seed
from eclipsed.editing.images import to_pil
from eclipsed.editing.masks import Mask
from eclipsed.editing.stack import BATCH, EditStack, feather, region_mask, render
from eclipsed.files import sha256_of
from eclipsed.types import SPACES, Space, World

FRAMES = 25
# A hard edit takes several images and masks for each frame; the page blends between frames.
HARD_FRAMES = 9
# What the cache may hold: some 60 sliders' frames of 128 px images.
_MOST_BYTES = 64 * 2**20
# Frames are for looking at while the hand moves; the exact image follows when it rests.
_WIDEST_FRAME, _QUALITY = 512, 92

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shot:
    """One exact image: a lossless PNG, and how long the generator took."""

    png: bytes
    milliseconds: float


@dataclass(frozen=True)
class Frames:
    """One line of the stack at several strengths, all else as it is: JPEG bytes, low to high."""

    strengths: tuple[float, ...]
    pictures: tuple[bytes, ...]
    milliseconds: float

    @property
    def size(self) -> int:
        """Bytes of all pictures."""
        return sum(map(len, self.pictures))


class Renderer:
    """Draws sessions of one world, from any thread, one image at a time.

    Raises what `stack.render` raises.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._lock = threading.RLock()
        self._cache: OrderedDict[object, tuple[object, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes_cached(self) -> int:
        """How much the pictures in the cache take."""
        return self._bytes

    def shot(self, session: Session) -> Shot:
        """The image that is on the screen."""
        return self.cached(
            ("shot", _key(session)), lambda: self._shot(session), lambda s: len(s.png)
        )

    def before(self, session: Session) -> Shot:
        """The same image without edits."""
        return self.shot(replace(session, lines=(), selected=None))

    def image(self, session: Session) -> Float[Tensor, "1 3 h w"]:
        """The image that is on the screen as numbers."""
        with self._lock:
            return self._images(session, session.stack)

    def image_of(self, session: Session, latent: Float[Tensor, "1 d"]) -> Float[Tensor, "1 3 h w"]:
        """The session's edits on the image of another z."""
        with self._lock:
            return self._images(session, session.stack, (latent, "z"))

    def frames(self, session: Session, at: int) -> Frames:
        """The image at several strengths of the line at index `at`, from end to end of its
        slider."""
        key, strengths = _frames_of(session, at)
        return self.cached(key, lambda: self._frames(session, at, strengths), lambda f: f.size)

    def frames_key(self, session: Session, at: int) -> str:
        """What `frames` depends on, in short; it stays while that line's slider moves."""
        key, _ = _frames_of(session, at)
        return sha256_of(repr(key).encode())[:24]

    def mask(self, session: Session) -> bytes:
        """Where the edits mean to change the image: a PNG, white inside the regions of all of them
        before and after and the drawn masks, feathered as a hard edit is."""
        key = ("mask", _key(session), _key_of_reach(session))
        return self.cached(key, lambda: self._mask(session), len)

    def brush(self, session: Session, at: int) -> bytes:
        """What drawing a line's mask begins with, as a grey PNG: the mask that it has, or where its
        regions are as a hard edit, or nothing for the whole image."""
        line = session.lines[at]
        if line.edit.drawn is not None:
            return line.edit.drawn.png()
        key = ("brush", _key(session), at, line.reach, line.key())
        return self.cached(key, lambda: self._brush(session, at), len)

    def strip(
        self, session: Session, at: int, seeds: Sequence[int], strengths: Sequence[float]
    ) -> Float[Tensor, "s a 3 h w"]:
        """Images of seeds (rows) with the whole stack, the line at `at` at strengths (columns)."""
        rows = [at_strengths(set_seed(session, seed), at, strengths) for seed in seeds]
        return torch.stack([self.images(row) for row in rows])

    @torch.no_grad()
    def images(self, sessions: Sequence[Session]) -> Float[Tensor, "n 3 h w"]:
        """An image of each session, a few at a time; equal to `image`'s but for rounding."""
        with self._lock:
            if any(edit.hard for one in sessions for edit in one.stack.active):
                return torch.cat([self._images(one, one.stack) for one in sessions])
            return self._together(sessions)

    def _shot(self, session: Session) -> Shot:
        began = time.perf_counter()
        images = self._images(session, session.stack)
        milliseconds = 1000.0 * (time.perf_counter() - began)
        return Shot(png(to_pil(images[0])), milliseconds)

    def _frames(self, session: Session, at: int, strengths: Sequence[float]) -> Frames:
        began = time.perf_counter()
        images = self.images(at_strengths(session, at, strengths))
        milliseconds = 1000.0 * (time.perf_counter() - began) / len(strengths)
        return Frames(
            tuple(strengths), tuple(_jpeg(to_pil(image)) for image in images), milliseconds
        )

    def _mask(self, session: Session) -> bytes:
        reach = reach_of(session)
        side = self.world.generator.resolution
        inside = torch.full((1, side, side), 1.0 if reach is None else 0.0)
        if reach is not None:
            regions, masks = reach
            layers = [self._regions(session, regions).cpu()] if regions else []
            layers += [feather(mask.sized(side, side)[None]) for mask in masks]
            inside = torch.stack(layers).amax(dim=0)
        return Mask.of(inside[0]).png()

    def _brush(self, session: Session, at: int) -> bytes:
        side = self.world.generator.resolution
        if not session.lines[at].reach:
            return Mask.of(torch.zeros(side, side)).png()
        latents, space = self._start(session)
        mask = region_mask(
            self.world.generator,
            latents,
            session.stack,
            at,
            space=space,
            truncation=session.truncation,
            segmenter=self.world.segmenter,
        )
        return Mask.of(mask[0]).png()

    @torch.no_grad()
    def _regions(self, session: Session, regions: Sequence[str]) -> Float[Tensor, "1 h w"]:
        generator, segmenter = self.world.generator, self.world.segmenter
        start, space = self._start(session)
        masks = []
        for stack in (EditStack(), session.stack):
            latents = stack.apply(generator, start, space, truncation=session.truncation)
            synthesis = generator.synthesize(
                latents,
                stack.space(space),
                features=segmenter.feature_names,
                truncation=session.truncation,
            )
            masks.append(segmenter.masks(synthesis, regions))
        return feather(torch.maximum(*masks))

    def _images(
        self, session: Session, stack: EditStack, start: tuple[Tensor, Space] | None = None
    ) -> Tensor:
        """[1, 3, H, W], exactly as the command line makes it."""
        latents, space = self._start(session) if start is None else start
        return render(
            self.world.generator,
            latents,
            stack,
            space=space,
            truncation=session.truncation,
            segmenter=self.world.segmenter if any(edit.hard for edit in stack.active) else None,
        )

    def _together(self, sessions: Sequence[Session]) -> Tensor:
        """[N, 3, H, W] of sessions without hard edits."""
        generator = self.world.generator
        starts = [self._start(one) for one in sessions]
        spaces = [one.stack.space(its) for one, (_, its) in zip(sessions, starts, strict=True)]
        space = max(spaces, key=SPACES.index)
        psi = sessions[0].truncation
        latents = [
            generator.convert(
                one.stack.apply(generator, *start, truncation=one.truncation),
                its,
                space,
                one.truncation,
            )
            for one, start, its in zip(sessions, starts, spaces, strict=True)
        ]
        return torch.cat(
            [
                generator.synthesize(rows, space, truncation=psi).image
                for rows in torch.cat(latents).split(BATCH)
            ]
        )

    def _start(self, session: Session) -> tuple[Tensor, Space]:
        """The latent [1, D] before any edit, and the space that it is of."""
        if session.start is None:
            return self.world.generator.sample([session.seed], space="z"), "z"
        return session.start.latent(self.world.generator), session.start.space

    def cached(self, key: object, make: Callable[[], Item], size: Callable[[Item], int]) -> Item:
        """What `make` returned for this key lately, or returns now; the oldest gives way."""
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return cast("Item", self._cache[key][0])
            item = make()
            self._cache[key] = (item, size(item))
            self._bytes += size(item)
            while self._bytes > _MOST_BYTES and len(self._cache) > 1:
                _, (_, oldest) = self._cache.popitem(last=False)
                self._bytes -= oldest
            return item


def _key(session: Session) -> tuple[object, ...]:
    """What an image depends on; muted lines are no part of it."""
    active = [line.key() for line in session.lines if not line.edit.muted]
    return (session.image_key, tuple(active))


def _frames_of(session: Session, at: int) -> tuple[object, list[float]]:
    """The key and the strengths of a slider's frames."""
    line = session.lines[at]
    hard = any(edit.hard for edit in session.stack.active) or line.edit.hard
    # Ordinary numbers, so that equal strengths are equal keys.
    count = HARD_FRAMES if hard else FRAMES
    strengths = [float(x) for x in np.linspace(*ends_of(line), count)]
    other = replace(session, lines=_moved(session.lines, at, 0.0))
    return ("frames", _key(other), at, tuple(strengths)), strengths


def reach_of(session: Session) -> tuple[tuple[str, ...], tuple[Mask, ...]] | None:
    """The regions and the drawn masks of all edits that are not muted; None where that is the whole
    image."""
    active = [line for line in session.lines if not line.edit.muted]
    masks = tuple(line.edit.drawn for line in active if line.edit.drawn is not None)
    reaches = [line.reach for line in active if line.edit.drawn is None]
    if not active or not all(reaches):
        return None
    return tuple(dict.fromkeys(region for reach in reaches for region in reach)), masks


def _key_of_reach(session: Session) -> object:
    reach = reach_of(session)
    return None if reach is None else (reach[0], tuple(mask.digest for mask in reach[1]))


def at_strengths(session: Session, at: int, strengths: Sequence[float]) -> list[Session]:
    """The session with the line at `at` at each strength."""
    return [replace(session, lines=_moved(session.lines, at, each)) for each in strengths]


def _moved(lines: tuple[Line, ...], at: int, strength: float) -> tuple[Line, ...]:
    """With the line at `at` at another strength, and heard: a muted slider would move nothing."""
    line = lines[at]
    edit = replace(line.edit, strength=strength, muted=False)
    return (*lines[:at], replace(line, edit=edit), *lines[at + 1 :])


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.thumbnail((_WIDEST_FRAME, _WIDEST_FRAME))
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
