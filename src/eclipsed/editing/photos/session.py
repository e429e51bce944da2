"""One photo from its file to the edited one: find and cut, invert, edit, paste.

    photo = read_photo("party.jpg")
    inversion = invert_photo(world, photo, face=2)
    edited = edit_photo(world, photo, inversion, Edit(direction, 1.0))
    write_photo(edited.pasted, "party-smiling.jpg")

An inversion is kept in the user's cache, so that a photo is inverted once for each square, method
and world. What a photo's pixels outside the edit's mask are, nothing here changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from eclipsed.cache import Key, cache_folder, cached_bytes, keep_bytes
from eclipsed.directions import Direction
from eclipsed.editing.images import grid
from eclipsed.editing.masks import change_region
from eclipsed.editing.photos.crop import Crop
from eclipsed.editing.photos.descent import OnStep, Stop
from eclipsed.editing.photos.faces import Placement, placed
from eclipsed.editing.photos.inversion import InvertConfig, identity_of, invert
from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.editing.photos.pasting import (
    GHOST,
    Pasted,
    Redrawn,
    blend,
    ghosting,
    paste,
    redrawn,
)
from eclipsed.editing.photos.reading import Photo, read_photo
from eclipsed.editing.stack import Edit, EditStack, blend_mask, render
from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import StrPath
from eclipsed.types import Point, Synthesis, World

_MOST_LOST = 0.5  # the mean difference of colours, from 0 to 2, that is white in a picture of it


@dataclass(frozen=True, eq=False)
class EditedPhoto:
    """A photo with edits, not yet written.

    mask: [s, s], where the generator's image may change. before, after: [3, s, s], the inverted
    photo without and with the edits. scores: see `edit_photo`. notes: warnings, in sentences.
    """

    pasted: Pasted
    mask: Tensor
    before: Tensor
    after: Tensor
    scores: Mapping[str, float]
    notes: tuple[str, ...]


def place_photo(
    world: World,
    photo: Photo | StrPath,
    *,
    face: int | None = None,
    points: Sequence[Point] = (),
    box: tuple[float, float, float, float] | None = None,
    align: bool = True,
) -> Placement:
    """The square of a photo that is edited; arguments and what is raised as in `faces.placed`."""
    return placed(
        _pixels(_opened(photo)),
        world.detector,
        world.frame,
        face=face,
        points=points,
        box=box,
        align=align,
    )


def invert_photo(
    world: World,
    photo: Photo | StrPath,
    config: InvertConfig | None = None,
    on_step: OnStep | None = None,
    stop: Stop | None = None,
    *,
    placement: Placement | None = None,
    **where: Any,
) -> Inversion:
    """The inversion of a photo, from the cache if it was inverted before.

    photo: or its path. config, on_step, stop: as in `invert`. placement: the square that is edited,
    as `place_photo` gives it; or what `place_photo` takes: face, points, box, align.

    A descent that is cut short goes on where it stood. Raises what `place_photo` and `invert` do.
    """
    photo = _opened(photo)
    placement = placement or place_photo(world, photo, **where)
    config = config or InvertConfig()
    image = view_of(world, photo, placement.crop)
    facts = _facts(photo, placement)
    key = Key("inversions", identity_of(world, image, config))
    with suppress(BadFile):
        kept = cached_bytes(key)
        if kept is not None:
            return _noted(Inversion.read(kept), placement, facts)
    work = cache_folder() / "inversions" / key.digest[:24]
    is_stopped = False

    def asked() -> bool:
        nonlocal is_stopped
        is_stopped = is_stopped or (stop is not None and stop())
        return is_stopped

    inversion = invert(world, image, config, on_step, asked, work=work)
    if not is_stopped and len(inversion.losses) == _steps(config):
        keep_bytes(key, inversion.to_bytes())
        shutil.rmtree(work, ignore_errors=True)
    return _noted(inversion, placement, facts)


def _steps(config: InvertConfig) -> int:
    optimised = config.steps if config.method != "encoder" else 0
    return optimised + (config.tune_steps if config.method == "tune" else 0)


def _noted(inversion: Inversion, placement: Placement, facts: Mapping[str, Any]) -> Inversion:
    return replace(inversion, photo=facts, notes=(*placement.notes, *inversion.notes))


def _facts(photo: Photo, placement: Placement) -> dict[str, Any]:
    height, width = photo.size
    face = {} if placement.face is None else {"face": placement.face.number}
    return {
        "name": photo.name,
        "sha256": photo.sha256,
        "width": width,
        "height": height,
        "crop": placement.crop.as_json(),
        **face,
    }


def crop_of(inversion: Inversion, photo: Photo) -> Crop:
    """Where in the photo its inversion belongs; BadFile for one of another photo."""
    if inversion.photo.get("sha256") != photo.sha256:
        name = inversion.photo.get("name")
        raise BadFile(
            f"This inversion is of another photo than {photo.name!r}"
            f"{f': of {str(name)!r}' if name else ''}.",
            "Give the photo that was inverted, or leave out the inversion.",
        )
    try:
        return Crop.from_json(inversion.photo["crop"])
    except (KeyError, TypeError, BadSetting) as error:
        raise BadFile("This inversion does not say where in the photo it belongs.") from error


def edit_photo(
    world: World,
    photo: Photo | StrPath,
    inversion: Inversion,
    edits: EditStack | Edit | Direction | Iterable[Edit | Direction],
    *,
    mixed: bool = False,
) -> EditedPhoto:
    """Apply edits to a photo that was inverted.

    mixed: lay in the generator's edited image itself in place of the difference that the edits
    make, where an old shape would stay beside the new one.

    Of the scores `edit` is how much the edits change the image inside their mask, and `error` how
    much the inversion differs from the photo there, both the mean difference of colours from 0 to
    2; `locality` the fraction of the change inside, before the rest is left out; `leakage` the mean
    change of a pixel outside; `ghosting` how strongly the photo's own lines
    stay where the edits draw others.

    Raises BadFile for the inversion of another photo, and what `render` raises.
    """
    photo = _opened(photo)
    crop = crop_of(inversion, photo)
    stack = edits if isinstance(edits, EditStack) else EditStack(edits)
    own = inversion.world(world)
    before, after, mask = drawn(own, inversion, stack)
    view = view_of(world, photo, crop)[0].cpu()
    anew = redrawn(view, before, after.clamp(-1.0, 1.0), mask)
    ghost = ghosting(view, before, after, mask, anew)
    pasted = laid(photo, crop, (before, after, mask), anew, mixed=mixed and bool(stack.active))
    scores = _scores(before, after, mask, view) | {"ghosting": round(ghost, 3)}
    notes = (*inversion.notes, *_notes(scores, mixed=mixed))
    return EditedPhoto(pasted, mask, before, after, scores, notes)


def laid(
    photo: Photo, crop: Crop, images: tuple[Tensor, Tensor, Tensor], anew: Redrawn, *, mixed: bool
) -> Pasted:
    """What `drawn` gives, laid into a photo or a small copy of it; anew: as `redrawn` gives it."""
    before, after, mask = images
    if mixed:
        return blend(photo, crop, after.clamp(-1.0, 1.0), mask)
    return paste(photo, crop, after - before, mask, anew)


@torch.no_grad()
def drawn(world: World, inversion: Inversion, stack: EditStack) -> tuple[Tensor, Tensor, Tensor]:
    """The inverted photo without and with edits [3, s, s], and where it may change [s, s].

    world: with the generator that shows the photo, as `Inversion.world` gives it. Raises what
    `render` raises.
    """
    generator, segmenter, space = world.generator, world.segmenter, inversion.space
    latent, wanted = inversion.latent.to(generator.device), segmenter.feature_names
    edited = stack.apply(generator, latent, space)
    views = [
        generator.synthesize(latent, space, features=wanted),
        generator.synthesize(edited, stack.space(space), features=wanted),
    ]
    mask = torch.zeros_like(views[0].image[:, 0])
    for edit in stack.active:
        mask = torch.maximum(mask, _mask_of(world, views, edit))
    after = views[1].image
    if any(edit.bounded for edit in stack.active):
        after = render(generator, latent, stack, space=space, segmenter=segmenter)
    return views[0].image[0].cpu(), after[0].cpu(), mask[0].cpu()


def _mask_of(world: World, views: Sequence[Synthesis], edit: Edit) -> Float[Tensor, "1 h w"]:
    """Where an edit may change the photo: as a hard one; everywhere where nothing finds regions."""
    if not world.segmenter.regions and edit.drawn is None:
        return torch.ones_like(views[0].image[:, 0])
    return blend_mask(world.segmenter, views[0], views[1], edit)


def _scores(before: Tensor, after: Tensor, mask: Tensor, view: Tensor) -> dict[str, float]:
    change = (after.clamp(-1, 1) - before.clamp(-1, 1)).abs().mean(dim=0)
    error = (view - before.clamp(-1, 1)).abs().mean(dim=0)
    inside = (mask > 0.5).float()
    area = inside.sum().clamp_min(1.0)
    wide = change_region(inside[None], inside[None])[0]
    share = (change * wide).sum() / change.sum() if float(change.sum()) else torch.ones(())
    numbers = {
        "edit": (change * inside).sum() / area,
        "error": (error * inside).sum() / area,
        "locality": share,
        "leakage": (change * (1.0 - wide)).sum() / (1.0 - wide).sum().clamp_min(1.0),
    }
    return {name: round(float(value), 4) for name, value in numbers.items()}


def _notes(scores: Mapping[str, float], *, mixed: bool) -> tuple[str, ...]:
    notes = []
    if 0.0 < scores["edit"] < scores["error"]:
        notes.append(
            f"The edit changes its region by {scores['edit']:.3f}, and the inversion differs from "
            f"the photo there by {scores['error']:.3f}: compare the result with the photo."
        )
    if not mixed and scores["ghosting"] >= GHOST:
        notes.append(
            "A shape of the photo may be seen beside the one that the edit draws; --blend lays in "
            "the generator's own image of it."
        )
    return tuple(notes)


def inversion_sheet(world: World, photo: Photo, inversion: Inversion) -> Image.Image:
    """The square of a photo, its inversion, and what was lost: black where nothing was."""
    view = view_of(world, photo, crop_of(inversion, photo)).cpu()
    lost = F.interpolate(lost_picture(inversion.error)[None], view.shape[-2:])
    images = torch.cat([view, inversion.image(world.generator).cpu(), lost])
    return grid(images, 3, ["photo", f"{inversion.scores['psnr']:.1f} dB", "lost"])


def lost_picture(error: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    """A picture of the mean difference of colours: black where there is none."""
    return ((error / _MOST_LOST).clamp(0.0, 1.0) * 2.0 - 1.0).expand(3, -1, -1)


# --- a photo's pixels ---------------------------------------------------------------------------


def view_of(world: World, photo: Photo, crop: Crop) -> Float[Tensor, "1 3 s s"]:
    """The generator's view of a photo, in [-1, 1]; BadSetting where its images are oblong."""
    generator = world.generator
    height, width = getattr(generator, "size", (generator.resolution,) * 2)
    if height != width:
        raise BadSetting(
            f"The images of '{generator.name}' have {width}×{height} pixels, and photos can be "
            "edited with square ones only."
        )
    return crop.cut(_pixels(photo), height)[None] * 2.0 - 1.0


def _pixels(photo: Photo) -> UInt8[Tensor, "h w 3"]:
    return torch.from_numpy(photo.rgb)


def _opened(photo: Photo | StrPath) -> Photo:
    return photo if isinstance(photo, Photo) else read_photo(photo)
