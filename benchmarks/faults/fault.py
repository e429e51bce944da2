"""A fault, and the row that it gives: what the user saw, what was left, whether that is right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.program import (
    Desk,
    Inject,
    Left,
    Ran,
    Streams,
    copied,
    nothing,
    unreadable,
)
from eclipsed.files import sha256_of

_SAYS = "eclipsed: "


@dataclass(frozen=True)
class Fault:
    """what: happens, in words. line: of the command. prepare: makes it wait in the folder. inject:
    makes it happen in the process. code: how the command has to end. says: a pattern that its last
    line has. may_change: files that may be other ones afterwards, as patterns; may_stay: what a
    process that was killed cannot clear away. same: whether the
    command goes on to the very bytes of an undisturbed one once the fault is gone; where the code
    is 0 it has written them already. alike: likewise but for rounding, told by a function.
    """

    what: str
    line: str
    says: str
    code: int = 1
    prepare: Callable[[Desk], object] = lambda _: None
    inject: Inject = nothing
    streams: Callable[[], Streams] = Streams
    user: int | None = None
    may_change: tuple[str, ...] = ()
    may_stay: tuple[str, ...] = ()
    same: bool = False
    alike: Callable[[Path, Path], bool] | None = None
    mounts: bool = False


@dataclass(frozen=True)
class Row:
    """wrong: in what the promise was not kept; nothing where it was."""

    fault: Fault
    ran: Ran
    saw: str
    left: str
    wrong: tuple[str, ...]


def tried(fault: Fault, desk: Desk, root: Path) -> Row:
    """Inject a fault on a copy of a desk."""
    mine = copied(desk, root)
    fault.prepare(mine)
    before = Left.of(mine.here)
    words = shlex.split(fault.line)
    ran = mine.run(words, fault.inject, streams=fault.streams(), user=fault.user)
    after = Left.of(mine.here) if mine.here.exists() else Left()
    wrong = [*_said_wrong(fault, ran)]
    new = {name for name in after.files if name not in before.files}
    changed = {name for name, digest in before.files.items() if after.files.get(name) != digest}
    lost = [name for name in sorted(changed) if not _fits(name, fault.may_change)]
    fresh = {name for name in new | changed if not _fits(name, fault.may_stay)}
    half = [name for name in sorted(fresh) if _is_half(mine.here / name)]
    wrong += [f"{name} is not what it was" for name in lost]
    wrong += [f"{name} is half-written" for name in half]
    left = _left_words(len(before.files) - len(changed), sorted(new), sorted(changed))
    if fault.same or fault.alike:
        reached = _reached(fault, desk, mine, root)
        wrong += [] if reached else ["the result is another one than without the fault"]
        left += (
            "; the result is that of an undisturbed run"
            if fault.code == 0
            else ("; the same command then ends as an undisturbed one does")
        )
    return Row(fault, ran, _seen(fault, ran), left, tuple(wrong))


def _reached(fault: Fault, desk: Desk, mine: Desk, root: Path) -> bool:
    words = shlex.split(fault.line)
    whole = Desk(root.parent / f"whole-{sha256_of(fault.line.encode())[:8]}")
    if not whole.root.exists():
        assert copied(desk, whole.root).run(words).code == 0, f"{fault.line} fails without a fault"
    if fault.code != 0 and mine.run(words).code != 0:
        return False
    ours, theirs = Left.of(mine.here).files, Left.of(whole.here).files
    results = [name for name in theirs if name.endswith((".png", ".safetensors"))]
    if fault.alike is not None:
        made = [name for name in results if not (desk.here / name).exists()]
        return all(fault.alike(mine.here / name, whole.here / name) for name in made)
    return all(ours.get(name) == theirs[name] for name in results)


def _said_wrong(fault: Fault, ran: Ran) -> list[str]:
    text = ran.err + ran.out
    wrong = []
    if ran.code != fault.code:
        wrong.append(f"it ended with {ran.code} and not with {fault.code}")
    if "Traceback" in text or "unexpected" in text:
        wrong.append("it is something that nobody foresaw")
    if not re.search(fault.says, text):
        wrong.append(f"it does not say {fault.says!r}")
    if sum(line.startswith(_SAYS) for line in ran.err.splitlines()) > 1:
        wrong.append("it said more than one sentence")
    return wrong


def _seen(fault: Fault, ran: Ran) -> str:
    """The sentence that ended it; else what a batch says of a failure, or a remark on the way."""
    lines = [line.strip() for line in (ran.err + ran.out).splitlines() if line.strip()]
    told = [line.removeprefix(_SAYS) for line in lines if line.startswith(_SAYS)]
    told = told or [line for line in lines if fault.says and re.search(fault.says, line)]
    return told[-1] if told else ""


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(Path(name).match(pattern) for pattern in patterns)


def _is_half(path: Path) -> bool:
    return path.exists() and unreadable(path)


def _left_words(same: int, new: list[str], changed: list[str]) -> str:
    said = [f"{same} files as before"]
    if new:
        said.append(f"{len(new)} new, whole" if len(new) > 2 else f"new, whole: {', '.join(new)}")
    if changed:
        said.append(f"replaced by whole ones: {', '.join(changed)}")
    return "; ".join(said)
