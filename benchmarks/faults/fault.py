"""A fault, and the row that it gives: what the user saw, what was left, whether that is right."""

from __future__ import annotations

import re
import shlex
import sys
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
    process that was killed cannot clear away. spoils: files that the fault itself changes. same:
    whether the command goes on to the very bytes of an undisturbed one once the fault is gone;
    where the code is 0 it has written them already. alike: likewise but for rounding, told by a
    function.
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
    spoils: tuple[str, ...] = ()
    same: bool = False
    alike: Callable[[Path, Path], bool] | None = None
    mounts: bool = False


@dataclass(frozen=True)
class Row:
    """wrong: in what the promise was not kept; nothing where it was."""

    fault: Fault
    ran: Ran
    saw: str
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
    for name in fault.spoils:
        before.files.pop(name, None)
        after.files.pop(name, None)
    new = {name for name in after.files if name not in before.files}
    changed = {name for name, digest in before.files.items() if after.files.get(name) != digest}
    lost = [name for name in sorted(changed) if not _fits(name, fault.may_change)]
    fresh = {name for name in new | changed if not _fits(name, fault.may_stay)}
    half = [name for name in sorted(fresh) if _is_half(mine.here / name)]
    wrong += [f"{name} is not what it was" for name in lost]
    wrong += [f"{name} is half-written" for name in half]
    if (fault.same or fault.alike) and not _reached(fault, desk, mine, root):
        wrong.append("the result is another one than without the fault")
    saw = _seen(fault, ran).replace(f"{mine.root}/", "").replace(sys.executable, "python")
    return Row(fault, ran, saw, tuple(wrong))


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


def left(fault: Fault) -> str:
    """What was found to be left where a promise was kept."""
    said = ["older files as before, new ones whole"]
    if fault.may_change:
        said = [f"{', '.join(fault.may_change)} changed, all else as before, new files whole"]
    if fault.may_stay:
        said.append("hidden temporary files may stay")
    if fault.alike:
        said.append("the result of an undisturbed run but for rounding")
    elif fault.same and fault.code == 0:
        said.append("the result of an undisturbed run")
    elif fault.same:
        said.append("the same command then finishes as if nothing had been")
    return "; ".join(said)
