"""The program in a process of its own, where a fault waits for it, and what that leaves behind.

The process is forked, so that torch is loaded once; it then runs what `eclipsed` runs, on the fake
world of `eclipsed.testing`, with a cache, a folder and standard streams of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from eclipsed import cache, cli, worlds
from eclipsed.directions import Direction
from eclipsed.editing.images import load_png, save_png
from eclipsed.errors import UnknownName
from eclipsed.evaluation import evaluate
from eclipsed.files import sha256_of
from eclipsed.generators import memory
from eclipsed.inspect import describe
from eclipsed.testing import fake_world, patch_vector
from eclipsed.types import World

NOBODY = 65_534
CARDS = 'prompts = ["bright hair", "dark eyes"]\nmethod = "paper"\nsteps = 12\n'
PICTURES = 'stacks = ["hair.safetensors=1", "eyes.safetensors=1"]\nseeds = "0-39"\n'

Inject = Callable[[], object]


def nothing() -> None:
    """No fault at all."""


@dataclass(frozen=True)
class Ran:
    """How a command line ended. code: negative for the signal that ended it."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Streams:
    """Where the program's words go; None: into files, which are read. -1: closed."""

    out: int | None = None
    err: int | None = None


@dataclass(frozen=True)
class Desk:
    """A folder to work in, `here`, with cards, pictures and photos; the cache lies beside it."""

    root: Path

    @property
    def here(self) -> Path:
        return self.root / "here"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def run(
        self,
        words: Sequence[str],
        inject: Inject = nothing,
        *,
        streams: Streams | None = None,
        user: int | None = None,
    ) -> Ran:
        """One command line; user: whose rights it has."""
        paths = [self.root / name for name in ("stdout", "stderr")]
        handles = [os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY) for path in paths]
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            self._in_child(words, inject, handles, streams or Streams(), user)
        for handle in handles:
            os.close(handle)
        _, status = os.waitpid(child, 0)
        out, err = (path.read_text(errors="replace") for path in paths)
        return Ran(os.waitstatus_to_exitcode(status), out, err)

    def _in_child(
        self,
        words: Sequence[str],
        inject: Inject,
        handles: Sequence[int],
        streams: Streams,
        user: int | None,
    ) -> None:
        code: Any = 1
        try:
            os.chdir(self.here)
            os.environ["XDG_CACHE_HOME"] = str(self.cache)
            for number, handle, own in zip(
                (1, 2), handles, (streams.out, streams.err), strict=True
            ):
                os.dup2(handle if own is None or own < 0 else own, number)
                if own == -1:
                    os.close(number)
            # As the interpreter opens them; None where one is closed.
            sys.stdout = None if streams.out == -1 else open(1, "w", closefd=False)  # noqa: SIM115
            sys.stderr = None if streams.err == -1 else open(2, "w", 1, closefd=False)  # noqa: SIM115
            if user is not None:
                os.setgid(user)
                os.setuid(user)
            sys.argv = ["eclipsed", *words]
            cache.forget()
            memory.forget()
            inject()
            cli.main()
        except SystemExit as end:
            code = end.code
        except BaseException:  # noqa: BLE001 - as the interpreter does
            traceback.print_exc()
        finally:
            os._exit(_flushed(code if isinstance(code, int) else 1))


def _flushed(code: int) -> int:
    """The exit code after what the interpreter does at its end."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        os.write(2, traceback.format_exc().encode())
        return 120
    return code


def prepared(root: Path) -> Desk:
    """A desk with two cards, a card of another generator, a picture, photos, and two batches."""
    world = fake_world()

    def load_world(name: str, device: str = "cpu") -> World:  # noqa: ARG001 - as the real one
        if name != "starter":
            raise UnknownName(f"There is no world '{name}'.", "Choose starter.")
        return world

    worlds.load_world = load_world
    evaluate.QUICK_SEEDS = evaluate.HELD_OUT_SEEDS[:4]
    desk = Desk(root)
    (desk.here / "photos").mkdir(parents=True)
    desk.cache.mkdir()
    for name in ("hair", "eyes", "foreign"):
        generator, region = world.generator, "hair" if name == "foreign" else name
        fingerprint = "e" * 64 if name == "foreign" else generator.fingerprint
        Direction(
            vector=patch_vector(region),
            name=name,
            prompt=f"bright {region}",
            neutral="",
            regions=(region,),
            space="w+",
            layers=generator.layers("w+"),
            generator_name=generator.name,
            generator_fingerprint=fingerprint,
            method="by hand",
        ).save(desk.here / f"{name}.safetensors")
    images = world.generator.synthesize(world.generator.sample([1, 2])).image
    large = images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    for name, image in zip("ab", large, strict=True):
        save_png(image, desk.here / "photos" / f"{name}.png")
    save_png(large[0], desk.here / "old.png", {"is": "old"})
    (desk.here / "cards.toml").write_text(CARDS)
    (desk.here / "pictures.toml").write_text(PICTURES)
    _warm(copied(desk, root.with_name("warm")))
    return desk


def _warm(desk: Desk) -> None:
    """Have this process import and load what the forked ones need, each of which would else do it
    anew, and some of which may not read it."""
    before, setting = Path.cwd(), os.environ.get("XDG_CACHE_HOME")
    os.chdir(desk.here)
    os.environ["XDG_CACHE_HOME"] = str(desk.cache)
    train = ["train", "bright hair", "--steps", "1", "-o"]
    with redirect_stdout(StringIO()) as said, redirect_stderr(said):
        for words in (
            [*train, "new.safetensors", "--method", "paper"],
            [*train, "more.safetensors"],
            ["edit", "--photos", "photos", "-d", "hair.safetensors", "-o", "edited"],
            ["edit", "--seeds", "0-3", "-d", "hair.safetensors", "-o", "pictures"],
            ["batch", "cards.toml", "-o", "out"],
        ):
            assert cli.run(words) == 0, said.getvalue()
    os.chdir(before)
    os.environ.pop("XDG_CACHE_HOME")
    if setting is not None:
        os.environ["XDG_CACHE_HOME"] = setting


def copied(desk: Desk, root: Path) -> Desk:
    """The same desk somewhere else."""
    shutil.copytree(desk.root, root, symlinks=True)
    return Desk(root)


@dataclass(frozen=True)
class Left:
    """What lies in a folder: relative path → SHA-256."""

    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Left:
        paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return cls({str(path.relative_to(folder)): sha256_of(path.read_bytes()) for path in paths})


def unreadable(path: Path) -> bool:
    """Whether a file is cut short, or is what a writer left behind."""
    if path.suffix == ".tmp":
        return True
    try:
        if path.suffix == ".png":
            load_png(path)
        elif path.suffix == ".safetensors":
            describe(path)
    except Exception:  # noqa: BLE001 - whatever it is, it cannot be read
        return True
    return False


def same_vectors(one: Path, other: Path) -> bool:
    """Whether two cards hold the same direction but for rounding."""
    first, second = Direction.load(one), Direction.load(other)
    return torch.allclose(first.scaled(), second.scaled(), rtol=1e-3, atol=1e-5)
