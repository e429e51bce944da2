"""From a dropped photo to one that can be edited, in the background: found, chosen, inverted.

A photo with one face is inverted at once; of several, or where nothing looks for faces, a person
says which square is meant. Whoever shows it reads `status`, which is a value.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.app.background import begin
from eclipsed.app.photos import LONGEST, OpenPhoto
from eclipsed.app.rendering import jpeg
from eclipsed.editing.images import to_pil
from eclipsed.editing.photos.crop import centred_crop, shrunk
from eclipsed.editing.photos.descent import Progress
from eclipsed.editing.photos.faces import Placement, of_box, of_face
from eclipsed.editing.photos.inversion import METHODS, InvertConfig
from eclipsed.editing.photos.reading import Photo
from eclipsed.editing.photos.session import invert_photo, lost_picture, view_of
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import Face, World

Stage = Literal["finding", "choosing", "inverting", "done", "stopped", "failed"]
RUNNING: tuple[Stage, ...] = ("finding", "inverting")
SHOWN_EVERY = 4  # steps
_WIDEST = 256  # of the square, the inversion and what is lost, side by side
_FARTHEST = 10.0  # of a corner of a square, in sides of the photo
Fractions = tuple[float, float, float, float]


@dataclass(frozen=True)
class Status:
    """How far the photo is.

    faces: that were found. notes: on the square that was chosen. step, steps: of the inversion.
    decibels: how near it is to the photo. pictures: JPEGs of the square, of the inversion and of
    what it lacks.
    """

    stage: Stage
    faces: tuple[Face, ...] = ()
    method: str = "optimise"
    notes: tuple[str, ...] = ()
    step: int = 0
    steps: int = 0
    decibels: float | None = None
    pictures: tuple[bytes, ...] = ()
    opened: OpenPhoto | None = None
    error: str = ""

    @property
    def running(self) -> bool:
        """Whether something is still being done."""
        return self.stage in RUNNING


class Opening:
    """One photo on its way, which begins at once in a thread of its own.

    asking: whether a person chooses even where there is one face.
    """

    def __init__(self, world: World, photo: Photo, *, asking: bool = False) -> None:
        self.world, self.photo, self.asking = world, photo, asking
        self.status = Status("finding")
        self._stop = threading.Event()
        self._start(self._find)

    @property
    def methods(self) -> tuple[str, ...]:
        """How this world can invert a photo."""
        return METHODS if self.world.inverter is not None else METHODS[1:]

    @cached_property
    def picture(self) -> bytes:
        """A JPEG of the whole photo, to choose on."""
        pixels, _ = shrunk(torch.from_numpy(self.photo.rgb), LONGEST)
        return jpeg(to_pil(pixels.permute(2, 0, 1) / 127.5 - 1.0), LONGEST)

    @cached_property
    def middle(self) -> Fractions:
        """The square in the middle, as fractions of the photo's sides."""
        height, width = self.photo.size
        left, top, right, bottom = centred_crop(width, height).bounds
        return left / width, top / height, right / width, bottom / height

    def choose(self, method: str, *, face: int | None = None, box: Fractions | None = None) -> None:
        """Invert the square of a face, or a box given in fractions of the photo's sides.

        Raises what `InvertConfig` and `faces.placed` raise, and BadSetting for a method that this
        world lacks; then the choice is still to be made.
        """
        if self.status.stage not in ("choosing", "failed", "stopped"):
            raise BadSetting("The photo is being looked at.", "Stop it first.")
        config = InvertConfig(method=method)
        if method not in self.methods:
            raise BadSetting("There is no inverter in this world.", "Choose another method.")
        placement = self._of_face(face) if box is None else self._of_box(box)
        self._stop.clear()
        self._say(stage="inverting", method=method, error="", step=0, decibels=None, pictures=())
        self._start(lambda: self._invert(placement, config))

    def stop(self) -> None:
        """End early; an inversion that has begun is used as far as it is."""
        self._stop.set()

    def _of_box(self, box: Fractions) -> Placement:
        height, width = self.photo.size
        if not all(math.isfinite(side) and abs(side) < _FARTHEST for side in box):
            raise BadSetting("This square makes no sense.", "Draw it on the photo.")
        left, top, right, bottom = box
        return of_box((left * width, top * height, right * width, bottom * height), height, width)

    def _of_face(self, number: int | None) -> Placement:
        for face in self.status.faces:
            if face.number == number:
                return of_face(face, self.world.frame, *self.photo.size)
        raise UnknownName("There is no such face in the photo.", "Choose one, or draw a square.")

    def _find(self) -> None:
        detector = self.world.detector
        faces: tuple[Face, ...] = ()
        if detector is not None:
            faces = detector().find(torch.from_numpy(self.photo.rgb).float().div_(255.0))
        self._say(faces=faces)
        if self._stop.is_set():
            self._say(stage="stopped")
        elif len(faces) != 1 or self.asking:
            self._say(stage="choosing")
        else:
            self._say(stage="inverting")
            self._invert(of_face(faces[0], self.world.frame, *self.photo.size), InvertConfig())

    def _invert(self, placement: Placement, config: InvertConfig) -> None:
        view = view_of(self.world, self.photo, placement.crop)[0].cpu()
        self._say(notes=placement.notes, pictures=(_small(view),))
        inversion = invert_photo(
            self.world,
            self.photo,
            config,
            lambda progress: self._show(view, progress),
            self._stop.is_set,
            placement=placement,
        )
        opened = OpenPhoto(self.photo, inversion, self.world)
        self._say(stage="done", notes=inversion.notes, opened=opened)

    def _show(self, view: Float[Tensor, "3 s s"], progress: Progress) -> None:
        self._say(step=progress.step, steps=progress.steps)
        if progress.step % SHOWN_EVERY and progress.step < progress.steps:
            return
        image = progress.image[0].clamp(-1.0, 1.0).cpu()
        error = image - view
        decibels = -10.0 * math.log10(max(1e-10, float(error.square().mean()) / 4.0))
        lost = lost_picture(error.abs().mean(dim=0))
        pictures = (self.status.pictures[0], _small(image), _small(lost))
        self._say(decibels=round(decibels, 1), pictures=pictures)

    def _start(self, work: Callable[[], None]) -> None:
        self.thread = begin("photo", work, lambda why, _: self._say(stage="failed", error=why))

    def _say(self, **changes: object) -> None:
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]


def _small(image: Float[Tensor, "3 h w"]) -> bytes:
    return jpeg(to_pil(image), _WIDEST)
