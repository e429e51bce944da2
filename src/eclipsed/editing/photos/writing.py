"""An edited photo as a file: of the photo's kind, with all that the photo's file says.

Each file is decoded again before it takes its place, and the pixels that differ from the photo's
where they should not are counted.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from PIL import Image

from eclipsed.editing.images import opaque
from eclipsed.editing.photos import png, tiff
from eclipsed.editing.photos.jpeg.adding import Added, add
from eclipsed.editing.photos.jpeg.markers import with_moved_pictures
from eclipsed.editing.photos.pasting import Pasted, differing
from eclipsed.editing.photos.reading import (
    Box,
    Kind,
    Photo,
    Pixels,
    as_stored,
    photo_of,
    stored_box,
    turned,
)
from eclipsed.errors import BadFile
from eclipsed.files import StrPath, refused, shown, write_atomic

ENDINGS: dict[str, Kind] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WebP",
    ".heic": "HEIC",
    ".heif": "HEIC",
}
_RIM = 2  # pixels around units that a decoder's smooth enlarging of colours may reach
_BAND = 512  # rows that are compared at a time
_LARGE = 1 << 24  # samples: from here on WebP's search takes too long


@dataclass(frozen=True)
class Written:
    """A file that was written.

    changed: pixels that differ from the photo's. outside: those of them that lie outside the
    mask, and in a JPEG outside the blocks that it touches. touched: blocks (MCUs) that a JPEG's
    edit touches, None for other kinds. is_same_file: whether these are the photo's own bytes.
    notes: sentences on what the file does not keep.
    """

    kind: Kind
    changed: int
    outside: int
    touched: int | None
    is_same_file: bool
    notes: tuple[str, ...]

    def facts(self) -> dict[str, int]:
        """What a recipe should say of it."""
        facts = {"changed": self.changed, "outside": self.outside}
        return facts if self.touched is None else {**facts, "blocks": self.touched}


def kind_for(photo: Photo, path: StrPath) -> Kind:
    """The kind that a name's ending asks for; without one the photo's own.

    Raises BadFile for kinds that are not written.
    """
    kind = ENDINGS.get(os.path.splitext(path)[1].lower(), photo.kind)
    if kind == "HEIC":
        raise BadFile(
            f"Cannot write {shown(path)}: HEIC photos are read, but not written.",
            "Name a .png file, which keeps every pixel, or a .jpg file.",
        )
    if kind == "TIFF" != photo.kind:
        raise BadFile(
            f"Cannot write {shown(path)}: the photo is no TIFF.", "Name a .png file instead."
        )
    return kind


def write_photo(pasted: Pasted, path: StrPath) -> Written:
    """Write an edited photo, whole or not at all; where nothing changed, its own bytes.

    Of the photo's own kind it has the same size and metadata, and the same pixels outside the
    mask. A JPEG keeps all blocks that the mask does not touch. A lossy WebP becomes a lossless
    one. A PNG keeps every pixel of any photo. The photo's own file is never written to.

    Raises BadFile where the file cannot be written, or where a photo of this kind cannot be
    kept as it is.
    """
    photo = pasted.photo
    kind = kind_for(photo, path)
    if photo.path is not None and os.path.exists(path) and os.path.samefile(photo.path, path):
        raise BadFile(f"{shown(path)} is the photo itself.", "Name another file.")
    box = stored_box(pasted.box, photo.size, photo.orientation)
    if kind == photo.kind and not pasted.changed:
        write_atomic(path, photo.data)
        return Written(kind, 0, 0, 0 if kind == "JPEG" else None, True, ())
    with refused(photo.name or path):
        if kind == photo.kind == "JPEG":
            data, touched = _jpeg(pasted, box)
        else:
            data, touched = _encoded(pasted, kind, box), None
    written = _checked(pasted, kind, box, data, touched)
    write_atomic(path, data)
    return written


def _jpeg(pasted: Pasted, box: Box) -> tuple[bytes, Added]:
    photo, (left, top, _, _) = pasted.photo, box
    difference = pasted.pixels.astype(np.int16) - pasted.before
    added = add(photo.data, turned(difference, as_stored(photo.orientation)), left, top)
    return with_moved_pictures(added.data, len(added.data) - len(photo.data)), added


def _encoded(pasted: Pasted, kind: Kind, box: Box) -> bytes:
    photo, stored = pasted.photo, pasted.stored()
    if kind == "TIFF":
        return tiff.rewritten(photo.data, stored, box)
    if kind == "PNG":
        if photo.kind == "PNG":
            return png.rewritten(photo.data, stored, box[1], box[3])
        return png.encode(stored, png.described(photo.facts), [])
    buffer, picture = io.BytesIO(), _picture(stored)
    if kind == "WebP":
        method = 0 if stored.size > _LARGE else 4
        picture.save(buffer, "WEBP", lossless=True, exact=True, method=method, **photo.facts)
    else:
        opaque(picture).save(buffer, "JPEG", quality=95, subsampling=0, **photo.facts)
    return buffer.getvalue()


def _picture(pixels: Pixels) -> Image.Image:
    if pixels.dtype == np.uint16:
        raise BadFile("it has 16 bits, for which this kind has no room", "Name a .png file.")
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _checked(pasted: Pasted, kind: Kind, box: Box, data: bytes, added: Added | None) -> Written:
    """Decode a file's bytes, and count what differs from the photo."""
    photo = pasted.photo
    again = photo_of(data)
    before, after = photo.stored, again.stored
    if after.shape[2] != before.shape[2] or after.dtype != before.dtype:
        before, after = _common(before), _common(after)
    if before.shape != after.shape or again.orientation != photo.orientation:
        raise BadFile("it came out with another size", "Name a .png file.")
    mask = turned(pasted.mask, as_stored(photo.orientation))
    changed = outside = 0
    for start in range(0, len(before), _BAND):
        rows = slice(start, start + _BAND)
        differs = differing(before[rows], after[rows])
        if not differs.any():
            continue
        changed += int(differs.sum())
        allowed = (
            _of_units(added, start, differs.shape)
            if added is not None
            else _of_mask(mask, box, start, differs.shape)
        )
        outside += int((differs & ~allowed).sum())
    touched = None if added is None else int(added.touched.sum())
    return Written(kind, changed, outside, touched, False, _notes(photo, kind))


def _common(pixels: Pixels) -> Pixels:
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    return np.array(opaque(_picture(pixels)))


def _of_mask(
    mask: Bool[np.ndarray, "h w"], box: Box, start: int, shape: tuple[int, ...]
) -> Bool[np.ndarray, "rows columns"]:
    """The mask in a band of rows."""
    left, top, right, bottom = box
    allowed = np.zeros(shape, bool)
    first, last = max(top - start, 0), min(bottom - start, shape[0])
    if first < last:
        allowed[first:last, left:right] = mask[first + start - top : last + start - top]
    return allowed


def _of_units(added: Added, start: int, shape: tuple[int, ...]) -> Bool[np.ndarray, "rows columns"]:
    """The touched units and their rim in a band of rows."""
    high, wide = added.unit
    rim = np.arange(-_RIM, _RIM + 1, _RIM)
    rows = (np.arange(start, start + shape[0])[:, None] + rim) // high
    columns = (np.arange(shape[1])[:, None] + rim) // wide
    rows, columns = (
        index.clip(0, limit - 1)
        for index, limit in zip((rows, columns), added.touched.shape, strict=True)
    )
    near = added.touched[rows].any(1)
    allowed: np.ndarray = near[:, columns].any(2)
    return allowed


def _notes(photo: Photo, kind: Kind) -> tuple[str, ...]:
    notes = list(photo.notes)
    if kind == "WebP" and not photo.is_lossless:
        notes.append("The lossy WebP became a lossless one, so that its pixels stay the same.")
    if kind == "JPEG" and photo.kind != "JPEG":
        notes.append("As a JPEG every pixel is coded anew; a PNG would keep those outside.")
    return tuple(notes)
