"""From a session to pictures: one exact image, and the frames that a slider is dragged over.

A renderer is shared by every browser that looks at its world; one image is made at a time, and what
was made lately is kept. Times are of the making alone, not of what was kept.
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from eclipsed import editing
from eclipsed.app.session import Line, Session, ends_of
from eclipsed.editing import BATCH, EditStack, render
from eclipsed.files import sha256_of
from eclipsed.images import to_pil
from eclipsed.types import SPACES, World

FRAMES = 25
# A hard edit takes several images and masks for each frame; the page blends between frames.
HARD_FRAMES = 9
# What the cache may hold: some 60 sliders' frames of 128 px images.
_MOST_BYTES = 64 * 2**20
# Frames are for looking at while the hand moves; the exact image follows when it rests.
_WIDEST_FRAME, _QUALITY = 512, 92

Kept = TypeVar("Kept")


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

    Raises what `editing.render` raises.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._lock = threading.RLock()
        self._kept: OrderedDict[object, tuple[object, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes_kept(self) -> int:
        """How much the pictures that are kept take."""
        return self._bytes

    def shot(self, session: Session) -> Shot:
        """The image that is on the screen."""
        return self.keep(("shot", _key(session)), lambda: self._shot(session), lambda s: len(s.png))

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
            return self._images(session, session.stack, latent)

    def frames(self, session: Session, at: int) -> Frames:
        """The image at several strengths of the line at place `at`, from end to end of its
        slider."""
        key, strengths = _frames_of(session, at)
        return self.keep(key, lambda: self._frames(session, at, strengths), lambda f: f.size)

    def frames_key(self, session: Session, at: int) -> str:
        """What `frames` depends on, in short; it stays while that line's slider moves."""
        key, _ = _frames_of(session, at)
        return sha256_of(repr(key).encode())[:24]

    def mask(self, session: Session) -> bytes:
        """Where the edits mean to change the image: a PNG, white inside the regions of all of them
        before and after, feathered as a hard edit is."""
        regions = regions_of(session)
        key = ("mask", _key(session), regions)
        return self.keep(key, lambda: self._mask(session, regions), len)

    def strip(
        self, session: Session, at: int, seeds: Sequence[int], strengths: Sequence[float]
    ) -> Float[Tensor, "s a 3 h w"]:
        """Images of seeds (rows) with the whole stack, the line at `at` at strengths (columns)."""
        rows = [at_strengths(replace(session, seed=seed), at, strengths) for seed in seeds]
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

    def _mask(self, session: Session, regions: Sequence[str]) -> bytes:
        pictures = [self._images(session, stack) for stack in (EditStack(), session.stack)]
        if not regions:
            inside = torch.ones_like(pictures[0][:, 0])
        else:
            inside = self._regions(session, regions)
        grey = (inside[0] * 255.0).round().to("cpu", torch.uint8).numpy()
        return png(Image.fromarray(grey))

    @torch.no_grad()
    def _regions(self, session: Session, regions: Sequence[str]) -> Float[Tensor, "1 h w"]:
        generator, segmenter = self.world.generator, self.world.segmenter
        found = []
        for stack in (EditStack(), session.stack):
            latents = stack.apply(
                generator, self._latent(session), "z", truncation=session.truncation
            )
            made = generator.synthesize(
                latents,
                stack.space("z"),
                features=segmenter.feature_names,
                truncation=session.truncation,
            )
            found.append(segmenter.masks(made, regions))
        return editing.feather(torch.maximum(*found))

    def _images(self, session: Session, stack: EditStack, latent: Tensor | None = None) -> Tensor:
        """[1, 3, H, W], exactly as the command line makes it."""
        return render(
            self.world.generator,
            self._latent(session) if latent is None else latent,
            stack,
            space="z",
            truncation=session.truncation,
            segmenter=self.world.segmenter if any(edit.hard for edit in stack.active) else None,
        )

    def _together(self, sessions: Sequence[Session]) -> Tensor:
        """[N, 3, H, W] of sessions without hard edits."""
        generator = self.world.generator
        spaces = [one.stack.space("z") for one in sessions]
        space = max(spaces, key=SPACES.index)
        psi = sessions[0].truncation
        latents = [
            generator.convert(
                one.stack.apply(generator, self._latent(one), "z", truncation=one.truncation),
                its,
                space,
                one.truncation,
            )
            for one, its in zip(sessions, spaces, strict=True)
        ]
        return torch.cat(
            [
                generator.synthesize(rows, space, truncation=psi).image
                for rows in torch.cat(latents).split(BATCH)
            ]
        )

    def _latent(self, session: Session) -> Tensor:
        return self.world.generator.sample([session.seed], space="z")

    def keep(self, key: object, make: Callable[[], Kept], size: Callable[[Kept], int]) -> Kept:
        """What `make` made for this key lately, or makes now; the oldest gives way."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: Kept = self._kept[key][0]  # type: ignore[assignment]  # made for this key
                return found
            made = make()
            self._kept[key] = (made, size(made))
            self._bytes += size(made)
            while self._bytes > _MOST_BYTES and len(self._kept) > 1:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._bytes -= oldest
            return made


def _key(session: Session) -> tuple[object, ...]:
    """What an image depends on; muted lines are no part of it."""
    active = [line.key() for line in session.lines if not line.edit.muted]
    return (session.seed, session.truncation, tuple(active))


def _frames_of(session: Session, at: int) -> tuple[object, list[float]]:
    """The key and the strengths of a slider's frames."""
    line = session.lines[at]
    hard = any(edit.hard for edit in session.stack.active) or line.edit.hard
    # Ordinary numbers, so that equal strengths are equal keys.
    count = HARD_FRAMES if hard else FRAMES
    strengths = [float(x) for x in np.linspace(*ends_of(line), count)]
    other = replace(session, lines=_moved(session.lines, at, 0.0))
    return ("frames", _key(other), at, tuple(strengths)), strengths


def regions_of(session: Session) -> tuple[str, ...]:
    """The regions of all edits that are not muted; empty where one means the whole image."""
    reaches = [line.reach for line in session.lines if not line.edit.muted]
    if not all(reaches):
        return ()
    return tuple(dict.fromkeys(region for reach in reaches for region in reach))


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
