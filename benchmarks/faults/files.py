"""Faults of the files that are read: cards, photos, lists of jobs and checkpoints."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from benchmarks.faults.fault import Fault
from benchmarks.faults.injecting import at
from benchmarks.faults.program import NOBODY, Desk
from eclipsed.editing import choices
from eclipsed.editing.photos import files as photo_files

EDIT = "edit --seed 3 -d hair.safetensors -o new.png"
PHOTOS = "edit --photos photos -d hair.safetensors -o edited"
_GONE = "there is no such file or folder"


def cards() -> list[Fault]:
    """Cards that change while they are read."""
    card = Path("hair.safetensors")

    def cut() -> None:
        os.truncate(card, card.stat().st_size // 2)

    def flip() -> None:
        data = bytearray(card.read_bytes())
        data[-3] ^= 1
        card.write_bytes(data)

    def other() -> None:
        shutil.copy("foreign.safetensors", card)

    def folder() -> None:
        card.unlink()
        card.mkdir()

    def pipe() -> None:
        card.unlink()
        os.mkfifo(card)

    def circle() -> None:
        card.unlink()
        card.symlink_to(card)

    changing = partial(Fault, line=EDIT, spoils=(card.name,))
    pairs = [
        ("is deleted", card.unlink, _GONE),
        ("is cut short", cut, "damaged or cut short"),
        ("is changed in one bit", flip, "SHA-256|damaged|not what"),
        ("becomes one of another generator", other, "another generator|made for"),
        ("becomes a folder", folder, "it is a folder"),
        ("becomes a pipe", pipe, "not a regular file"),
        ("becomes a link to itself", circle, "circle"),
    ]
    return [
        changing(
            what=f"a card {what} just before it is read",
            says=says,
            inject=at(choices, "open_card", action),
        )
        for what, action, says in pairs
    ]


def photos() -> list[Fault]:
    """Photos that vanish or are broken, and places that are the photo itself."""

    def vanish() -> None:
        Path("photos/b.png").unlink()

    def broken(desk: Desk) -> None:
        (desk.here / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")

    def soft(desk: Desk) -> None:
        (desk.here / "same.png").symlink_to("photos/a.png")

    def hard(desk: Desk) -> None:
        os.link(desk.here / "photos" / "a.png", desk.here / "same.png")

    def linked_folder(desk: Desk) -> None:
        (desk.here / "edited").symlink_to("photos")

    def hard_within(desk: Desk) -> None:
        (desk.here / "edited").mkdir()
        for name in ("a.png", "b.png"):
            os.link(desk.here / "photos" / name, desk.here / "edited" / name)

    def closed(desk: Desk) -> None:
        (desk.here / "edited").mkdir(mode=0o555)
        desk.cache.chmod(0o777)

    photo = "edit --photo photos/a.png -d hair.safetensors -o same.png"
    through = "edit --photo link.png -d hair.safetensors -o photos/a.png"
    report = ("edited/report.json",)
    itself = "is the file that is read|is the photo itself"
    return [
        Fault(
            "a photo vanishes in the middle of a folder",
            PHOTOS,
            _GONE,
            inject=at(photo_files, "edit_file", vanish, 2),
            spoils=("photos/b.png",),
            may_change=report,
        ),
        Fault(
            "a photo of a folder is broken",
            PHOTOS,
            r"broken\.jpg: ",
            prepare=broken,
            may_change=report,
        ),
        Fault("the edited photo is the photo, by a link", photo, itself, prepare=soft),
        Fault("the edited photo is the photo, by a hard link", photo, itself, prepare=hard),
        Fault(
            "the photo is read through a link to where it is written",
            through,
            itself,
            prepare=lambda desk: (desk.here / "link.png").symlink_to("photos/a.png"),
        ),
        Fault(
            "the folder of edited photos is the photos' own, by a link",
            PHOTOS,
            "not edited in their own folder",
            prepare=linked_folder,
        ),
        Fault(
            "the edited photos are the photos, by hard links",
            PHOTOS,
            itself,
            prepare=hard_within,
            may_change=report,
        ),
        Fault(
            "the folder of edited photos is read-only",
            PHOTOS,
            "permission is denied",
            prepare=closed,
            user=NOBODY,
        ),
        Fault(
            "a batch's photo vanishes",
            "batch photos.toml -o out",
            _GONE,
            prepare=lambda desk: (desk.here / "photos.toml").write_text(
                'stacks = ["hair.safetensors=1"]\nphotos = "photos"\n'
            ),
            inject=at(photo_files, "read_photo", vanish),
            spoils=("photos/b.png",),
        ),
    ]


def others() -> list[Fault]:
    """Lists of jobs, checkpoints, and a folder's own records."""

    def cut_network(desk: Desk) -> None:
        (desk.here / "network.pt").write_bytes(b"PK\x03\x04" + bytes(500))

    def report(desk: Desk) -> None:
        (desk.here / "out").mkdir()
        (desk.here / "out" / "jobs.jsonl").write_text('{"kind": "end"}\nnot json\n')

    def half_line(desk: Desk) -> None:
        (desk.here / "out").mkdir()
        (desk.here / "out" / "jobs.jsonl").write_text('{"kind": "start", "id": "a"}\n{"kin')

    return [
        Fault("the list of jobs is a folder", "batch photos -o out", "it is a folder"),
        Fault("the list of jobs is a picture", "batch old.png -o out", "not a text in UTF-8"),
        Fault(
            "a checkpoint was cut short",
            "sample --generator network.pt --seeds 1 -o new.png",
            "damaged|cut short|zip",
            prepare=cut_network,
        ),
        Fault("a batch's log is damaged", "batch cards.toml -o out", "is damaged", prepare=report),
        Fault(
            "a batch's log ends in half a line",
            "batch cards.toml -o out",
            "",
            code=0,
            prepare=half_line,
            may_change=("out/jobs.jsonl",),
            same=True,
        ),
    ]


FAULTS = [*cards(), *photos(), *others()]
