"""One photo inverted by one method, and edited in five directions: what came of it, as JSON.

What is said of a file is measured on the file: it is decoded again, and compared with the photo's.
A judge that no training used says what the photo shows before and after, and what the world's own
image of the figure, whose latent is known exactly, shows under the same edit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

import eclipsed
from benchmarks.photos.scenes import FIGURES, Figure, scene
from eclipsed import Direction, Edit, Inversion, InvertConfig, World
from eclipsed.editing.images import grid
from eclipsed.editing.photos.crop import Crop
from eclipsed.editing.photos.inversion import invert
from eclipsed.editing.photos.jpeg import markers
from eclipsed.editing.photos.pasting import Pasted, differing
from eclipsed.editing.photos.reading import Photo, as_stored, stored_box, turned
from eclipsed.editing.photos.session import place_photo, view_of
from eclipsed.evaluation import claims
from eclipsed.evaluation.metrics import feature_distance
from eclipsed.evaluation.observe import judge_of
from eclipsed.files import sha256_of
from eclipsed.prompts.goals import goal_of

RING = 4  # pixels on both sides of a mask's edge
RIM = 2  # pixels around JPEG's units that a decoder's enlarging of colours reaches
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Bench:
    """A world, the directions that are tried in it by name, and what each claims."""

    world: World
    cards: Mapping[str, Direction]
    claims: Mapping[str, claims.Claims]

    @classmethod
    def of(cls, world: World, names: tuple[str, ...]) -> Bench:
        """With the world's own cards of these names."""
        assert world.shipped is not None
        folder = world.shipped / "cards"
        cards = {name: Direction.load(folder / f"{name}.safetensors") for name in names}
        judge = judge_of(world)
        asked = {
            name: claims.claims_of(judge, goal_of(card, world)) for name, card in cards.items()
        }
        return cls(world, cards, asked)


def measured(
    bench: Bench, number: int, methods: Sequence[str], work: Path, thumbnails: Path
) -> Iterator[Row]:
    """All that is known of a photo, by each method. work: for files, which are deleted again."""
    world = bench.world
    figure = FIGURES[world.name](world, number)
    taken = scene(figure, number, work, world.frame)
    digest = sha256_of(taken.path.read_bytes())
    photo = eclipsed.read_photo(taken.path)
    crop = place_photo(world, photo, **taken.where).crop
    view = view_of(world, photo, crop)
    truth = _truth(bench, figure, view)
    for method in methods:
        inversion, facts = _inverted(world, photo, crop, view, method)
        edits, images = {}, [view, inversion.image(world.generator)]
        for name in bench.cards:
            edits[name], after = _edited(bench, name, photo, inversion, work)
            edits[name] |= truth[name]
            images.append(after)
        row = {"number": number, "method": method, **taken.facts, "inversion": facts}
        row |= {"edits": edits, "zero": _is_same_at_zero(bench, photo, inversion, work)}
        row["untouched"] = sha256_of(taken.path.read_bytes()) == digest
        thumbnails.mkdir(parents=True, exist_ok=True)
        labels = ["photo", "inverted", *bench.cards]
        sheet = grid(torch.cat([each.cpu() for each in images]), len(images), labels)
        sheet.save(thumbnails / f"{number}-{method}.webp", quality=90)
        yield row
    taken.path.unlink()


def _edited(
    bench: Bench, name: str, photo: Photo, inversion: Inversion, work: Path
) -> tuple[Row, Tensor]:
    """What an edit of a photo comes to, and the generator's view of the file that was written."""
    out = work / f"out-{photo.name}"
    edited = eclipsed.edit_photo(bench.world, photo, inversion, Edit(bench.cards[name]))
    eclipsed.write_photo(edited.pasted, out)
    again = eclipsed.read_photo(out)
    out.unlink()
    after = view_of(bench.world, again, Crop.from_json(inversion.photo["crop"]))
    facts = {"reached": _shows(bench, name, after), **compared(edited.pasted, again)}
    return {**facts, **edited.scores}, after


def _inverted(
    world: World, photo: Photo, crop: Crop, view: Tensor, method: str
) -> tuple[Inversion, Row]:
    began, clock = time.monotonic(), time.process_time()
    inversion = invert(world, view, InvertConfig(method=method))
    seconds, busy = time.monotonic() - began, time.process_time() - clock
    image = inversion.image(world.generator).clamp(-1, 1)
    judge: Any = judge_of(world)
    distance = feature_distance(judge.maps(view), judge.maps(image))
    facts = {
        **inversion.scores,
        "distance": round(float(distance[0]), 4),
        "seconds": round(seconds, 2),
        "busy": round(busy, 2),
    }
    return replace(inversion, photo={"sha256": photo.sha256, "crop": crop.as_json()}), facts


@torch.no_grad()
def _shows(bench: Bench, name: str, images: Tensor) -> bool:
    judge = judge_of(bench.world)
    verdict = judge.attributes(images.clamp(-1, 1))
    return bool(claims.shown(judge, bench.claims[name], verdict)[0])


@torch.no_grad()
def _truth(bench: Bench, figure: Figure, view: Tensor) -> dict[str, Row]:
    """had: whether the photo shows it before. seed_reaches: whether the figure's own image shows it
    under the edit."""
    return {
        name: {
            "had": _shows(bench, name, view),
            "seed_reaches": _shows(
                bench, name, eclipsed.render(bench.world.generator, figure.latent, Edit(card))
            ),
        }
        for name, card in bench.cards.items()
    }


def _is_same_at_zero(bench: Bench, photo: Photo, inversion: Inversion, work: Path) -> bool:
    card = next(iter(bench.cards.values()))
    edited = eclipsed.edit_photo(bench.world, photo, inversion, Edit(card, 0.0))
    out = work / f"zero-{photo.name}"
    eclipsed.write_photo(edited.pasted, out)
    is_same = out.read_bytes() == photo.data
    out.unlink()
    return is_same


# --- files --------------------------------------------------------------------------------------


def compared(pasted: Pasted, again: Photo) -> Row:
    """How a file that was written differs from its photo's.

    outside: pixels that differ outside the mask, in a JPEG outside the units (MCUs) that it touches
    and their rim. seam: the mean change, in 1/255, on a ring of RING pixels on both sides of the
    mask's edge; seam_outside: on the outer one alone, where only a JPEG changes anything.
    """
    photo = pasted.photo
    left, top, right, bottom = _grown(pasted.box, photo.size)
    allowed = np.zeros((bottom - top, right - left), bool)
    x, y = pasted.box[0] - left, pasted.box[1] - top
    high, wide = pasted.mask.shape
    allowed[y : y + high, x : x + wide] = pasted.mask
    before = photo.pixels[top:bottom, left:right]
    after = again.pixels[top:bottom, left:right]
    change = np.abs(after.astype(np.int32) - before).mean(-1) * (255 / photo.most)
    outer, inner = _rings(allowed)
    both = outer | inner
    units = _units(pasted, again, (left, top, right, bottom), allowed)
    return {
        "outside": _elsewhere(photo, again, (left, top, right, bottom))
        + int((differing(before, after) & ~units).sum()),
        "seam": round(float(change[both].mean()), 4) if both.any() else 0.0,
        "seam_outside": round(float(change[outer].mean()), 4) if outer.any() else 0.0,
    }


def _grown(box: Any, size: tuple[int, int], margin: int = 32) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    height, width = size
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )


def _elsewhere(photo: Photo, again: Photo, box: tuple[int, int, int, int]) -> int:
    """Pixels that differ outside a box."""
    left, top, right, bottom = box
    parts = [
        (slice(0, top), slice(None)),
        (slice(bottom, None), slice(None)),
        (slice(top, bottom), slice(0, left)),
        (slice(top, bottom), slice(right, None)),
    ]
    pairs = [(photo.pixels[part], again.pixels[part]) for part in parts]
    return sum(
        0 if np.array_equal(one, other) else int(differing(one, other).sum())
        for one, other in pairs
    )


def _units(
    pasted: Pasted, again: Photo, box: tuple[int, int, int, int], mask: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Where pixels may differ: in the mask, or in the JPEG's units that it touches."""
    photo = pasted.photo
    if again.kind != "JPEG":
        return mask
    down, across = markers.parse(photo.data).unit
    left, top, _, _ = stored_box(box, photo.size, photo.orientation)
    stored = turned(mask, as_stored(photo.orientation))
    rows, columns = (np.arange(start, start + count) for start, count in zip(
        (top, left), stored.shape, strict=True))  # fmt: skip
    rows, columns = rows // down - top // down, columns // across - left // across
    touched = np.zeros((rows[-1] + 1, columns[-1] + 1), bool)
    y, x = np.nonzero(stored)
    touched[rows[y], columns[x]] = True
    allowed = torch.from_numpy(touched[rows][:, columns])
    return turned(_dilated(allowed, RIM).numpy(), photo.orientation)


def _dilated(mask: Tensor, pixels: int) -> Tensor:
    grown = mask[None].float()
    for size in ((1, 2 * pixels + 1), (2 * pixels + 1, 1)):
        grown = F.max_pool2d(grown, size, 1, (size[0] // 2, size[1] // 2))
    return grown[0] > 0


def _rings(mask: Bool[np.ndarray, "h w"]) -> tuple[np.ndarray, np.ndarray]:
    """Outside and inside of a mask's edge; the border of the picture is no edge."""
    inside = torch.from_numpy(mask)
    outer = _dilated(inside, RING) & ~inside
    inner = _dilated(~inside, RING) & inside
    return outer.numpy(), inner.numpy()


def sheet_of(paths: list[Path]) -> Image.Image:
    """Photos' sheets below each other."""
    pictures = [Image.open(path).convert("RGB") for path in paths]
    width = max(picture.width for picture in pictures)
    whole = Image.new("RGB", (width, sum(picture.height for picture in pictures)), "white")
    at = 0
    for picture in pictures:
        whole.paste(picture, (0, at))
        at += picture.height
    return whole
