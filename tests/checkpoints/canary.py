"""Reads every file of a folder and reports what happened, watched by an audit hook.

    python canary.py FOLDER   →   one JSON object on stdout

Run as a program of its own, because an audit hook cannot be taken off again.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

# What reading a file may do; everything else that Python reports is a finding.
_HARMLESS = {"open", "mmap.__new__", "object.__getattr__", "sys._getframe"}


def _memory(what: str) -> int:
    """Bytes this program holds ("VmRSS"), or has held at most ("VmHWM"); 0 where unknown."""
    status = Path("/proc/self/status")
    found = re.search(rf"{what}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * int(found[1]) if found else 0


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main(folder: Path) -> None:
    from eclipsed.checkpoints.mapped import map_file
    from eclipsed.checkpoints.reading import read_checkpoint
    from eclipsed.checkpoints.torch_files import load
    from eclipsed.errors import BadFile

    def outcome(path: Path) -> str:
        with suppress(BadFile):
            load(map_file(path))
        try:
            read_checkpoint(path)
        except BadFile as error:
            return f"refused: {error}"
        return "read"

    for path in sorted((folder / "good").iterdir()):
        outcome(path)  # so that nothing is left to be imported

    events: list[str] = []
    watching = False

    def watch(event: str, args: tuple[Any, ...]) -> None:
        writes = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if watching and (writes or event not in _HARMLESS):
            events.append(f"{event} {args!r:.200}")

    sys.addaudithook(watch)
    outcomes, slowest = {}, ("", 0.0)
    _forget_peak()
    before = _memory("VmRSS")
    for path in sorted((folder / "hostile").iterdir()):
        watching, start = True, time.perf_counter()
        outcomes[path.name] = outcome(path)
        watching = False
        slowest = max(slowest, (path.name, time.perf_counter() - start), key=lambda pair: pair[1])
    report = {
        "outcomes": outcomes,
        "events": events,
        "slowest": slowest,
        "grown": _memory("VmHWM") - before,
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
