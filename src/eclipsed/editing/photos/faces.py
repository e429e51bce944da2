"""Which square of a photo is edited: a face that is found and chosen, or what the user says.

This module knows no network; a world brings its detector. What is wrong with a photo is said in
one sentence each: an error where nothing can be done, a note where the result needs a look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from eclipsed.editing.photos.crop import Crop, box_crop, centred_crop, ffhq_crop, framed_crop
from eclipsed.errors import BadFile, BadSetting, UnknownName
from eclipsed.types import Detector, Face, Point

SMALL = 40  # pixels of a face's shorter side: below, little of it is left to see
_SIDEWAYS = 0.9  # how far the nose is towards an eye's own distance from the middle
_NARROW = 0.5  # how far the eyes are apart, in distances from them to the mouth
_BEYOND = 0.04  # of a face's side: so much may lie outside the photo unsaid
_MOST_NAMED = 6
_BY_HAND = "Say where it is with --points or --box, or take the middle with --no-align."


@dataclass(frozen=True)
class Placement:
    """The square that is edited.

    face: whose it is; None where it was said by hand, or where the world knows no faces.
    notes: what a user should know about it, in sentences.
    """

    crop: Crop
    face: Face | None = None
    notes: tuple[str, ...] = ()


def placed(
    pixels: Float[Tensor, "h w 3"] | UInt8[Tensor, "h w 3"],
    detector: Callable[[], Detector] | None,
    frame: Sequence[Point] | None = None,
    *,
    face: int | None = None,
    points: Sequence[Point] = (),
    box: tuple[float, float, float, float] | None = None,
    align: bool = True,
) -> Placement:
    """The square of a photo that a world edits.

    pixels: the upright photo in [0, 1], or its bytes. detector, frame: the world's. face: the
    number of one of several. points: the five of a face, in place of looking for it. box: left,
    top, right, bottom, in place of any face. align: False for the middle of the photo.

    Raises BadFile where no face is found, several are and none is chosen, or the detector is not
    here; UnknownName for a number that no face has; BadSetting for points or a box that make no
    sense, and for two ways to say the square at once.
    """
    height, width = pixels.shape[:2]
    ways = {"--face": face is not None, "--points": bool(points), "--box": box is not None}
    given = [name for name, is_given in (ways | {"--no-align": not align}).items() if is_given]
    if len(given) > 1:
        raise BadSetting(f"{given[0]} and {given[1]} cannot be given together.")
    if box is not None:
        return of_box(box, height, width)
    if points:
        return _inside(face_crop(points, frame), height, width)
    if detector is None or not align:
        if face is not None:
            raise BadSetting("This world looks for no faces.", "Say the square with --box.")
        return Placement(centred_crop(width, height))
    numbers = pixels.float().div_(255.0) if pixels.dtype == torch.uint8 else pixels
    return of_face(find_face(numbers, detector(), face), frame, height, width)


def find_face(pixels: Float[Tensor, "h w 3"], detector: Detector, number: int | None) -> Face:
    """The only face of a photo, or the one of that number. Raises as `placed`."""
    height, width = pixels.shape[:2]
    faces = detector.find(pixels)
    if not faces:
        smallest = detector.smallest(height, width)
        raise BadFile(
            f"No face was found in the photo; it has {width}×{height} pixels, and faces below "
            f"{smallest:.0f} pixels are not looked for.",
            _BY_HAND,
        )
    if number is None and len(faces) > 1:
        raise BadFile(
            f"There are {len(faces)} faces in the photo: {listing(faces)}.",
            "Choose one with --face N.",
        )
    if number is not None and not 1 <= number <= len(faces):
        raise UnknownName(f"There is no face {number} in the photo.", f"It has {listing(faces)}.")
    return faces[(number or 1) - 1]


def listing(faces: Sequence[Face]) -> str:
    """Faces in words: their numbers, where they are and how large, in pixels."""
    named = [
        f"{face.number} at ({(face.box[0] + face.box[2]) / 2:.0f}, "
        f"{(face.box[1] + face.box[3]) / 2:.0f}), {face.box[2] - face.box[0]:.0f} wide"
        for face in faces[:_MOST_NAMED]
    ]
    more = [] if len(faces) <= _MOST_NAMED else [f"{len(faces) - _MOST_NAMED} more"]
    return "; ".join(named + more)


def face_crop(points: Sequence[Point], frame: Sequence[Point] | None) -> Crop:
    """The square of a face by its five points: where the world's `frame` has them, or FFHQ's."""
    return ffhq_crop(points) if frame is None else framed_crop(points, frame)


def of_face(face: Face, frame: Sequence[Point] | None, height: int, width: int) -> Placement:
    """The square of a face in a photo of that size; BadFile for one that cannot be aligned."""
    try:
        crop = face_crop(face.points, frame)
    except BadSetting as error:
        raise BadFile(
            f"Face {face.number} is turned so far to the side that it cannot be aligned.", _BY_HAND
        ) from error
    who, notes = f"Face {face.number}", []
    left, top, right, bottom = face.box
    wide, high = right - left, bottom - top
    if min(wide, high) < SMALL:
        notes.append(
            f"{who} has only {wide:.0f}×{high:.0f} pixels, and what the edit draws is no finer."
        )
    beyond = {"left": -left / wide, "top": -top / high}
    beyond |= {"right": (right - width) / wide, "bottom": (bottom - height) / high}
    if cut := [name for name, part in beyond.items() if part > _BEYOND]:
        notes.append(
            f"{who} is cut by the photo's {' and '.join(cut)} border, and what lies beyond it is "
            "invented."
        )
    if frame is None and _is_sideways(face.points):
        notes.append(
            f"{who} is seen from the side, where generators of faces know little: compare the "
            "result with the photo."
        )
    return Placement(crop, face, tuple(notes))


def _is_sideways(points: Sequence[Point]) -> bool:
    """Whether the nose hides an eye's side, or the eyes come close together."""
    left, right, nose, *mouth = (complex(*point) for point in points)
    across, eyes = right - left, (left + right) / 2
    down = abs(sum(mouth) / 2 - eyes)
    off = ((nose - eyes) * across.conjugate()).real / abs(across) ** 2 * 2
    return abs(off) > _SIDEWAYS or abs(across) < _NARROW * down


def of_box(box: tuple[float, float, float, float], height: int, width: int) -> Placement:
    """The square of a box in a photo of that size; BadSetting for one without area."""
    return _inside(box_crop(*box), height, width)


def _inside(crop: Crop, height: int, width: int) -> Placement:
    """A crop by hand; a note where much of it lies outside the photo."""
    left, top, right, bottom = crop.bounds
    seen = (np.minimum(right, width) - max(left, 0)) * (np.minimum(bottom, height) - max(top, 0))
    if seen < 0.75 * (right - left) * (bottom - top):
        note = f"The photo has only {width}×{height} pixels, and much of the square lies outside."
        return Placement(crop, notes=(note,))
    return Placement(crop)
