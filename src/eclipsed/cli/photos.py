"""What the verbs that take photos share: which square is meant, and the photo edited."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclipsed.cli import console, options
from eclipsed.cli.loading import open_world, warn_beyond
from eclipsed.cli.progress import training_progress
from eclipsed.editing.choices import CardChoice, edit_facts_of, open_edits
from eclipsed.errors import BadFile, EclipsedError

if TYPE_CHECKING:
    from eclipsed.editing.photos.latent_file import Inversion
    from eclipsed.editing.photos.reading import Photo
    from eclipsed.editing.stack import Edit
    from eclipsed.types import World

REPORT = "report.json"  # of a folder: what became of each of its photos


@dataclass(frozen=True)
class Where:
    """Which square of a photo is meant, and how it is inverted; as the options say it."""

    face: int | None = None
    points: Sequence[tuple[float, float]] | None = None
    box: Sequence[float] | None = None
    no_align: bool = False
    method: str = "optimise"

    def __post_init__(self) -> None:
        options.check_where(
            face=self.face, points=self.points, box=self.box, no_align=self.no_align
        )


def inverted(world: World, photo: Photo, where: Where) -> Inversion:
    """The inversion of a photo, its progress and what is to be said of it on stderr."""
    from eclipsed.editing.photos.inversion import InvertConfig
    from eclipsed.editing.photos.session import invert_photo

    with training_progress(photo.name) as on_step:
        return invert_photo(
            world,
            photo,
            InvertConfig(method=where.method),
            on_step,
            face=where.face,
            points=tuple(where.points or ()),
            box=None if where.box is None else tuple(where.box),
            align=not where.no_align,
        )


@dataclass(frozen=True)
class Job:
    """What is done to photos: edits in a world, by a recipe's words too."""

    world: World
    edits: Sequence[Edit]
    facts: Sequence[dict[str, Any]]
    where: Where
    mixed: bool = False


def photo_job(
    direction: Sequence[CardChoice],
    layers: Sequence[int] | None,
    world: str,
    which: int | None,
    device: str,
    where: Where,
    *,
    mixed: bool,
) -> Job:
    """Load what edits of photos need; strengths beyond a card's range are said."""
    loaded = open_world(world, device, which)
    edits = open_edits(direction, loaded, layers)
    for each in edits:
        warn_beyond(each.direction, each.strength)
    return Job(loaded, edits, edit_facts_of(direction, edits), where, mixed)


def edit_file(job: Job, path: Path, out: Path, latent: Path | None = None) -> dict[str, Any]:
    """Edit one photo and write it; what was done, as JSON.

    latent: its inversion, where it was made before. Raises EclipsedError, and then writes nothing.
    """
    from eclipsed.editing.photos import files
    from eclipsed.editing.photos.latent_file import Inversion
    from eclipsed.evaluation.evaluate import preservation_of

    def invert(photo: Photo) -> Inversion:
        return inverted(job.world, photo, job.where) if latent is None else Inversion.load(latent)

    kept = partial(preservation_of, job.world, [edit.direction for edit in job.edits])
    return files.edit_file(
        job.world, path, out, job.edits, job.facts, invert, kept, mixed=job.mixed
    )


def say_notes(facts: console.Facts) -> None:
    """The notes of a result, on stderr."""
    for note in facts["notes"]:
        console.note(note)


def edited_words(facts: console.Facts) -> str:
    """A photo that was edited, for people."""
    written, scores = facts["written"], facts["scores"]
    return (
        f"wrote {facts['out']}: {written['changed']} pixels differ from the photo, "
        f"{written['outside']} of them outside the edit\n"
        f"  the edit changes its region by {scores['edit']:.3f}; the inversion "
        f"({facts['inversion']['method']}, {facts['inversion']['scores']['psnr']:.1f} dB) differs "
        f"from the photo there by {scores['error']:.3f}"
    )


# --- folders ------------------------------------------------------------------------------------


def edit_folder(job: Job, folder: Path, out: Path) -> dict[str, Any]:
    """Edit every photo of a folder into another one; the report, which lies there too.

    Photos that were edited so before, by the report, are left as they are.
    """
    from eclipsed.editing.photos.files import edited_name, photos_of
    from eclipsed.files import make_folder, sha256_of, write_atomic

    paths = photos_of(folder)
    make_folder(out)
    if out.samefile(folder):
        raise BadFile("Photos are not edited in their own folder.", "Name another with -o.")
    task = sha256_of(json.dumps([job.facts, job.mixed, str(job.where)]).encode())
    done = _done(out / REPORT, task)
    report: dict[str, Any] = {"task": task, "photos": {}, "failures": {}}
    for number, path in enumerate(paths, start=1):
        target = out / edited_name(path)
        known = done.get(path.name)
        if known is not None and target.is_file() and known["photo"]["sha256"] == _digest(path):
            report["photos"][path.name] = known
            continue
        console.note(f"{path.name} ({number} of {len(paths)})")
        try:
            report["photos"][path.name] = facts = edit_file(job, path, target)
            say_notes(facts)
        except EclipsedError as error:
            report["failures"][path.name] = {"error": error.message, "hint": error.hint}
            console.note(f"  {error}")
        write_atomic(out / REPORT, (json.dumps(report, indent=2) + "\n").encode())
    write_atomic(out / REPORT, (json.dumps(report, indent=2) + "\n").encode())
    return {"out": str(out), **report}


def _digest(path: Path) -> str:
    from eclipsed.files import read_bytes, sha256_of

    with suppress(BadFile):
        return sha256_of(read_bytes(path, limit=512 * 2**20))
    return ""


def _done(path: Path, task: str) -> dict[str, Any]:
    """Photo → what was done to it, of a report of the same task; none of any other."""
    from eclipsed.files import read_text

    with suppress(BadFile, ValueError, KeyError, TypeError, RecursionError):
        report = json.loads(read_text(path, limit=64 * 2**20))
        if report["task"] == task:
            return {name: facts for name, facts in report["photos"].items() if facts["photo"]}
    return {}


def folder_words(report: console.Facts) -> str:
    """A folder of photos that were edited, for people."""
    failed = report["failures"]
    lines = [f"edited {len(report['photos'])} photos, {len(failed)} could not be: {report['out']}"]
    lines += [f"  {name}: {why['error']}" for name, why in failed.items()]
    return "\n".join(lines)
