"""A photo's file edited into another file: read, inverted, edited, pasted back, written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.editing.photos.reading import Photo, read_photo
from eclipsed.editing.photos.session import edit_photo
from eclipsed.editing.photos.writing import ENDINGS, kind_for, write_photo
from eclipsed.editing.recipes import recipe_head
from eclipsed.editing.stack import Edit
from eclipsed.errors import BadFile
from eclipsed.files import disk, shown
from eclipsed.types import World


def edit_file(
    world: World,
    path: Path,
    out: Path,
    edits: Sequence[Edit],
    facts: Sequence[Mapping[str, Any]],
    invert: Callable[[Photo], Inversion],
    kept: Callable[[Tensor, Tensor], float | None],
    *,
    mixed: bool = False,
) -> dict[str, Any]:
    """Edit one photo and write it; what was done, as JSON.

    facts: the edits in a recipe's words. invert: how the photo's latent is had. kept: the score
    `preservation` of an image [1, 3, H, W] before and after, None where nobody can tell. mixed: as
    in `edit_photo`. Raises EclipsedError, and then writes nothing.
    """
    photo = read_photo(path)
    kind_for(photo, out)  # before minutes are spent on the photo
    inversion = invert(photo)
    edited = edit_photo(world, photo, inversion, edits, mixed=mixed)
    written = write_photo(edited.pasted, out)
    preservation = kept(edited.before[None], edited.after[None])
    judged = {} if preservation is None else {"preservation": round(preservation, 4)}
    return {
        "out": str(out),
        **recipe_head("edit", world),
        "photo": dict(inversion.photo),
        "inversion": inversion_facts(inversion),
        "edits": list(facts),
        "blend": mixed,
        "scores": {**edited.scores, **judged},
        "written": {"kind": written.kind, **written.facts()},
        "notes": [*edited.notes, *written.notes],
    }


def photos_of(folder: Path) -> list[Path]:
    """The photos of a folder, by name; BadFile where there is none."""
    with disk("read", folder):
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not paths:
        raise BadFile(f"There are no photos in {shown(folder)}.", f"Such as {', '.join(ENDINGS)}.")
    return paths


def edited_name(photo: Path) -> str:
    """What the edited photo is called: as the photo, or a PNG where its kind is not written."""
    return f"{photo.name}.png" if ENDINGS[photo.suffix.lower()] == "HEIC" else photo.name


def inversion_facts(inversion: Inversion) -> dict[str, Any]:
    """How a photo was inverted, as JSON."""
    return {
        "method": inversion.method,
        "space": inversion.space,
        "scores": dict(inversion.scores),
        "seconds": inversion.seconds,
    }
