"""Injects each fault, and writes what the user saw and what was left as a page.

python -m benchmarks.faults [-k PATTERN] [-o docs/faults.md]
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults import files, inside, outside
from benchmarks.faults.fault import Fault, Row, left, tried
from benchmarks.faults.program import Desk, prepared

FAULTS: tuple[Fault, ...] = (*inside.FAULTS, *outside.FAULTS, *files.FAULTS)
HEAD = """# What goes wrong, and what is lost

`python -m benchmarks.faults -o docs/faults.md` injects each of these faults into the command in a
process of its own, on a world that is small, and writes this page. The promise is always the same:
one sentence on what to do, an exit code other than 0 unless all that was asked for is there, older
files as they were (by their SHA-256s), new ones whole, and the same command finishes the work once
the fault is gone.

"""
COLUMNS = ("fault", "command", "exit code", "what the user saw", "what was left")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-k", default="", help="only faults whose words hold this pattern")
    parser.add_argument("-o", type=Path, help="the page to write")
    asked = parser.parse_args()
    chosen = [fault for fault in FAULTS if re.search(asked.k, fault.what)]
    rows = run(chosen)
    if asked.o is not None:
        asked.o.write_text(page(rows))
    wrong = sum(bool(row.wrong) for row in rows)
    print(f"{len(rows)} faults, {len(rows) - wrong} as promised, {wrong} not")
    sys.exit(wrong > 0)


def run(faults: Sequence[Fault]) -> list[Row]:
    """The rows of faults, each said as soon as it is there."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).absolute()
        root.chmod(0o755)
        desk = prepared(root / "desk")
        for number, fault in enumerate(faults):
            if fault.mounts and not can_mount(root):
                print(f"{fault.what}: not tried, as nothing can be mounted here")
                continue
            mine = root / str(number)
            try:
                rows.append(tried(fault, desk, mine))
            finally:
                outside.unmount(Desk(mine))
            say(rows[-1])
            shutil.rmtree(mine, ignore_errors=True)
    return rows


def can_mount(root: Path) -> bool:
    """Whether this user may mount a disk, which root of a whole machine may."""
    folder = root / "mounts"
    folder.mkdir(exist_ok=True)
    ran = subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=False, capture_output=True)
    return not ran.returncode and not subprocess.run(["umount", folder], check=False).returncode


def say(row: Row) -> None:
    """A row for whoever waits."""
    print(f"{'as promised' if not row.wrong else 'WRONG'}: {row.fault.what} [{row.ran.code}]")
    print(f"    {row.saw}")
    for each in row.wrong:
        print(f"    ! {each}")
    if row.wrong:
        print("    | " + (row.ran.err + row.ran.out).strip().replace("\n", "\n    | "))
    sys.stdout.flush()


def page(rows: Sequence[Row]) -> str:
    """The page that lists all rows."""
    lines = [
        "| fault | command | exit code | what the user saw | what was left |",
        "|" + "---|" * 5,
    ]
    for row in rows:
        cells = (row.fault.what, f"`{row.fault.line}`", str(row.ran.code), row.saw, left(row.fault))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
