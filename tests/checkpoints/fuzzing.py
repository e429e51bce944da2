"""Flips bits in tiny files of every format and reads them; reports what happened.

    python fuzzing.py FOLDER ROUNDS   →   one JSON object on stdout

Run as a program of its own, because the type checks of the tests make reading 30 times slower.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from eclipsed.checkpoints.checkpoint import Checkpoint
from eclipsed.checkpoints.reading import read_checkpoint
from eclipsed.errors import BadFile
from eclipsed.generators.loading import describe_checkpoint
from tests.checkpoints import making

# In these a checksum guards every tensor, so that what is read is what was written.
GUARDED = ("rosinality_zip", "e4e", "stylegan1_port", "bisenet")


def flipped(data: bytes, numbers: random.Random) -> bytes:
    """With one to four bits changed."""
    changed = bytearray(data)
    for _ in range(numbers.choice((1, 1, 2, 4))):
        changed[numbers.randrange(len(changed))] ^= 1 << numbers.randrange(8)
    return bytes(changed)


def shapes(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: (value.shape, value.dtype) for name, value in checkpoint.tensors.items()}


def is_sound(found: Checkpoint, whole: Checkpoint, guarded: bool) -> bool:
    json.dumps(describe_checkpoint(found))
    plain = all(v.is_contiguous() and v.device.type == "cpu" for v in found.tensors.values())
    return plain and (not guarded or shapes(found) == shapes(whole))


def fuzz(name: str, path: Path, rounds: int) -> dict[str, Any]:
    """How many damaged files were refused and how many read, and what should not have been."""
    data, numbers = making.FILES[name](), random.Random(name)
    path.write_bytes(data)
    whole = read_checkpoint(path)
    report: dict[str, Any] = {"refused": 0, "read": 0, "strange": []}
    for number in range(rounds):
        path.write_bytes(flipped(data, numbers))
        try:
            found = read_checkpoint(path)
        except BadFile:
            report["refused"] += 1
        except Exception as error:  # noqa: BLE001 - what must not happen is what is looked for
            report["strange"].append(f"round {number}: {error!r:.200}")
        else:
            report["read"] += 1
            if not is_sound(found, whole, name in GUARDED):
                report["strange"].append(f"round {number}: read, and not what it says")
    return report


def main(folder: Path, rounds: int) -> None:
    report = {name: fuzz(name, folder / "damaged", rounds) for name in making.FILES}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
