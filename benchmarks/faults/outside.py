"""Faults of what lies around the program: disks and folders, its cache, and the streams it has."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from functools import partial

from benchmarks.faults.fault import Fault
from benchmarks.faults.injecting import Action, at, files_of_at_most, full, refuse
from benchmarks.faults.inside import BATCH, EDIT, TRAIN
from benchmarks.faults.program import NOBODY, Desk, Streams
from eclipsed.search import loop

PICTURE = "edit --seed 3 -d hair.safetensors -o old.png"
_FULL = r"the disk is full\. Free some space"


def mount(desk: Desk, size: str = "200k") -> None:
    """A disk of its own with very little room at `disk`, and an older picture on it."""
    folder = desk.here / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    shutil.copy(desk.here / "old.png", folder / "old.png")


def mounted_read_only(desk: Desk) -> None:
    """A disk at `disk` that cannot be written to."""
    mount(desk)
    subprocess.run(["mount", "-o", "remount,ro", desk.here / "disk"], check=True)


def unmount(desk: Desk) -> None:
    """The disk is gone, and what was on it."""
    if os.path.ismount(desk.here / "disk"):
        subprocess.run(["umount", desk.here / "disk"], check=True)


def disks() -> list[Fault]:
    """Disks without room, and those that fail."""
    return [
        Fault(
            "the disk is full when a card is written over an older one",
            TRAIN.replace("new.", "hair."),
            _FULL,
            inject=full(),
            may_change=("hair.jsonl",),
            same=True,
        ),
        Fault(
            "the disk is full when a picture is written over an older one",
            PICTURE,
            _FULL,
            inject=full(),
            same=True,
        ),
        Fault(
            "the disk fills up between edited images", EDIT, _FULL, inject=full(after=20), same=True
        ),
        Fault(
            "a real disk of 200 kB fills up",
            "edit --seeds 0-199 -d hair.safetensors -o disk",
            _FULL,
            prepare=mount,
            mounts=True,
        ),
        Fault(
            "a real disk of 20 kB is too small for a batch",
            "batch pictures.toml -o disk",
            "needs? about|the disk is full",
            prepare=partial(mount, size="20k"),
            mounts=True,
        ),
        Fault("the disk fills up in a batch", BATCH, _FULL, inject=full(after=5), same=True),
        Fault(
            "the quota is used up",
            PICTURE,
            "the disk quota is used up",
            inject=refuse(errno.EDQUOT),
            same=True,
        ),
        Fault(
            "the disk fails when a file takes its place",
            PICTURE,
            "input/output error",
            inject=refuse(errno.EIO, "replace"),
            same=True,
        ),
        Fault(
            "the system lets no file grow beyond 1,000 bytes",
            PICTURE,
            "file too large",
            inject=files_of_at_most(1_000),
            same=True,
        ),
        Fault(
            "too many files are open",
            PICTURE,
            "too many open files",
            inject=refuse(errno.EMFILE, "open"),
            same=True,
        ),
    ]


def folders() -> list[Fault]:
    """Folders that cannot be written, and names that are something else."""

    def closed(desk: Desk) -> None:
        (desk.here / "closed").mkdir(mode=0o555)
        shutil.copy(desk.here / "old.png", desk.here / "closed" / "old.png")
        desk.cache.chmod(0o777)

    def circle(desk: Desk) -> None:
        (desk.here / "circle").symlink_to("circle")

    def gone() -> None:
        shutil.move("out", "../gone")

    def loop_out(desk: Desk) -> None:
        (desk.here / "out").mkdir()

    edit = "edit --seed 3 -d hair.safetensors -o"
    return [
        Fault(
            "the folder is read-only",
            f"{edit} closed/old.png",
            "permission is denied",
            prepare=closed,
            user=NOBODY,
        ),
        Fault(
            "the folder of many pictures is read-only",
            "edit --seeds 0-3 -d hair.safetensors -o closed",
            "permission is denied",
            prepare=closed,
            user=NOBODY,
        ),
        Fault(
            "a batch's folder is read-only",
            "batch cards.toml -o closed",
            "permission is denied",
            prepare=closed,
            user=NOBODY,
        ),
        Fault(
            "the file system is read-only",
            f"{edit} disk/old.png",
            "read-only|permission is denied",
            prepare=mounted_read_only,
            mounts=True,
        ),
        Fault(
            "the folder vanishes in a training",
            TRAIN.replace("new.", "out/new."),
            "there is no such file or folder",
            prepare=loop_out,
            inject=at(loop, "advance", gone, 6),
        ),
        Fault(
            "a batch's folder vanishes",
            BATCH,
            "there is no such file or folder",
            inject=at(loop, "advance", gone, 6),
        ),
        Fault("there is no such folder", f"{edit} nowhere/new.png", "there is no folder"),
        Fault(
            "a folder stands where the card should",
            TRAIN.replace("new.safetensors", "folder.safetensors"),
            "it is a folder",
            prepare=lambda desk: (desk.here / "folder.safetensors").mkdir(),
        ),
        Fault(
            "a file stands where the folder should",
            "edit --seeds 0-3 -d hair.safetensors -o cards.toml",
            "Cannot make the folder|is a file",
        ),
        Fault(
            "the output's links lead in a circle",
            f"{edit} circle/new.png",
            "circle|there is no folder",
            prepare=circle,
        ),
        Fault(
            "the folder that one stands in was removed",
            f"{edit} new.png",
            "no such file or folder|no folder",
            inject=lambda: (os.mkdir("../away"), os.chdir("../away"), os.rmdir("../away")),
        ),
    ]


def caches() -> list[Fault]:
    """The cache, which is to cost nothing but time."""

    def a_file(desk: Desk) -> None:
        desk.cache.rmdir()
        desk.cache.write_text("not a folder")

    def gone() -> None:
        shutil.rmtree(os.environ["XDG_CACHE_HOME"])

    def read_only(desk: Desk) -> None:
        desk.here.chmod(0o777)
        desk.cache.chmod(0o555)

    def filled(desk: Desk) -> None:
        assert desk.run(["train", "bright hair", "--steps", "1", "-o", "x.safetensors"]).code == 0
        (desk.here / "x.safetensors").unlink()
        (desk.here / "x.jsonl").unlink()

    def damaged(desk: Desk) -> None:
        filled(desk)
        for path in desk.cache.rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def overwritten(desk: Desk) -> None:
        filled(desk)
        for path in desk.cache.rglob("*.safetensors"):
            path.write_bytes(b"<html>404</html>")

    def folders_instead(desk: Desk) -> None:
        filled(desk)
        for path in desk.cache.rglob("*.safetensors"):
            path.unlink()
            path.mkdir()

    def half_state(desk: Desk) -> None:
        stop = at(loop, "advance", lambda: os._exit(0), 8)
        desk.run(
            ["train", "bright hair", "--method", "paper", "--steps", "12", "-o", "new.safetensors"],
            stop,
        )
        (state,) = (desk.cache / "eclipsed" / "directions").rglob("*.safetensors")
        state.write_bytes(state.read_bytes()[:100])

    done = partial(Fault, says="", code=0, same=True)
    default = "train 'bright hair' --steps 1 -o new.safetensors"
    return [
        done("the cache vanishes in a training", TRAIN, inject=at(loop, "advance", gone, 6)),
        done("a file stands in the cache's place", TRAIN, prepare=a_file),
        done("the cache is read-only", TRAIN, prepare=read_only, user=NOBODY),
        done("the cache's disk is full", default, inject=full("cache")),
        done("what the cache holds was cut short", default, prepare=damaged),
        done("web pages stand in the cache's files", default, prepare=overwritten),
        done("folders stand where the cache's files should", default, prepare=folders_instead),
        done(
            "a training's state was cut short", TRAIN, prepare=half_state, may_change=("new.jsonl",)
        ),
    ]


def streams() -> list[Fault]:
    """Standard streams that nobody reads, and what is missing or taken on this machine."""

    def broken() -> Streams:
        reader, writer = os.pipe()
        os.close(reader)
        return Streams(out=writer)

    def stuffed() -> Streams:
        return Streams(out=os.open("/dev/full", os.O_WRONLY))

    def without(*modules: str) -> Action:
        return lambda: sys.modules.update(dict.fromkeys(modules))  # type: ignore[arg-type]

    def heic(desk: Desk) -> None:
        data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
        (desk.here / "photo.heic").write_bytes(data)

    def taken() -> None:
        _sockets.append(socket.create_server(("127.0.0.1", 0)))
        sys.argv[-1] = str(_sockets[0].getsockname()[1])

    show, video = "show hair.safetensors --json", "animate -d hair.safetensors -o new.mp4"
    return [
        Fault("whoever reads the output leaves (`| head`)", show, "", streams=broken),
        Fault(
            "the output goes to a full disk",
            show,
            "The system refused: .*No space left",
            streams=stuffed,
        ),
        Fault("standard output is closed", show, "", 0, streams=partial(Streams, out=-1)),
        Fault(
            "standard error is closed",
            "show nothing.safetensors",
            "",
            streams=partial(Streams, err=-1),
        ),
        Fault("PyAV is not installed", video, "needs PyAV.* -m pip install", inject=without("av")),
        Fault(
            "Ray is not installed",
            f"{BATCH} --on ray",
            "Ray is not installed.*pip install",
            inject=without("ray"),
        ),
        Fault(
            "Streamlit is not installed",
            "app --no-browser",
            "needs Streamlit.*pip install",
            inject=without(
                "streamlit", "streamlit.components", "streamlit.components.v2", "streamlit.web"
            ),
        ),
        Fault(
            "the reader of HEIC is not installed",
            "edit --photo photo.heic -d hair.safetensors -o new.png",
            "pip install",
            prepare=heic,
            inject=without("pillow_heif"),
        ),
        Fault(
            "the editor's port is taken",
            "app --no-browser --port PORT",
            "8501|port",
            inject=taken,
        ),
    ]


_sockets: list[socket.socket] = []

FAULTS = [*disks(), *folders(), *caches(), *streams()]
