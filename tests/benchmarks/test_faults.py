from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.faults import __main__ as faults
from benchmarks.faults import fault as trial
from benchmarks.faults.fault import Fault, Row
from benchmarks.faults.program import Desk, Left, Ran, unreadable
from eclipsed.editing.images import save_png

FULL = "eclipsed: Cannot write 'a.png': the disk is full. Free some space and try again.\n"
FAULT = Fault("the disk is full", "edit --seed 1 -o a.png", "the disk is full")


class Pretended(Desk):
    """A desk whose program ends as it is told, after it did something to the folder."""

    def run(self, *_: Any, **__: Any) -> Ran:
        _action(self.here)
        return _ran


_ran, _action = Ran(1, "", FULL), lambda here: None


def row(
    monkeypatch: pytest.MonkeyPatch, folder: Path, ran: Ran, action: Any = lambda _: None
) -> Row:
    monkeypatch.setitem(globals(), "_ran", ran)
    monkeypatch.setitem(globals(), "_action", action)
    monkeypatch.setattr(trial, "copied", lambda desk, root: desk)
    desk = Pretended(folder)
    desk.here.mkdir(exist_ok=True)
    save_png(torch.zeros(3, 4, 4), desk.here / "old.png")
    return trial.tried(FAULT, desk, folder)


def test_a_promise_that_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = row(monkeypatch, tmp_path, Ran(1, "", FULL))
    assert kept.wrong == ()
    assert kept.saw == FULL.removeprefix("eclipsed: ").strip()
    line = f"| the disk is full | `{FAULT.line}` | 1 | {kept.saw} | older files as before, new"
    assert line in faults.page([kept])


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        (Ran(0, "", FULL), "ended with 0"),
        (Ran(1, "", "Traceback (most recent call last):\n" + FULL), "nobody foresaw"),
        (Ran(1, "", "eclipsed: Something unexpected went wrong (OSError: the disk is full)."),
         "nobody foresaw"),
        (Ran(1, "", "eclipsed: It failed.\n"), "does not say"),
        (Ran(1, "", FULL * 2), "more than one sentence"),
    ],
)  # fmt: skip
def test_what_the_user_should_not_see(
    ran: Ran, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert words in " ".join(row(monkeypatch, tmp_path, ran).wrong)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda here: (here / "old.png").unlink(), "old.png is not what it was"),
        (lambda here: (here / "old.png").write_bytes(b"\x89PNG\r\n\x1a\n"), "old.png is half"),
        (lambda here: (here / "new.safetensors").write_bytes(b"half"), "new.safetensors is half"),
        (lambda here: (here / ".0123.tmp").write_bytes(b""), ".0123.tmp is half"),
    ],
)
def test_what_should_not_be_left(
    action: Any, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert words in " ".join(row(monkeypatch, tmp_path, _ran, action).wrong)


def test_every_fault_has_words_of_its_own() -> None:
    words = [fault.what for fault in faults.FAULTS]
    assert len(words) == len(set(words)) >= 25


def test_whole_files_are_whole(tmp_path: Path) -> None:
    save_png(torch.zeros(3, 4, 4), tmp_path / "a.png")
    assert not unreadable(tmp_path / "a.png")
    assert set(Left.of(tmp_path).files) == {"a.png"}
